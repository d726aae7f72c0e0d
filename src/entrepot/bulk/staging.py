"""Accepted offers of a run until it is known which of them count: a few in memory, many in files beside the sets of hashes.

Not in the database: a SKU repeated in the last slice still takes its row of the first one back, and what never was written need not be
deleted; and a first load goes straight into the offers, at the speed of COPY. A kill leaves files that the next run clears.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

IN_MEMORY_BYTES = 32 * 2**20
SUFFIX = ".staged"


class Staged:
    """A sink of accepted offers. `folder`: of this seller; one run at a time writes there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[pl.DataFrame] = []
        self._held_bytes = 0
        self._files: list[Path] = []
        self._dropped: Sequence[int] = ()

    def take(self, offers: "pl.DataFrame") -> None:
        self._held.append(offers)
        self._held_bytes += int(offers.estimated_size())
        if self._held_bytes > IN_MEMORY_BYTES:
            self._put_down()

    def drop(self, rows: Sequence[int]) -> None:
        self._dropped = [*self._dropped, *rows]

    def offers(self) -> "Iterator[pl.DataFrame]":
        """What was taken and not dropped, once, slice by slice."""
        import polars as pl

        for path in self._files:
            yield self._left(pl.read_ipc(path))
            path.unlink()
        for frame in self._held:
            yield self._left(frame)
        self._held, self._files = [], []

    def _left(self, frame: "pl.DataFrame") -> "pl.DataFrame":
        import polars as pl

        if not self._dropped:
            return frame
        dropped = pl.Series(self._dropped, dtype=pl.UInt32)
        return frame.filter(~pl.col("row").is_in(dropped.implode()))

    def _put_down(self) -> None:
        import polars as pl

        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{len(self._files)}{SUFFIX}"
        pl.concat(self._held).write_ipc(path)
        self._files.append(path)
        self._held, self._held_bytes = [], 0
