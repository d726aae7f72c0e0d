"""A keyed hash of each raw line, and the sets of them that one run leaves for the next.

polars hashes a million lines in 0.05 s where Python's blake2b takes 2.5 s, but promises the same numbers only within one
version. So the key holds a fingerprint of the function itself: what it makes of known words. Another polars that hashes
otherwise is another key, and the whole file is validated once: stability is checked, not assumed.
64 bits: of 10 million lines with 3 % changed, one change is overlooked once in 6 million runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot.bulk.mapping import digest_of

if TYPE_CHECKING:
    import polars as pl

VERSION = 2  # of how rows are read and judged here: raised when the same rules give another verdict
SUFFIX = ".arrow"
_PROBES = ("", "a", "the same line", "Straße; 12,50 €", "x" * 17, "y" * 64, "z" * 1_000)
_SEED_BITS = 63


@dataclass(frozen=True, slots=True)
class Key:
    """What a line's hash depends on beside its bytes. `name` tells two keys apart."""

    name: str

    @staticmethod
    def of(*, rules: str, mapping: str, layout: Sequence[object]) -> "Key":
        return Key(digest_of([VERSION, rules, mapping, list(layout), fingerprint()]))

    def hashed(self, lines: "pl.Expr") -> "pl.Expr":
        """64 bits for each line."""
        return lines.hash(int(self.name, 16) >> (128 - _SEED_BITS))


@cache
def fingerprint() -> str:
    """What polars' hash makes of known words with known seeds."""
    import polars as pl

    probes = pl.Series(_PROBES)
    return digest_of([probes.hash(seed).to_list() for seed in (0, 1, 2**62 + 12345)])


@dataclass(frozen=True, slots=True)
class SetFile:
    """Where a set lies, and what its bytes must be."""

    name: str
    digest: str


def nothing_known() -> "pl.DataFrame":
    """A set with no line. Shape: `hash` (null: only the SKU is known), `sku`, `times` the line stood in the last file."""
    import polars as pl

    return pl.DataFrame(schema={"hash": pl.UInt64, "sku": pl.String, "times": pl.UInt32})


def keep(folder: Path, name: str, lines: "pl.DataFrame") -> SetFile:
    """Write a set as a file of its own, complete before it has its name; it is never changed again."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    whole, partial = folder / f"{name}{SUFFIX}", folder / f"{name}.partial"
    lines.write_ipc(partial)
    found = SetFile(whole.name, _digest(partial))
    partial.rename(whole)
    return found


def known(folder: Path, kept: SetFile) -> "pl.DataFrame | None":
    """The set, None when the file is missing or not what was written."""
    import polars as pl

    path = folder / kept.name
    try:
        if _digest(path) != kept.digest:
            return None
        return pl.read_ipc(path)
    except (OSError, pl.exceptions.PolarsError):
        return None


def clear(folder: Path, keeping: Sequence[str]) -> None:
    """Remove sets that nothing points at: earlier ones, and those of runs that were killed."""
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.name not in keeping:
                path.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    found = sha256()
    with path.open("rb") as stream:
        while block := stream.read(2**20):
            found.update(block)
    return found.hexdigest()
