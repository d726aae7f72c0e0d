"""The sellers behind the marketplace: they decide orders, pack parcels, take goods back. They click; they call no API.

Every choice about an order is drawn from a stream named after that order, so it does not depend on what happened
elsewhere at the same time.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, Final

from entrepot.sandbox.errands import Errands, Pace
from entrepot.sandbox.mirakl import Portal
from entrepot.sandbox.mirakl.errors import MiraklError
from entrepot.sandbox.mirakl.state import Order

CARRIERS: Final = ("UPS", "DHL", "CHRONOPOST", "COLISSIMO")


class Answer(StrEnum):
    """What a seller does with an order."""

    ACCEPTS = "accepts"
    REFUSES_ONE_LINE = "refuses-one-line"
    REFUSES = "refuses"
    SAYS_NOTHING = "says-nothing"


@dataclass(frozen=True)
class Temper:
    """How one seller behaves. Units: chances in percent; what is left accepts everything."""

    refuses: int = 0
    refuses_one_line: int = 0
    says_nothing: int = 0
    ships_in_parts: int = 10
    refuses_return: int = 0
    finds_return_damaged: int = 0

    def answer(self, rng: Random) -> Answer:
        roll = rng.randint(1, 100)
        for chance, answer in (
            (self.refuses, Answer.REFUSES),
            (self.refuses_one_line, Answer.REFUSES_ONE_LINE),
            (self.says_nothing, Answer.SAYS_NOTHING),
        ):
            if roll <= chance:
                return answer
            roll -= chance
        return Answer.ACCEPTS


Fits = Callable[[Order], bool]


@dataclass
class Script:
    """A decided event: the next `times` orders that fit are answered so, whatever the seller's temper."""

    name: str
    fits: Fits
    answer: Answer
    times: int = 1


@dataclass
class SellerBooks:
    answers: Counter[str] = field(default_factory=Counter)
    scripts_played: list[str] = field(default_factory=list)
    refused_clicks: list[dict[str, Any]] = field(default_factory=list)


class Sellers:
    """All sellers of the marketplace."""

    def __init__(
        self, errands: Errands, portal: Portal, pace: Pace, tempers: Mapping[int, Temper], scripts: list[Script]
    ) -> None:
        self._errands = errands
        self._world = errands.world
        self._portal = portal
        self._pace = pace
        self._tempers = tempers
        self._scripts = scripts
        self._deciding: set[str] = set()
        self._shipping: set[str] = set()
        self.records = SellerBooks()
        portal.subscribe(self._hear)

    def books(self) -> dict[str, Any]:
        return {
            "answers": dict(sorted(self.records.answers.items())),
            "scripts_played": self.records.scripts_played,
            "refused_clicks": self.records.refused_clicks,
        }

    # -- hearing ---------------------------------------------------------------------------------------------------

    def _hear(self, topic: str, subject: str) -> None:
        if topic in ("order.created", "order.updated"):
            order = self._portal.order(subject)
            if order.state == "WAITING_ACCEPTANCE" and subject not in self._deciding:
                self._deciding.add(subject)
                self._think_about(order)
            elif order.state == "SHIPPING" and subject not in self._shipping:
                self._shipping.add(subject)
                self._pack(order)

    # -- deciding --------------------------------------------------------------------------------------------------

    def _think_about(self, order: Order) -> None:
        rng = self._world.stream(f"seller/decides/{order.order_id}")
        answer = self._scripted(order) or self._temper(order).answer(rng)
        if answer is Answer.REFUSES_ONE_LINE and len(order.lines) == 1:
            answer = Answer.ACCEPTS
        self.records.answers[answer] += 1
        if answer is Answer.SAYS_NOTHING:
            return
        decisions = dict.fromkeys(order.lines, answer is not Answer.REFUSES)
        if answer is Answer.REFUSES_ONE_LINE:
            decisions[rng.choice(sorted(order.lines))] = False
        self._errands.within("decisions", self._pace.decide, rng, lambda: self._decide(order, decisions))

    def _scripted(self, order: Order) -> Answer | None:
        for script in self._scripts:
            if script.times and script.fits(order):
                script.times -= 1
                self.records.scripts_played.append(f"{script.name}: {order.order_id}")
                return script.answer
        return None

    def _decide(self, order: Order, decisions: Mapping[str, bool]) -> None:
        if order.state == "WAITING_ACCEPTANCE":
            self._click("accept", order.order_id, lambda: self._portal.accept(order.order_id, decisions))

    # -- shipping --------------------------------------------------------------------------------------------------

    def _pack(self, order: Order) -> None:
        rng = self._world.stream(f"seller/ships/{order.order_id}")
        units = sum(line.to_ship for line in order.lines.values())
        in_parts = units > 1 and rng.randint(1, 100) <= self._temper(order).ships_in_parts
        carrier, tracking = rng.choice(CARRIERS), f"{rng.randint(10**11, 10**12 - 1)}FR"
        self._errands.within("parcels", self._pace.ship, rng, lambda: self._ship(order, carrier, tracking, in_parts))

    def _ship(self, order: Order, carrier: str, tracking: str, in_parts: bool) -> None:
        if order.state != "SHIPPING":
            return
        if not in_parts:
            self._click("ship", order.order_id, lambda: self._portal.ship(order.order_id, carrier, tracking))
            return
        first = next((line for line in order.lines.values() if line.to_ship), None)
        if first is None:
            return
        part = {first.line_id: 1}
        self._click("ship", order.order_id, lambda: self._portal.ship_part(order.order_id, part, carrier, tracking))
        rng = self._world.stream(f"seller/ships-rest/{order.order_id}")
        rest = f"{tracking}-2"
        self._errands.within("parcels", self._pace.second_parcel, rng, lambda: self._ship_rest(order, carrier, rest))

    def _ship_rest(self, order: Order, carrier: str, tracking: str) -> None:
        rest = {line.line_id: line.to_ship for line in order.lines.values() if line.to_ship}
        if order.state == "SHIPPING" and rest:
            self._click("ship", order.order_id, lambda: self._portal.ship_part(order.order_id, rest, carrier, tracking))

    # -- goods that come back ----------------------------------------------------------------------------------------

    def take_back(self, order: Order, return_id: str) -> None:
        """A buyer asked to send something back: say yes or no, wait for the parcel, look at the goods."""
        rng = self._world.stream(f"seller/return/{return_id}")
        temper = self._temper(order)
        accepted = rng.randint(1, 100) > temper.refuses_return
        compliant = rng.randint(1, 100) > temper.finds_return_damaged

        def answer() -> None:
            done = self._click("return", return_id, lambda: self._portal.accept_return(return_id, accepted))
            if done and accepted:
                self._errands.within("returns", self._pace.send_back, rng, receive)

        def receive() -> None:
            self._click("return", return_id, lambda: self._portal.receive_return(return_id, compliant))

        self._errands.within("returns", self._pace.accept_return, rng, answer)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _temper(self, order: Order) -> Temper:
        return self._tempers.get(order.shop_id, Temper())

    def _click(self, what: str, subject: str, do: Callable[[], object]) -> bool:
        """The marketplace may say no: somebody else was faster. That is written down, not repeated."""
        try:
            do()
        except MiraklError as no:
            self.records.refused_clicks.append({"what": what, "id": subject, "code": no.code, "message": no.message})
            return False
        return True
