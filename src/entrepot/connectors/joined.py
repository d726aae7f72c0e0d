"""A write of which many go in one call: what cannot be sent is refused by itself, the others go, and each hears its own row of the answer.

A call that is refused whole names nobody. Where no ceiling counts the calls it is halved until the row that they mean stands alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic

import msgspec

from entrepot.connectors.around import Around
from entrepot.connectors.exchange import Call, Good, Rejected, unfinished
from entrepot.connectors.manifest import Manifest
from entrepot.connectors.port import Access, Detail, Limit, Operation, OutgoingEffect
from entrepot.connectors.reading import NOT_JSON, Unreadable
from entrepot.connectors.writes import WRONG_PAYLOAD, Caller, Payload
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import OwnerDecides
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Later, Outcome, Refused, Unknown

CALLS_MAX = 16  # in one send: one row among 64 is found with 13
OF_ALL = frozenset({403, 404, 405})  # a door that is closed to every row alike


@dataclass(frozen=True, slots=True)
class Rows(Generic[Payload]):
    """A joined write as data.

    `row`: one article's part of the call, by payload and key (Errors: Unreadable, OwnerDecides). `article`: what it is of; no call
    names one twice. `call`: all parts. `answered`: what a 2xx answer says of each, in their order (Errors: Unreadable).
    """

    payload: type[Payload]
    row: Callable[[Payload, str], Any]
    article: Callable[[Payload], str]
    call: Callable[[Sequence[Any]], Call]
    answered: Callable[[Sequence[Payload], HttpResponse], Sequence[Outcome]]


@dataclass(frozen=True, slots=True)
class _Part(Generic[Payload]):
    key: str
    payload: Payload
    row: Any


@dataclass(frozen=True, slots=True)
class Joined(Around, Generic[Payload]):
    """A write that goes alone as it always did, and with others in one call."""

    wire: Caller
    role: str
    together: int
    rows: Rows[Payload]
    together_from: int = 2
    lane: Limit | None = None  # the bucket of the joined call, where it is another call than the single one

    def send_together(self, ctx: Ctx, effects: Sequence[OutgoingEffect]) -> tuple[Sequence[Outcome], Detail]:
        told: dict[str, Outcome] = {}
        parts: dict[str, _Part[Payload]] = {}
        for effect in effects:
            part = self._part(effect)
            if isinstance(part, Refused):
                told[effect.key] = part
            elif (article := self.rows.article(part.payload)) in parts:
                told[effect.key] = Later(f"another write for {article} leaves before it")
            else:
                parts[article] = part
        if not parts:
            return [told[effect.key] for effect in effects], {"error": f"nothing of it can be sent as {self.name}"}
        calls: list[Detail] = []
        told |= self._sent(ctx, list(parts.values()), min(effect.send_until for effect in effects), calls)
        detail = calls[0] | {"rows": len(parts)} | ({"calls": len(calls)} if len(calls) > 1 else {})
        return [told[effect.key] for effect in effects], detail

    def _part(self, effect: OutgoingEffect) -> _Part[Payload] | Refused:
        """What is no payload of this write is refused by itself: nothing of it leaves."""
        try:
            payload = msgspec.convert(effect.payload, self.rows.payload, str_keys=True)
            return _Part(effect.key, payload, self.rows.row(payload, effect.key))
        except (Unreadable, OwnerDecides, *NOT_JSON) as error:
            return Refused(WRONG_PAYLOAD, f"{self.name} cannot be made from this payload: {error}")

    def _sent(
        self, ctx: Ctx, parts: Sequence[_Part[Payload]], until: datetime, calls: list[Detail]
    ) -> Mapping[str, Outcome]:
        """Outcomes by key. `calls`: those made so far."""
        if len(calls) >= CALLS_MAX:
            return _all(parts, Later("they refused the call it was in for another row; it goes again"))
        call = replace(self.rows.call([part.row for part in parts]), until=until)
        answer, detail = self.wire.call(ctx, self.role, call)
        calls.append(detail)
        if isinstance(answer, Good):
            return self._good(parts, answer.response)
        if isinstance(answer, Rejected) and len(parts) > 1 and self._of_a_row(answer):
            half = len(parts) // 2
            first = self._sent(ctx, parts[:half], until, calls)
            return {**first, **self._sent(ctx, parts[half:], until, calls)}
        return _all(parts, unfinished(answer))

    def _of_a_row(self, answer: Rejected) -> bool:
        return self.limit is None and self.lane is None and answer.response.status not in OF_ALL

    def _good(self, parts: Sequence[_Part[Payload]], response: HttpResponse) -> Mapping[str, Outcome]:
        try:
            outcomes = self.rows.answered([part.payload for part in parts], response)
        except Unreadable as error:
            return _all(parts, Unknown(f"the answer is not the one they publish: {error.what}"))
        return {part.key: outcome for part, outcome in zip(parts, outcomes, strict=True)}


def _all(parts: Sequence[_Part[Any]], outcome: Outcome) -> Mapping[str, Outcome]:
    return {part.key: outcome for part in parts}


def joined(
    manifest: Manifest,
    access: Access,
    operations: Mapping[str, Operation],
    wire: Caller,
    lanes: Mapping[str, Rows[Any]],
) -> dict[str, Operation]:
    """The operations of these lanes, each with what makes it join others of its kind."""
    made: dict[str, Operation] = {}
    for name, lane in lanes.items():
        row = manifest.operations[name]
        limit = manifest.limit(access, row.together_code, row.together_code) if row.together_code else None
        made[name] = Joined(operations[name], wire, row.role, row.together, lane, row.together_from, limit)
    return made
