"""Writes whose trace stands in a list that cannot be asked for it by its number: the list is read from a while ago until it is found."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from entrepot.connectors.around import Around
from entrepot.connectors.channelengine.lists import content
from entrepot.connectors.exchange import Call, Good, Rejected, unread
from entrepot.connectors.reading import NOT_JSON, Unreadable, sortable
from entrepot.connectors.writes import WRONG_PAYLOAD, Caller, Write
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown
from entrepot.outbox.port import Detail, OutgoingEffect

PAGES_MAX = 20
ALREADY_CODES = frozenset({"HTTP 400", "HTTP 409"})  # [guess] what is done already is refused with one of them


@dataclass(frozen=True, slots=True)
class Scanned(Around):
    """A write with such a look. `judge`: what one element says of ours; None: it is another. `since`: name of the date filter."""

    write: Write[Any]
    wire: Caller
    path: str
    since: str
    back: timedelta
    judge: Callable[[Any, msgspec.Raw], ReadBack | None]

    @property
    def can_read_back(self) -> bool:
        return True

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        """One attempt; a refusal that may mean that it is so already is looked at."""
        outcome, detail = self.write.send(ctx, effect)
        if not isinstance(outcome, Refused) or outcome.code not in ALREADY_CODES:
            return outcome, detail
        found, looked = self.read_back(ctx, effect)
        detail = detail | {"look": looked}
        if isinstance(found, Done):
            return found, detail
        if isinstance(found, Unknown):
            return Unknown(f"they say “{outcome.words}”, and a look was not possible: {found.why}"), detail
        return outcome, detail

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        try:
            payload = msgspec.convert(effect.payload, self.write.shape.payload, str_keys=True)
        except NOT_JSON as error:
            return Unknown(f"{WRONG_PAYLOAD}: {error}"), {"error": str(error)}
        since = sortable(ctx.clock.now() - self.back)
        detail: Detail = {}
        read = 0
        for number in range(1, PAGES_MAX + 1):
            call = Call("GET", self.path, ((self.since, since), ("page", str(number))), until=effect.send_until)
            answer, detail = self.wire.call(ctx, "", call)
            if isinstance(answer, Rejected) or not isinstance(answer, Good):
                return unread(answer), detail
            try:
                raws, promised = content(answer.response.body)
                for raw in raws:
                    found = self.judge(payload, raw)
                    if found is not None:
                        return found, detail
            except Unreadable as error:
                return Unknown(f"what was found cannot be read: {error.what}"), detail
            read += len(raws)
            if not raws or read >= promised:
                return NotThere(f"nothing of it among {promised} since {since}"), detail
        return Unknown(f"the list is longer than {PAGES_MAX} pages"), detail
