"""What the shop sells: an outdoor shop's range, with prices, measures, and where each item is kept."""

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True, slots=True)
class Product:
    """An item as the sample knows it: `price` in cents, `size` in mm, `kept` the initials of its locations.

    `shelf` is roughly how many units each of them has.
    """

    sku: str
    title: str
    price: int
    grams: int
    size: tuple[int, int, int]
    kept: str
    origin: str = "CN"
    hs_code: str = "630699"
    shelf: int = 60

    @property
    def digital(self) -> bool:
        return not self.kept


TENTS: Final = (
    Product("TENT-2P", "Ridgeline 2 tent, two persons", 32900, 2400, (520, 180, 180), "HR", "VN", "630622"),
    Product("TENT-3P", "Ridgeline 3 tent, three persons", 41900, 3100, (560, 200, 200), "HR", "VN", "630622"),
    Product("TENT-4P", "Basecamp 4 tent, four persons", 58900, 5600, (700, 240, 240), "HA", "VN", "630622"),
    Product("TENT-6P", "Basecamp 6 family tent", 89900, 9800, (820, 300, 300), "A", "AT", "630622", shelf=30),
    Product("TENT-ULTRA", "Featherlight 1 solo tent", 44900, 980, (420, 120, 120), "HR", "VN", "630622"),
    Product("TARP-3X3", "Rain tarp 3 x 3 m", 8900, 720, (300, 120, 120), "HRV", "VN", "630612"),
    Product("PEGS-10", "Aluminium tent pegs, set of ten", 1490, 180, (190, 60, 30), "HRVBL", "CN", "761699", shelf=140),
    Product("GROUND-2P", "Groundsheet for Ridgeline 2", 4900, 460, (300, 180, 40), "HR", "VN"),
)
SLEEPING: Final = (
    Product("BAG-0C", "Three-season sleeping bag, 0 °C", 17900, 1150, (380, 220, 220), "HRV", "CN", "940430"),
    Product("BAG-M10C", "Winter down sleeping bag, -10 °C", 34900, 1320, (420, 240, 240), "HR", "LV", "940430"),
    Product("BAG-KIDS", "Children's sleeping bag", 7900, 900, (340, 200, 200), "HV", "CN", "940430"),
    Product("MAT-AIR", "Insulated air mat, R 4.2", 12900, 480, (260, 110, 110), "HRV", "TW", "940429"),
    Product("MAT-FOAM", "Folding foam mat", 3900, 410, (520, 140, 130), "HRVB", "KR", "940429", shelf=90),
    Product("PILLOW", "Inflatable pillow", 2490, 80, (120, 70, 60), "HRVBL", "TW", "940490", shelf=110),
    Product("LINER-SILK", "Silk sleeping bag liner", 6900, 140, (160, 90, 60), "HV", "VN", "630790"),
    Product("HAMMOCK", "Travel hammock with straps", 7490, 640, (240, 150, 110), "HRV", "VN", "630690"),
)
FOOTWEAR: Final = (
    Product("BOOT-40", "Granite hiking boot, size 40", 21900, 1180, (340, 220, 130), "VRB", "RO", "640391"),
    Product("BOOT-42", "Granite hiking boot, size 42", 21900, 1240, (340, 220, 130), "VRB", "RO", "640391"),
    Product("BOOT-44", "Granite hiking boot, size 44", 21900, 1310, (340, 220, 130), "VR", "RO", "640391"),
    Product("BOOT-46", "Granite hiking boot, size 46", 21900, 1390, (340, 220, 130), "V", "RO", "640391", shelf=0),
    Product("TRAIL-41", "Scree trail shoe, size 41", 13900, 640, (320, 200, 120), "VR", "VN", "640411"),
    Product("TRAIL-43", "Scree trail shoe, size 43", 13900, 690, (320, 200, 120), "VRL", "VN", "640411"),
    Product("SOCK-M", "Merino hiking socks, M", 2290, 90, (200, 100, 30), "HRVBL", "IT", "611594", shelf=180),
    Product("SOCK-L", "Merino hiking socks, L", 2290, 95, (200, 100, 30), "HRVBL", "IT", "611594", shelf=180),
    Product("GAITER", "Snow gaiters, pair", 5490, 310, (300, 160, 50), "HV", "CN", "640620"),
)
PACKS: Final = (
    Product("PACK-28", "Day pack, 28 litres", 9900, 980, (540, 300, 160), "HRVB", "VN", "420292"),
    Product("PACK-45", "Touring pack, 45 litres", 17900, 1620, (640, 330, 200), "HRV", "VN", "420292"),
    Product("PACK-65", "Expedition pack, 65 litres", 25900, 2180, (740, 360, 240), "HR", "VN", "420292"),
    Product("PACK-RAIN", "Rain cover for packs", 2490, 110, (160, 90, 40), "HRVB", "VN", "630612", shelf=120),
    Product("DRYBAG-20", "Dry bag, 20 litres", 2190, 130, (220, 100, 40), "HRV", "VN", "392329", shelf=100),
    Product("DUFFEL-80", "Expedition duffel, 80 litres", 13900, 1450, (420, 320, 100), "HV", "VN", "420292"),
)
KITCHEN: Final = (
    Product("STOVE-GAS", "Gas stove, folding", 5990, 110, (110, 90, 70), "HRV", "KR", "732111"),
    Product("GAS-230", "Gas cartridge, 230 g", 790, 380, (110, 110, 95), "HB", "KR", "271112"),
    Product("GAS-450", "Gas cartridge, 450 g", 1190, 690, (110, 110, 150), "H", "KR", "271112"),
    Product("POT-SET", "Pot set, 1.0 and 1.8 litres", 6490, 560, (200, 190, 150), "HRV", "CN", "761510"),
    Product("MUG-TI", "Titanium mug, 450 ml", 3490, 80, (100, 90, 90), "HRVBL", "CN", "810890", shelf=90),
    Product("SPORK", "Titanium spork", 1290, 18, (200, 40, 20), "HRVBL", "CN", "821599", shelf=160),
    Product("FILTER", "Water filter, 0.1 micron", 4490, 70, (170, 60, 60), "HR", "US", "842121"),
    Product("BOTTLE-1L", "Steel bottle, 1 litre", 2990, 340, (280, 80, 80), "HRVBL", "CN", "732393", shelf=130),
    Product("MEAL-VEG", "Freeze-dried lentil curry", 890, 130, (220, 160, 40), "HV", "DE", "210410", shelf=150),
    Product("COOLER-24", "Cool box, 24 litres", 8990, 3400, (460, 320, 300), "VA", "IT", "392310"),
)
CLOTHING: Final = (
    Product("JACKET-M", "Storm shell jacket, M", 27900, 420, (320, 250, 60), "HRV", "VN", "620140"),
    Product("JACKET-L", "Storm shell jacket, L", 27900, 440, (320, 250, 60), "HRV", "VN", "620140"),
    Product("DOWN-M", "Down jacket, M", 22900, 350, (300, 220, 90), "HR", "VN", "620140"),
    Product("DOWN-L", "Down jacket, L", 22900, 370, (300, 220, 90), "HR", "VN", "620140", shelf=0),
    Product("FLEECE-M", "Grid fleece, M", 9900, 290, (300, 220, 60), "HRVB", "TR", "611030"),
    Product("PANTS-M", "Trekking trousers, M", 11900, 330, (320, 240, 40), "HRV", "VN", "620343"),
    Product("BEANIE", "Merino beanie", 2990, 60, (220, 200, 20), "HRVBL", "IT", "650500", shelf=120),
    Product("GLOVE-M", "Touring gloves, M", 4990, 140, (250, 120, 40), "HVB", "PK", "621600"),
    Product("PONCHO", "Rain poncho", 3990, 300, (220, 160, 50), "HRVL", "CN", "620140"),
)
GEAR: Final = (
    Product("LAMP-400", "Head torch, 400 lumen", 5990, 90, (90, 70, 60), "HRVBL", "CN", "851310", shelf=110),
    Product("LANTERN", "Camping lantern, rechargeable", 4490, 260, (150, 90, 90), "HRV", "CN", "851310"),
    Product("POLES", "Carbon trekking poles, pair", 13900, 410, (660, 90, 70), "HRV", "CZ", "950699"),
    Product("ROPE-60", "Climbing rope, 60 m", 18900, 3700, (320, 300, 180), "HA", "AT", "560750"),
    Product("HARNESS-M", "Climbing harness, M", 6990, 390, (260, 180, 90), "HA", "AT", "950699"),
    Product("COMPASS", "Mirror compass", 4290, 70, (100, 65, 20), "HRVBL", "FI", "901410", shelf=80),
    Product("FIRST-AID", "First aid kit", 2990, 310, (180, 120, 70), "HRVBL", "DE", "300650", shelf=100),
    Product("SOLAR-21", "Folding solar panel, 21 W", 8990, 480, (300, 190, 30), "HR", "CN", "854143", shelf=6),
    Product("SLED", "Touring sled", 15900, 4200, (1300, 460, 120), "A", "AT", "950699", shelf=12),
)
DIGITAL: Final = (
    Product("GIFT-50", "Gift card, 50", 5000, 0, (0, 0, 0), "", "DE", "", shelf=0),
    Product("GIFT-100", "Gift card, 100", 10000, 0, (0, 0, 0), "", "DE", "", shelf=0),
    Product("MAP-ALPS", "Alpine maps for a year, download", 2990, 0, (0, 0, 0), "", "DE", "", shelf=0),
)
PRODUCTS: Final = (*TENTS, *SLEEPING, *FOOTWEAR, *PACKS, *KITCHEN, *CLOTHING, *GEAR, *DIGITAL)
BY_SKU: Final = {product.sku: product for product in PRODUCTS}

# Sold beyond the shelf, up to the first number, against a delivery of the second.
SOLD_AHEAD: Final = {"BOOT-46": (12, 24), "PACK-65": (20, 40), "DOWN-M": (15, 30), "DOWN-L": (15, 30)}
# Days from now until it may first ship.
PREORDERS: Final = {"TENT-ULTRA": 24}
HAZARDOUS: Final = frozenset({"GAS-230", "GAS-450"})
# Kept in more than one place and plentiful: what the everyday orders are made of.
EVERYDAY: Final = tuple(
    product.sku
    for product in PRODUCTS
    if product.shelf >= 60
    and len(product.kept) > 1
    and product.sku not in SOLD_AHEAD | PREORDERS
    and not product.digital
)
