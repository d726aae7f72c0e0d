"""A seller's file of offers, and the same one the next day: 3 % changed, 1 % wrong, both the same each time."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

HEADER = "sku;gtin;title;brand;category;condition;price;currency;quantity;lead_time;image"
CATEGORIES = ("TOYS", "BOOKS", "GARDEN")
FAULTS = ("0", "12,50", "1.999", "", "-1", "9999999.00")
SEED = 11


def lines(rows: int) -> list[str]:
    chance = Random(SEED)
    return [_line(chance, n, _price(chance)) for n in range(rows)]


def next_day(before: Sequence[str]) -> list[str]:
    """Other prices in 3 % of the rows; a sixth of them is wrong as well; a few rows went, a few came."""
    chance, after = Random(SEED + 1), list(before)
    for n in chance.sample(range(len(after)), len(after) * 3 // 100):
        cells = after[n].split(";")
        cells[6] = chance.choice(FAULTS) if chance.random() < 1 / 6 else _price(chance)
        after[n] = ";".join(cells)
    new = [_line(chance, len(before) + n, _price(chance)) for n in range(len(before) // 1_000)]
    return after[len(before) // 1_000 :] + new


def two_days(folder: Path, rows: int) -> tuple[Path, Path]:
    """Both files, written."""
    first = lines(rows)
    return write(folder / "day0.csv", first), write(folder / "day1.csv", next_day(first))


def write(path: Path, rows: Sequence[str]) -> Path:
    path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    return path


def _price(chance: Random) -> str:
    return f"{chance.randint(500, 99_999) / 100:.2f}"


def _line(chance: Random, n: int, price: str) -> str:
    wrong = chance.random() < 0.01
    quantity = "many" if wrong else str(chance.randint(0, 500))
    words = f"SKU-{n:08d};{_gtin(n)};Lamp number {n} with a shade;Acme;{CATEGORIES[n % 3]};new"
    return f"{words};{price};EUR;{quantity};{chance.randint(1, 9)};https://img.example/{n}.jpg"


def _gtin(n: int) -> str:
    digits = f"4006{n:08d}"
    return digits + str(-sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10)
