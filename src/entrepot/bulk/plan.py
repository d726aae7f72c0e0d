"""The rules compiled to polars: records of a file into columns, columns into verdicts, all rows at once.

Lines that hold nothing only the full parser reads (quotes, stray line ends, what is no text) are taken apart by polars' CSV
reader; every other line goes through the full parser. Most rows are surely right, which cheap questions tell (sure.py); the rules
as they are written judge the rest. Messages are made for rejected rows alone, by the same words as in rules.py.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from entrepot.bulk import rejects, sure
from entrepot.bulk.mapping import BLANKS, FIELDS, FieldMap
from entrepot.bulk.reading import LINE_MAX, Layout
from entrepot.bulk.rejects import Pair, Rejects
from entrepot.bulk.rules import COLUMNS, UNREADABLE, VALUE_MAX, Kind, Rulebook, limit_words, reject
from entrepot.bulk.splitting import cells
from entrepot.bulk.verdicts import holds, typed

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

        plain, simple = self._plain(records)
        odd, unread = self._odd(records if plain is None else records.filter(~plain))
        read, good = sure.told(self.book, simple)
        judged = self._judged(pl.concat([_only(simple, ~good), odd]))
        verdicts = [f"_{n}" for n in range(len(self.book.rules))]
        right = judged.select(pl.all_horizontal(verdicts)).to_series()
        accepted = pl.concat([_only(read.select(*_KEPT), good), _only(judged.select(*_KEPT), right)])
        rejected = judged.filter(~right)
        keys = pl.concat([simple.select(*KEYS), odd.select(*KEYS), _keys_of(unread)])
        found = pl.concat([rejects.frame_of(unread), *_rejects(self.book, rejected)])
        return Checked(accepted.rename(_NAMES), Rejects(found), keys)

    def _judged(self, columns: "pl.DataFrame") -> "pl.DataFrame":
        """With typed values and a verdict for each rule, as it is written."""
        return columns.with_columns(*typed(self.book)).with_columns(
            *(holds(self.book, rule).alias(f"_{n}") for n, rule in enumerate(self.book.rules))
        )

    def _plain(self, records: "pl.DataFrame") -> "tuple[pl.Series | None, pl.DataFrame]":
        """Our fields as texts of the lines that polars' own reader takes apart; and which those are, None: none."""
        import polars as pl

        mark, width = self.layout.delimiter, len(self.layout.header)
        nothing = pl.DataFrame(schema={"row": pl.UInt32, "hash": pl.UInt64, **dict.fromkeys(FIELDS, pl.String)})
        if len(mark.encode()) > 1:
            return None, nothing
        line = pl.col("line")
        plain = records.select(~line.str.contains(SPECIAL) & (line.str.len_bytes() <= LINE_MAX)).to_series()
        lines = _only(records, plain)
        if not lines.height:
            return None, nothing
        text = _as_file(lines, mark, width)
        read = _read(text, mark, width)
        marks = lines["line"].str.len_bytes() - read.select(pl.sum_horizontal(pl.all().str.len_bytes())).to_series()
        fits = marks == width - 1  # no cell is missing, none is too many
        if not fits.all():
            plain = plain.scatter(plain.arg_true().filter(~fits), False)
            read, lines = read.filter(fits), lines.filter(fits)
        places, strips = self.mapping.places(self.layout.header), _blanks(lines["line"], text, mark)
        taken = [self._text(name, places, strips=strips).alias(name) for name in FIELDS]
        return plain, lines.select("row", "hash").hstack(read).select("row", "hash", *taken)

    def _odd(self, records: "pl.DataFrame") -> "tuple[pl.DataFrame, list[Pair]]":
        """Our fields as texts, read by the full parser; and the rows that have none."""
        import polars as pl

        width, places = len(self.layout.header), self.mapping.places(self.layout.header)
        rows, unread = [], []
        for row, hash_, line in records.select(*LINE).iter_rows():
            parts = cells(line, self.layout.delimiter)
            if parts is None or len(parts) != width:
                unread.append(self._unread(row, hash_, parts))
            else:
                rows.append((row, hash_, *self.mapping.record(places, parts).values()))
        schema = {"row": pl.UInt32, "hash": pl.UInt64, **dict.fromkeys(FIELDS, pl.String)}
        return pl.DataFrame(rows, schema=schema, orient="row"), unread

    def _unread(self, row: int, hash_: int, parts: list[str] | None) -> Pair:
        """A row of other cells than the header still names its SKU, if it has one there."""
        place = self.mapping.places(self.layout.header)["sku"]
        sku = parts[place].strip(BLANKS) if parts and len(parts) > place else ""
        return hash_, reject(self.book, UNREADABLE if parts is None else COLUMNS, {"sku": sku}, row)

    def _text(self, name: str, places: Mapping[str, int], *, strips: bool) -> "pl.Expr":
        import polars as pl

        default = pl.lit(self.mapping.defaults.get(name, ""))
        if name not in places:
            return default
        text = pl.col(f"cell {places[name]}")
        if strips:
            text = text.str.strip_chars(BLANKS)
        known = self.mapping.values.get(name)
        if known:
            text = text.replace(list(known), list(known.values()))
        return pl.when(text == "").then(default).otherwise(text) if name in self.mapping.defaults else text


@dataclass(frozen=True, slots=True)
class Checked:
    """`accepted`: offers with `row` and `hash`; `rejects`: each with the hash of its line; `keys`: row, hash and SKU of every row."""

    accepted: "pl.DataFrame"
    rejects: Rejects
    keys: "pl.DataFrame"


LINE = ("row", "hash", "line")
KEYS = ("row", "hash", "sku")
_NAMES = {"quantity_number": "quantity", "lead_days_number": "lead_days"}
_KEPT = ("row", "hash", *(f"{name}_number" if name in ("quantity", "lead_days") else name for name in OFFER))


def _only(frame: "pl.DataFrame", which: "pl.Series") -> "pl.DataFrame":
    """Without a copy where all rows are meant."""
    return frame if which.all() else frame.filter(which)


def _as_file(lines: "pl.DataFrame", mark: str, width: int) -> bytes:
    """Lines as a file again, under a header of our own: what would be a mark of the byte order at its start is then none."""
    out = io.BytesIO()
    out.write((mark.join(_names(width)) + "\n").encode())
    lines.select("line").write_csv(out, include_header=False, quote_style="never")
    return out.getvalue()


def _read(text: bytes, mark: str, width: int) -> "pl.DataFrame":
    """Columns `cell 0`, `cell 1`…; a cell that is missing is empty, one too many is left out."""
    import polars as pl

    return pl.read_csv(
        text, separator=mark, schema=dict.fromkeys(_names(width), pl.String), quote_char=None, empty_string_is_null=False,
        truncate_ragged_lines=True, low_memory=False,
    )  # fmt: skip


def _names(width: int) -> list[str]:
    return [f"cell {n}" for n in range(width)]


def _blanks(lines: "pl.Series", text: bytes, mark: str) -> bool:
    """Whether a cell begins or ends with a blank."""
    for blank in BLANKS.replace(mark, ""):
        if blank.encode()[-1:] in text:  # one byte is found at once, two are not
            edges = (lines.str.contains(edge, literal=True) for edge in (blank + mark, mark + blank))
            ends = (one(blank) for one in (lines.str.starts_with, lines.str.ends_with))
            if any(found.any() for found in (*edges, *ends)):
                return True
    return False


def _rejects(book: Rulebook, rejected: "pl.DataFrame") -> "list[pl.DataFrame]":
    """Why rows are not taken, rule by rule: in the words of rules.py, whose `reject` makes them one by one."""
    import polars as pl

    @cache
    def limit(category: str) -> str:
        return limit_words(book, category)

    found = []
    for n, rule in enumerate(book.rules):
        broken = rejected.filter(~pl.col(f"_{n}")) if rejected.height else rejected
        if not broken.height:
            continue
        values = [value[:VALUE_MAX] for value in broken[rule.field]]
        limits = map(limit, broken["category"]) if rule.kind is Kind.LIMITS else ["0"] * len(values)
        messages = [rule.message.format(value=value, limit=one) for value, one in zip(values, limits, strict=True)]
        texts = {"value": values, "message": messages}
        same = {"field": rule.field, "code": rule.code, "corrects": rule.corrects}
        told = broken.select("hash", "row", "sku").with_columns(
            *(pl.Series(name, column, dtype=pl.String) for name, column in texts.items()),
            *(pl.lit(value).alias(name) for name, value in same.items()),
        )
        found.append(told.select(rejects.none().columns))
    return found


def _keys_of(unread: Sequence[Pair]) -> "pl.DataFrame":
    import polars as pl

    rows = [(one.row, hash_, one.sku) for hash_, one in unread]
    return pl.DataFrame(rows, schema={"row": pl.UInt32, "hash": pl.UInt64, "sku": pl.String}, orient="row")
