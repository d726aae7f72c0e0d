"""What one would write instead for a seller's offers: a pandas script, a dataframely schema, a pydantic model with executemany.

Each holds the rows against the same rules as we do and finds the same rejected rows (asserted). None compares with yesterday's file,
none says why a row is not taken; pandas and dataframely write nothing.
"""

import csv
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.ground import Ground, Stopwatch
from bench.offer_material import CATEGORIES

CONDITIONS = ("new", "used", "refurbished", "open-box", "damaged")
LIMITS = {"TOYS": (5, 1_000), "*": (1, 5_000)}  # in whole units of the currency
PRICE, COUNT, GTIN = r"[0-9]{1,12}(?:\.[0-9]{1,2})?", r"[0-9]{1,9}", r"[0-9]{8}|[0-9]{12,14}"
UPSERT = (
    "INSERT INTO offer VALUES (%(sku)s, %(gtin)s, %(title)s, %(brand)s, %(category)s, %(condition)s, %(price)s, %(currency)s, %(quantity)s, "
    "%(lead_time)s, %(image)s) ON CONFLICT (sku) DO UPDATE SET gtin = excluded.gtin, title = excluded.title, brand = excluded.brand, "
    "category = excluded.category, condition = excluded.condition, price = excluded.price, currency = excluded.currency, "
    "quantity = excluded.quantity, lead_time = excluded.lead_time, image = excluded.image"
)
TABLE = (
    "CREATE TABLE offer (sku text PRIMARY KEY, gtin text, title text, brand text, category text, condition text, price numeric, currency text, "
    "quantity int, lead_time int, image text)"
)


def installed(name: str) -> bool:
    return find_spec(name) is not None


def by_pandas(path: Path) -> tuple[float, int]:
    """Seconds of a core and rejected rows of a script with one mask per rule."""
    import pandas as pd

    with Stopwatch() as watch:
        rows = pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)
        shaped = rows["price"].str.fullmatch(PRICE)
        price = pd.to_numeric(rows["price"].where(shaped))
        low, high = (rows["category"].map({"TOYS": LIMITS["TOYS"][n]}).fillna(LIMITS["*"][n]) for n in (0, 1))
        counts = rows["quantity"].str.fullmatch(COUNT)
        days = rows["lead_time"].str.fullmatch(COUNT)
        gtins = rows["gtin"].str.fullmatch(GTIN)
        numbers = pd.to_numeric(rows["gtin"].where(gtins, "0"))
        sums = sum((numbers // 10**n % 10) * (3 if n % 2 else 1) for n in range(14))
        good = (
            (rows["sku"] != "")
            & (rows["sku"].str.len() <= 40)
            & ~rows["sku"].duplicated(keep=False)
            & ((rows["gtin"] == "") | (gtins & (sums % 10 == 0)))
            & ((rows["title"] != "") | (rows["gtin"] != ""))
            & (rows["title"].str.len() <= 250)
            & rows["category"].isin(CATEGORIES)
            & rows["condition"].isin(CONDITIONS)
            & shaped
            & (price >= low)
            & (price <= high)
            & (rows["currency"] == "EUR")
            & counts
            & (days & (pd.to_numeric(rows["lead_time"].where(days)) <= 60))
            & rows["image"].str.startswith("https://")
        )
        taken = rows[good]
    return watch.core_s, len(rows) - len(taken)


def by_dataframely(path: Path) -> tuple[float, int]:
    """Seconds of a core and rejected rows of a schema that filters what polars has read."""
    import dataframely as dy
    import polars as pl

    def fits(text: pl.Expr) -> pl.Expr:
        number = text.cast(pl.Int64, strict=False)
        return pl.sum_horizontal((number // 10**n) % 10 * (3 if n % 2 else 1) for n in range(14)) % 10 == 0

    def inside(text: pl.Expr) -> pl.Expr:
        price, toys = text.cast(pl.Float64, strict=False), pl.col("category") == "TOYS"
        low, high = (pl.when(toys).then(LIMITS["TOYS"][n]).otherwise(LIMITS["*"][n]) for n in (0, 1))
        return price.is_between(low, high)

    columns: dict[str, Any] = {
        "sku": dy.String(primary_key=True, min_length=1, max_length=40),
        "gtin": dy.String(regex=f"^(?:{GTIN})$", check=fits),
        "title": dy.String(min_length=1, max_length=250),
        "brand": dy.String(),
        "category": dy.String(check=lambda text: text.is_in(CATEGORIES)),
        "condition": dy.String(check=lambda text: text.is_in(CONDITIONS)),
        "price": dy.String(regex=f"^(?:{PRICE})$"),
        "currency": dy.String(check=lambda text: text == "EUR"),
        "quantity": dy.String(regex=f"^{COUNT}$"),
        "lead_time": dy.String(regex=f"^{COUNT}$", check=lambda text: text.cast(pl.Int32, strict=False) <= 60),
        "image": dy.String(check=lambda text: text.str.starts_with("https://")),
    }
    limits = dy.rule()(lambda cls: inside(pl.col("price")))
    offer: Any = type("Offer", (dy.Schema,), {**columns, "limits": limits})
    with Stopwatch() as watch:
        rows = pl.read_csv(path, separator=";", infer_schema=False, empty_string_is_null=False)
        good, _ = offer.filter(rows)
    return watch.core_s, rows.height - good.height


def sampled(path: Path, every: int) -> list[dict[str, str]]:
    """Rows from all over the file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [row for n, row in enumerate(csv.DictReader(stream, delimiter=";")) if n % every == 0]


def by_loop(ground: Ground, before: Path, path: Path, every: int) -> tuple[float, int]:
    """A pydantic model and an upsert per row, by executemany, into a table that holds yesterday's file. Seconds and rejected rows of the sample."""
    import psycopg

    texts = sampled(path, every)
    with ground.fresh(migrated=False) as url, psycopg.connect(url) as conn:
        _fill(conn, before)
        with Stopwatch() as watch:
            good = _modelled(csv.DictReader(_as_csv(texts), delimiter=";"))
            with conn.cursor() as cursor:
                cursor.executemany(UPSERT, good)
            conn.commit()
    return watch.seconds, len(texts) - len(good)


def _as_csv(rows: Sequence[dict[str, str]]) -> list[str]:
    """Lines to be taken apart again: that is the peer's to pay."""
    return [";".join(rows[0]), *(";".join(row.values()) for row in rows)]


def _fill(conn: Any, path: Path) -> None:
    """Yesterday's good rows, at the speed of COPY; not measured."""
    conn.execute(TABLE)
    conn.execute("CREATE TEMP TABLE raw (LIKE offer)")
    conn.execute("ALTER TABLE raw ALTER price TYPE text, ALTER quantity TYPE text, ALTER lead_time TYPE text")
    with conn.cursor().copy("COPY raw FROM STDIN (FORMAT csv, DELIMITER ';', HEADER)") as copy, path.open("rb") as stream:  # fmt: skip
        while block := stream.read(2**20):
            copy.write(block)
    conn.execute(
        "INSERT INTO offer SELECT sku, gtin, title, brand, category, condition, price::numeric, currency, quantity::int, lead_time::int, image "
        f"FROM raw WHERE price ~ '^{PRICE}$' AND quantity ~ '^{COUNT}$' ORDER BY sku"
    )
    conn.commit()


def _modelled(rows: Any) -> list[dict[str, Any]]:
    from decimal import Decimal
    from typing import Literal

    from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

    shape = re.compile(PRICE)

    class Offer(BaseModel):
        sku: str = Field(min_length=1, max_length=40)
        gtin: str = Field(pattern=f"^(?:{GTIN})$")
        title: str = Field(max_length=250)
        brand: str
        category: Literal["TOYS", "BOOKS", "GARDEN"]
        condition: Literal["new", "used", "refurbished", "open-box", "damaged"]
        price: Decimal = Field(gt=0, decimal_places=2)
        currency: Literal["EUR"]
        quantity: int = Field(ge=0, le=999_999_999)
        lead_time: int = Field(ge=0, le=60)
        image: str = Field(pattern="^https://")

        @field_validator("gtin")
        @classmethod
        def checked(cls, text: str) -> str:
            if sum(int(digit) * (3 if n % 2 else 1) for n, digit in enumerate(reversed(text))) % 10:
                raise ValueError("the last digit does not check the others")
            return text

        @field_validator("price", mode="before")
        @classmethod
        def shaped(cls, text: str) -> str:
            if not shape.fullmatch(text):
                raise ValueError("no price")
            return text

        @model_validator(mode="after")
        def inside(self) -> "Offer":
            low, high = LIMITS.get(self.category, LIMITS["*"])
            if not low <= self.price <= high:
                raise ValueError("outside the limits of its category")
            return self

    good = []
    for row in rows:
        try:
            good.append(Offer.model_validate(row).model_dump())
        except ValidationError:
            continue
    return good
