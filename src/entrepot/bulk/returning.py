"""Rejected rows for the seller: his own columns as he wrote them, and beside them what is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from entrepot.bulk.reading import Source
from entrepot.bulk.rules import Reject
from entrepot.bulk.splitting import cells
from entrepot.kernel.cells import csv_line
from entrepot.kernel.ctx import Row
from entrepot.kernel.money import Money

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


def returned_rows(rows: Sequence[Row], files: Mapping[str, Row], offers: Mapping[str, Row]) -> str:
    """The same from what was kept: his lines as he wrote them; of a row the marketplace refused, its values in his columns.

    Shape: `rows` of feed_return in the file's order, `files` of feed_file by id, `offers` of feed_offer by SKU. The header is that of the newest file.
    """
    newest = max((files[row["file_id"]] for row in rows), key=lambda file: (file["applied_at"], file["id"]))
    header = list(newest["header"])
    out = [csv_line([*header, *ERROR_COLUMNS])]
    by_row: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        by_row.setdefault((row["file_id"], row["source_row"]), []).append(row)
    for (file_id, number), found in by_row.items():
        own = _own(found[0], files[file_id], offers)
        said = (" | ".join(row[name] for row in found) for name in ("field", "code", "message"))
        out.append(csv_line([*(own.get(name, "") for name in header), str(number), *said]))
    return "".join(out)


def _own(row: Row, file: Row, offers: Mapping[str, Row]) -> dict[str, str]:
    """One row by his columns. What cannot be read stands whole in the first cell."""
    header = list(file["header"])
    if row["line"] is not None:
        return dict(zip(header, cells(row["line"], file["delimiter"]) or [row["line"]], strict=False))
    offer = offers.get(row["sku"])
    return {column: _written(field, offer) for column, field in file["columns"].items()} if offer else {}


def _written(field: str, offer: Row) -> str:
    if field in ("price", "sale_price"):
        minor = offer[f"{field}_minor"]
        return "" if minor is None else Money(minor, offer["currency"]).text
    value = offer[field]
    return "" if value is None else str(value)
