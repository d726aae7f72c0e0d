"""The rules compiled to polars: records of a file into columns, columns into verdicts, all rows at once.

Text is taken apart by polars where a row holds nothing that only the full parser reads (quotes, stray line ends, what is
no text); every other row goes through it. Messages are made for rejected rows alone, by the same words as in rules.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.bulk.mapping import BLANKS, FIELDS, FieldMap
from entrepot.bulk.reading import LINE_MAX, Layout
from entrepot.bulk.rules import COLUMNS, EVERY, GTIN, MONEY, UNREADABLE, WHOLE, Kind, Reject, Rule, Rulebook, reject
from entrepot.bulk.splitting import cells

if TYPE_CHECKING:
    import polars as pl

SPECIAL = '["\r\x00\ufffd]'
OFFER = ("sku", "gtin", "title", "brand", "category", "condition", "price_minor", "sale_price_minor", "currency", "quantity", "lead_days", "image")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checker:
    """How records of one layout are read and judged."""

    layout: Layout
    mapping: FieldMap
    book: Rulebook

    def check(self, records: "pl.DataFrame") -> "Checked":
        """Verdicts on a frame of `row`, `hash`, `line`."""
        import polars as pl

        columns, unread = self._columns(records)
        judged = columns.with_columns(*self._typed()).with_columns(
            *(holds(self.book, rule).alias(f"_{n}") for n, rule in enumerate(self.book.rules))
        )
        verdicts = [f"_{n}" for n in range(len(self.book.rules))]
        good = pl.all_horizontal(verdicts)
        accepted = judged.filter(good).select("row", "hash", *(pl.col(c).alias(n) for n, c in _KEPT.items()))
        found = list(unread)
        for line in judged.filter(~good).select("row", "hash", *FIELDS, *verdicts).iter_rows(named=True):
            broken = (rule for n, rule in enumerate(self.book.rules) if not line[f"_{n}"])
            found += [(line["hash"], reject(self.book, rule, line, line["row"])) for rule in broken]
        keys = pl.concat([columns.select(*KEYS), _keys_of(unread)])
        return Checked(accepted, found, keys)

    def _columns(self, records: "pl.DataFrame") -> tuple["pl.DataFrame", list[tuple[int, Reject]]]:
        """Our fields as texts, and the rows that have none."""
        import polars as pl

        special = records.select(
            (pl.col("line").str.contains(SPECIAL) | (pl.col("line").str.len_bytes() > LINE_MAX)).alias("special")
        ).to_series()
        mark, width, places = self.layout.delimiter, len(self.layout.header), self.mapping.places(self.layout.header)
        plain = _only(records, ~special)
        strips = plain.select(pl.col("line").str.contains(_loose(mark)).any()).item()
        plain = plain.with_columns(pl.col("line").str.split(mark))
        fits = plain.select(pl.col("line").list.len() == width).to_series()
        taken = [self._text(name, places, strips=strips).alias(name) for name in FIELDS]
        unread = [
            self._unread(row, hash_, parts) for row, hash_, parts in plain.filter(~fits).select(*LINE).iter_rows()
        ]
        rows = []
        for row, hash_, line in records.filter(special).select(*LINE).iter_rows():
            parts = cells(line, self.layout.delimiter)
            if parts is None or len(parts) != width:
                unread.append(self._unread(row, hash_, parts))
            else:
                rows.append((row, hash_, *self.mapping.record(places, parts).values()))
        schema = {"row": pl.UInt32, "hash": pl.UInt64, **dict.fromkeys(FIELDS, pl.String)}
        simple = _only(plain, fits).select("row", "hash", *taken)
        return pl.concat([simple, pl.DataFrame(rows, schema=schema, orient="row")]), unread

    def _unread(self, row: int, hash_: int, parts: list[str] | None) -> tuple[int, Reject]:
        """A row of other cells than the header still names its SKU, if it has one there."""
        place = self.mapping.places(self.layout.header)["sku"]
        sku = parts[place].strip(BLANKS) if parts and len(parts) > place else ""
        return hash_, reject(self.book, UNREADABLE if parts is None else COLUMNS, {"sku": sku}, row)

    def _text(self, name: str, places: Mapping[str, int], *, strips: bool) -> "pl.Expr":
        import polars as pl

        default = pl.lit(self.mapping.defaults.get(name, ""))
        if name not in places:
            return default
        text = pl.col("line").list.get(places[name], null_on_oob=True)
        if strips:
            text = text.str.strip_chars(BLANKS)
        known = self.mapping.values.get(name)
        if known:
            text = text.replace(list(known), list(known.values()))
        return pl.when(text == "").then(default).otherwise(text) if name in self.mapping.defaults else text

    def _typed(self) -> list["pl.Expr"]:
        import polars as pl

        digits = pl.col("currency").replace_strict(
            list(self.book.exponents), list(self.book.exponents.values()), default=None, return_dtype=pl.UInt8
        )
        whole = (
            pl.when(pl.col(n).str.contains(WHOLE)).then(pl.col(n)).cast(pl.Int32, strict=False).alias(f"{n}_number")
            for n in ("quantity", "lead_days")
        )
        return [
            *(_minor(self.book, name, digits).alias(f"{name}_minor") for name in ("price", "sale_price")),
            digits.alias("digits"),
            *whole,
        ]


@dataclass(frozen=True, slots=True)
class Checked:
    """`accepted`: offers with `row` and `hash`; `rejects`: each with the hash of its line; `keys`: row, hash and SKU of every row."""

    accepted: "pl.DataFrame"
    rejects: list[tuple[int, Reject]]
    keys: "pl.DataFrame"


LINE = ("row", "hash", "line")
KEYS = ("row", "hash", "sku")
_KEPT = {name: name for name in OFFER} | {"quantity": "quantity_number", "lead_days": "lead_days_number"}


def _only(frame: "pl.DataFrame", which: "pl.Series") -> "pl.DataFrame":
    """Without a copy where all rows are meant."""
    return frame if which.all() else frame.filter(which)


def _loose(delimiter: str) -> str:
    """A line with a cell that begins or ends with a blank."""
    mark, blanks = re.escape(delimiter), BLANKS.replace(delimiter, "")
    return f"(?:^|{mark})[{blanks}]|[{blanks}](?:{mark}|$)"


def _keys_of(unread: list[tuple[int, Reject]]) -> "pl.DataFrame":
    import polars as pl

    rows = [(one.row, hash_, one.sku) for hash_, one in unread]
    return pl.DataFrame(rows, schema={"row": pl.UInt32, "hash": pl.UInt64, "sku": pl.String}, orient="row")


def _minor(book: Rulebook, name: str, digits: "pl.Expr") -> "pl.Expr":
    """Exact minor units, null for what is no exact amount."""
    import polars as pl

    parts = pl.col(name).str.extract_groups(MONEY[book.decimal])
    fraction = parts.struct.field("2").fill_null("").str.strip_chars_end("0")
    padded = parts.struct.field("1") + pl.concat_str(fraction, pl.lit("000000")).str.slice(0, digits)
    return pl.when(fraction.str.len_chars() <= digits).then(padded).cast(pl.Int64, strict=False)


def holds(book: Rulebook, rule: Rule) -> "pl.Expr":
    """Whether a row keeps a rule; never null."""
    import polars as pl

    text, empty = pl.col(rule.field), pl.col(rule.field) == ""
    if rule.kind is Kind.REQUIRED:
        return ~empty | ~pl.col("category").is_in(rule.categories) if rule.categories else ~empty
    if rule.kind is Kind.UNLESS:
        return ~empty | (pl.col(rule.other) != "")
    return empty | _fits(book, rule, text).fill_null(value=True)


def _fits(book: Rulebook, rule: Rule, text: "pl.Expr") -> "pl.Expr":
    import polars as pl

    match rule.kind:
        case Kind.ONE_OF:
            return text.is_in(rule.values)
        case Kind.LONGEST:
            return text.str.len_chars() <= rule.high
        case Kind.BEGINS:
            return pl.any_horizontal([text.str.starts_with(one) for one in rule.values])
        case Kind.WHOLE:
            number = text.cast(pl.Int64, strict=False)
            return text.str.contains(WHOLE) & number.is_between(rule.low, rule.high).fill_null(value=False)
        case Kind.GTIN:
            return text.str.contains(GTIN) & _check_digit_fits(text).fill_null(value=False)
        case Kind.AMOUNT:
            return text.str.contains(MONEY[book.decimal]) & text.str.contains("[1-9]")
    return _priced(book, rule, text)


def _priced(book: Rulebook, rule: Rule, text: "pl.Expr") -> "pl.Expr":
    import polars as pl

    minor = pl.col(f"{rule.field}_minor")
    if rule.kind is Kind.SCALE:
        return minor.is_not_null() | ~text.str.contains(MONEY[book.decimal]) | pl.col("digits").is_null()
    if rule.kind is Kind.BELOW:
        return minor < pl.col(f"{rule.other}_minor")
    low, high = (_by_category(book, place) for place in (0, 1))
    inside = (minor >= low).fill_null(value=True) & (minor <= high).fill_null(value=True)
    return (pl.col("currency") != book.currency) | (minor == 0).fill_null(value=True) | inside


def _by_category(book: Rulebook, place: int) -> "pl.Expr":
    """The lowest or the highest price of each row's category."""
    import polars as pl

    own = {name: limit[place] for name, limit in book.limits.items() if name != EVERY}
    other = pl.lit(book.limit(EVERY)[place], pl.Int64)
    if not own:
        return other
    return pl.col("category").replace_strict(list(own), list(own.values()), default=other, return_dtype=pl.Int64)


def _check_digit_fits(text: "pl.Expr") -> "pl.Expr":
    import polars as pl

    number = text.cast(pl.Int64, strict=False)
    digits = [(number // 10**n) % 10 * (3 if n % 2 else 1) for n in range(14)]
    return pl.sum_horizontal(digits) % 10 == 0
