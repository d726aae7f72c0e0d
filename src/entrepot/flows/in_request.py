"""What happens while a buyer waits: a checkout is answered, a basket is recorded, decided and, when the marketplace is quick, created.

Nothing here is needed for correctness: when the wait is over the promise stands in the outbox, and its lane carries on.
"""

from collections.abc import Mapping
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.change.mapping import MISSING
from entrepot.flows.checkout_check import CheckoutBody, CheckoutCheck
from entrepot.flows.order_creation import arrival_of
from entrepot.flows.parts import Parts
from entrepot.inbox.model import Arrival, Message, Parked
from entrepot.inbox.service import Inbox
from entrepot.inbox.store import insert_arrivals, message_row
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import NotNow, Overtaken
from entrepot.outbox.port import Effect
from entrepot.outbox.service import Outbox
from entrepot.outbox.store import claimable
from entrepot.store.locks import lock_root

BUYER_WAITS_S = 0.8  # machine; after that he hears “being created”
SENDERS = 8

Answer = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class RequestLease:
    """The right to send one effect claimed by this very request: the claim itself is the fence, no lane is held."""

    account: str
    epoch: int
    incarnation: str

    def hold(self, conn: Conn) -> None:
        row = conn.execute("SELECT incarnation FROM installation").fetchone()
        if row is None or row["incarnation"] != self.incarnation:
            raise Overtaken("the database was restored under this request")

    def renew(self, ctx: Ctx) -> None:
        return None

    def time_left(self, ctx: Ctx) -> float:
        return 0.0


@dataclass(frozen=True, slots=True)
class InRequest:
    ctx: Ctx
    parts: Parts
    inbox: Inbox
    outbox: Outbox
    senders: Executor  # sends go on when the buyer has left

    def check(self, asked: CheckoutBody) -> Mapping[str, Any]:
        with self.ctx.db.transaction() as conn:
            return CheckoutCheck(self.parts).answer(self.ctx, conn, asked)

    def create(self, body: bytes, headers: Mapping[str, str]) -> Answer | Parked:
        """Record and decide in one transaction, promise the orders, and try to have them made before the buyer loses patience."""
        storefront = self.parts.storefront
        arrival = arrival_of(storefront, body, headers)
        if isinstance(arrival, Parked):
            return arrival
        if not arrival.received[0].nameable:
            return Parked("malformed-message", "basket: its commercial_id cannot be kept as an id")
        try:
            message_id = self._take(arrival, decide=True)
        except NotNow:
            raise
        except Exception:  # noqa: BLE001 - a bug of ours loses no paid basket: kept undecided, its lane tries again or parks it for a person
            message_id = self._take(arrival, decide=False)
        self.ctx.point("create.committed")
        with self.ctx.db.transaction() as conn:
            row = message_row(conn, message_id)
        assert row is not None
        if row["state"] == "parked" and self._waits_for_the_plan(message_id):
            return 202, {"commercial_id": row["external_id"], "state": "being-created", "detail": row["note"]}
        if row["state"] == "parked":
            return 409, {"commercial_id": row["external_id"], "state": "parked", "detail": row["note"]}
        return self._send(f"create:{row['external_id']}", row["external_id"])

    def _waits_for_the_plan(self, message_id: str) -> bool:
        """The basket is good, only the plan does not know a word of it yet: kept, and made when it does."""
        with self.ctx.db.transaction() as conn:
            row = conn.execute(
                "SELECT 1 FROM case_file WHERE message_id = %s AND mode = %s AND resolved_at IS NULL",
                (message_id, MISSING),
            ).fetchone()
        return row is not None

    def _take(self, arrival: Arrival, *, decide: bool) -> str:
        """Keep the basket and, unless it was decided before, decide it. Returns the message's id."""
        with self.ctx.db.transaction() as conn:
            lock_root(conn, arrival.received[0].root)
            kept = insert_arrivals(conn, self.ctx, [arrival])[0]
            row = message_row(conn, kept.message_id)
            assert row is not None
            if decide and row["state"] == "new":
                self.inbox.decide_now(self.ctx, conn, [Message.of(row)])
            self.ctx.point("create.before-commit")
        return kept.message_id

    def _send(self, key: str, commercial_id: str) -> Answer:
        lease = RequestLease(self.parts.marketplace, -int(self.ctx.ids.random.getrandbits(60)), self.ctx.incarnation)
        claimed = self._claim(key, lease.epoch)
        if claimed is None:
            return self._state(key, commercial_id)
        sent: Future[None] = self.senders.submit(self.outbox.send_now, self.ctx, lease, *claimed)
        try:
            sent.result(BUYER_WAITS_S)
        except TookTooLong:
            return 202, {"commercial_id": commercial_id, "state": "being-created"}
        return self._state(key, commercial_id)

    def _claim(self, key: str, epoch: int) -> tuple[Effect, datetime] | None:
        """Take the effect before its lane does; whoever commits first has it."""
        with self.ctx.db.transaction() as conn:
            effect = claimable(conn, key)
            return (effect, self.outbox.claim_now(self.ctx, conn, effect, epoch)) if effect else None

    def _state(self, key: str, commercial_id: str) -> Answer:
        with self.ctx.db.transaction() as conn:
            row = conn.execute("SELECT state, outcome FROM effect WHERE key = %s", (key,)).fetchone()
        if row is not None and row["state"] == "done":
            return 201, {
                "commercial_id": commercial_id,
                "state": "created",
                "order_ids": row["outcome"].get("order_ids", []),
            }
        if row is not None and row["state"] == "refused":
            return 409, {"commercial_id": commercial_id, "state": "refused", "detail": row["outcome"].get("words", "")}
        if row is not None and row["state"] == "observed":
            return 202, {"commercial_id": commercial_id, "state": "observed"}
        return 202, {"commercial_id": commercial_id, "state": "being-created"}
