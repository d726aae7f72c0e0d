"""Which installation a command of this machine talks to, and what it needs to know about it.

A process that runs an installation of its own (the demo) leaves a note: address, console, what its references point at.
The note holds secrets: it lies in the state folder, 0600, and counts only when it is this user's.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from entrepot.kernel.errors import NotNow, WrongSetting
from entrepot.store.postgres.launcher import State, Status, status
from entrepot.store.postgres.place import Place, make_folder, state_home, write_whole
from entrepot.store.postgres.server import local_url

NOTE = "running.json"
MAIN = "main"
CONSOLE_HOST, CONSOLE_PORT = "127.0.0.1", "8400"  # what Settings says, without its imports


class Source(StrEnum):
    """Where the address of an installation comes from."""

    CONFIGURED = "ENTREPOT_DATABASE_URL"
    NOTED = "a running demo"
    OWN_SERVER = "its own server"


@dataclass(frozen=True, slots=True)
class Installation:
    """One hub's database, and what else a command needs to speak for it.

    `env`: what the references of its blueprint point at, where the caller's environment does not say. `lives`: the
    process that left the note is still there.
    """

    url: str = field(repr=False)
    source: Source
    console_url: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    lives: bool = True


class NothingRuns(NotNow):
    """No installation to talk to: a read command starts none."""

    code = "nothing-runs"


def remember(home: Path | None, url: str, env: Mapping[str, str], console_url: str) -> None:
    """Leave the note for as long as this process lives. `home`: the state folder; none: the usual one.

    `env`: only what belongs to this installation (references of the blueprint, ENTREPOT_BLUEPRINT), not the whole
    environment. Errors: ServerRefused when the folder cannot be made.
    """
    folder = home or state_home()
    make_folder(folder, 0o755 if os.geteuid() == 0 else 0o700)
    pid = os.getpid()
    note = {"url": url, "console_url": console_url, "env": dict(env), "pid": pid, "since": _since(pid)}
    write_whole(folder / NOTE, json.dumps(note, indent=1), 0o600)


def forget(home: Path | None) -> None:
    """Take the note back, if it is this process's own."""
    path = (home or state_home()) / NOTE
    note = _read(path)
    if note is not None and note.get("pid") == os.getpid():
        path.unlink(missing_ok=True)


def current(env: Mapping[str, str] = os.environ) -> Installation:
    """The configured database; else a noted installation that lives; else our own server if it runs; else the last note.

    Nothing is started. Errors: NothingRuns, WrongSetting.
    """
    console = _console(env)
    if url := env.get("ENTREPOT_DATABASE_URL", ""):
        return Installation(url, Source.CONFIGURED, console)
    home, name = state_home(env), env.get("ENTREPOT_CLUSTER") or MAIN
    noted = None if env.get("ENTREPOT_CLUSTER") else _noted(home)
    if noted is not None and noted.lives:
        return noted
    found = own_server(home, name)
    if found.state is State.RUNNING and found.port:
        return Installation(_url(home, name, found.port), Source.OWN_SERVER, console)
    if noted is not None:
        return noted
    raise NothingRuns(
        f"no installation runs here: the PostgreSQL server “{name}” in {home} is {found.state}, and no demo runs."
        " Next: `entrepot up` or `entrepot demo`, or set ENTREPOT_DATABASE_URL",
        home=str(home),
    )


def _console(env: Mapping[str, str]) -> str:
    host, port = env.get("ENTREPOT_HOST") or CONSOLE_HOST, env.get("ENTREPOT_PORT") or CONSOLE_PORT
    if not (port.isascii() and port.isdecimal() and 1 <= int(port[:6]) <= 65535):
        raise WrongSetting(f"ENTREPOT_PORT={port}: a port is a number from 1 to 65535")
    return f"http://{host}:{port}/"


def own_server(home: Path | None, name: str) -> Status:
    """What can be seen of our own server. Errors: WrongSetting when it is another user's."""
    try:
        return status(home=home, name=name)
    except PermissionError as error:
        raise _not_ours(error) from error


def _url(home: Path, name: str, port: int) -> str:
    try:
        return local_url(Place.of(home, name).password(create=False), port)
    except PermissionError as error:
        raise _not_ours(error) from error


def _not_ours(error: OSError) -> WrongSetting:
    return WrongSetting(
        f"{error.filename} belongs to another user, and so does the installation. Next: run this as that user, or set"
        " ENTREPOT_DATABASE_URL"
    )


def _noted(home: Path) -> Installation | None:
    note = _read(home / NOTE)
    if note is None:
        return None
    try:
        since = _since(int(note["pid"]))
        lives = since is not None and since == note["since"]
        env = {str(name): str(value) for name, value in note["env"].items()}
        return Installation(str(note["url"]), Source.NOTED, str(note["console_url"]), env, lives)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # of another version: as good as none


def _read(path: Path) -> dict[str, Any] | None:
    """A note of this very user that nobody else may write or read; anything else is no note."""
    try:
        with path.open(encoding="utf-8") as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid() or found.st_mode & 0o077:
                return None
            note = json.load(file)
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None


def _since(pid: int) -> str | None:
    """When a process began, in ticks since the machine did: tells it from a later one of the same number."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()
    except FileNotFoundError:
        return None if Path("/proc/self").exists() else _since_without_proc(pid)
    return None if fields[0] == "Z" else fields[19]


def _since_without_proc(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return "alive"
    return "alive"
