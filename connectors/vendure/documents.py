"""What is asked of Vendure's Admin API."""

from typing import Final

ORDER: Final = """
fragment OrderParts on Order {
  id code state updatedAt orderPlacedAt currencyCode subTotalWithTax shippingWithTax totalWithTax
  taxSummary { taxTotal }
  discounts { amountWithTax }
  customer { id firstName lastName emailAddress phoneNumber }
  shippingAddress { fullName streetLine1 streetLine2 city province postalCode countryCode }
  lines {
    id quantity orderPlacedQuantity unitPriceWithTax linePriceWithTax proratedLinePriceWithTax lineTax
    productVariant { sku name }
  }
  payments { state amount refunds { state total } }
  fulfillments { id state method trackingCode updatedAt lines { orderLineId quantity } }
}
"""

# `active: false`: carts are not orders yet.
ORDERS: Final = (
    """
query Orders($take: Int!, $skip: Int!, $filter: OrderFilterParameter!) {
  orders(options: { take: $take, skip: $skip, filter: $filter, sort: { updatedAt: ASC, id: ASC } }) {
    totalItems
    items { ...OrderParts }
  }
}
"""
    + ORDER
)

STOCK: Final = """
query Stock($take: Int!, $skip: Int!, $filter: ProductVariantFilterParameter!) {
  productVariants(options: { take: $take, skip: $skip, filter: $filter, sort: { id: ASC } }) {
    totalItems
    items {
      id sku name
      stockLevels { stockLocationId stockOnHand stockAllocated updatedAt }
    }
  }
}
"""

PUSH: Final = """
mutation Push($input: [UpdateProductVariantInput!]!) { updateProductVariants(input: $input) { id } }
"""
