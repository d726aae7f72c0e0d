"""The shop front: buyers fill baskets from what it shows, pay, and hand the order to the hub.

It keeps its own record of what was ordered and paid: the witness for anything lost or doubled on the way.
A basket is handed over with the same key until the hub answers 2xx or refuses it; a refused or abandoned basket's
money is let go again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from entrepot.sandbox.baskets import Basket, BasketState, Choose, basket_view, choose_any, line_of, line_view
from entrepot.sandbox.core import Hang, Request, Response, World, json_response
from entrepot.sandbox.errands import Errands
from entrepot.sandbox.gateway import Gateway
from entrepot.sandbox.gateway.model import OPEN
from entrepot.sandbox.gateway.views import instant
from entrepot.sandbox.mirakl import Portal
from entrepot.sandbox.shelf import Shelf

API_KEY: Final = "storefront-key"  # with it the shop calls the hub
PUBLISH_KEY: Final = "storefront-publish-key"  # with it the hub calls the shop
ACCOUNT: Final = "mirakl-fr"
CHECK_PAUSES_S: Final = (5, 15, 60, 300, 900)
ORDER_PAUSES_S: Final = (5, 15, 60, 300, 900, 1800, *[3600] * 34)
ASK_AGAIN: Final = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Shopping:
    """How the buyers buy.

    Shape: `scripted` says what certain baskets (from 1) hold; all others are drawn. `currencies` are weights by code.
    """

    hub_url: str
    orders: int
    span: timedelta
    basket_prefix: str
    customers: tuple[dict[str, Any], ...]
    currencies: dict[str, int] = field(default_factory=lambda: {"EUR": 1})
    scripted: dict[int, Choose] = field(default_factory=dict)
    shipping_methods: tuple[str, ...] = ()  # what buyers choose from; none: they are not asked


class Storefront:
    """The system "storefront"."""

    def __init__(self, errands: Errands, portal: Portal, gateway: Gateway, shopping: Shopping) -> None:
        self._errands = errands
        self._world: World = errands.world
        self._portal = portal
        self._gateway = gateway
        self._shopping = shopping
        self._planned = 0
        self._held: list[int] = []
        self._paused = False
        self._finished = False
        self.baskets: dict[str, Basket] = {}
        self.shelf = Shelf(self._world, PUBLISH_KEY, portal.offers())

    # -- steering --------------------------------------------------------------------------------------------------

    def open_doors(self) -> None:
        """Plan all purchases: the first at once, the others spread over the span."""
        rng = self._world.stream("purchases")
        seconds = max(1, int(self._shopping.span.total_seconds()))
        moments = [0, *sorted(rng.randint(1, seconds) for _ in range(self._shopping.orders - 1))]
        for moment in moments[: self._shopping.orders]:
            self._plan(timedelta(seconds=moment))

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        held, self._held = self._held, []
        for number in held:
            self._buy(number)

    def buy(self, baskets: int) -> None:
        """More baskets, now."""
        for position in range(baskets):
            self._plan(timedelta(seconds=position))

    def close_doors(self) -> None:
        """No new baskets any more; those under way go on."""
        self._finished = True
        self._held.clear()

    @property
    def checkouts(self) -> int:
        """Baskets neither ordered nor given up."""
        under_way = (BasketState.CHECKING, BasketState.ORDERING)
        return len(self._held) + sum(basket.state in under_way for basket in self.baskets.values())

    def held_for_orders(self) -> list[str]:
        """Baskets the hub took and whose money is still held, at least in part."""
        authorisations = self._gateway.accounts.authorisations
        return [
            basket.commercial_id
            for basket in self.baskets.values()
            if basket.state is BasketState.ORDERED and authorisations[basket.authorisation_id or ""].purse[OPEN]
        ]

    # -- buying ----------------------------------------------------------------------------------------------------

    def _plan(self, after: timedelta) -> None:
        self._planned += 1
        number = self._planned
        self._errands.later("buys", after, lambda: self._buy(number))

    def _buy(self, number: int) -> None:
        if self._finished:
            return
        if self._paused:
            self._held.append(number)
            return
        rng = self._world.stream(f"basket/{number}")
        currencies = self._shopping.currencies
        currency = rng.choices(tuple(currencies), tuple(currencies.values()))[0]
        choose: Choose = choose_any
        if number in self._shopping.scripted:
            choose, currency = self._shopping.scripted[number], next(iter(currencies))
        offers = [one for one in self.shelf.on_sale(self._portal.offers()) if one.currency == currency]
        if not offers:
            return
        basket = Basket(
            commercial_id=f"{self._shopping.basket_prefix}-{number:05d}",
            number=number,
            customer=rng.choice(self._shopping.customers),
            currency=currency,
            lines=tuple(line_of(offer, min(quantity, offer.quantity)) for offer, quantity in choose(rng, offers)),
            placed_at=instant(self._world.clock()),
        )
        if self._shopping.shipping_methods:
            basket.shipping_method = self._world.stream(f"shipping/{number}").choice(self._shopping.shipping_methods)
        self.baskets[basket.commercial_id] = basket
        self._check(basket)

    def _check(self, basket: Basket) -> None:
        basket.state = BasketState.CHECKING
        asked = ("offer_id", "sku", "quantity", "unit_price_minor", "shipping_minor")
        content = {
            "account": ACCOUNT,
            "currency": basket.currency,
            "lines": [{name: view[name] for name in asked} for view in map(line_view, basket.lines)],
        }
        self._post("/api/v1/checkout/check", content, {}, lambda answer: self._checked(basket, answer))

    def _checked(self, basket: Basket, answer: Response | Hang) -> None:
        answer = self._spoilt("checkout-check", answer)
        basket.checks.append(answer.status if isinstance(answer, Response) else 0)
        verdict = _json(answer)
        if verdict is None:
            if len(basket.checks) <= len(CHECK_PAUSES_S):
                pause = timedelta(seconds=CHECK_PAUSES_S[len(basket.checks) - 1])
                self._world.at(self._world.clock() + pause, lambda: self._check(basket))
                return
            # The shop sells on its last knowledge rather than turn the buyer away when nobody answers.
            self._pay(basket)
            return
        basket.checked_at = instant(self._world.clock())
        for line in verdict.get("lines", []):
            basket.reasons += [f"{line.get('offer_id')}: {reason}" for reason in line.get("reasons", [])]
        if not verdict.get("sellable"):
            refused = {str(line.get("offer_id")) for line in verdict.get("lines", []) if not line.get("ok")}
            basket.lines = tuple(line for line in basket.lines if refused and str(line.offer_id) not in refused)
        self._pay(basket)

    def _pay(self, basket: Basket) -> None:
        """What the shelf has withdrawn meanwhile is not sold, whatever was answered before."""
        basket.lines = tuple(line for line in basket.lines if self.shelf.sells(str(line.offer_id)))
        if not basket.lines:
            basket.state = BasketState.UNSELLABLE
            return
        authorisation = self._gateway.authorise(
            reference=basket.commercial_id,
            amount_minor=basket.amount_minor,
            currency=basket.currency,
            customer_id=str(basket.customer["customer_id"]),
        )
        basket.authorisation_id = authorisation.id
        basket.placed_at = instant(self._world.clock())
        basket.state = BasketState.ORDERING
        self._order(basket)

    def _order(self, basket: Basket) -> None:
        authorisation = self._gateway.accounts.authorisations[basket.authorisation_id or ""]
        content = {
            "account": ACCOUNT,
            "commercial_id": basket.commercial_id,
            "currency": basket.currency,
            "customer": basket.customer,
            "authorisation": {
                "gateway": "gateway",
                "id": authorisation.id,
                "amount_minor": basket.amount_minor,
                "expires_at": instant(authorisation.expires_at),
            },
            "lines": [line_view(line) for line in basket.lines],
            "placed_at": basket.placed_at,
        }
        if basket.shipping_method:
            content["shipping_method"] = basket.shipping_method
        key = {"idempotency-key": basket.commercial_id}
        self._post("/api/v1/baskets", content, key, lambda answer: self._answered(basket, answer))

    def _answered(self, basket: Basket, answer: Response | Hang) -> None:
        answer = self._spoilt("create-basket", answer)
        status = answer.status if isinstance(answer, Response) else 0
        basket.orders.append(status)
        if 200 <= status < 300:
            basket.state = BasketState.ORDERED
            basket.hub_basket_id = str((_json(answer) or {}).get("basket_id"))
        elif 400 <= status < 500 and status not in ASK_AGAIN:
            self._let_go(basket, BasketState.REFUSED)
        elif len(basket.orders) > len(ORDER_PAUSES_S):
            self._let_go(basket, BasketState.ABANDONED)
        else:
            pause = timedelta(seconds=ORDER_PAUSES_S[len(basket.orders) - 1])
            self._world.at(self._world.clock() + pause, lambda: self._order(basket))

    def _let_go(self, basket: Basket, state: BasketState) -> None:
        basket.state = state
        authorisation = self._gateway.accounts.authorisations[basket.authorisation_id or ""]
        self._gateway.release_rest(authorisation, reference=f"{basket.commercial_id}-{state}")

    def _post(
        self, path: str, content: dict[str, Any], headers: dict[str, str], then: Callable[[Response | Hang], None]
    ) -> None:
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        common = {"content-type": "application/json", "authorization": f"Bearer {API_KEY}"}
        self._world.send(self._shopping.hub_url, Request("POST", path, headers={**common, **headers}, body=body), then)

    def _spoilt(self, operation: str, answer: Response | Hang) -> Response | Hang:
        """The answer as it arrives: a planned "timeout-after" loses it on the way back."""
        fault = self._world.faults.take("storefront", operation, eligible=lambda one: one.kind == "timeout-after")
        return Hang(applied=True) if fault else answer

    # -- the system ------------------------------------------------------------------------------------------------

    def operation(self, request: Request) -> str | None:
        if shelved := self.shelf.operation(request):
            return shelved
        return "baskets" if request.method == "GET" and request.path.startswith("/baskets") else None

    def handle(self, request: Request) -> Response:
        if self.shelf.operation(request):
            return self.shelf.handle(request)
        if self.operation(request):
            wanted = request.path.removeprefix("/baskets").strip("/")
            if not wanted:
                return json_response(200, {"data": [basket_view(basket) for basket in self.baskets.values()]})
            if wanted in self.baskets:
                return json_response(200, basket_view(self.baskets[wanted]))
        return json_response(404, {"code": "not_found", "message": f"nothing at {request.path}", "field": None})

    def books(self) -> dict[str, Any]:
        return {"baskets": [basket_view(basket) for basket in self.baskets.values()], **self.shelf.books()}


def _json(answer: Response | Hang) -> dict[str, Any] | None:
    """The JSON object of a 2xx answer, or None: no answer, another status, not JSON."""
    if isinstance(answer, Hang) or not 200 <= answer.status < 300:
        return None
    try:
        content = answer.json()
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
