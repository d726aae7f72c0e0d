"""One seed: a day of trade under load and mishaps, then healing, closed books, rest, and judgement."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import psycopg
from psycopg.rows import dict_row

from entrepot.blueprint.model import Plan
from entrepot.engine import flows as flow_control
from entrepot.kernel.errors import Busy, EntrepotError
from entrepot.proof import checkers
from entrepot.proof.checkers import Finding
from entrepot.proof.checkers.rest import snapshot, unchanged
from entrepot.proof.figures import figures
from entrepot.proof.sim.bugs import bugs_heard, described, silence
from entrepot.proof.sim.database import Undertaker
from entrepot.proof.sim.desk import Desk
from entrepot.proof.sim.ground import Bulletin, Ground
from entrepot.proof.sim.hazard import Chaos, Mishap, Planned, plan_hazards
from entrepot.proof.sim.life import WEB, WORKERS, Life
from entrepot.proof.sim.report import DayReport
from entrepot.proof.sim.scheduler import Process, Scheduler, Signal
from entrepot.proof.sim.town import Town
from entrepot.proof.sim.variety import variety
from entrepot.proof.world import InProcess
from entrepot.sandbox.core import Hang, Request, Response
from entrepot.sandbox.faults import FaultPlan
from entrepot.sandbox.scenario import Stage, stage

START = datetime(2026, 3, 9, 7, 0, tzinfo=UTC)  # a Monday morning
LOAD = timedelta(minutes=90)  # of trade, in which things go wrong
CLOSING = timedelta(hours=2)  # and go on going wrong while the books are closed
HEAL_MAX = timedelta(hours=18)
REST_MAX = timedelta(hours=24)
PASSES_MAX = 6  # of every safety check, until one changes nothing
STEPS_MAX, STEPS_PER_ORDER_MAX = 60_000, 6_000
SOON = timedelta(seconds=1)  # what the hub itself has due may be seen so late, as by a leader that is busy
FLOWS_PAUSED = ("order-acceptance", "order-creation", "return-refund", "settlement", "shipment")

NEXT_DUE = """
    SELECT min(at) AS at FROM (
        SELECT min(due_at) AS at FROM message WHERE state = 'new' AND due_at > %(now)s
        UNION ALL SELECT min(due_at) FROM effect WHERE state IN ('planned', 'unknown') AND due_at > %(now)s
        UNION ALL SELECT min(send_until) FROM effect WHERE state = 'sending' AND send_until > %(now)s
        UNION ALL SELECT min(next_at) FROM obligation WHERE next_at > %(now)s
        UNION ALL SELECT min(next_at) FROM case_file WHERE resolved_at IS NULL AND next_at > %(now)s
        UNION ALL SELECT min(due_at) FROM alert WHERE state = 'planned' AND due_at > %(now)s
        UNION ALL SELECT min(next_at) FROM periodic WHERE next_at > %(now)s
        UNION ALL SELECT min(lease_until) FROM lane WHERE lease_until > %(now)s
        UNION ALL SELECT min(not_before) FROM lane WHERE not_before > %(now)s
        UNION ALL SELECT min(blocked_until) FROM bucket WHERE blocked_until > %(now)s
    ) AS moments
"""
AT_WORK = """
    SELECT EXISTS (SELECT FROM message WHERE state = 'new')
        OR EXISTS (SELECT FROM envelope WHERE sealed)
        OR EXISTS (SELECT FROM effect WHERE state IN ('planned', 'sending', 'unknown'))
        OR EXISTS (SELECT FROM alert WHERE state = 'planned')
        OR EXISTS (SELECT FROM lane WHERE lease_until > %(now)s)
        OR EXISTS (SELECT FROM statement WHERE state NOT IN ('parsed', 'explained', 'closed'))
        OR EXISTS (SELECT FROM periodic WHERE ran_at IS NULL OR ran_at < %(since)s OR failures > 0) AS busy
"""


class Stuck(EntrepotError):
    """The day does not end: somebody waits for something that never comes."""

    code = "stuck"


class Day:
    """The loop of one seed: `run` it once."""

    def __init__(self, url: str, plan: Plan, seed: int, orders: int, incarnation: str) -> None:
        self.url = url
        self.report = DayReport(seed, orders)
        self._scheduler = Scheduler(START, Random(f"{seed}/turns"))
        self._undertaker = Undertaker(url)
        hazards = plan_hazards(seed, Random(f"{seed}/hazards"), LOAD + CLOSING)
        self._chaos = Chaos(self._scheduler, Random(f"{seed}/chaos"), hazards, self._crash, self._freeze)
        self._stage = self._open_stage(seed, orders)
        bulletin = Bulletin(self._chaos, Random(f"{seed}/bulletin"))
        self._ground = Ground(self._scheduler, self._chaos, self._undertaker, url, variety(seed).plan(plan), InProcess(self._stage.world),
                              incarnation, seed, bulletin)  # fmt: skip
        self._town = Town(self._ground)
        self._desk = Desk(self._ground, self._town)
        self._mishaps = [(START + one.after, one) for one in hazards.planned]
        self._watcher = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        self._world_turn = Signal("world")
        self._world_rests = False
        self._steps_max = STEPS_MAX + STEPS_PER_ORDER_MAX * orders
        self._due: tuple[int, datetime | None] = (-1, None)

    def _open_stage(self, seed: int, orders: int) -> Stage:
        now = lambda: self._scheduler.at  # noqa: E731 - the clock, in the shape the sandbox takes it
        return stage(now, now, seed, "http://hub.sandbox", orders=orders, faults="random", outbound=self._outbound, options=variety(seed).options)  # fmt: skip

    def _crash(self, process: Process) -> None:
        self._town.crash(process)

    def _freeze(self, process: Process, seconds: float) -> None:
        self._town.freeze(process.name, seconds)

    def _outbound(self, base_url: str, request: Request) -> Response | Hang:
        return self._town.outbound(base_url, request)

    # -- the story ---------------------------------------------------------------------------------------------------

    def books(self) -> dict[str, Any]:
        """What the outside world says."""
        return self._stage.world.books()

    def run(self, *, calm: bool = False) -> DayReport:
        """Live the day and judge it. `calm`: nothing goes wrong."""
        if calm:
            self._chaos.on = False
            self._calm_world()
        try:
            with bugs_heard(self._ground.bugs):
                self._tell()
        except Stuck as stuck:
            self._find("stuck", stuck.message)
        finally:
            self._close()
        return self.report

    def _tell(self) -> None:
        self._town.open()
        self._scheduler.spawn(Process("world"), "tick", self._world)
        self._scheduler.spawn(Process("desk"), "operator", self._desk.sit)
        self._until(self._reached(START + LOAD), START + LOAD)
        self._stage.director.finish({"close_books": True})
        done, healed_at = self._stage.director.done, START + LOAD + CLOSING
        self._until(lambda: done() or self._scheduler.at >= healed_at, healed_at)
        self._heal()
        self._until(
            done, self._scheduler.at + HEAL_MAX, lambda: f"they still wait for {self._stage.director.waiting()}"
        )
        self._rest()
        self._judge()

    def _heal(self) -> None:
        self._town.calm()
        self._calm_world()
        self._resume_flows()

    def _reached(self, moment: datetime) -> Callable[[], bool]:
        return lambda: self._scheduler.at >= moment

    def _calm_world(self) -> None:
        """What is planned and has not happened yet never will; what happened stays counted."""
        world, healed = self._stage.world, FaultPlan()
        healed.fired, healed.calls = world.faults.fired, world.faults.calls
        world.faults = healed

    def _rest(self) -> None:
        """Run every safety check at once, again and again, until a whole pass of every drain changes nothing."""
        before = self._pass()
        for _ in range(PASSES_MAX):
            after = self._pass()
            moved = unchanged(before, after)
            if not moved:
                return
            before = after
        self.report.findings += moved

    def _pass(self) -> dict[str, str]:
        since = self._scheduler.at
        self._watcher.execute("UPDATE periodic SET next_at = least(next_at, %s)", (since,))
        self._ground.stirred()
        self._until(lambda: not self._at_work(since), since + REST_MAX, lambda: f"never at rest: {self._left()}")
        return snapshot(self._watcher)

    def _judge(self) -> None:
        books = self.books()
        with self._watcher.transaction():
            self.report.findings += checkers.check(self._watcher, books)
            self.report.figures = figures(self._watcher, books)
        self.report.findings += self._unheard()
        self.report.findings += [
            Finding("fence", "a drain that was overtaken committed", where) for where in self._ground.overtaken
        ]
        self.report.lost = self.report.figures["orders"]["lost"]
        self.report.duplicated = self.report.figures["orders"]["doubled"] + self.report.figures["effects"]["sent_twice"]

    def _unheard(self) -> list[Finding]:
        """Alerts that count as sent and arrived nowhere."""
        heard = {notice.key for _, notice in self._ground.bulletin.notices}
        sent = self._watcher.execute("SELECT key FROM alert WHERE state = 'sent' ORDER BY seq").fetchall()
        return [
            Finding("alerts", "counts as sent, and nobody received it", row["key"])
            for row in sent
            if row["key"] not in heard
        ]

    # -- the loop ----------------------------------------------------------------------------------------------------

    def _until(self, reached: Callable[[], bool], at_most: datetime, why: Callable[[], str] = lambda: "") -> None:
        """Turn fibers; when none can run, move time to the next moment that matters."""
        while True:
            while self._scheduler.turn():
                if self._scheduler.trace.steps > self._steps_max:
                    raise Stuck(f"more than {self._steps_max} steps; {why()}")
            if self._scheduler.escaped:
                who, error = self._scheduler.escaped[0]
                raise Stuck(f"{who} fell over: {described(error)}") from error
            if reached():
                return
            if self._scheduler.at >= at_most:
                raise Stuck(why())
            self._move(at_most)

    def _move(self, at_most: datetime) -> None:
        moments = [self._scheduler.next_wake(), self._world_due()]
        moments += [at for at, _ in self._mishaps[:1]] if self._chaos.on else []
        to = min([at_most, *(at for at in moments if at is not None)])
        if to - self._scheduler.at > SOON:
            to = min(to, self._hub_due() or to)
        self._scheduler.advance(to)
        while self._chaos.on and self._mishaps and self._mishaps[0][0] <= self._scheduler.at:
            self._befall(self._mishaps.pop(0)[1])
        if (due := self._world_due()) is not None and due <= self._scheduler.at:
            self._scheduler.fire(self._world_turn)
        if (due := self._due[1]) is not None and due <= self._scheduler.at:
            self._due = (-1, None)
            self._scheduler.fire(self._ground.stir)

    def _hub_due(self) -> datetime | None:
        """Asked again only when something was committed or its moment has come."""
        if self._due[0] != self._ground.commits:
            row = self._watcher.execute(NEXT_DUE, {"now": self._scheduler.at}).fetchone()
            self._due = (self._ground.commits, row["at"] if row else None)
        return self._due[1]

    def _world_due(self) -> datetime | None:
        """Not while the world waits for an answer of the hub: it calls one after the other."""
        return self._stage.world.next_due() if self._world_rests else None

    def _world(self) -> None:
        while True:
            self._world_rests = False
            self._stage.world.tick()
            self._world_rests = True
            self._scheduler.wait(self._world_turn)

    # -- mishaps at a moment of the day --------------------------------------------------------------------------------

    def _befall(self, mishap: Planned) -> None:
        names = (*WORKERS, WEB)
        name = names[mishap.pick % len(names)]
        life = self._town.lives.get(name)
        match mishap.kind:
            case Mishap.CRASH if life is not None:
                self._town.crash(life.process)
            case Mishap.FREEZE:
                self._town.freeze(name, mishap.seconds)
            case Mishap.DROP:
                self._town.drop(name)
            case Mishap.RESTART:
                self._town.restart_database()
            case Mishap.PAUSE if life is not None:
                self._pause_flow(life, FLOWS_PAUSED[mishap.pick % len(FLOWS_PAUSED)], mishap.seconds)

    def _pause_flow(self, life: Life, flow: str, seconds: float) -> None:
        """An operator pauses a flow, and resumes it when its time is over."""

        def run() -> None:
            until = self._scheduler.at + timedelta(seconds=seconds)
            if self._patiently(lambda conn: flow_control.pause(conn, life.ctx, flow, "operator@sim", "maintenance", until)):  # fmt: skip
                self._chaos.fired["flow-paused"] += 1
            self._scheduler.sleep(seconds)
            self._resume_flows()
            self._ground.stirred()

        self._scheduler.spawn(Process("operator"), "pause", run)

    def _patiently(self, work: Callable[[psycopg.Connection[dict[str, Any]]], object]) -> bool:
        for _ in range(100):
            try:
                with self._watcher.transaction():
                    work(self._watcher)
            except (psycopg.errors.LockNotAvailable, Busy):
                self._scheduler.sleep(0.5)
            else:
                return True
        return False

    def _resume_flows(self) -> None:
        self._watcher.execute("UPDATE flow SET state = 'running', until_at = NULL WHERE state <> 'running'")

    # -- knowing -----------------------------------------------------------------------------------------------------

    def _at_work(self, since: datetime) -> bool:
        row = self._watcher.execute(AT_WORK, {"since": since, "now": self._scheduler.at}).fetchone()
        return bool(row and row["busy"]) or not self._stage.world.quiet()

    def _left(self) -> str:
        found = checkers.rest.nothing_is_left(self._watcher, self._stage.world.books())
        return "; ".join(f"{one.where} {one.what}" for one in found[:5])

    def _find(self, checker: str, what: str) -> None:
        self.report.findings.append(Finding(checker, what, f"seed {self.report.seed}"))

    def _close(self) -> None:
        report, trace = self.report, self._scheduler.trace
        for bug, times in self._ground.bugs.items():
            self._find("bug", f"{bug} ({times} ×)")
        report.trace_hash, report.steps, report.last_steps = trace.hash, trace.steps, list(trace.last)
        report.hours = round((self._scheduler.at - START).total_seconds() / 3600, 1)
        report.crashes, report.freezes, report.drops = self._town.crashes, self._town.freezes, self._town.drops
        fired: Mapping[str, int] = self._stage.world.faults.report()["fired"]
        for name, count in fired.items():
            report.faults[name.partition(" ")[0]] += count
        report.faults.update(self._chaos.fired)
        report.killed_at.update(self._chaos.killed_at)
        report.points.update(trace.points)
        report.drains.update({str(end): n for end, n in self._ground.drains.items()})
        report.pressed = self._desk.pressed
        self._town.close()
        with silence():
            self._scheduler.bury()
        self._undertaker.close()
        self._watcher.close()
