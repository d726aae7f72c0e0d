"""Goods on their way back: from the buyer to the returns desk, and what the channel does when the seller forgets his money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from entrepot.sandbox.back_office import BackOffice
from entrepot.sandbox.errands import Errands, Pace
from entrepot.sandbox.selling.shops import Shop, unit_minor

LOOK_EVERY: Final = timedelta(minutes=30)


@dataclass
class Back:
    """One return. `asked_at`: since when nobody has said anything. `decided`: the returns desk has looked at it."""

    shop: Shop
    order_id: str
    return_id: str
    lines: tuple[tuple[str, int], ...]
    waits_s: float = 0.0
    handed_in: bool = False
    decided: bool = False
    over: bool = False
    ended_by: str = ""


class GoingBack:
    """Every return of every channel. `patience`: how long the channel waits for the seller at each step.

    `by_rule`: the seller has told the channels to agree to returns for him, as both eBay and Mirakl offer.
    """

    def __init__(self, errands: Errands, desk: BackOffice, pace: Pace, patience: timedelta, by_rule: bool) -> None:
        self._errands = errands
        self._world = errands.world
        self._desk = desk
        self._pace = pace
        self._patience_s = patience.total_seconds()
        self._by_rule = by_rule
        self.all: dict[tuple[str, str], Back] = {}
        desk.portal.subscribe(self._hear)

    def books(self) -> dict[str, Any]:
        return {
            "returns": [
                {
                    "shop": one.shop.name,
                    "order_id": one.order_id,
                    "return_id": one.return_id,
                    "lines": dict(one.lines),
                    "handed_in": one.handed_in,
                    "decided": one.decided,
                    "over": one.over,
                    "ended_by": one.ended_by,
                }
                for one in self.all.values()
            ]
        }

    def waiting(self) -> int:
        return sum(not one.over for one in self.all.values())

    def opened(self, shop: Shop, order_id: str, return_id: str, lines: Sequence[tuple[str, int]]) -> None:
        """A buyer said that he sends these goods back."""
        one = self.all[shop.name, return_id] = Back(shop, order_id, return_id, tuple(lines))
        self._world.at(self._world.clock() + timedelta(minutes=1), lambda: self._set_out(one))

    # -- to the returns desk -----------------------------------------------------------------------------------------

    def _set_out(self, one: Back) -> None:
        stage = one.shop.homeward.stage(one.return_id)
        if stage == "wait" and self._by_rule:
            one.shop.homeward.agree(one.return_id)
            stage = "send"
        if stage == "over":
            self._end(one, "channel")
        elif stage == "send":
            one.waits_s = 0.0
            one.shop.homeward.sent(one.return_id)
            rng = self._world.stream(f"selling/homeward/{one.shop.name}/{one.order_id}")
            self._errands.within("parcels back", self._pace.send_back, rng, lambda: self._arrive(one))
        elif self._patient(one):
            self._again(one, self._set_out)
        else:
            self._force(one)
            self._again(one, self._set_out)

    def _arrive(self, one: Back) -> None:
        one.shop.homeward.arrived(one.return_id)
        self._hand_in(one)

    def _hand_in(self, one: Back) -> None:
        """Nobody at the desk knows an order that was never imported: then the channel ends the return."""
        try:
            self._desk.portal.receive_return(one.shop.number(one.order_id), one.return_id, one.lines)
            one.handed_in, one.waits_s = True, 0.0
            self._watch(one)
        except ValueError:
            if self._patient(one):
                self._again(one, self._hand_in)
            else:
                self._pay_back(one)

    def _hear(self, topic: str, key: str) -> None:
        if topic == "return":
            for one in self.all.values():
                if one.return_id == key:
                    one.decided, one.waits_s = True, 0.0

    # -- and then the money --------------------------------------------------------------------------------------------

    def _watch(self, one: Back) -> None:
        if one.decided and self._settled(one):
            self._end(one, "seller")
        elif one.decided and not self._patient(one):
            self._pay_back(one)
        elif one.decided:
            self._again(one, self._watch)
        else:
            self._later(one, self._watch)

    def _settled(self, one: Back) -> bool:
        known = one.shop.homeward.settled(one.return_id)
        if known is not None:
            return known
        accepted = self._desk.returns.returns[one.return_id].accepted
        lines = {line["line_id"]: line for line in one.shop.order(one.order_id)["lines"]}
        return all(lines[line_id]["refunded_minor"] > 0 for line_id in accepted)

    def _pay_back(self, one: Back) -> None:
        """The channel decides for the buyer."""
        if one.shop.homeward.settled(one.return_id) is None:
            lines = {line["line_id"]: line for line in one.shop.order(one.order_id)["lines"]}
            for line_id, quantity in one.lines:
                if not lines[line_id]["refunded_minor"]:
                    one.shop.portal.refund(one.order_id, line_id, unit_minor(lines[line_id]) * quantity)
        elif not one.shop.homeward.settled(one.return_id):
            self._force(one)
        self._end(one, "channel")

    def _force(self, one: Back) -> None:
        one.waits_s = 0.0
        one.shop.homeward.give_up(one.return_id)

    def _end(self, one: Back, by: str) -> None:
        one.over, one.ended_by = True, by

    def _patient(self, one: Back) -> bool:
        return one.waits_s < self._patience_s

    def _again(self, one: Back, step: Any) -> None:
        one.waits_s += LOOK_EVERY.total_seconds()
        self._later(one, step)

    def _later(self, one: Back, step: Any) -> None:
        self._world.at(self._world.clock() + LOOK_EVERY, lambda: step(one))
