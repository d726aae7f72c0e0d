"""A small world for cases: the default plan, a channel that remembers what it was told, and rows to be failures of."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases.model import Notice
from entrepot.cases.notify import drain_notify
from entrepot.cases.watch import drain_watch
from entrepot.inbox.model import Arrival, Received
from entrepot.inbox.service import record
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx, Points, Row
from entrepot.outbox.store import Intent, plan_effects


class Unfenced:
    """A lease nobody contests: fencing is the engine's to prove."""

    def hold(self, conn: Conn) -> None:
        return None

    def renew(self, ctx: Ctx) -> None:
        return None

    def time_left(self, ctx: Ctx) -> float:
        return 20.0


@dataclass
class Listener:
    """A channel that keeps every notice; while `broken`, it takes none."""

    broken: str | None = None
    heard: list[tuple[Notice, str]] = field(default_factory=list)

    def send(self, notice: Notice, channel: str) -> str | None:
        if self.broken is None:
            self.heard.append((notice, channel))
        return self.broken


@dataclass
class Desk:
    """What a test does over and over: move time, watch, read rows."""

    ctx: Ctx
    clock: ManualClock
    plan: Plan
    listener: Listener

    def at(self, when: datetime) -> None:
        self.clock.advance((when - self.clock.now()).total_seconds())

    def later(self, **spans: float) -> None:
        self.clock.advance(timedelta(**spans).total_seconds())

    def watch(self) -> int:
        return drain_watch(self.ctx, Unfenced(), self.plan)

    def notify(self) -> int:
        return drain_notify(self.ctx, Unfenced(), self.plan, self.listener)

    def rows(self, sql: str, *values: Any) -> list[Row]:
        with self.ctx.db.transaction() as conn:
            return conn.execute(sql, values).fetchall()

    def case(self, case_id: str) -> Row:
        return self.rows("SELECT * FROM case_file WHERE id = %s", case_id)[0]

    def story(self, case_id: str) -> list[str]:
        return [r["what"] for r in self.rows("SELECT what FROM case_event WHERE case_id = %s ORDER BY seq", case_id)]

    def message(self, body: bytes, external_id: str = "ORD-1-A", state: str = "parked", revision: str = "1") -> str:
        """A message somebody could not apply."""
        received = Received("order", external_id, revision, body, 0, "basket:ORD-1", "order-acceptance")
        recorded = record(self.ctx, [Arrival("mirakl-fr/operator", "page", "OR11", body, (received,))])[0]
        with self.ctx.db.transaction() as conn:
            conn.execute("UPDATE message SET state = %s, attempts = 1 WHERE id = %s", (state, recorded.message_id))
        return recorded.message_id

    def effect(
        self, key: str = "capture:ORD-1-A", state: str = "refused", attempts: int = 1, after: str | None = None
    ) -> str:
        """An outgoing action as the outbox leaves it."""
        intent = Intent(
            key,
            "gateway/main",
            "gateway.capture",
            "basket:ORD-1",
            "capture",
            {"amount_minor": 2500, "currency": "EUR"},
            3600.0,
            after_key=after,
        )
        with self.ctx.db.transaction() as conn:
            plan_effects(conn, self.ctx, [intent])
            conn.execute("UPDATE effect SET state = %s, attempts = %s WHERE key = %s", (state, attempts, key))
            row = conn.execute("SELECT id FROM effect WHERE key = %s", (key,)).fetchone()
        assert row is not None
        return str(row["id"])

    def effect_row(self, effect_id: str) -> Row:
        return self.rows("SELECT * FROM effect WHERE id = %s", effect_id)[0]

    def message_row(self, message_id: str) -> Row:
        return self.rows("SELECT * FROM message WHERE id = %s", message_id)[0]

    def body(self, message_id: str) -> Any:
        return json.loads(bytes(self.message_row(message_id)["body"]))


class Killed(BaseException):
    """The process ends here."""


class DiesAt(Points):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def reach(self, name: str) -> None:
        super().reach(name)
        if name == self.name:
            raise Killed


def plan_with(plan: Plan, mode: str, **changes: Any) -> Plan:
    """The same plan with one failure mode changed."""
    failure = plan.failure(mode).model_copy(update=changes)
    return plan.model_copy(update={"failures": {**plan.failures, mode: failure}})
