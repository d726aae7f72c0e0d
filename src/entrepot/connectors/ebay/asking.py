"""What eBay's writes share: paths and bodies, answers that may be empty, and looks before and after.

eBay knows no idempotency key, and most of its writes have no natural key either. So nothing is sent a second time before a
look, and a refusal may mean that it is so already: only a look can tell.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from entrepot.connectors.exchange import CREDENTIALS_REFUSED, Call
from entrepot.connectors.port import Detail, Limit, Operation, OutgoingEffect
from entrepot.connectors.reading import Unreadable, encoded, members, number_of
from entrepot.connectors.writes import WRONG_PAYLOAD
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, Later, NotThere, Outcome, ReadBack, Refused, Unknown

JSON = {"content-type": "application/json"}
OTHERWISE = "decided-otherwise"  # ours, for a state that excludes what we wanted
FULFILLMENT, INVENTORY, POST_ORDER = "/sell/fulfillment/v1", "/sell/inventory/v1", "/post-order/v2"
LOOKED_AT_MAX = 300


def json_call(method: str, path: str, body: Any) -> Call:
    return Call(method, path, (), JSON, encoded(body))


def part(text: str) -> str:
    """An id as one part of a path."""
    return quote(text, safe="")


def order_path(order_id: str, tail: str = "") -> str:
    return f"{FULFILLMENT}/order/{part(order_id)}{tail}"


def price_of(minor: int, currency: str) -> dict[str, str]:
    """An amount as the REST interfaces take it: text."""
    return {"value": format(number_of(minor, currency), "f"), "currency": currency}


def done_quietly(_payload: object, response: HttpResponse) -> Outcome:
    """204, nothing, or an object of theirs. A page where nothing was promised proves nothing."""
    if response.status != 204 and response.body.strip():
        members(response.body)
    return Done()


def no_content(_payload: object, response: HttpResponse) -> Outcome:
    if response.status == 204:
        return Done()
    raise Unreadable("204 is published, and something else came")


@dataclass(frozen=True, slots=True)
class Around:
    """A write with something before or after it; otherwise it is that write."""

    write: Operation

    @property
    def name(self) -> str:
        return self.write.name

    @property
    def settle_s(self) -> float:
        return self.write.settle_s

    @property
    def partner_key(self) -> bool:
        return self.write.partner_key

    @property
    def money(self) -> bool:
        return self.write.money

    @property
    def limit(self) -> Limit | None:
        return self.write.limit

    @property
    def can_read_back(self) -> bool:
        return self.write.can_read_back

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        return self.write.send(ctx, effect)

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        return self.write.read_back(ctx, effect)


@dataclass(frozen=True, slots=True)
class LookFirst(Around):
    """Nothing is sent a second time before a look has shown that it is not there."""

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        if effect.attempts <= 1:
            return self.write.send(ctx, effect)
        found, looked = self.write.read_back(ctx, effect)
        match found:
            case NotThere():
                outcome, detail = self.write.send(ctx, effect)
                return outcome, detail | {"look": looked}
            case Unknown(why):
                return Later(f"not sent again: a look was not possible ({why})"), looked
            case Done() | Refused():
                return found, looked


@dataclass(frozen=True, slots=True)
class LookAfter(Around):
    """Refused, perhaps because it is so already. What the look saw stands behind their words."""

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        outcome, detail = self.write.send(ctx, effect)
        if not isinstance(outcome, Refused) or outcome.code in (WRONG_PAYLOAD, CREDENTIALS_REFUSED):
            return outcome, detail
        found, looked = self.write.read_back(ctx, effect)
        detail = detail | {"look": looked}
        match found:
            case Done():
                return found, detail
            case Unknown(why):
                return Unknown(f"they say “{outcome.words}”, and a look was not possible: {why}"), detail
            case NotThere(seen):
                told = f"{outcome.words} ({seen})" if seen else outcome.words
                return Refused(outcome.code, told[: len(outcome.words) + LOOKED_AT_MAX], outcome.field), detail
            case Refused():
                return found, detail
