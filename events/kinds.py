"""What an event may tell, by the name under which the inbox keeps it."""

from typing import Final

ORDER: Final = "ORDER"
TRACKING: Final = "TRACKING"
FULFILLMENT: Final = "FULFILLMENT"
RETURN: Final = "RETURN"
STOCK_LEVEL: Final = "STOCK_LEVEL"
STOCK_ADJUSTMENT: Final = "STOCK_ADJUSTMENT"
SUPPLY: Final = "SUPPLY"
