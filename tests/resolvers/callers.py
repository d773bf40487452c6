"""One caller of every kind, and the orders of the test shop that each may see."""

from domain.actor import ANONYMOUS, Actor, Role, of_role
from tests.resolvers.shop_orders import MARIA, ORDERS, PIERRE

PII = frozenset({"pii:read"})
MARKET = frozenset({"market"})
CALLERS: dict[str, Actor] = {
    "anonymous": ANONYMOUS,
    "storefront": of_role(Role.STOREFRONT, "shop"),
    "customer": of_role(Role.CUSTOMER, "maria", customer_id="C-1"),
    "other customer": of_role(Role.CUSTOMER, "pierre", customer_id="C-2"),
    "unknown customer": of_role(Role.CUSTOMER, "nobody", customer_id="C-404"),
    "assistant": of_role(Role.ASSISTANT, "bot", customer_id="C-1"),
    "support": of_role(Role.SUPPORT, "ann"),
    "support with pii": of_role(Role.SUPPORT, "bob", extra_scopes=PII),
    "operator": of_role(Role.OPERATOR, "kim"),
    "market operator": of_role(Role.OPERATOR, "lee", channels=MARKET),
    "market customer": of_role(Role.CUSTOMER, "maria", customer_id="C-1", channels=MARKET),
    "no channel": of_role(Role.ADMIN, "none", channels=frozenset()),
    "integrator": of_role(Role.INTEGRATOR, "erp", source="erp"),
    "admin": of_role(Role.ADMIN, "root"),
}
EVERY_ORDER = {(number, channel) for number, channel, *_ in ORDERS}


def visible_orders(caller: str) -> set[tuple[str, str]]:
    """Written down by who, where and from which source, independently of the engine."""
    if caller in ("anonymous", "storefront", "unknown customer", "no channel"):
        return set()
    found = set()
    for number, channel, source, who, *_ in ORDERS:
        mine = {"customer": MARIA, "assistant": MARIA, "market customer": MARIA, "other customer": PIERRE}
        if caller in mine and who is not mine[caller]:
            continue
        if caller == "integrator" and source != "erp":
            continue
        if caller.startswith("market ") and channel != "market":
            continue
        found.add((number, channel))
    return found
