"""One claim: what is due, whether it is still wanted and has a token, and which calls and looks it goes in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import OurBug
from entrepot.outbox import store
from entrepot.outbox.joining import Room, looks_of
from entrepot.outbox.port import Effect, Joining, LookingTogether, Operation, Reaction, SendLease

BATCH = 64
LOOK_MAX = 500  # effects that one look tells of
PLAIN = Reaction()
Park = Callable[[Ctx, Conn, SendLease, Effect, str, str], None]  # with a failure mode and a cause


@dataclass(frozen=True, slots=True)
class Claims:
    """Within one transaction that holds the lease. `until`: the `send_until` of what is claimed."""

    ctx: Ctx
    conn: Conn
    lease: SendLease
    queue: str
    until: datetime
    operation_of: Callable[[Effect], Operation]
    reactions: Mapping[str, Reaction]
    park: Park

    def take(self) -> tuple[list[list[Effect]], list[list[Effect]]]:
        """Calls and looks. Both take in what a full claim has left behind, as far as one call or look reaches."""
        now = self.ctx.clock.now()
        given = self.conn, self.lease.account, self.queue, now
        due = store.take_due(*given, BATCH)
        planned = [effect for effect in due if effect.state != "unknown"]
        room = self._room(planned)
        send = self._claimed(planned, room)
        looks = looks_of([effect for effect in due if effect.state == "unknown"], self.operation_of)
        if len(due) == BATCH:
            for name, left in sorted(room.left.items()):
                send += self._claimed(store.take_more(*given, left, name) if left else [], room)
            for some in looks:
                if some[0].outcome and isinstance(self.operation_of(some[0]), LookingTogether):
                    some[:] = store.take_unclear(*given, LOOK_MAX, some[0])
        return room.calls_of(send, self.operation_of), looks

    def _claimed(self, due: Sequence[Effect], room: Room) -> list[Effect]:
        send = [wanted for effect in due if (wanted := self._may_send(effect, room))]
        if send:
            store.claim(self.conn, self.ctx, send, self.lease.epoch, self.until)
        return send

    def _room(self, due: Sequence[Effect]) -> Room:
        """Lanes that pay for as many as are due, and have a token."""
        room, now = Room(), self.ctx.clock.now()
        for name, effect in {effect.operation: effect for effect in due}.items():
            operation = self.operation_of(effect)
            if not isinstance(operation, Joining) or operation.lane is None:
                continue
            least = operation.together_from
            waiting = store.due_of(self.conn, self.lease.account, self.queue, now, name, least)
            if waiting >= least and not store.take_token(self.conn, self.ctx, self.lease.account, operation.lane):
                room.lane_opened(name, operation)
        return room

    def _may_send(self, effect: Effect, room: Room) -> Effect | None:
        """The effect as it is wanted now, in its window, and with a token; None: its row already says why not.

        `room`: in calls that a token was taken for already.
        """
        ctx, conn, lease = self.ctx, self.conn, self.lease
        now = ctx.clock.now()
        operation = self.operation_of(effect)
        if store.predecessor_state(conn, effect.id) in ("refused", "void", "observed"):
            store.settle(
                conn, ctx, effect, lease.epoch, "void", note="what it was to follow did not happen", was="planned"
            )
            return None
        reaction = self.reactions.get(effect.operation, PLAIN)
        wanted = reaction.wanted(ctx, conn, effect)
        if wanted is None:
            store.settle(
                conn, ctx, effect, lease.epoch, "void", note="no longer wanted when its turn came", was="planned"
            )
            return None
        if wanted.payload != effect.payload:
            if effect.attempts:
                raise OurBug(
                    f"effect {effect.key} was sent before; its content may not change under the same key",
                    effect_id=effect.id,
                )
            store.amend(conn, effect.id, wanted.payload)
        if now > effect.window_until:
            words = f"not done after {effect.attempts} attempts; its retry window is over"
            self.park(ctx, conn, lease, effect, "retry-window-over", words)
            return None
        if wait := reaction.waits_s(ctx, conn, effect):
            self._not_now(effect, wait)
            return None
        if room.joins(operation):
            return wanted
        if operation.limit is not None and (wait := store.take_token(conn, ctx, effect.account, operation.limit)):
            self._not_now(effect, wait)
            return None
        room.opened(operation)
        return wanted

    def _not_now(self, effect: Effect, wait_s: float) -> None:
        due_at = self.ctx.clock.now() + timedelta(seconds=wait_s)
        store.settle(self.conn, self.ctx, effect, self.lease.epoch, "planned", due_at=due_at, was="planned")
