"""One write at an outside system: made from a payload, sent once, its answer sorted, read back where one can look.

A connector describes its writes as data: how to ask, how to read the answer, where to look. Sending is one for all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from entrepot.connectors.exchange import Answer, Call, Good, Rejected, unfinished, unread
from entrepot.connectors.manifest import Manifest, OperationRow
from entrepot.connectors.port import Access, Detail, Limit, Operation, OutgoingEffect
from entrepot.connectors.reading import NOT_JSON, Unreadable
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import OwnerDecides
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown

WRONG_PAYLOAD = "wrong-payload"
Payload = TypeVar("Payload", bound=msgspec.Struct)


class Caller(Protocol):
    """A wire: makes one call in a role."""

    def call(self, ctx: Ctx, role: str, call: Call) -> tuple[Answer, Detail]: ...


@dataclass(frozen=True, slots=True)
class Look(Generic[Payload]):
    """Where a write leaves its trace: the call made from payload and key, and how a 2xx answer reads.

    `absent`: their codes that say that there is nothing of the kind.
    """

    where: Callable[[Payload, str], Call]
    found: Callable[[Payload, HttpResponse], ReadBack]
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shape(Generic[Payload]):
    """A write as data.

    `ask` makes the call from payload and key. `answered` reads a 2xx answer. `already`: their codes that may mean that
    it is so already; then the look decides.
    """

    payload: type[Payload]
    ask: Callable[[Payload, str], Call]
    answered: Callable[[Payload, HttpResponse], Outcome]
    look: Look[Payload] | None = None
    already: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Write(Generic[Payload]):
    """An operation of the outbox's port."""

    name: str
    row: OperationRow
    wire: Caller
    shape: Shape[Payload]
    limit: Limit | None
    settle_s: float

    @property
    def partner_key(self) -> bool:
        return self.row.partner_key

    @property
    def money(self) -> bool:
        return self.row.money

    @property
    def can_read_back(self) -> bool:
        return self.shape.look is not None

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        """One attempt. Nothing is on the wire after `send_until`."""
        payload = self._payload(effect.payload)
        if isinstance(payload, Refused):
            return payload, {"error": payload.words}
        try:
            call = replace(self.shape.ask(payload, effect.key), until=effect.send_until)
        except (Unreadable, OwnerDecides) as error:
            return Refused(WRONG_PAYLOAD, str(error)), {"error": str(error)}
        answer, detail = self.wire.call(ctx, self.row.role, call)
        if isinstance(answer, Good):
            return self._good(payload, answer.response), detail
        if isinstance(answer, Rejected) and answer.refusal.code in self.shape.already:
            return self._perhaps_already(ctx, effect, payload, answer.refusal, detail)
        return unfinished(answer), detail

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        """Look for the trace of an earlier attempt."""
        payload = self._payload(effect.payload)
        if isinstance(payload, Refused):
            return Unknown(payload.words), {"error": payload.words}
        return self._look(ctx, effect, payload)

    def _good(self, payload: Payload, response: HttpResponse) -> Outcome:
        try:
            return self.shape.answered(payload, response)
        except Unreadable as error:
            return Unknown(f"the answer is not the one they publish: {error.what}")

    def _perhaps_already(
        self, ctx: Ctx, effect: OutgoingEffect, payload: Payload, refusal: Refused, detail: Detail
    ) -> tuple[Outcome, Detail]:
        """They say the state is wrong: perhaps because it is done. Only a look can tell."""
        found, looked = self._look(ctx, effect, payload)
        detail = detail | {"look": looked}
        match found:
            case Done():
                return found, detail
            case Unknown(why):
                return Unknown(f"they say “{refusal.words}”, and a look was not possible: {why}"), detail
            case NotThere() | Refused():
                return refusal, detail

    def _look(self, ctx: Ctx, effect: OutgoingEffect, payload: Payload) -> tuple[ReadBack, Detail]:
        look = self.shape.look
        if look is None:
            return Unknown("there is no way to look"), {}
        try:
            call = replace(look.where(payload, effect.key), until=effect.send_until)
        except (Unreadable, OwnerDecides) as error:
            return Unknown(f"nothing to look at: {error}"), {"error": str(error)}
        answer, detail = self.wire.call(ctx, self.row.role, call)
        if isinstance(answer, Rejected) and answer.refusal.code in look.absent:
            return NotThere(answer.refusal.words), detail
        if not isinstance(answer, Good):
            return unread(answer), detail
        try:
            return look.found(payload, answer.response), detail
        except Unreadable as error:
            return Unknown(f"what was found cannot be read: {error.what}"), detail

    def _payload(self, given: Mapping[str, Any]) -> Payload | Refused:
        """What was planned, or repaired by a person, in the shape this write needs."""
        try:
            return msgspec.convert(given, self.shape.payload, str_keys=True)
        except NOT_JSON as error:
            return Refused(WRONG_PAYLOAD, f"{self.name} cannot be made from this payload: {error}")


def bound(manifest: Manifest, wire: Caller, access: Access, shapes: Mapping[str, Shape[Any]]) -> dict[str, Operation]:
    """Every operation of a manifest as a Write of one account. Ceilings count per operation name."""
    return {
        name: Write(
            name,
            row,
            wire,
            shapes[name],
            manifest.limit(access, row.code, name),
            row.settle_s if access.settle_s is None else access.settle_s,
        )
        for name, row in manifest.operations.items()
    }
