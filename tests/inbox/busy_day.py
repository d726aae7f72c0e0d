"""A day's news of many orders, as the sandbox tells it: every order at several moments, some late, some twice, some spoilt."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from entrepot.kernel.clock import ManualClock
from entrepot.sandbox.baskets import BasketLine, choose_any, line_of, line_view
from entrepot.sandbox.core import Request, Response, World
from entrepot.sandbox.furniture import customers
from entrepot.sandbox.mirakl import Mirakl
from entrepot.sandbox.scenario import Options, platform_settings

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
UNKNOWN_TO_THE_SHOP = 7  # every so many baskets, one that no storefront handed over
Order = dict[str, Any]


@dataclass
class Day:
    """`baskets`: what the storefront posts. `orders`: bodies of order records in the order of their arrival. `debits`: the same of PA11."""

    baskets: list[tuple[str, bytes]] = field(default_factory=list)
    orders: list[bytes] = field(default_factory=list)
    debits: list[bytes] = field(default_factory=list)


def day(seed: int, orders: int) -> Day:
    """At least so many records of orders."""
    rng, clock = Random(seed), ManualClock(START)
    world = World(clock.now, seed, outbound=None)  # a marketplace alone: nobody but this day moves anything
    settings = platform_settings(rng, Options(acceptance_window=timedelta(hours=12)))
    shop = Mirakl(world, clock.machine, "http://hub.sandbox", settings)
    world.mount("mirakl", shop)
    told = Day()
    buyers = customers(rng)
    for number in range(1, orders):
        if len(told.orders) >= orders:
            break
        name, buyer = f"C-{number:05d}", dict(rng.choice(buyers))
        lines = tuple(line_of(offer, quantity) for offer, quantity in choose_any(rng, shop.portal.offers()))
        _call(shop, "POST", "/api/orders", _asked(name, buyer, lines))
        if number % UNKNOWN_TO_THE_SHOP:
            told.baskets.append((name, _basket(name, buyer, lines)))
        moments = list(_history(shop, clock, rng, name))
        told.orders += _arrivals(rng, moments)
    told.debits = [
        _body(one) for one in _call(shop, "GET", "/api/payment/debit", query=(("max", "100"),))["orders"]["order"]
    ]
    return told


def _history(shop: Mirakl, clock: ManualClock, rng: Random, name: str) -> Iterator[Order]:
    """Each order of a basket as it looks when it is made, and after each step its seller takes."""
    shown = _shown(shop, name)
    yield from shown
    for order in shown:
        clock.advance(rng.randint(1, 600))
        lines = [line["order_line_id"] for line in order["order_lines"]]
        answer = rng.choice(["accepts", "accepts", "accepts", "accepts one line", "refuses", "waits", "is cancelled"])
        if answer == "waits":
            continue
        if answer == "is cancelled":
            _call(shop, "PUT", f"/api/orders/{order['order_id']}/cancel")
        else:
            wanted = {
                line: answer == "accepts" or (answer == "accepts one line" and line == lines[0]) for line in lines
            }
            body = {"order_lines": [{"id": line, "accepted": yes} for line, yes in wanted.items()]}
            _call(shop, "PUT", f"/api/orders/{order['order_id']}/accept", body)
        yield from _shown(shop, name)


def _arrivals(rng: Random, moments: list[Order]) -> Iterator[bytes]:
    """Some news overtakes other, some comes twice, some is spoilt on the way."""
    late: list[Order] = []
    for order in moments:
        match rng.randrange(12):
            case 0:
                late.append(order)
            case 1:
                yield from (_body(order), _body(order))
            case 2:
                yield _spoilt(rng, order)
            case _:
                yield _body(order)
    yield from map(_body, late)


def _spoilt(rng: Random, order: Order) -> bytes:
    line = order["order_lines"][0]
    return _body(
        rng.choice(
            [
                {**order, "order_state": "ON_THE_MOON"},
                {**order, "order_lines": []},
                {**order, "order_lines": [{**line, "price": line["price"] + 1}, *order["order_lines"][1:]]},
                {**order, "currency_iso_code": "JPY"},
                {**order, "order_tax_mode": "SOMETIMES"},
                {**order, "last_updated_date": "2026-01-01T00:00:00Z"},
            ]
        )
    )


def _shown(shop: Mirakl, name: str) -> list[Order]:
    found: list[Order] = _call(shop, "GET", "/api/orders", query=(("commercial_ids", name), ("max", "100")))["orders"]
    return found


def _call(shop: Mirakl, method: str, path: str, body: Any = None, query: tuple[tuple[str, str], ...] = ()) -> Any:
    content = _body(body) if body is not None else b""
    headers = {"authorization": "operator-key", "content-type": "application/json"}
    answer = shop.platform.world.handle("mirakl", Request(method, path, query, headers, content))
    assert isinstance(answer, Response) and answer.status < 300, (method, path, answer)
    return json.loads(answer.body) if answer.body else None


def _body(content: Any) -> bytes:
    return json.dumps(content).encode()


def _asked(name: str, buyer: dict[str, Any], lines: tuple[BasketLine, ...]) -> dict[str, Any]:
    offers = [
        {
            "offer_id": line.offer_id,
            "offer_price": line.unit_price_minor / 100,
            "price": line.unit_price_minor * line.quantity / 100,
            "quantity": line.quantity,
            "shipping_price": line.shipping_minor / 100,
            "order_line_additional_fields": [],
        }
        for line in lines
    ]
    return {"commercial_id": name, "scored": True, "customer": buyer, "currency_iso_code": "EUR", "offers": offers}


def _basket(name: str, buyer: dict[str, Any], lines: tuple[BasketLine, ...]) -> bytes:
    total = sum(line.total_minor for line in lines)
    held = {
        "id": f"auth-{name}",
        "amount_minor": total,
        "expires_at": (START + timedelta(days=7)).isoformat(),
        "gateway": "gateway",
    }
    return _body(
        {
            "account": "mirakl-fr",
            "commercial_id": name,
            "currency": "EUR",
            "customer": buyer,
            "authorisation": held,
            "lines": [line_view(line) for line in lines],
            "placed_at": START.isoformat(),
        }
    )
