"""What the jobs are fed with: baskets and Mirakl orders, rendered by the sandbox once and then renamed to any number."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from entrepot.kernel.clock import ManualClock
from entrepot.proof.world import ACCEPTANCE_WINDOW, InProcess, environment
from entrepot.sandbox.baskets import Basket, BasketLine, choose_any, line_of, line_view
from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.furniture import customers
from entrepot.sandbox.scenario import Options, Stage, stage

START = datetime(2026, 3, 9, 7, 0, tzinfo=UTC)
PLACED = START - timedelta(minutes=10)
PAGE_SIZE = 100  # the most OR11 gives at once
TEMPLATES = 60  # baskets the sandbox renders; all others are these under other names
ACCEPTED_PERCENT, REFUSED_PERCENT = 40, 3  # of baskets whose sellers have all accepted, of legs refused; others wait
URLS = dict(InProcess.URLS)


def surroundings() -> Mapping[str, str]:
    """Environment of the default blueprint when nobody listens outside."""
    return environment(URLS, "/nowhere", "json://localhost")


@dataclass(frozen=True, slots=True)
class Template:
    """One rendered basket: the body a storefront posts, and its marketplace orders as OR11 shows them."""

    name: str
    basket: bytes
    orders: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """`orders` marketplace orders of as many baskets as that takes: storefront bodies and pages of OR11."""

    baskets: list[tuple[str, bytes]]
    pages: list[bytes]
    orders: list[bytes]


def render(seed: int = 1) -> list[Template]:
    """Ask the sandbox for real orders of every kind."""
    clock = ManualClock(PLACED)
    options = Options(acceptance_window=ACCEPTANCE_WINDOW, scripted_events=False)
    world = stage(clock.now, clock.machine, seed, "http://hub.sandbox", orders=0, faults="none", outbound=_nobody, options=options)  # fmt: skip
    rng = Random(seed)
    buyers = customers(rng)
    return [_template(world, rng, f"BENCH-{n:07d}", dict(rng.choice(buyers))) for n in range(TEMPLATES)]


def material(orders: int, templates: list[Template], first: int = 0) -> Material:
    """Baskets from number `first` on, until there are `orders` orders."""
    baskets: list[tuple[str, bytes]] = []
    found: list[bytes] = []
    for number in _numbers(first):
        if len(found) >= orders:
            break
        template = templates[number % len(templates)]
        old, new = template.name.encode(), f"BENCH-{number:07d}".encode()
        baskets.append((new.decode(), template.basket.replace(old, new)))
        found += [order.replace(old, new) for order in template.orders]
    pages = [page_of(found[at : at + PAGE_SIZE], len(found)) for at in range(0, len(found), PAGE_SIZE)]
    return Material(baskets, pages, found)


def _numbers(first: int) -> Iterator[int]:
    while True:
        yield first
        first += 1


def page_of(orders: Sequence[bytes], total: int) -> bytes:
    return b'{"orders":[' + b",".join(orders) + b'],"total_count":%d}' % total


def _nobody(_url: str, _request: Request) -> Response:
    return Response(204)


def _template(world: Stage, rng: Random, name: str, customer: dict[str, Any]) -> Template:
    chosen = choose_any(rng, world.portal.offers())
    lines = tuple(line_of(offer, quantity) for offer, quantity in chosen)
    basket = Basket(name, 0, customer, "EUR", lines, PLACED.isoformat())
    made = _call(world, "POST", "/api/orders", _order_request(basket))
    ids = [order["order_id"] for order in made["orders"]]
    accepted = rng.randrange(100) < ACCEPTED_PERCENT
    for order_id in ids:
        refused = rng.randrange(100) < REFUSED_PERCENT
        if accepted or refused:
            wanted = {
                "order_lines": [{"id": one, "accepted": not refused} for one in world.portal.order(order_id).lines]
            }
            _call(world, "PUT", f"/api/orders/{order_id}/accept", wanted)
    shown = _call(world, "GET", "/api/orders", query=(("commercial_ids", name), ("max", "100")))["orders"]
    rendered = tuple(json.dumps(order, separators=(",", ":")).encode() for order in shown)
    return Template(name, _basket_body(basket), rendered)


def _call(world: Stage, method: str, path: str, body: Any = None, query: tuple[tuple[str, str], ...] = ()) -> Any:
    content = json.dumps(body).encode() if body is not None else b""
    headers = {"authorization": "operator-key", "content-type": "application/json"}
    answer = world.world.handle("mirakl", Request(method, path, query, headers, content))
    assert isinstance(answer, Response) and answer.status < 300, (method, path, answer)
    return json.loads(answer.body) if answer.body else None


def _order_request(basket: Basket) -> dict[str, Any]:
    return {
        "commercial_id": basket.commercial_id,
        "scored": True,
        "customer": basket.customer,
        "currency_iso_code": basket.currency,
        "offers": [_offer(line) for line in basket.lines],
    }


def _offer(line: BasketLine) -> dict[str, Any]:
    return {
        "offer_id": line.offer_id,
        "offer_price": line.unit_price_minor / 100,  # JSON for the sandbox, no arithmetic of ours
        "price": line.unit_price_minor * line.quantity / 100,
        "quantity": line.quantity,
        "shipping_price": line.shipping_minor / 100,
        "order_line_additional_fields": [],
    }


def _basket_body(basket: Basket) -> bytes:
    """As the storefront posts it to /api/v1/baskets."""
    body = {
        "account": "mirakl-fr",
        "commercial_id": basket.commercial_id,
        "currency": basket.currency,
        "customer": basket.customer,
        "authorisation": {
            "id": f"auth_{basket.commercial_id}",
            "amount_minor": basket.amount_minor,
            "expires_at": (PLACED + timedelta(days=7)).isoformat(),
            "gateway": "gateway",
        },
        "lines": [line_view(line) for line in basket.lines],
        "placed_at": basket.placed_at,
    }
    return json.dumps(body).encode()
