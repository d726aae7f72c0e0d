"""A write that needs the order as it is now: it is looked at before each sending, and what is so already is done."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import msgspec

from entrepot.connectors.exchange import Answer, Call, Good, unfinished, unread
from entrepot.connectors.manifest import OperationRow
from entrepot.connectors.mirakl import shapes
from entrepot.connectors.mirakl.asking import order_path
from entrepot.connectors.port import Detail, Limit, OutgoingEffect
from entrepot.connectors.reading import NOT_JSON, Unreadable, typed
from entrepot.connectors.verbs import CancelLines, ShipParcel
from entrepot.connectors.writes import WRONG_PAYLOAD, Caller
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, Later, NotThere, Outcome, ReadBack, Refused, Unknown

P = TypeVar("P", CancelLines, ShipParcel)
Steps = list[tuple[Call, Callable[[HttpResponse], Outcome]]]  # each call, and how its good answer reads


@dataclass(frozen=True, slots=True)
class AfterLook(ABC, Generic[P]):
    """A write that needs the order as it is now: it is looked at before each sending, and what is so already is done."""

    name: str
    row: OperationRow
    wire: Caller
    limit: Limit | None
    settle_s: float
    payload: type[P]
    can_read_back: bool = field(default=True)

    @property
    def partner_key(self) -> bool:
        return self.row.partner_key

    @property
    def money(self) -> bool:
        return self.row.money

    @abstractmethod
    def found(self, ctx: Ctx, effect: OutgoingEffect, payload: P, order: shapes.Order) -> tuple[ReadBack, Detail]:
        """Whether it is so already, as the order shows."""

    @abstractmethod
    def calls(self, payload: P, order: shapes.Order) -> Steps | Refused:
        """What is to be sent for it, or why it cannot be."""

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        payload = self._payload(effect)
        if isinstance(payload, Refused):
            return payload, {"error": payload.words}
        order, looked = self._order(ctx, effect, payload)
        if not isinstance(order, shapes.Order):
            stopped = order if isinstance(order, Unknown) else unfinished(order)
            if isinstance(stopped, Unknown):
                return Later(f"not sent: the order could not be looked at ({stopped.why})"), looked
            return stopped, looked
        found, more = self.found(ctx, effect, payload, order)
        looked = looked | more
        match found:
            case Unknown(why):
                return (Later(f"not sent: a look was not possible ({why})") if more else found), looked
            case Done() | Refused():
                return found, looked
            case NotThere():
                pass
        try:
            calls = self.calls(payload, order)
        except Unreadable as error:
            return Refused(WRONG_PAYLOAD, error.what), looked
        if isinstance(calls, Refused):
            return calls, looked
        return self._made(ctx, effect, calls, looked)

    def _made(
        self,
        ctx: Ctx,
        effect: OutgoingEffect,
        calls: Steps,
        looked: Detail,
    ) -> tuple[Outcome, Detail]:
        outcome: Outcome = Unknown("nothing was asked")
        detail: Detail = {}
        for call, read in calls:
            answer, detail = self.wire.call(ctx, self.row.role, replace(call, until=effect.send_until))
            detail = detail | {"look": looked}
            if not isinstance(answer, Good):
                return unfinished(answer), detail
            try:
                outcome = read(answer.response)
            except Unreadable as error:
                return Unknown(f"the answer is not the one they publish: {error.what}"), detail
            if not isinstance(outcome, Done):
                return outcome, detail
        return outcome, detail

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        payload = self._payload(effect)
        if isinstance(payload, Refused):
            return Unknown(payload.words), {"error": payload.words}
        order, looked = self._order(ctx, effect, payload)
        if isinstance(order, shapes.Order):
            found, more = self.found(ctx, effect, payload, order)
            return found, looked | more
        return order if isinstance(order, Unknown) else unread(order), looked

    def _order(self, ctx: Ctx, effect: OutgoingEffect, payload: P) -> tuple[shapes.Order | Answer | Unknown, Detail]:
        look = Call("GET", order_path(payload.order_id), until=effect.send_until)
        answer, looked = self.wire.call(ctx, self.row.role, look)
        if not isinstance(answer, Good):
            return answer, looked
        try:
            return typed(answer.response.body, shapes.Order), looked
        except Unreadable as error:
            return Unknown(f"the order cannot be read: {error.what}"), looked

    def _payload(self, effect: OutgoingEffect) -> P | Refused:
        try:
            payload = msgspec.convert(effect.payload, self.payload, str_keys=True)
        except NOT_JSON as error:
            return Refused(WRONG_PAYLOAD, f"{self.name} cannot be made from this payload: {error}")
        ids = [line.line_id for line in payload.lines]
        if not ids or len(set(ids)) != len(ids) or any(line.quantity < 1 for line in payload.lines):
            return Refused(WRONG_PAYLOAD, "each line once, with a quantity above zero", "lines")
        return payload
