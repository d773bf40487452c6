"""What is asked of Shopify's Admin API 2026-10. A test validates each document against its schema.

Connections are asked for small, because what a query may cost is limited; what does not fit is read by `rest`.
"""

from typing import Final

# Field lists, named as the connections they belong to.
LINES: Final = """
fragment Lines on LineItemConnection {
  nodes {
    id sku title quantity currentQuantity unfulfilledQuantity requiresShipping
    originalUnitPriceSet { shopMoney { amount } }
    originalTotalSet { shopMoney { amount } }
    discountAllocations { allocatedAmountSet { shopMoney { amount } } }
    taxLines { priceSet { shopMoney { amount } } }
  }
  pageInfo { hasNextPage endCursor }
}
"""
WORK_LINES: Final = """
fragment WorkLines on FulfillmentOrderLineItemConnection {
  nodes { id totalQuantity remainingQuantity lineItem { id } }
  pageInfo { hasNextPage endCursor }
}
"""
SENT_LINES: Final = """
fragment SentLines on FulfillmentLineItemConnection {
  nodes { id quantity lineItem { id } }
  pageInfo { hasNextPage endCursor }
}
"""
EVENTS: Final = """
fragment Events on FulfillmentEventConnection {
  nodes { id status happenedAt message city province country estimatedDeliveryAt }
  pageInfo { hasNextPage endCursor }
}
"""
_PARCEL: Final = """
  id __typename status createdAt updatedAt deliveredAt estimatedDeliveryAt
  trackingInfo { company number url }
"""
PARCELS: Final = (
    "fragment Parcels on FulfillmentConnection { nodes {"
    + _PARCEL
    + """
  fulfillmentLineItems(first: 20) { ...SentLines }
  events(first: 10) { ...Events }
} pageInfo { hasNextPage endCursor } }
"""
    + SENT_LINES
    + EVENTS
)
_WORK: Final = """
  id __typename status requestStatus updatedAt fulfillAt fulfillBy
  assignedLocation { location { id } }
  deliveryMethod { methodType }
"""
WORKS: Final = (
    "fragment Works on FulfillmentOrderConnection { nodes {"
    + _WORK
    + """
  lineItems(first: 20) { ...WorkLines }
  fulfillments(first: 3) { ...Parcels }
} pageInfo { hasNextPage endCursor } }
"""
    + WORK_LINES
    + PARCELS
)
_ORDER: Final = """
  id __typename name sourceName updatedAt createdAt processedAt closedAt cancelledAt cancelReason currencyCode
  displayFulfillmentStatus displayFinancialStatus
  risk { recommendation }
  currentSubtotalPriceSet { shopMoney { amount } }
  currentShippingPriceSet { shopMoney { amount } }
  currentTotalTaxSet { shopMoney { amount } }
  currentTotalDiscountsSet { shopMoney { amount } }
  currentTotalPriceSet { shopMoney { amount } }
  totalReceivedSet { shopMoney { amount } }
  totalCapturableSet { shopMoney { amount } }
  totalRefundedSet { shopMoney { amount } }
  customer { id displayName defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } }
  shippingAddress { name address1 address2 city provinceCode zip countryCodeV2 }
"""
ORDER: Final = (
    "fragment OrderParts on Order {"
    + _ORDER
    + """
  lineItems(first: 20) { ...Lines }
  fulfillmentOrders(first: 5) { ...Works }
}
"""
    + LINES
    + WORKS
)
ORDERS: Final = (
    """
query Orders($first: Int!, $after: String, $query: String) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes { ...OrderParts }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + ORDER
)
ORDERS_BY_ID: Final = "query OrdersById($ids: [ID!]!) { nodes(ids: $ids) { ...OrderParts } }" + ORDER
ORDER_OF_WORK: Final = "query OrderOfWork($id: ID!) { fulfillmentOrder(id: $id) { orderId } }"

# One level less deep than ORDER, as bulk operations ask: no lines of parcels, no events.
BULK: Final = (
    "{ orders { edges { node {"
    + _ORDER
    + """
  lineItems { edges { node {
    id __typename sku title quantity currentQuantity unfulfilledQuantity requiresShipping
    originalUnitPriceSet { shopMoney { amount } }
    originalTotalSet { shopMoney { amount } }
    discountAllocations { allocatedAmountSet { shopMoney { amount } } }
    taxLines { priceSet { shopMoney { amount } } }
  } } }
  fulfillmentOrders { edges { node {"""
    + _WORK
    + """
    lineItems { edges { node { id __typename totalQuantity remainingQuantity lineItem { id } } } }
    fulfillments { edges { node {"""
    + _PARCEL
    + "} } } } } } } } } }"
)
RUN_BULK: Final = """
mutation RunBulk($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: true) {
    bulkOperation { id }
    userErrors { code }
  }
}
"""
BULK_STATE: Final = "query BulkState($id: ID!) { bulkOperation(id: $id) { status errorCode url rootObjectCount } }"
ORDERS_COUNT: Final = "query OrdersCount { ordersCount(limit: null) { count } }"
ITEMS_COUNT: Final = "query ItemsCount { productVariantsCount(limit: null) { count } }"

RETURN_LINES: Final = """
fragment ReturnLines on ReturnLineItemTypeConnection {
  nodes {
    id quantity processedQuantity
    returnReasonDefinition { handle }
    ... on ReturnLineItem { fulfillmentLineItem { id lineItem { id } } }
  }
  pageInfo { hasNextPage endCursor }
}
"""
_RETURNS: Final = (
    """
fragment Returns on ReturnConnection {
  nodes {
    id __typename name status createdAt requestApprovedAt closedAt
    returnLineItems(first: 20) { ...ReturnLines }
    reverseFulfillmentOrders(first: 3) { nodes {
      lineItems(first: 20) { nodes {
        fulfillmentLineItem { id }
        dispositions { type quantity createdAt }
      } pageInfo { hasNextPage } }
    } pageInfo { hasNextPage } }
  }
  pageInfo { hasNextPage endCursor }
}
"""
    + RETURN_LINES
)
RETURNS: Final = (
    """
query Returns($first: Int!, $after: String, $query: String) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes { id __typename name sourceName returns(first: 5) { ...Returns } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + _RETURNS
)
RETURNS_OF: Final = (
    """
query ReturnsOf($ids: [ID!]!) {
  nodes(ids: $ids) { ... on Order { id __typename name sourceName returns(first: 5) { ...Returns } } }
}
"""
    + _RETURNS
)

LEVELS: Final = """
fragment Levels on InventoryLevelConnection {
  nodes { ...Level }
  pageInfo { hasNextPage endCursor }
}
"""
_LEVEL: Final = """
fragment Level on InventoryLevel {
  id updatedAt location { id }
  quantities(names: ["on_hand", "committed", "damaged", "quality_control", "reserved", "safety_stock"]) {
    name quantity
  }
}
"""
STOCK: Final = (
    """
query Stock($first: Int!, $after: String, $query: String) {
  inventoryItems(first: $first, after: $after, query: $query) {
    nodes { id __typename sku inventoryLevels(first: 20) { ...Levels } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + LEVELS
    + _LEVEL
)
STOCK_OF: Final = (
    """
query StockOf($item: ID!, $location: ID!) {
  inventoryItem(id: $item) { sku inventoryLevel(locationId: $location) { ...Level } }
}
"""
    + _LEVEL
)
ITEMS: Final = """
query Items($first: Int!, $query: String) { inventoryItems(first: $first, query: $query) { nodes { id sku } } }
"""
PUSH: Final = """
mutation Push($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { code } }
}
"""
WORK_FOR: Final = (
    """
query WorkFor($query: String!) {
  orders(first: 5, query: $query) {
    nodes { id __typename name sourceName fulfillmentOrders(first: 20) {
      nodes { id __typename status requestStatus assignedLocation { location { id } }
        merchantRequests(last: 5, kind: FULFILLMENT_REQUEST) { nodes { message } }
        lineItems(first: 50) { ...WorkLines }
      }
      pageInfo { hasNextPage }
    } }
  }
}
"""
    + WORK_LINES
)
WORK: Final = "query Work($id: ID!) { fulfillmentOrder(id: $id) { id status requestStatus orderId } }"
REQUEST: Final = """
mutation Request($id: ID!, $lines: [FulfillmentOrderLineItemInput!], $message: String) {
  fulfillmentOrderSubmitFulfillmentRequest(
    id: $id, fulfillmentOrderLineItems: $lines, message: $message, notifyCustomer: false
  ) {
    submittedFulfillmentOrder { id status requestStatus }
    userErrors { field }
  }
}
"""
CANCEL: Final = """
mutation Cancel($id: ID!, $message: String) {
  fulfillmentOrderSubmitCancellationRequest(id: $id, message: $message) {
    fulfillmentOrder { id status requestStatus }
    userErrors { field }
  }
}
"""

# By the type that has a connection and the connection's name: what its pages hold.
_REST: Final = {
    ("Order", "lineItems"): ("Lines", LINES),
    ("Order", "fulfillmentOrders"): ("Works", WORKS),
    ("Order", "returns"): ("Returns", _RETURNS),
    ("FulfillmentOrder", "lineItems"): ("WorkLines", WORK_LINES),
    ("FulfillmentOrder", "fulfillments"): ("Parcels", PARCELS),
    ("Fulfillment", "fulfillmentLineItems"): ("SentLines", SENT_LINES),
    ("Fulfillment", "events"): ("Events", EVENTS),
    ("Return", "returnLineItems"): ("ReturnLines", RETURN_LINES),
    ("InventoryItem", "inventoryLevels"): ("Levels", LEVELS + _LEVEL),
}
REST: Final = {
    (kind, name): f"""
query Rest($id: ID!, $after: String) {{
  node(id: $id) {{ ... on {kind} {{ {name}(first: 20, after: $after) {{ ...{fragment} }} }} }}
}}
{text}"""
    for (kind, name), (fragment, text) in _REST.items()
}
ALL: Final = {
    **{
        name: text
        for name, text in sorted(globals().items())
        if name.isupper()
        and isinstance(text, str)
        and not name.startswith("_")
        and text.lstrip().startswith(("query", "mutation", "{"))
    },
    **{f"REST {kind}.{name}": text for (kind, name), text in REST.items()},
}
