"""Where a server lies on disk: one folder per server with its lock, password, settings, record, logs and data.

<home>/bin/<wheel>-<version>/   root only: copies of the programs, root's, readable by all
<home>/<name>/lock              held while somebody starts or stops this server
<home>/<name>/password          0600, of whoever started the server first
<home>/<name>/record.json       where the data lies, which port it keeps
<home>/<name>/settings.conf     ours, written at every start
<home>/<name>/local.conf        the operator's; its lines win over ours
<home>/<name>/run/              the server's: socket, start.log, log/
<home>/<name>/data/             the server's: 0700
"""

import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from entrepot.store.postgres.account import Account, me, owner_of
from entrepot.store.postgres.errors import Reason, ServerRefused
from entrepot.store.postgres.patience import Patience, locked

SYSTEM_HOME = Path("/var/lib/entrepot")
SOCKET_PATH_MAX = 107
LONGEST_SOCKET_NAME = "/.s.PGSQL.65535"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
TAKEN_NAMES = ("bin", "lock")
UNSAFE = re.compile(r"[\x00-\x1f\"'`$\\]")  # pg_ctl hands paths to a shell and to a settings file


def state_home(env: Mapping[str, str] = os.environ) -> Path:
    """ENTREPOT_HOME, else the system's state directory (root) or the user's."""
    if chosen := env.get("ENTREPOT_HOME"):
        return Path(os.path.realpath(Path(chosen).expanduser()))
    if os.geteuid() == 0:
        return SYSTEM_HOME
    users = Path(env.get("XDG_STATE_HOME", ""))
    return (users if users.is_absolute() else Path.home() / ".local" / "state") / "entrepot"


def refuse_unsafe(path: Path) -> Path:
    if UNSAFE.search(str(path)):
        raise ServerRefused(
            Reason.BAD_PATH,
            "A PostgreSQL server cannot be kept in a folder with such a name.",
            where=repr(str(path)),
            whose=me().name,
            next_step="use a path without quotes, $, `, \\ and control characters",
        )
    return path


@contextmanager
def shared_lock(patience: Patience) -> Iterator[Path]:
    """What root does once per machine (the account, the copies of the programs) happens here, one at a time."""
    home = state_home()
    make_folder(home, 0o755)
    with locked(home / "lock", patience):
        yield home


def make_folder(path: Path, mode: int) -> None:
    """Create a folder and what is missing above it, with these rights; what exists already is never changed."""
    if path.is_dir():
        return
    make_folder(path.parent, mode)
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(mode)
    except OSError as error:
        raise ServerRefused(
            Reason.UNREACHABLE,
            f"The folder cannot be created ({error.strerror}).",
            where=path,
            whose=me().name,
            next_step="set ENTREPOT_HOME to a folder you may write, or set ENTREPOT_DATABASE_URL",
        ) from error


@dataclass(frozen=True)
class Record:
    """What the last start decided, so that the next one, `stop` and `status` find it again."""

    data_dir: str
    port: int
    socket_dir: str
    how: str
    durable: bool
    temporary: bool


@dataclass(frozen=True)
class Place:
    """One server's folder."""

    home: Path
    name: str

    @classmethod
    def of(cls, home: Path | None, name: str) -> "Place":
        where = Path(os.path.realpath(home)) if home is not None else state_home()
        refuse_unsafe(where)
        if not NAME.fullmatch(name) or name in TAKEN_NAMES:
            raise ServerRefused(
                Reason.BAD_PATH,
                f"A PostgreSQL server cannot be kept under the name {name!r}.",
                where=where,
                whose=me().name,
                next_step="use up to 40 small letters, digits, - and _ (not 'bin' or 'lock')",
            )
        return cls(where, name)

    @property
    def folder(self) -> Path:
        return self.home / self.name

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def settings(self) -> Path:
        return self.folder / "settings.conf"

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def start_log(self) -> Path:
        return self.run / "start.log"

    @property
    def log_folder(self) -> Path:
        return self.run / "log"

    @property
    def half_made(self) -> Path:
        """Names the data directory that initdb is filling; still there after a crash it says: that one is not whole."""
        return self.folder / "initialising"

    @property
    def title(self) -> str:
        """Unique on the machine; PostgreSQL shows it in the title of every process of this server."""
        return f"entrepot-{self.name}-{self.digest[:8]}"

    @property
    def digest(self) -> str:
        return hashlib.sha256(str(self.folder).encode()).hexdigest()

    def prepare(self) -> None:
        """Root's folders let the server's account pass to what is its own; a user's folder is closed."""
        make_folder(self.home, 0o755 if os.geteuid() == 0 else 0o700)
        make_folder(self.folder, 0o711 if os.geteuid() == 0 else 0o700)
        if self.folder.stat().st_uid != os.geteuid():
            raise ServerRefused(
                Reason.FOREIGN_OWNER,
                "This server was made by another user.",
                where=self.folder,
                whose=f"{owner_of(self.folder).name} (you are {me().name})",
                next_step="run as that user, or set ENTREPOT_HOME to a folder of your own",
            )

    def read_record(self) -> Record | None:
        try:
            return Record(**json.loads((self.folder / "record.json").read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise ServerRefused(
                Reason.BAD_PATH,
                f"The server's record cannot be read ({error}).",
                where=self.folder / "record.json",
                whose=me().name,
                next_step="move that file away; the data directory beside it is found without it",
            ) from error

    def write_record(self, record: Record) -> None:
        write_whole(self.folder / "record.json", json.dumps(asdict(record), indent=1), 0o600)

    def password(self, *, create: bool) -> str:
        path = self.folder / "password"
        try:
            return path.read_text("utf-8").strip()
        except FileNotFoundError as error:
            if not create:
                raise ServerRefused(
                    Reason.PASSWORD,
                    "The data is there, but the file with the server's password is gone.",
                    where=path,
                    whose=me().name,
                    next_step="restore that file from your backup, or stop the server, set a new password with "
                    "`postgres --single` (ALTER ROLE entrepot PASSWORD ...) and write it there",
                ) from error
        made = secrets.token_urlsafe(32)
        write_whole(path, made, 0o600)
        return made

    def socket_dir(self, account: Account) -> Path:
        """`run/`, or a short private folder when that path would not fit into a socket address."""
        if len(os.fsencode(self.run)) + len(LONGEST_SOCKET_NAME) <= SOCKET_PATH_MAX:
            return self.run
        base = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
        usable = (
            base.is_absolute() and base.is_dir() and account.may_enter(base) is None and len(os.fsencode(base)) < 60
        )
        return own_folder((base if usable else Path("/tmp")) / f"entrepot-{account.uid}-{self.digest[:12]}", account)


def write_whole(path: Path, text: str, mode: int) -> None:
    """Write beside, then rename: a reader sees the old file or the new one, never a part."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(handle, mode)
        file.write(text)
        file.flush()
        os.fsync(handle)
    beside.rename(path)


def own_folder(path: Path, account: Account) -> Path:
    """A 0700 folder of the account, made now or found just so; anything else under that name is refused."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
            raise ServerRefused(
                Reason.FOREIGN_OWNER,
                f"The folder is not a closed folder of '{account.name}'.",
                where=path,
                whose=owner_of(path).name,
                next_step=f"see who made it and remove it, or run: chown {account.name} {path}; chmod 700 {path}",
            ) from None
    else:
        account.own(path)
    return path
