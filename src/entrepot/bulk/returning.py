"""Rejected rows for the seller: his own columns as he wrote them, and beside them what is wrong."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from entrepot.bulk.reading import Source
from entrepot.bulk.rules import Reject
from entrepot.bulk.splitting import cells
from entrepot.kernel.cells import csv_line

ERROR_COLUMNS = ("entrepot row", "entrepot fields", "entrepot codes", "entrepot messages")


def write_rejects(path: Path, source: Source, rejects: Sequence[Reject]) -> int:
    """A CSV in UTF-8 with one line per rejected row, in the file's order; returns how many. What cannot be read stands whole in the first cell."""
    with path.open("w", encoding="utf-8", newline="") as out:
        return sum(out.write(line) > 0 for line in reject_lines(source, rejects)) - 1


def reject_lines(source: Source, rejects: Sequence[Reject]) -> Iterator[str]:
    """The lines of that file, the header first."""
    import polars as pl

    by_row: dict[int, list[Reject]] = {}
    for one in rejects:
        by_row.setdefault(one.row, []).append(one)
    wanted = pl.Series(sorted(by_row), dtype=pl.UInt32)
    header = source.layout.header
    yield csv_line([*header, *ERROR_COLUMNS])
    for part in source.slices():
        for row, line in part.filter(pl.col("row").is_in(wanted.implode())).select("row", "line").iter_rows():
            own = (cells(line, source.layout.delimiter) or [line.replace("\x00", "\ufffd")])[: len(header)]
            own += [""] * (len(header) - len(own))
            found = by_row[row]
            said = (" | ".join(getattr(one, name) for one in found) for name in ("field", "code", "message"))
            yield csv_line([*own, str(row), *said])
