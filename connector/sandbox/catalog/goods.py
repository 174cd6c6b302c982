"""What the generated shop sells: kinds of goods with their words, prices, weights, and the shop's brands, colours and sizes."""

from __future__ import annotations

from dataclasses import dataclass

APPAREL, SHOES, BAGS, HOME, GEAR, ELECTRONICS, BEAUTY, PETS = 9, 10, 11, 12, 13, 14, 15, 16
SETS = {
    4: "Default",
    APPAREL: "Apparel",
    SHOES: "Shoes",
    BAGS: "Bags",
    HOME: "Home",
    GEAR: "Sports Gear",
    ELECTRONICS: "Electronics",
    BEAUTY: "Beauty",
    PETS: "Pets",
}
BRANDS = ("Northbridge", "Fellmore", "Ashgrove", "Copperfield", "Elmstead", "Dovetail", "Bluewater", "Harrow Lane")
COLOURS = (
    "Black",
    "Blue",
    "Brown",
    "Gray",
    "Green",
    "Navy",
    "Orange",
    "Pink",
    "Purple",
    "Red",
    "Sand",
    "White",
    "Yellow",
)
LETTER_SIZES = ("XS", "S", "M", "L", "XL", "2XL")
SHOE_SIZES = ("6", "7", "8", "9", "10", "11", "12")
SIZES = (*LETTER_SIZES, *SHOE_SIZES)
MATERIALS = (
    "Cotton",
    "Organic Cotton",
    "Wool",
    "Linen",
    "Polyester",
    "Leather",
    "Canvas",
    "Ceramic",
    "Stainless Steel",
    "Bamboo",
    "Silicone",
    "Glass",
)
FEATURES = (
    "Machine washable",
    "Water resistant",
    "Lightweight",
    "Reflective",
    "Recycled",
    "Handmade",
    "Dishwasher safe",
    "Rechargeable",
)
ADJECTIVES = (
    "Classic", "Everyday", "Trail", "Summit", "Harbor", "Willow", "Ember", "Drift", "Cedar", "Juniper", "Aurora", "Meadow", "Slate", "Coast",
    "Nomad", "Alpine", "Breeze", "Canyon", "Dune", "Grove", "Lark", "Maple", "Orchard", "Pioneer", "Quarry", "River", "Sierra", "Tundra",
)  # fmt: skip
COUNTRIES = ("US", "PT", "IT", "VN", "IN", "CN", "TR", "MX")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of goods. Prices in whole units of the base currency, weights in hundredths of a pound, sizes in tenths of an inch."""

    code: str
    noun: str
    branch: tuple[str, str]
    set_id: int
    prices: tuple[int, int]
    weights: tuple[int, int]
    size: tuple[int, int, int]
    materials: tuple[str, ...]
    sizes: tuple[str, ...] = ()
    text: str = ""


def _wear(code: str, noun: str, branch: tuple[str, str], low: int, high: int, text: str) -> Kind:
    return Kind(
        code,
        noun,
        branch,
        APPAREL,
        (low, high),
        (30, 160),
        (120, 90, 20),
        ("Cotton", "Organic Cotton", "Wool", "Linen", "Polyester"),
        LETTER_SIZES,
        text,
    )


_MEN, _WOMEN, _GEAR = "Men", "Women", "Gear"
KINDS = (
    _wear("MHD", "Men's Hoodie", (_MEN, "Tops"), 38, 89, "A warm layer for cool mornings, with a lined hood and a deep front pocket."),
    _wear("MTS", "Men's Tee", (_MEN, "Tops"), 14, 36, "Soft jersey that keeps its shape, cut straight and finished with a flat collar."),
    _wear("MPO", "Men's Polo Shirt", (_MEN, "Tops"), 24, 58, "Fine piqué knit with a two-button placket, made for the week and the weekend."),
    _wear("MJK", "Men's Jacket", (_MEN, "Tops"), 69, 189, "A shell against wind and drizzle, with taped seams and zipped pockets."),
    _wear("MSH", "Men's Shorts", (_MEN, "Bottoms"), 22, 54, "Light cloth, an elastic waist and pockets that hold a phone while you run."),
    _wear("MPA", "Men's Pants", (_MEN, "Bottoms"), 34, 92, "Straight legs and a little stretch, for days that begin at a desk and end outdoors."),
    _wear("WDR", "Women's Dress", (_WOMEN, "Dresses"), 39, 129, "A flowing cut with side pockets and a hem that falls below the knee."),
    _wear("WTK", "Women's Tank Top", (_WOMEN, "Tops"), 12, 32, "A close fit with wide straps, smooth seams and cloth that dries in minutes."),
    _wear("WHD", "Women's Hoodie", (_WOMEN, "Tops"), 38, 92, "Brushed on the inside, ribbed at cuff and hem, and roomy enough for a layer below."),
    _wear("WLG", "Women's Leggings", (_WOMEN, "Bottoms"), 26, 74, "High waist, four-way stretch and a hidden pocket for a key."),
    _wear("WSK", "Women's Skirt", (_WOMEN, "Bottoms"), 28, 79, "A-line with an easy waistband, good with boots and with sandals."),
    Kind("MSN", "Men's Sneakers", (_MEN, "Shoes"), SHOES, (54, 149), (140, 280), (130, 85, 50), ("Leather", "Canvas", "Polyester"), SHOE_SIZES, "A cushioned sole, a padded collar and a tread that holds on wet stone."),
    Kind("WBT", "Women's Ankle Boots", (_WOMEN, "Shoes"), SHOES, (79, 219), (180, 340), (135, 95, 55), ("Leather", "Canvas"), SHOE_SIZES, "Side zip, a steady block heel and a lining that keeps the cold out."),
    Kind("BPK", "Backpack", (_GEAR, "Bags"), BAGS, (39, 129), (110, 320), (180, 120, 70), ("Canvas", "Polyester", "Leather"), (), "A padded sleeve for a laptop, two side pockets and straps that spread the load."),
    Kind("TOT", "Tote Bag", (_GEAR, "Bags"), BAGS, (18, 79), (40, 150), (160, 140, 40), ("Canvas", "Leather", "Cotton"), (), "Wide handles, an inner pocket and a base that stands by itself."),
    Kind("MUG", "Enamel Mug", ("Home", "Kitchen"), HOME, (9, 24), (40, 90), (50, 40, 40), ("Ceramic", "Stainless Steel"), (), "Holds twelve ounces of something hot, at the camp fire or at the kitchen table."),
    Kind("BLK", "Throw Blanket", ("Home", "Living"), HOME, (29, 119), (150, 420), (160, 120, 60), ("Wool", "Cotton", "Polyester"), (), "Woven with a fringe on two sides, big enough for a sofa and soft enough for a nap."),
    Kind("CND", "Scented Candle", ("Home", "Living"), HOME, (12, 42), (60, 180), (45, 45, 50), ("Glass", "Ceramic"), (), "Burns clean for forty hours and leaves a vessel worth keeping."),
    Kind("CSH", "Cushion Cover", ("Home", "Living"), HOME, (14, 49), (30, 90), (110, 110, 15), ("Linen", "Cotton", "Wool"), (), "A hidden zip and a weave with some tooth to it; the filling is sold apart."),
    Kind("YMT", "Yoga Mat", (_GEAR, "Fitness Equipment"), GEAR, (24, 89), (200, 420), (260, 60, 60), ("Silicone", "Bamboo", "Polyester"), (), "Grips when it is damp, cushions where it counts, and rolls up flat."),
    Kind("WBO", "Sports Water Bottle", (_GEAR, "Fitness Equipment"), GEAR, (14, 44), (50, 110), (110, 35, 35), ("Stainless Steel", "Glass", "Silicone"), (), "Double walls keep it cold for a day; the lid opens with one hand."),
    Kind("DBL", "Dumbbell", (_GEAR, "Fitness Equipment"), GEAR, (19, 79), (500, 2500), (90, 45, 45), ("Stainless Steel", "Silicone"), (), "A knurled grip and flat sides, so that it stays where you put it."),
    Kind("PHC", "Phone Case", ("Electronics", "Phones"), ELECTRONICS, (12, 49), (10, 30), (65, 35, 8), ("Silicone", "Leather", "Bamboo"), (), "A raised edge around the camera and corners that take the fall."),
    Kind("SPK", "Bluetooth Speaker", ("Electronics", "Sound"), ELECTRONICS, (34, 159), (80, 240), (80, 40, 40), ("Polyester", "Bamboo"), (), "Twelve hours of sound from something that fits into a coat pocket."),
    Kind("HPH", "Wireless Headphones", ("Electronics", "Sound"), ELECTRONICS, (49, 249), (60, 110), (80, 75, 35), ("Leather", "Silicone"), (), "Closed cups, soft pads and a hinge that folds for the journey."),
    Kind("FCR", "Face Cream", ("Beauty", "Skin"), BEAUTY, (16, 68), (15, 40), (30, 30, 30), ("Glass",), (), "Light, without scent, and absorbed before the kettle boils."),
    Kind("SHM", "Shampoo", ("Beauty", "Hair"), BEAUTY, (9, 34), (40, 110), (80, 30, 25), ("Glass", "Bamboo"), (), "Cleans gently with plant-based ingredients and rinses out at once."),
    Kind("DTY", "Dog Toy", ("Pets", "Dogs"), PETS, (8, 29), (15, 80), (60, 40, 30), ("Silicone", "Canvas", "Cotton"), (), "Made to be chewed, thrown, lost and found again."),
    Kind("PBD", "Pet Bed", ("Pets", "Dogs"), PETS, (29, 119), (180, 520), (240, 200, 70), ("Canvas", "Polyester", "Cotton"), (), "A raised rim to lean on and a cover that comes off for the wash."),
)  # fmt: skip
SHARES = tuple(5 if kind.branch[0] in {_MEN, _WOMEN, _GEAR} else 1 for kind in KINDS)
"""How often a kind comes up: an outfitter, with a little of everything else."""
