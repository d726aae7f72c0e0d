"""Files kept whole in the state folder, under the arrival's id and the name they came by: written beside, named when complete, never changed."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from entrepot.bulk.refusals import Reason, Unreadable
from entrepot.bulk.service import FOLDER
from entrepot.kernel.errors import NotNow

ARRIVED = "arrived"
PARTIAL = ".part"
FILE_MAX = 4 * 2**30  # bytes as they come; what they unpack to has a cap of its own
NAME_MAX = 200  # letters
ORPHAN_S = 86_400  # a part that nobody has gone on with for a day belongs to nobody


@dataclass(frozen=True, slots=True)
class Whole:
    """A file that is here now."""

    path: Path
    size_bytes: int
    digest: str


class Incoming:
    """A file on its way in, block by block. Errors: Unreadable above the cap; NotNow where the disk does not take it."""

    def __init__(self, home: Path, arrival_id: str, name: str, most: int = FILE_MAX) -> None:
        self._home, self._id, self._name, self._most = home, arrival_id, name, most
        self._size, self._digest = 0, sha256()
        place = folder(home)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._part = place / f"{arrival_id}{PARTIAL}"
        self._out = self._part.open("wb")

    def write(self, block: bytes) -> None:
        self._size += len(block)
        if self._size > self._most:
            self.drop()
            raise Unreadable(Reason.TOO_LARGE, f"is larger than {size_words(self._most)}", where=self._name)
        self._digest.update(block)
        try:
            self._out.write(block)
        except OSError as error:
            self.drop()
            raise NotNow(f"the state folder does not take the file: {error.strerror}") from error

    def whole(self) -> Whole:
        """It is complete: on the disk under its name, whatever happens next."""
        try:
            self._out.flush()
            os.fsync(self._out.fileno())
        except OSError as error:
            self.drop()
            raise NotNow(f"the state folder does not take the file: {error.strerror}") from error
        self._out.close()
        path = path_of(self._home, self._id, self._name)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        self._part.rename(path)
        _sync(path.parent)
        _sync(path.parent.parent)
        return Whole(path, self._size, self._digest.hexdigest())

    def drop(self) -> None:
        self._out.close()
        self._part.unlink(missing_ok=True)


def folder(home: Path) -> Path:
    return home / FOLDER / ARRIVED


def path_of(home: Path, arrival_id: str, name: str) -> Path:
    return folder(home) / arrival_id / name


def file_name(text: str) -> str:
    """What a file may be called here: the last part of whatever was given, without letters that no name has."""
    last = text.replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = "".join(char for char in last if char.isprintable()).strip().lstrip(".")
    stem, dot, ending = name.rpartition(".")
    if len(name) > NAME_MAX:
        name = f"{stem[: NAME_MAX - 20]}{dot}{ending[:19]}"
    while len(name.encode(errors="replace")) > NAME_MAX:
        name = name[1:]
    return name.encode(errors="replace").decode() or "unnamed"


def remove(home: Path, arrival_ids: Iterable[str]) -> None:
    for one in arrival_ids:
        shutil.rmtree(folder(home) / one, ignore_errors=True)


def discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def older(home: Path, machine_now: datetime) -> dict[str, Path]:
    """What has lain here for a day, by arrival id: parts, and kept files that somebody may still need."""
    found = {}
    place = folder(home)
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        try:
            age_s = machine_now.timestamp() - path.stat().st_mtime
        except FileNotFoundError:
            continue
        if age_s > ORPHAN_S:
            found[path.name.removesuffix(PARTIAL)] = path
    return found


def size_words(size: int) -> str:
    """`1.4 GB`."""
    for unit, what in ((2**30, "GB"), (2**20, "MB"), (2**10, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {what}".replace(".0 ", " ")
    return f"{size} bytes"


def _sync(place: Path) -> None:
    """The name itself is on the disk."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
