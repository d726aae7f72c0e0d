"""Rejects as columns: a file may have a hundred thousand of them, and most are only told again.

Shape of a frame: `hash` of the line, `row`, and the columns of REJECT; in the order of rows, and in a row of the rules.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

from entrepot.bulk.rules import Reject

if TYPE_CHECKING:
    import polars as pl

REJECT = ("sku", "field", "code", "value", "message", "corrects")

Pair = tuple[int, Reject]  # with the hash of its line


class Rejects(Sequence[Pair]):
    """A frame of rejects, each made an object when it is asked for."""

    def __init__(self, frame: "pl.DataFrame") -> None:
        self.frame = frame

    def __len__(self) -> int:
        return self.frame.height

    def __iter__(self) -> Iterator[Pair]:
        for hash_, *rest in self.frame.iter_rows():
            yield hash_, Reject(*rest)

    @overload
    def __getitem__(self, at: int) -> Pair: ...
    @overload
    def __getitem__(self, at: slice) -> "Rejects": ...
    def __getitem__(self, at: int | slice) -> "Pair | Rejects":
        if isinstance(at, slice):
            return Rejects(self.frame[at])
        hash_, *rest = self.frame.row(at)
        return hash_, Reject(*rest)

    @property
    def rows(self) -> int:
        """How many rows have one or more."""
        return self.frame["row"].n_unique()


def none() -> "pl.DataFrame":
    import polars as pl

    return pl.DataFrame(schema={"hash": pl.UInt64, "row": pl.UInt32, **dict.fromkeys(REJECT, pl.String)})


def frame_of(found: Sequence[Pair]) -> "pl.DataFrame":
    import polars as pl

    if isinstance(found, Rejects):
        return found.frame
    rows = [(hash_, one.row, *(getattr(one, name) for name in REJECT)) for hash_, one in found]
    return pl.DataFrame(rows, schema=none().schema, orient="row")


def by_row(*parts: "pl.DataFrame") -> Rejects:
    """Those of a row stay in the order in which they are given."""
    import polars as pl

    return Rejects(pl.concat(parts).sort("row", maintain_order=True))


def remembered(before: "pl.DataFrame", looked: "pl.Series", rows: "pl.DataFrame") -> "pl.DataFrame":
    """Rejects of lines that stand as they stood, in the rows where they are now. `looked`: hashes that were judged anew."""
    import polars as pl

    kept = before.filter(~pl.col("hash").is_in(looked.implode())).drop("row")
    if not kept.height:
        return none()
    places = rows.filter(pl.col("hash").is_in(kept["hash"].unique().implode()))
    told = places.join(kept, on="hash", how="inner", maintain_order="left_right")
    return told.select(none().columns)
