"""How the beginning of a file would be read by a mapping that nobody has saved yet: row by row, and per category what is filled.

The same words and rules as the run itself, one record at a time. What only the whole file can say, that a SKU stands twice,
is not said here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from entrepot.bulk.mapping import FIELDS, FieldMap
from entrepot.bulk.reading import Source
from entrepot.bulk.rules import COLUMNS, UNREADABLE, Reject, Rulebook, broken, reject
from entrepot.bulk.splitting import cells

SHOWN_ROWS = 200
LOOKED_ROWS = 5_000  # for the shares per category
WORDS_MAX = 20  # of a field, the most frequent ones
CATEGORIES_MAX = 50
LOOK_BYTES = 4 * 2**20
WORDED = ("category", "condition", "currency")  # fields whose words are usually translated


@dataclass(frozen=True, slots=True)
class Read:
    """One row: as it stands in the file, as it would be read, and what is wrong with it."""

    row: int
    cells: Sequence[str]
    record: Mapping[str, str]
    rejects: Sequence[Reject]


@dataclass(frozen=True, slots=True)
class Covered:
    """How often each field is filled in one category. Shape: `filled` by field, of `rows`."""

    category: str
    rows: int
    rejected: int
    filled: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Preview:
    """`words`: by field the seller's own words, and how often each. `more`: the file goes on."""

    header: Sequence[str]
    rows: Sequence[Read]
    looked: int
    rejected: int
    more: bool
    coverage: Sequence[Covered]
    words: Mapping[str, Sequence[tuple[str, int]]]


def preview(source: Source, mapping: FieldMap, book: Rulebook) -> Preview:
    """Errors: Unreadable where no column is the SKU."""
    places = mapping.places(source.layout.header)
    records = list(islice(_records(source), LOOKED_ROWS + 1))
    found = [_read(source, mapping, places, book, row, line) for row, line in records[:LOOKED_ROWS]]
    words: dict[str, Counter[str]] = {name: Counter() for name in WORDED if name in places}
    for one in found:
        for name, seen in words.items():
            if len(one.cells) > places[name] and one.cells[places[name]].strip():
                seen[one.cells[places[name]].strip()] += 1
    return Preview(
        header=source.layout.header,
        rows=found[:SHOWN_ROWS],
        looked=len(found),
        rejected=sum(bool(one.rejects) for one in found),
        more=len(records) > LOOKED_ROWS,
        coverage=_coverage(found),
        words={name: seen.most_common(WORDS_MAX) for name, seen in words.items()},
    )


def first_rows(source: Source, many: int) -> list[Sequence[str]]:
    """The cells of the first rows as they stand there."""
    lines = (line for _, line in islice(_records(source), many))
    return [cells(line, source.layout.delimiter) or [line] for line in lines]


def _records(source: Source) -> Iterator[tuple[int, str]]:
    small = Source(source.path, source.layout, LOOK_BYTES, source.expressions)
    for part in small.slices():
        yield from part.select("row", "line").iter_rows()


def _read(source: Source, mapping: FieldMap, places: Mapping[str, int], book: Rulebook, row: int, line: str) -> Read:
    parts = cells(line, source.layout.delimiter)
    if parts is None or len(parts) != len(source.layout.header):
        rule, at = UNREADABLE if parts is None else COLUMNS, places["sku"]
        known = {"sku": parts[at].strip() if parts and len(parts) > at else ""}
        return Read(row, parts or [line], dict.fromkeys(FIELDS, "") | known, [reject(book, rule, known, row)])
    record = mapping.record(places, parts)
    return Read(row, parts, record, [reject(book, rule, record, row) for rule in broken(book, record)])


def _coverage(found: Sequence[Read]) -> list[Covered]:
    """The categories with most rows first."""
    by_category: dict[str, list[Read]] = {}
    for one in found:
        by_category.setdefault(one.record["category"], []).append(one)
    largest = sorted(by_category.items(), key=lambda one: (-len(one[1]), one[0]))[:CATEGORIES_MAX]
    return [
        Covered(
            category,
            len(rows),
            sum(bool(one.rejects) for one in rows),
            {name: sum(bool(one.record[name]) for one in rows) for name in FIELDS},
        )
        for category, rows in largest
    ]
