"""Start, find, stop and throw away our own PostgreSQL server."""

import os
import shutil
import signal
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from entrepot.store.postgres import binaries as programs
from entrepot.store.postgres.account import Account, lent, me, owner_of
from entrepot.store.postgres.binaries import Candidates
from entrepot.store.postgres.errors import Reason, ServerRefused
from entrepot.store.postgres.patience import Patience, Sleep, locked
from entrepot.store.postgres.place import Place, Record, refuse_unsafe, shared_lock
from entrepot.store.postgres.postmaster import Postmaster
from entrepot.store.postgres.server import PATIENCE_S, Server
from entrepot.store.postgres.starting import Starting, Wish


class State(StrEnum):
    ABSENT = "absent"
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


@dataclass(frozen=True)
class Status:
    """What can be seen of a server without connecting to it."""

    state: State
    data_dir: Path
    pid: int | None = None
    port: int | None = None


def start(
    home: Path | None = None,
    name: str = "main",
    *,
    durable: bool = True,
    port: int | None = None,
    data_dir: Path | None = None,
    temporary: bool = False,
    patience_s: float = PATIENCE_S,
    candidates: Candidates = programs.candidates,
    sleep: Sleep = time.sleep,
) -> Server:
    """Have a server running and return it: found running, started, repaired after a crash, or made new.

    Shape: `data_dir` defaults to the folder's own `data/`; `port` to the one it had, else a free one. A server found
    running is returned as it is, whatever port it has. Not durable: fsync and the like are off, for tests only.
    Errors: ServerNotReady (time helps), ServerRefused (a person must act).
    """
    place = Place.of(home, name)
    place.prepare()
    patience = Patience(patience_s, sleep)
    with locked(place.lock, patience):
        record = place.read_record()
        postmaster = Postmaster(_data_dir(place, record, data_dir), place.title)
        kept = record is not None and record.temporary
        wish = Wish(durable=durable, temporary=temporary or kept, port=port, candidates=candidates)
        account = account_for(postmaster.data_dir, patience)
        return Starting(place, record, postmaster, account, wish, patience).serve()


def stop(
    server: Server | None = None,
    *,
    home: Path | None = None,
    name: str = "main",
    mode: str = "fast",
    patience_s: float = PATIENCE_S,
    sleep: Sleep = time.sleep,
) -> bool:
    """Stop a server cleanly; False when none was running.

    Shape: mode `fast` ends connections, `smart` waits for them, `immediate` leaves repair to the next start.
    """
    place = _place(server, home, name)
    if not place.folder.is_dir():
        return False
    patience = Patience(patience_s, sleep)
    with locked(place.lock, patience):
        return _postmaster(place).stop(mode, patience)


def status(server: Server | None = None, *, home: Path | None = None, name: str = "main") -> Status:
    """Look, without connecting, locking or changing anything."""
    place = _place(server, home, name)
    data_dir = _data_dir(place, place.read_record(), None)
    if not (data_dir / "PG_VERSION").exists():
        return Status(State.ABSENT, data_dir)
    found = Postmaster(data_dir, place.title).pid_file()
    if found is None:
        return Status(State.STOPPED, data_dir)
    state = {"ready": State.RUNNING, "stopping": State.STOPPING}.get(found.status, State.STARTING)
    return Status(state, data_dir, found.pid, found.port)


def destroy(
    server: Server | None = None,
    *,
    home: Path | None = None,
    name: str = "main",
    patience_s: float = PATIENCE_S,
    sleep: Sleep = time.sleep,
) -> None:
    """Stop a temporary server and delete all it had; any other is refused."""
    place = _place(server, home, name)
    patience = Patience(patience_s, sleep)
    with locked(place.lock, patience):
        record = place.read_record()
        if record is None or not record.temporary:
            raise ServerRefused(
                Reason.PROTECTED,
                "This server was not made as a temporary one; its data is not ours to delete.",
                where=place.folder,
                whose=me().name,
                next_step="if it may really go, stop it and delete that folder yourself",
            )
        _postmaster(place).stop("immediate", patience)
        _await_leftovers(_postmaster(place), patience)
        shutil.rmtree(record.data_dir, ignore_errors=True)
        if Path(record.socket_dir) != place.run:
            shutil.rmtree(record.socket_dir, ignore_errors=True)
        shutil.rmtree(place.folder)


def _await_leftovers(postmaster: Postmaster, patience: Patience) -> None:
    while left := postmaster.leftovers():
        postmaster.signal(signal.SIGKILL, left)
        if not patience.wait(0.02):
            return


def _place(server: Server | None, home: Path | None, name: str) -> Place:
    if server is None:
        return Place.of(home, name)
    if server.home is None:
        raise ServerRefused(
            Reason.PROTECTED,
            "This server was reached by a URL; it is not ours to stop.",
            where="ENTREPOT_DATABASE_URL",
            whose="this installation's settings",
            next_step="stop it where it was started",
        )
    return Place.of(server.home, server.name)


def _postmaster(place: Place) -> Postmaster:
    return Postmaster(_data_dir(place, place.read_record(), None), place.title)


def _data_dir(place: Place, record: Record | None, wanted: Path | None) -> Path:
    """The wanted directory, else the one it had, else its own; never a second one while the first is being served."""
    known = Path(record.data_dir) if record else place.folder / "data"
    if wanted is None:
        return known
    chosen = refuse_unsafe(Path(os.path.realpath(wanted)))
    if chosen != known and Postmaster(known, place.title).pid_file():
        raise ServerRefused(
            Reason.ELSEWHERE,
            f"The server '{place.name}' runs with another data directory.",
            where=known,
            whose=me().name,
            next_step=f"stop it first, or give the one in {chosen} another name",
        )
    return chosen


def account_for(data_dir: Path, patience: Patience) -> Account:
    """A directory's owner serves it. For a new one: ourselves, or the account that root lends."""
    if os.geteuid() != 0:
        return me()
    if (data_dir / "PG_VERSION").exists() and (owner := owner_of(data_dir)).uid != 0:
        return owner
    with shared_lock(patience) as shared:
        return lent(shared)
