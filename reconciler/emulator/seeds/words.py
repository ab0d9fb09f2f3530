"""Vocabulary of generated marketplaces, and random choices that are the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")


class Dice:
    """Repeatable random choices, from `Random.random` alone, which no Python version changes for a given seed.

    Args:
        names: what it is for; the same names give the same numbers.
    """

    def __init__(self, *names: object) -> None:
        self.roll = Random("/".join(map(str, names))).random  # noqa: S311 (a repeatable choice, no secret)

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[int(self.roll() * len(choices))]

    def between(self, low: int, high: int) -> int:
        """Return a whole number, both ends included."""
        return low + int(self.roll() * (high - low + 1))

    def sample(self, choices: Sequence[T], count: int) -> list[T]:
        """Return so many different choices, or all where there are fewer, in a random order."""
        if count * 3 > len(choices):
            pool = list(choices)
            return [pool.pop(int(self.roll() * len(pool))) for _ in range(min(count, len(pool)))]
        places: dict[int, None] = {}
        while len(places) < count:
            places[int(self.roll() * len(choices))] = None
        return [choices[place] for place in places]


class Ware(Struct, frozen=True):
    """Type of product: prefix of its IDs, category, price, weight (grams) and options."""

    code: str
    noun: str
    department: str
    category: str
    price: tuple[float, float]
    weight: tuple[int, int]
    specs: tuple[str, ...] = ()


WARES = (
    Ware("JKT", "Work Jacket", "workwear", "jackets", (35, 180), (600, 1800), ("size", "color")),
    Ware("TRS", "Trousers", "workwear", "trousers", (25, 110), (400, 900), ("size", "color")),
    Ware("SHR", "Polo Shirt", "workwear", "shirts", (9, 40), (150, 320), ("size", "color")),
    Ware("HVV", "Hi-Vis Vest", "workwear", "hi-vis", (4, 28), (90, 260), ("size",)),
    Ware("BOT", "Safety Boot", "footwear", "boots", (39, 190), (900, 1900), ("shoe-size",)),
    Ware("SHO", "Safety Trainer", "footwear", "trainers", (35, 140), (700, 1300), ("shoe-size", "color")),
    Ware("HAM", "Claw Hammer", "tools", "hand-tools", (8, 45), (350, 1200), ("color",)),
    Ware("DRL", "Combi Drill", "tools", "power-tools", (49, 420), (1100, 3200), ("color",)),
    Ware("MSR", "Tape Measure", "tools", "measuring", (3, 60), (90, 450), ("length",)),
    Ware("BLT", "Hex Bolt Box", "fixings", "bolts", (2, 38), (120, 4800), ("pack",)),
    Ware("SCR", "Wood Screw Box", "fixings", "screws", (2, 30), (100, 3500), ("pack", "length")),
    Ware("TAP", "Duct Tape", "fixings", "tapes", (2, 18), (80, 500), ("color",)),
    Ware("HSE", "Garden Hose", "garden", "watering", (12, 95), (800, 6000), ("length",)),
    Ware("PLT", "Planter", "garden", "planters", (6, 140), (400, 9500), ("color",)),
    Ware("CLN", "Surface Cleaner", "cleaning", "detergents", (2, 45), (500, 5200), ("pack",)),
    Ware("GLV", "Nitrile Gloves", "cleaning", "gloves", (3, 29), (60, 700), ("size", "pack")),
    Ware("PAP", "Copier Paper", "office", "paper", (4, 60), (2300, 12500), ("pack",)),
    Ware("BOX", "Storage Box", "office", "storage", (3, 48), (250, 2600), ("color",)),
)
SPECS: dict[str, tuple[str, tuple[tuple[str, str, str, float | None], ...]]] = {
    # ID: name, and of each option ID, value, markup type and markup.
    "size": (
        "Size",
        (
            ("s", "S", "NoMarkup", None),
            ("m", "M", "NoMarkup", None),
            ("l", "L", "NoMarkup", None),
            ("xl", "XL", "NoMarkup", None),
            ("xxl", "XXL", "AmountPerQuantity", 2.5),
        ),
    ),
    "shoe-size": ("Shoe size", tuple((f"uk{size}", f"UK {size}", "NoMarkup", None) for size in range(6, 13))),
    "color": (
        "Colour",
        (
            ("black", "Black", "NoMarkup", None),
            ("navy", "Navy", "NoMarkup", None),
            ("grey", "Grey", "NoMarkup", None),
            ("orange", "Hi-Vis Orange", "Percentage", 10),
            ("yellow", "Hi-Vis Yellow", "Percentage", 10),
        ),
    ),
    "length": ("Length", tuple((f"l{value}", f"{value} m", "NoMarkup", None) for value in (3, 5, 8, 10))),
    "pack": ("Pack", tuple((f"x{value}", f"Pack of {value}", "NoMarkup", None) for value in (1, 5, 10, 50))),
}
BRANDS = ("Alder", "Brightside", "Calloway", "Dunmore", "Eastgate", "Fennick", "Garrow", "Holt", "Ironbridge", "Jura")
STYLES = (
    *("Classic", "Pro", "Essential", "Heavy Duty", "Lightweight", "Recycled", "All Season", "Compact", "Trade"),
    *("Premium", "Thermal", "Flexi", "Everyday", "Site", "Workshop"),
)
FIRST_NAMES = (
    *("Amina", "Ben", "Chloé", "Daniel", "Eilidh", "Farid", "Grace", "Harriet", "Idris", "Jóhann", "Katarzyna"),
    *("Liam", "Mei", "Niamh", "Oluwaseun", "Priya", "Ravi", "Søren", "Tomasz", "Yusuf"),
)
LAST_NAMES = (
    *("Ahmed", "Baker", "Campbell", "Davies", "Evans", "Fraser", "Green", "Hughes", "Ivanova", "Jones", "Khan"),
    *("Lewis", "Müller", "Nowak", "O'Neill", "Patel", "Quinn", "Roberts", "Singh", "Taylor"),
)
TRADES = ("Builders", "Joinery", "Electrical", "Plumbing", "Facilities", "Landscapes", "Roofing", "Logistics")
STREETS = ("High Street", "Station Road", "Mill Lane", "Dock Road", "Park Avenue", "Foundry Way", "Canal Walk")
CITIES = (
    *(("Leeds", "West Yorkshire", "LS1 4AP"), ("Bristol", "Avon", "BS1 5TR"), ("Glasgow", "Lanarkshire", "G2 1DY")),
    *(
        ("Norwich", "Norfolk", "NR1 3QY"),
        ("Cardiff", "South Glamorgan", "CF10 1EP"),
        ("Derby", "Derbyshire", "DE1 2PL"),
    ),
)
