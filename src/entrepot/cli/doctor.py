"""`entrepot doctor`: everything is looked at, nothing is changed, and nothing is started."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from entrepot import installations
from entrepot.blueprint.model import Plan
from entrepot.cli.health import database, machine, systems, work
from entrepot.cli.health.report import Finding, Report, fail
from entrepot.cli.opening import OneConnection, reach
from entrepot.installations import Installation, NothingRuns
from entrepot.kernel.clock import SystemClock
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import EntrepotError, NotNow
from entrepot.kernel.http import HttpSender
from entrepot.kernel.ids import Ids
from entrepot.process import Settings, settings
from entrepot.store.postgres.place import state_home


def examine() -> Report:
    """Errors: WrongSetting for a wrong setting; whatever else is wrong is a finding."""
    chosen = settings()
    home = chosen.home or state_home()
    try:
        installation = installations.current()
    except NothingRuns as error:
        lost = fail("postgres", error.message, "start it: `entrepot up`, or `entrepot demo`")
        return Report("no installation runs here", [*_machine(home), lost], reached=False)
    os.environ.update(installation.env)  # references of the blueprint point at what the running processes use
    return Examination(chosen, installation, home).report()


def _machine(home: Path) -> list[Finding]:
    return [machine.python(), machine.programs(), machine.disk(home), machine.browser()]


def address(url: str) -> dict[str, Any]:
    """Host, port and database of an address, never its password."""
    parts = conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
    return {"host": parts.get("host"), "port": parts.get("port"), "database": parts.get("dbname")}


@dataclass
class Examination:
    """One look at one installation, from the machine inwards."""

    chosen: Settings
    installation: Installation
    home: Path
    findings: list[Finding] = field(default_factory=list)

    def report(self) -> Report:
        self.findings += _machine(self.home)
        plan, found = machine.blueprint(os.environ)
        self.findings += found
        reached = self._database(plan)
        if plan is not None:
            self.findings += self._outside(plan)
        self.findings.append(systems.console(self.installation.console_url))
        return Report(*self._where(), reached=reached)

    def _where(self) -> tuple[str, list[Finding]]:
        try:
            at = address(self.installation.url)
        except ValueError:
            at = {"host": "?", "port": "?", "database": "?"}
        where = f"{at['host']}:{at['port']}/{at['database']} by {self.installation.source}"
        return where, self.findings

    def _database(self, plan: Plan | None) -> bool:
        """Everything that the database can tell; False when it does not answer."""
        try:
            db = OneConnection(reach(self.installation), only_look=True)
        except EntrepotError as error:
            self.findings.append(fail("postgres", error.message, "start it, or correct ENTREPOT_DATABASE_URL"))
            return False
        try:
            with db.transaction() as conn:
                self.findings += self._inside(conn, plan)
        except NotNow as error:
            self.findings.append(fail("postgres", error.message, "look again; if it stays, read the server's log"))
            return False
        finally:
            db.close()
        return True

    def _inside(self, conn: Conn, plan: Plan | None) -> Iterator[Finding]:
        seen, found = database.look(conn)
        yield from found
        if seen.pace is None:
            return
        yield database.roles(conn)
        yield database.connections(seen.row, sum(self.chosen.threads.values()), self.chosen.workers)
        if plan is not None:
            yield from database.agreement(seen, plan)
        yield from database.linted(conn)
        yield from database.clocks(seen)
        now = seen.pace.business(seen.row["at"])
        backlog = work.backlog(conn, now)
        yield database.leader(conn, backlog.waiting)
        yield work.queues(backlog, now, seen.rate)
        yield work.failing(conn)
        yield work.flows(conn, now)
        yield work.owners(conn)
        yield work.promises(conn)
        yield work.ledger(conn)

    def _outside(self, plan: Plan) -> Iterator[Finding]:
        yield from systems.accounts(plan, _context())
        yield systems.alerts(plan)


class NoDatabase:
    """A look at the outside needs none."""

    def transaction(self) -> Any:
        raise AssertionError("a check of a connector asks no database")


def _context() -> Callable[[HttpSender], Ctx]:
    clock = SystemClock()
    ids = Ids(clock.millis)
    return lambda sender: Ctx(NoDatabase(), clock, ids, sender)
