"""A decider behind the plan: a message that would change what is not its sender's is not applied. It is kept, refused in ownership's books with the
rule, and is a case of whoever sees exceptions; when the plan gives him the field, retry reads it again.

Whether a sender may write everything such messages can write is worked out once per plan: then none of them is looked at here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.flows.parts import Parts
from entrepot.flows.record_writes import CREATED, CREATES, Change, Kind
from entrepot.flows.refusals import NOT_HIS, cause_key
from entrepot.inbox.model import Message, Parked, Verdict
from entrepot.inbox.service import Decider
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.ownership.booking import FEED, OBSERVED
from entrepot.ownership.model import Act, NotAllowed
from entrepot.ownership.refusing import Refusing, refuse
from entrepot.ownership.rules import an

CHANNELS = {
    "marketplace": OBSERVED,
    "payment": OBSERVED,
}  # they write elsewhere, and we hear of it; our own house writes to us


@dataclass(frozen=True, slots=True)
class Guarded:
    decide: Decider
    name: str
    kind: Kind
    parts: Parts

    def __call__(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> Sequence[Verdict]:
        if self._his(messages[0].account):
            return self.decide(ctx, conn, messages)
        away = {one.id: why for one in messages if (why := self._turned_away(ctx, conn, one)) is not None}
        left = [one for one in messages if one.id not in away]
        decided = dict(zip((one.id for one in left), self.decide(ctx, conn, left) if left else (), strict=True))
        return [away[one.id] if one.id in away else decided[one.id] for one in messages]

    def _his(self, account: str) -> bool:
        """Whether the plan gives this sender all that such messages can write."""
        owners = self.parts.owners
        places = owners.selling if self.kind.elsewhere else (account,)
        return all(
            owners.always(account, self.name, self.kind.object, self.kind.fields, at, creates=self.name in CREATED)
            for at in places
        )

    def _turned_away(self, ctx: Ctx, conn: Conn, message: Message) -> Parked | None:
        seen = self.parts.read(message)
        if isinstance(seen, Parked):
            return None  # nobody can read it: that is said by whoever decides it
        change = self.kind.changes(conn, message, seen)
        found = [
            (name, verdict) for name in change.fields if (verdict := self._verdict(message, change, name)) is not None
        ]
        if not found:
            return None
        scope = self.parts.owners.scope(change.account, change.seller)
        system = self.parts.plan.system_of(message.account)
        books = [
            Refusing(
                (change.account, self.kind.object, change.object_id),
                name,
                *change.fields[name],
                self.parts.owners.actor(message.account, self.name, name),
                scope,
                verdict,
                message.received_at,
                message.id,
                f"{self.name} {message.external_id} of {system.name}",
                CHANNELS.get(system.party, FEED),
            )
            for name, verdict in found
        ]
        refuse(conn, ctx, self.parts.plan, self.parts.owners.rules, books)
        return self._parked(message, change, *found[0])

    def _verdict(self, message: Message, change: Change, name: str) -> NotAllowed | None:
        owners = self.parts.owners
        if name == CREATES:
            actor, scope = owners.actor(message.account, self.name), owners.scope(change.account, change.seller)
            return owners.gate.turned_away(actor, self.kind.object, (CREATES,), scope, Act.CREATE).get(CREATES)
        of_all = self.kind.elsewhere and change.account == message.account
        away = [
            owners.turned_away(message.account, self.name, self.kind.object, (name,), change.seller, at).get(name)
            for at in (owners.selling if of_all else (change.account,))
        ]
        return away[0] if away and all(away) else None

    def _parked(self, message: Message, change: Change, name: str, verdict: NotAllowed) -> Parked:
        actor = self.parts.owners.actor(message.account, self.name, name)
        by = f" ({verdict.rule})" if verdict.rule else ""
        cause = f"{an(self.kind.object)} {change.object_id}: {verdict.words}{by}; the message was not applied"
        return Parked(
            NOT_HIS,
            cause[:1].upper() + cause[1:],
            change.object_id,
            self.kind.object,
            change.object_id,
            seller=change.seller,
            cause_key=cause_key(self.kind.object, name, actor),
        )
