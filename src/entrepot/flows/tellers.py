"""Whose word of a stock or a price counts: decided once per plan, teller and place, and never per event.

A price is told for one channel, or for every channel without one of its own; the pool is shared by all channels. What counts nowhere is refused at
the door. What counts on some channels is kept with its teller, and each channel asks again when it works out what to show.
"""

from dataclasses import dataclass, field

from entrepot.flows.owners import EVERY_CHANNEL, Owners
from entrepot.ownership.model import NotAllowed

OFFER, PRICE = "offer", "price"
POOL, QUANTITY = "stock-pool", "quantity"


@dataclass(frozen=True, slots=True)
class Right:
    """What one teller may. `after`: tellers whose word on the same place comes before his."""

    actor: str
    refused: NotAllowed | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tellers:
    owners: Owners
    _known: dict[tuple[str, str], Right] = field(default_factory=dict)

    def stock(self, account: str) -> Right:
        if (known := self._known.get((account, ""))) is None:
            known = self._known[account, ""] = self._stock(account)
        return known

    def price(self, account: str, channel: str) -> Right:
        if (known := self._known.get((account, channel))) is None:
            actor = self.owners.actor(account, PRICE)
            known = Right(actor, self._nowhere(actor, OFFER, PRICE, self._channels(account, channel)))
            if channel == EVERY_CHANNEL or channel in self.owners.plan.accounts:
                self._known[account, channel] = known  # names that are no accounts may be many
        return known

    def counts(self, told_by: str, channel: str) -> bool:
        """Whether a price kept of this teller is one for this channel; of before tellers were kept it is."""
        return not told_by or not self.owners.gate.turned_away(told_by, OFFER, (PRICE,), self.owners.scope(channel))

    def _stock(self, account: str) -> Right:
        actor, gate = self.owners.actor(account, "stock"), self.owners.gate
        places = self._channels(account, EVERY_CHANNEL)
        others = [other for other in self.owners.parties if other != actor]
        before = {
            other for one in places for other in gate.outranks(POOL, QUANTITY, self.owners.scope(one), others, actor)
        }
        return Right(actor, self._nowhere(actor, POOL, QUANTITY, places), tuple(sorted(before)))

    def _channels(self, account: str, channel: str) -> list[str]:
        """Where it would count. Nobody sells on a channel the plan does not know: it is the teller's own affair."""
        if channel != EVERY_CHANNEL:
            return [channel] if channel in self.owners.plan.accounts else []
        return list(self.owners.selling) or [account]

    def _nowhere(self, actor: str, object: str, name: str, places: list[str]) -> NotAllowed | None:
        """Why it counts nowhere; None when it does somewhere, or there is no such place."""
        gate = self.owners.gate
        away = [gate.turned_away(actor, object, (name,), self.owners.scope(one)).get(name) for one in places]
        return away[0] if away and all(away) else None
