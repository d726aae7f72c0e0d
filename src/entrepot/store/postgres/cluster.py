"""Make a data directory, write its settings, start its server: initdb, pg_ctl, and what they say when they fail."""

import os
import re
import shutil
import socket
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from entrepot.store.postgres.account import Account, owner_of
from entrepot.store.postgres.binaries import Binaries
from entrepot.store.postgres.errors import Reason, ServerRefused
from entrepot.store.postgres.place import Place, make_folder, write_whole

OWNER_ROLE = "entrepot"
FIRST_PORT, PORT_SPREAD, PORTS_TRIED = 15_432, 4_000, 200
LOG_TAIL_BYTES = 3_000

SETTINGS: dict[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # it compiles for longer than our short statements run
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",  # we read the log's words
    "log_line_prefix": "%m [%p] ",
    # Personal data stands in failing rows and statements; the log gets the error's first line and nothing of them.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
DURABLE: dict[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # A commit waits for whatever was written before it. So the log is flushed as it grows, not when somebody commits, and a new piece
    # of it is not filled with zeroes first: beside a drain, 1 webhook in 100 waited 38 to 57 ms with the defaults and 16 to 26 so,
    # where the disk itself did not stop (docs/performance.md).
    "wal_init_zero": "off",
    "wal_writer_delay": "10ms",
    "wal_writer_flush_after": "128kB",
    # One file per weekday, started afresh each week: the log cannot grow without end.
    "logging_collector": "on",
    "log_filename": "server-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}
NOT_DURABLE: dict[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "512MB",
    "logging_collector": "off",
}


@dataclass(frozen=True)
class Cluster:
    """One data directory with the account and the programs that serve it."""

    place: Place
    data_dir: Path
    account: Account
    binaries: Binaries

    def initialise(self, password: str, *, durable: bool) -> None:
        """Fill the data directory, whole or not at all: after a crash a note beside it makes the next start redo it."""
        write_whole(self.place.half_made, str(self.data_dir), 0o600)
        secret = self.place.folder / "initdb-password"
        write_whole(secret, password, 0o600)
        self.account.own(secret)
        try:
            self._initdb(secret, durable=durable)
        finally:
            secret.unlink(missing_ok=True)
        self.place.half_made.unlink()

    def _initdb(self, secret: Path, *, durable: bool) -> None:
        said = ""
        for locale in ("C.UTF-8", "C"):  # not every system knows C.UTF-8; from PostgreSQL 17 it is built in
            done = self.account.run(
                [
                    self.binaries.program("initdb"),
                    "-D",
                    self.data_dir,
                    "-U",
                    OWNER_ROLE,
                    "--encoding=UTF8",
                    f"--locale={locale}",
                    *(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if self.binaries.major >= 17 else []),
                    "--auth=scram-sha-256",
                    f"--pwfile={secret}",
                    *self._checksums(durable=durable),
                ],
            )
            if done.returncode == 0:
                return
            said = (done.stderr or done.stdout).strip()
            if "invalid locale" not in said:
                break
        raise ServerRefused(
            Reason.INITDB,
            f"initdb of PostgreSQL {self.binaries.version} failed: {said[-LOG_TAIL_BYTES:]}",
            where=self.data_dir,
            whose=self.account.name,
            next_step="mend what it says (often: no space left, or a folder that is not empty) and start again",
        )

    def _checksums(self, *, durable: bool) -> list[str]:
        if durable:
            return ["--data-checksums"]
        return ["--no-sync", *(["--no-data-checksums"] if self.binaries.major >= 18 else [])]

    def write_settings(self, port: int, socket_dir: Path, *, durable: bool) -> None:
        """What initdb found out about the machine, ours, the operator's `local.conf`; ALTER SYSTEM wins over all."""
        values = SETTINGS | (DURABLE if durable else NOT_DURABLE)
        values |= {"port": str(port), "unix_socket_directories": f'"{socket_dir}"', "cluster_name": self.place.title}
        values |= {"log_directory": str(self.place.log_folder)}
        lines = [f"{name} = '{value}'" for name, value in values.items()]
        local = self.place.folder / "local.conf"
        text = "\n".join(
            ["# Written at every start. Put your own lines into local.conf beside this file; they win.", *lines]
        )
        write_whole(self.place.settings, f"{text}\ninclude_if_exists = '{local}'\n", 0o644)

    def launch(self, wait_s: float) -> str:
        """Start the server and wait until it is ready; "" when it is, else what pg_ctl and the server's log said."""
        self.place.start_log.unlink(missing_ok=True)
        before = {path: path.stat().st_size for path in self._logs()}
        done = self.account.run(
            [
                self.binaries.program("pg_ctl"),
                "start",
                "-w",
                "-t",
                str(max(1, int(wait_s))),
                "-D",
                self.data_dir,
                "-l",
                self.place.start_log,
                "-o",
                f"-c config_file='{self.place.settings}'",
            ],
            timeout_s=wait_s + 30,
        )
        if done.returncode == 0:
            return ""
        log = "".join(_read_from(path, before.get(path, 0)) for path in self._logs())
        return f"{done.stderr.strip()}\n{log}".strip()

    def _logs(self) -> list[Path]:
        return sorted([*self.place.log_folder.glob("*.log"), *self.place.run.glob("start.log")])


def _read_from(path: Path, offset: int) -> str:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LOG_TAIL_BYTES, offset if offset <= size else 0))
        return file.read().decode("utf-8", errors="replace")


def prepare_data_dir(place: Place, data_dir: Path, account: Account) -> int | None:
    """Have a data directory of the account, empty or whole; returns the major version that wrote it, if any did."""
    if place.half_made.exists():
        if place.half_made.read_text("utf-8") == str(data_dir):
            shutil.rmtree(data_dir, ignore_errors=True)
        place.half_made.unlink()
    if not data_dir.exists():
        make_folder(data_dir.parent, 0o755)
        data_dir.mkdir(mode=0o700)
        account.own(data_dir)
    elif os.geteuid() == 0 and data_dir.stat().st_uid == 0 and not any(data_dir.iterdir()):  # a volume mounted for us
        account.own(data_dir)
        data_dir.chmod(0o700)
    if closed := account.may_enter(data_dir):
        raise ServerRefused(
            Reason.UNREACHABLE,
            f"The account '{account.name}' cannot enter a folder on the way to the data directory {data_dir}.",
            where=closed,
            whose=owner_of(closed).name,
            next_step="set ENTREPOT_HOME to a folder all accounts may enter (we do not change rights of what exists)",
        )
    if data_dir.stat().st_uid != account.uid:
        raise ServerRefused(
            Reason.FOREIGN_OWNER,
            f"The data directory does not belong to '{account.name}'.",
            where=data_dir,
            whose=owner_of(data_dir).name,
            next_step="run as its owner, or set ENTREPOT_HOME to a folder of your own",
        )
    if (data_dir / "PG_VERSION").exists():
        return int((data_dir / "PG_VERSION").read_text("ascii").split(".")[0])
    if any(data_dir.iterdir()):
        raise ServerRefused(
            Reason.NOT_A_DATA_DIRECTORY,
            "The folder is not empty and holds no PostgreSQL data; it is left as it is.",
            where=data_dir,
            whose=account.name,
            next_step="name another folder, or empty this one yourself",
        )
    return None


def ports(place: Place, kept: int | None) -> Iterator[int]:
    """The port it had, then free ones from a number that follows from the folder: two servers seldom meet."""
    first = FIRST_PORT + zlib.crc32(str(place.folder).encode()) % PORT_SPREAD
    for port in dict.fromkeys([kept or first, *range(first, first + PORTS_TRIED)]):
        if is_free(port):
            yield port


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def blames_port(said: str) -> bool:
    return bool(re.search(r"could not bind|could not create any TCP/IP sockets|Address already in use", said))


def blames_leftovers(said: str) -> bool:
    return bool(re.search(r"pre-existing shared memory block|is still in use", said))


def blames_pid_file(said: str) -> bool:
    return bool(re.search(r'lock file ".*" (already exists|is empty)', said))
