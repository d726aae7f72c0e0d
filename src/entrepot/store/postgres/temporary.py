"""Servers for a test or a simulated run: in memory when there is room, gone afterwards, even if we are killed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from entrepot.store.postgres.account import me
from entrepot.store.postgres.binaries import Candidates
from entrepot.store.postgres.binaries import candidates as all_candidates
from entrepot.store.postgres.errors import Reason, ServerRefused
from entrepot.store.postgres.launcher import account_for, destroy, start
from entrepot.store.postgres.patience import Patience, try_lock
from entrepot.store.postgres.server import PATIENCE_S, Server

MEMORY = Path("/dev/shm")
ROOM_NEEDED_BYTES = 2 * 1024**3
PREFIX = "entrepot-temporary-"
NAME = "t"
ALIVE = "alive"


@contextmanager
def temporary(
    *, durable: bool = False, memory_dir: Path | None = None, candidates: Candidates = all_candidates
) -> Iterator[Server]:
    """A server for the time of a `with`; by default in memory (`memory_dir`, else /dev/shm) and without fsync."""
    base = memory_dir or _base(durable=durable)
    sweep(base)
    making = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=base))
    home = making.with_name(making.name[1:])
    alive = os.open(making / ALIVE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try_lock(alive)  # held as long as we live; whoever gets it later may sweep the folder away
        if os.geteuid() == 0:
            making.chmod(0o711)
        making.rename(home)
        try:
            yield start(home, NAME, durable=durable, temporary=True, candidates=candidates)
        finally:
            _throw_away(home)
    finally:
        os.close(alive)


def sweep(base: Path) -> int:
    """Throw away what killed runs of ours left in a folder; returns how many."""
    return sum(_sweep_one(home) for home in sorted(base.glob(f"{PREFIX}*")))


def _sweep_one(home: Path) -> bool:
    try:
        if home.is_symlink() or home.stat().st_uid != os.geteuid():
            return False
        alive = os.open(home / ALIVE, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False  # another sweep was quicker
    try:
        if not try_lock(alive) or not home.exists():
            return False
        _throw_away(home)
        return True
    finally:
        os.close(alive)


def _throw_away(home: Path) -> None:
    if (home / NAME / "record.json").exists():
        destroy(home=home, name=NAME)
    shutil.rmtree(home)


def _base(*, durable: bool) -> Path:
    """Memory for what need not last, when there is room for it (a container's /dev/shm often has 64 MB)."""
    wanted = [MEMORY] if not durable and _is_roomy(MEMORY) else []
    for folder in [*wanted, Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]:
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) and _open_to_server(folder):
            return folder
    raise ServerRefused(
        Reason.UNREACHABLE,
        "No folder for a temporary server can be written by us and entered by the server's account.",
        where=tempfile.gettempdir(),
        whose=me().name,
        next_step="set TMPDIR to such a folder",
    )


def _is_roomy(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= ROOM_NEEDED_BYTES


def _open_to_server(folder: Path) -> bool:
    return os.geteuid() != 0 or account_for(folder, Patience(PATIENCE_S)).may_enter(folder) is None
