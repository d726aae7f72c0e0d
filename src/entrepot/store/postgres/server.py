"""A running server as its callers see it, and the URL's side of things: reach it, make and drop databases."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from entrepot.store.postgres.binaries import OLDEST_MAJOR, How
from entrepot.store.postgres.errors import Reason, ServerNotReady, ServerRefused
from entrepot.store.postgres.patience import Patience, Sleep

DATABASE = "entrepot"
ADMIN_DATABASE = "postgres"
CONNECT_TIMEOUT_S = 3
PATIENCE_S = 60.0
RETRY_S = 0.05


@dataclass(frozen=True)
class Server:
    """A server that answers. `url` holds the owner's password: it is left out when a server is printed."""

    url: str = field(repr=False)
    version: str
    how: How
    data_dir: Path | None = None  # None: a configured server, not ours to start or stop
    pid: int | None = None
    port: int | None = None
    socket_dir: Path | None = None
    home: Path | None = None
    name: str = ""

    @property
    def socket_url(self) -> str:
        """The same by unix socket: quicker per round trip; for processes of the server's account, or root."""
        if self.socket_dir is None:
            return self.url
        parts = urlsplit(self.url)
        netloc = f"{parts.username}:{parts.password}@"
        return urlunsplit(
            (parts.scheme, netloc, parts.path, f"host={quote(str(self.socket_dir), safe='')}&port={self.port}", "")
        )


def local_url(password: str, port: int, database: str = DATABASE) -> str:
    return f"postgresql://entrepot:{quote(password, safe='')}@127.0.0.1:{port}/{database}"


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name, safe='')}"))


def connect_url(url: str, *, patience_s: float = PATIENCE_S, sleep: Sleep = time.sleep) -> Server:
    """Reach a server somebody else runs, waiting while it starts, and see that it is new enough."""
    url = url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        settings: Mapping[str, Any] = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ServerRefused(
            Reason.BAD_URL,
            "The database URL cannot be read.",
            where="ENTREPOT_DATABASE_URL",
            whose="this installation's settings",
            next_step="write it as postgresql://user:password@host:port/database, special letters percent-encoded",
        ) from error
    where = f"{settings.get('host', 'local socket')}:{settings.get('port', 5432)}/{settings.get('dbname', '')}"
    version = answer(url, Patience(patience_s, sleep), where=where, whose=str(settings.get("user", "")))
    if int(version.split(".")[0]) < OLDEST_MAJOR:
        raise ServerRefused(
            Reason.TOO_OLD,
            f"The server is PostgreSQL {version}; we need {OLDEST_MAJOR} or newer.",
            where=where,
            whose=str(settings.get("user", "")),
            next_step="upgrade it, or leave ENTREPOT_DATABASE_URL empty for a server of our own",
        )
    return Server(url=url, version=version, how=How.CONFIGURED)


class ServerGone(ServerNotReady):
    """The server we waited for has died meanwhile."""

    code = "server-gone"


def answer(url: str, patience: Patience, *, where: str, whose: str, is_there: Callable[[], bool] = lambda: True) -> str:
    """The version of the server behind this URL, as soon as it answers.

    Errors: ServerRefused as soon as it turns us away for good; ServerGone when `is_there` says so; else ServerNotReady.
    """
    while True:
        try:
            with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True) as conn:
                return ".".join(str(part) for part in divmod(conn.info.server_version, 10_000))
        except psycopg.OperationalError as error:
            said = " ".join(str(error).split())
            if is_final(error, said):
                raise ServerRefused(
                    Reason.PASSWORD,
                    f"The server does not let us in: {said}",
                    where=where,
                    whose=whose,
                    next_step="compare user, password and database with what the server knows, and its pg_hba.conf",
                ) from error
            gone = not is_there()
            if gone or not patience.wait(RETRY_S):
                raise (ServerGone if gone else ServerNotReady)(
                    Reason.NO_ANSWER,
                    f"The server has not answered for {patience.spent_s:.0f} s; the last word was: {said}",
                    where=where,
                    whose=whose,
                    next_step="read its log; if it is repairing itself after a crash, try again later",
                ) from error


def is_final(error: psycopg.OperationalError, said: str) -> bool:
    """Errors before a connection stands come without a class: then the server's words decide."""
    if isinstance(error, errors.InvalidPassword | errors.InvalidAuthorizationSpecification | errors.InvalidCatalogName):
        return True
    return any(
        words in said
        for words in ("authentication failed", "no pg_hba.conf entry", "does not exist", "no password supplied")
    )


def create_database(url: str, name: str, *, template: str | None = None) -> str:
    """Have a database of this name on the server; returns its URL. One that exists already is left as it is.

    A template is copied file by file: page by page through the log, as is usual, a small one costs six times the work.
    """
    with psycopg.connect(with_database(url, ADMIN_DATABASE), autocommit=True) as conn:
        if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            copied = (
                sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template)) if template else sql.SQL("")
            )
            with suppress(errors.DuplicateDatabase, errors.UniqueViolation):  # another process was quicker
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + copied)
    return with_database(url, name)


def drop_database(url: str, name: str) -> None:
    """Drop a database of this name, whoever is connected to it; nothing happens when there is none."""
    with psycopg.connect(with_database(url, ADMIN_DATABASE), autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
