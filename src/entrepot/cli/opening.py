"""What a command that reads or decides stands on: the running installation's database, its clock, the blueprint."""

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import psycopg
from psycopg.rows import dict_row

from entrepot import installations
from entrepot.installations import Installation, NothingRuns, Source
from entrepot.kernel.clock import Clock, Pace, SystemClock
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import Busy, NotNow, OwnerDecides, WrongSetting
from entrepot.kernel.http import HttpAnswer, HttpRequest, NotReached
from entrepot.kernel.ids import Ids
from entrepot.store import migrate
from entrepot.store.db import AWAY, BUSY, DatabaseAway, prepare
from entrepot.store.postgres.server import connect_url

if TYPE_CHECKING:
    from entrepot.blueprint.model import Plan

CONNECT_TIMEOUT_S = 5


class OneConnection:
    """The `Database` of one command: no pool, no threads. `only_look`: with the owner's eyes, and unable to write."""

    def __init__(self, url: str, *, only_look: bool = False) -> None:
        try:
            self._conn: Conn = psycopg.connect(
                url, row_factory=dict_row, connect_timeout=CONNECT_TIMEOUT_S, application_name="entrepot-cli"
            )
            prepare(self._conn, app_role=not only_look)
            self._conn.read_only = only_look
        except AWAY as error:
            raise DatabaseAway(f"the database does not answer: {' '.join(str(error).split())}") from error

    @contextmanager
    def transaction(self) -> Iterator[Conn]:
        try:
            with self._conn.transaction():
                yield self._conn
        except BUSY as error:
            raise Busy(f"another transaction holds what this one needs: {error.diag.message_primary}") from error
        except AWAY as error:
            raise DatabaseAway(f"the database does not answer: {str(error).splitlines()[0]}") from error

    def close(self) -> None:
        self._conn.close()


class SendsNothing:
    """A command plans outgoing actions and sends none: the workers do."""

    def send(self, request: HttpRequest) -> HttpAnswer:
        return NotReached(f"a command sends nothing by itself: {request.method} {request.url}")


@dataclass
class Opened:
    """An installation a command may read and decide in."""

    installation: Installation
    db: OneConnection
    clock: Clock
    incarnation: str
    environment: str
    plan_hash: str  # of the blueprint the running processes use
    env: Mapping[str, str] = field(repr=False)

    @cached_property
    def plan(self) -> "Plan":
        """The plan in force; where there is none yet, the file's.

        Errors: WrongSetting when it cannot be read or belongs to another environment.
        """
        from entrepot.blueprint.load import load
        from entrepot.change.service import plan_in_force

        with self.db.transaction() as conn:
            plan = plan_in_force(conn)
        plan = plan or load(self.env.get("ENTREPOT_BLUEPRINT") or None)
        if plan.environment != self.environment:
            raise WrongSetting(
                f"the database is {self.environment}, the blueprint {plan.file} is {plan.environment}: one of them is"
                " wrong"
            )
        return plan

    @property
    def ctx(self) -> Ctx:
        """What a verb is given."""
        return Ctx(
            db=self.db,
            clock=self.clock,
            ids=Ids(self.clock.millis),
            http=SendsNothing(),
            incarnation=self.incarnation,
            plan_hash=self.plan.hash,
            environment=self.environment,
        )


@contextmanager
def opened() -> Iterator[Opened]:
    """The installation of this machine's user, on a schema that fits; nothing is started.

    Errors: NothingRuns, ServerNotReady, DatabaseAway (exit 4); WrongSetting, ServerRefused, NewerSchema (exit 2).
    """
    installation = installations.current()
    url = reach(installation)
    migrate.require_known(url)
    db = OneConnection(url)
    try:
        yield _opened(installation, db)
    finally:
        db.close()


def reach(installation: Installation) -> str:
    """The address of a server that answers just now. Errors: as `opened`."""
    try:
        return connect_url(installation.url, patience_s=0).url
    except (NotNow, OwnerDecides) as error:
        if installation.source is Source.NOTED and not installation.lives:
            raise NothingRuns(
                "the demo that ran last has ended, and so has its database. Next: `entrepot demo` or `entrepot up`"
            ) from error
        raise


def _opened(installation: Installation, db: OneConnection) -> Opened:
    with db.transaction() as conn:
        row = conn.execute(
            "SELECT c.business_base, c.machine_base, c.rate, i.incarnation, i.environment, i.plan_hash,"
            " clock_timestamp() AS reading FROM clock c, installation i"
        ).fetchone()
    if row is None:
        raise OwnerDecides("the database has the tables but no installation in them: run `entrepot db upgrade`")
    env = {**os.environ, **installation.env}
    return Opened(installation, db, _clock(row), row["incarnation"], row["environment"], row["plan_hash"], env)


def _clock(row: Row) -> SystemClock:
    """The business clock as it runs now; a command ends before anybody changes its pace."""
    pace = Pace(row["business_base"], row["machine_base"], row["rate"])
    return SystemClock(lambda: pace, reading=row["reading"])


def login_name() -> str:
    """Who is at the terminal."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user id without a name, and nothing in the environment
        return f"uid-{os.getuid()}"


def clean(text: str) -> str:
    """A word of the command line as PostgreSQL can take it: what is no Unicode and no text becomes a question mark."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "?").strip()
