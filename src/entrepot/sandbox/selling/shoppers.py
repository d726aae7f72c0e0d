"""The buyers of all channels: they come through the day, buy what is shown, and some change their mind, send back or complain."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import Any, Final

from entrepot.sandbox.errands import HOUR, MINUTE, Errands, Pace, Span
from entrepot.sandbox.selling.homeward import GoingBack
from entrepot.sandbox.selling.shops import Shop, is_open, missing, unit_minor, was_sent

LINES_MAX: Final = 3
QUANTITY_WEIGHTS: Final = (70, 20, 10)
TRIES_MAX: Final = 3


class Then(StrEnum):
    """What becomes of a purchase."""

    KEEPS = "keeps"
    ASKS_TO_CANCEL = "asks-to-cancel"
    RETURNS = "returns"
    IS_REFUNDED = "is-refunded"
    DISPUTES = "disputes"


@dataclass(frozen=True, slots=True)
class Errand:
    """What one buyer comes for. `sku`: this article and no other; empty: whatever he likes."""

    lines: int = 1
    pieces: int = 0  # of each line; 0: as it comes
    pending: bool = False
    by_channel: bool = False
    then: Then = Then.KEEPS
    sku: str = ""


@dataclass(frozen=True, slots=True)
class Habits:
    """Chances in percent, of those who follow no script; how long people take, in business seconds.

    `patience`: after which a buyer has an order cancelled that was never sent, where the channel does not do so itself.
    """

    pending: int = 8
    by_channel: int = 8
    asks_to_cancel: int = 5
    returns: int = 8
    is_refunded: int = 4
    pays: Span = (10 * MINUTE, 40 * MINUTE)
    regrets: Span = (2 * MINUTE, 2 * HOUR)
    patience: timedelta = timedelta(days=5)


@dataclass
class Purchase:
    shop: Shop
    order_id: str
    errand: Errand
    number: int
    followed: bool = False


@dataclass
class ShopperBooks:
    """`turned_away`: who found nothing to buy. `refused`: clicks that a channel did not take."""

    purchases: list[dict[str, Any]] = field(default_factory=list)
    turned_away: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)


Script = Mapping[tuple[str, int], Errand]
"""By shop and the how-manieth buyer there, what he certainly does."""


class Shoppers:
    """Everybody who buys from the company."""

    def __init__(
        self,
        errands: Errands,
        shops: Sequence[Shop],
        skus: Sequence[str],
        back: GoingBack,
        pace: Pace,
        habits: Habits,
        script: Script,
    ) -> None:
        self._errands = errands
        self._world = errands.world
        self._shops = shops
        self._skus = skus
        self._back = back
        self._pace = pace
        self._habits = habits
        self._script = script
        self._paused = False
        self._closed = False
        self._held: list[int] = []
        self._came: Counter[str] = Counter()
        self._numbers = 0
        self.purchases: dict[tuple[str, str], Purchase] = {}
        self.records = ShopperBooks()
        for shop in shops:
            shop.portal.subscribe(self._ear(shop))

    def books(self) -> dict[str, Any]:
        records = self.records
        return {
            "came": self.came,
            "planned": self._numbers,
            "purchases": records.purchases,
            "turned_away": records.turned_away,
            "refused": records.refused,
        }

    @property
    def came(self) -> int:
        """Visits that are over, with or without a purchase."""
        return len(self.records.purchases) + len(self.records.turned_away)

    # -- coming ----------------------------------------------------------------------------------------------------

    def open_doors(self, visits: int, span: timedelta) -> None:
        """So many buyers over a span, evenly and a little by chance."""
        rng = self._world.stream("selling/visits")
        for place in range(visits):
            after = span * (place + rng.random() / 2) / max(visits, 1)
            self._plan(after)

    def buy(self, visits: int) -> None:
        """So many more buyers, now."""
        if not self._closed:
            for place in range(visits):
                self._plan(timedelta(seconds=place))

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        held, self._held = self._held, []
        for number in held:
            self._errands.later("visits", timedelta(0), self._visitor(number))

    def close_doors(self) -> None:
        """Who is only on his way stays at home."""
        self._closed = True
        self._held.clear()

    def waiting(self) -> Mapping[str, int]:
        """Errands of the buyers; visits that a closed door turned away are none."""
        return {kind: n for kind, n in self._errands.waiting.items() if not (kind == "visits" and self._closed)}

    def _plan(self, after: timedelta) -> None:
        self._numbers += 1
        self._errands.later("visits", after, self._visitor(self._numbers))

    def _visitor(self, number: int) -> Callable[[], None]:
        def come() -> None:
            if self._closed:
                return
            if self._paused:
                self._held.append(number)
            else:
                self._visit(number)

        return come

    def _visit(self, number: int) -> None:
        shop = self._shops[(number - 1) % len(self._shops)]
        self._came[shop.name] += 1
        rng = self._world.stream(f"selling/visit/{number}")
        errand = self._drawn(shop, rng)
        scripted = self._script.get((shop.name, self._came[shop.name]))
        errand = scripted or errand
        for _ in range(TRIES_MAX):
            lines = self._chosen(shop, errand, rng)
            try:
                order_id = shop.portal.place(
                    lines,
                    pending=errand.pending,
                    fulfilled_by=shop.by_channel if errand.by_channel else "seller",
                )
            except (ValueError, KeyError):
                continue
            self._bought(Purchase(shop, order_id, errand, number), lines)
            return
        self.records.turned_away.append({"number": number, "shop": shop.name, "sku": errand.sku})

    def _drawn(self, shop: Shop, rng: Random) -> Errand:
        """Whatever the script says, the dice fall the same way."""
        habits, roll, after = self._habits, rng.randint(1, 100), rng.randint(1, 100)
        by_channel = roll <= habits.by_channel
        pending = shop.takes_pending and not by_channel and roll <= habits.by_channel + habits.pending
        chances = (
            (habits.asks_to_cancel, Then.ASKS_TO_CANCEL),
            (habits.returns, Then.RETURNS),
            (habits.is_refunded, Then.IS_REFUNDED),
        )
        then = Then.KEEPS
        for chance, what in chances:
            if after <= chance:
                then = what
                break
            after -= chance
        lines = rng.choices(range(1, LINES_MAX + 1), QUANTITY_WEIGHTS)[0]
        return Errand(lines, pending=pending, by_channel=by_channel, then=Then.KEEPS if by_channel else then)

    def _chosen(self, shop: Shop, errand: Errand, rng: Random) -> list[tuple[str, int]]:
        shown = [errand.sku] if errand.sku else [sku for sku in self._skus if _on_sale(shop, sku)]
        chosen = rng.sample(shown, min(errand.lines, len(shown)))
        return [(sku, errand.pieces or rng.choices((1, 2, 3), QUANTITY_WEIGHTS)[0]) for sku in chosen]

    def _bought(self, one: Purchase, lines: Sequence[tuple[str, int]]) -> None:
        self.purchases[one.shop.name, one.order_id] = one
        self.records.purchases.append(
            {
                "number": one.number,
                "shop": one.shop.name,
                "order_id": one.order_id,
                "lines": dict(lines),
                "pending": one.errand.pending,
                "by_channel": one.errand.by_channel,
                "then": one.errand.then.value,
            }
        )
        rng = self._rng(one, "after")
        if one.errand.pending:
            self._errands.within("payments", self._habits.pays, rng, lambda: self._pay(one))
        if one.errand.then is Then.ASKS_TO_CANCEL:
            self._errands.within("regrets", self._habits.regrets, rng, lambda: self._regret(one))
        if not one.shop.gives_up and not one.errand.by_channel:
            self._world.at(self._world.clock() + self._habits.patience, lambda: self._lose_patience(one))

    def _pay(self, one: Purchase) -> None:
        self._click("release", one, lambda: one.shop.portal.release(one.order_id))

    def _regret(self, one: Purchase) -> None:
        if is_open(one.shop.order(one.order_id)):
            self._click("ask-cancel", one, lambda: one.shop.portal.ask_cancel(one.order_id))

    def _lose_patience(self, one: Purchase) -> None:
        """Never sent: cancelled. Sent in part: the channel pays the rest back."""
        order = one.shop.order(one.order_id)
        if not is_open(order):
            return
        if not any(line["shipped"] for line in order["lines"]):
            self._click("cancel", one, lambda: one.shop.portal.cancel(one.order_id))
            return
        for line in order["lines"]:
            left = missing(line) * unit_minor(line) - line["refunded_minor"]
            if missing(line) and left > 0:
                self._refund(one, line["line_id"], left)

    # -- having it -------------------------------------------------------------------------------------------------

    def _ear(self, shop: Shop) -> Callable[[str, str], None]:
        """A change is looked at once it is whole."""

        def hear(topic: str, subject: str) -> None:
            one = self.purchases.get((shop.name, subject))
            if topic == "order.updated" and one is not None and not one.followed:
                self._world.at(self._world.clock(), lambda: self._follow(one))

        return hear

    def _follow(self, one: Purchase) -> None:
        if one.followed or not was_sent(one.shop.order(one.order_id)):
            return
        one.followed = True
        rng = self._rng(one, "sent")
        match one.errand.then:
            case Then.RETURNS if not one.errand.by_channel:
                low, high = self._pace.deliver
                low, high = low + self._pace.ask_return[0], high + self._pace.ask_return[1]
                self._errands.within("returns", (low, high), rng, lambda: self._send_back(one, rng))
            case Then.IS_REFUNDED:
                self._errands.within("complaints", self._pace.give_goodwill, rng, lambda: self._complain(one, rng))
            case Then.DISPUTES if one.shop.takes_disputes:
                self._errands.within("disputes", self._pace.charge_back, rng, lambda: self._dispute(one))
            case _:
                return

    def _send_back(self, one: Purchase, rng: Random) -> None:
        sent = [line for line in one.shop.order(one.order_id)["lines"] if line["shipped"]]
        line = rng.choice(sent)
        lines = [(str(line["line_id"]), rng.randint(1, line["shipped"]))]

        def ask() -> None:
            return_id = one.shop.portal.open_return(one.order_id, lines, one.shop.return_reason)
            self._back.opened(one.shop, one.order_id, return_id, lines)

        self._click("return", one, ask)

    def _complain(self, one: Purchase, rng: Random) -> None:
        line = rng.choice(one.shop.order(one.order_id)["lines"])
        if line["shipped"]:
            self._refund(one, line["line_id"], max(1, unit_minor(line) * rng.randint(10, 40) // 100))

    def _refund(self, one: Purchase, line_id: str, minor: int) -> None:
        self._click("refund", one, lambda: one.shop.portal.refund(one.order_id, line_id, minor))

    def _dispute(self, one: Purchase) -> None:
        self._click("dispute", one, lambda: one.shop.portal.open_dispute(one.order_id))

    # -- small things ----------------------------------------------------------------------------------------------

    def _rng(self, one: Purchase, purpose: str) -> Random:
        return self._world.stream(f"selling/{purpose}/{one.number}")

    def _click(self, what: str, one: Purchase, do: Callable[[], object]) -> None:
        try:
            do()
        except (ValueError, KeyError) as no:
            said = {"what": what, "shop": one.shop.name, "order_id": one.order_id, "message": str(no)}
            self.records.refused.append(said)


def _on_sale(shop: Shop, sku: str) -> bool:
    return shop.portal.live(sku) and shop.portal.stock(sku) > 0
