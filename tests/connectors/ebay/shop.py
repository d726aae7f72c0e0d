"""One eBay account in process, and our connector bound to it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.channel import ChannelMarket

from entrepot.connectors.ebay.keys import private_key
from entrepot.connectors.ebay.signing import KEY_PATH, Key, signature
from entrepot.connectors.exchange import Call as SignedCall
from entrepot.connectors.port import Received
from entrepot.kernel.outcome import Outcome, ReadBack
from entrepot.outbox.port import Detail
from entrepot.sandbox.core import Request, Response, World
from entrepot.sandbox.ebay import Ebay, Product, Settings
from entrepot.sandbox.ebay.router import Call as Asked

SYSTEM = "ebay"
PRODUCTS = (
    Product("LAMP-1", "Brass lamp", "20697", "4006381333931", 4_990, 50, {"Colour": "Brass"}, shipping_minor=490),
    Product("BOOK-1", "Harbour guide", "261186", "9783161484100", 1_250, 200),
    Product("CLOCK-1", "Ship's clock", "3937", "4006381333948", 12_900, 20),
)
POLICIES = {
    "fulfillment_policy": "6100001",
    "payment_policy": "6100002",
    "return_policy": "6100003",
    "merchant_location": "harbour-1",
}


class Shop(ChannelMarket):
    """`settings`: of the simulated account. `secrets_besides`: of ours, besides the usual."""

    def __init__(self, secrets_besides: Mapping[str, str] | None = None, **settings: Any) -> None:
        chosen = Settings(**{"lost_per_1000": 0, "duplicate_per_1000": 0, **settings})
        self.settings = chosen
        secrets = {
            "client_id": chosen.client_id,
            "client_secret": chosen.client_secret,
            "refresh_token": chosen.refresh_token,
            "marketplace": chosen.marketplace,
            "verification_token": chosen.verification_token,
            "endpoint": "http://hub.example/hooks/ebay",
            **POLICIES,
            **(secrets_besides or {}),
        }
        super().__init__(
            SYSTEM,
            lambda world, clock, url: make(world, clock, url, chosen),
            secrets,
            base_url=chosen.base_url,
            more_hosts=frozenset({"apiz.ebay.com"}),
        )
        self.portal.seed(PRODUCTS)

    # -- what was really done ----------------------------------------------------------------------------------------

    def books(self) -> dict[str, Any]:
        books: dict[str, Any] = self.system.books()
        return books

    def applied(self, operation: str, holds: str) -> int:
        """How often an operation was really done to something whose key holds this."""
        done: Mapping[str, int] = self.books()["applied"].get(operation, {})
        return sum(times for key, times in done.items() if holds in key)

    def order(self, order_id: str) -> dict[str, Any]:
        return next(one for one in self.books()["orders"] if one["order_id"] == order_id)

    def line(self, order_id: str, n: int = 0) -> str:
        return str(self.order(order_id)["lines"][n]["line_id"])

    def their_offer(self, sku: str) -> str:
        """The offer's number, as the hub would know it from the sweep."""
        seen = self.seen(self.channel.lookups["listing"].one(self.ctx, sku).received[0])
        return str(seen.their_id)

    # -- what we do --------------------------------------------------------------------------------------------------

    def again(self, operation: str, payload: Mapping[str, Any], attempts: int = 2) -> tuple[Outcome, Detail]:
        """A later attempt of the same promise."""
        effect = replace(self.effect(operation, operation, payload), attempts=attempts)
        return self.channel.operations[operation].send(self.ctx, effect)

    def do(self, operation: str, payload: Mapping[str, Any]) -> Outcome:
        return self.send(operation, payload)[0]

    def saw(self, operation: str, payload: Mapping[str, Any]) -> ReadBack:
        return self.look(operation, payload)[0]

    def parcel(self, order_id: str, tracking: str = "JD014600003SE") -> dict[str, Any]:
        """Everything of an order in one parcel."""
        lines = [{"line_id": one["line_id"], "quantity": one["quantity"]} for one in self.order(order_id)["lines"]]
        return {
            "order_id": order_id,
            "our_number": "H-1",
            "parcel": "P-1",
            "carrier": "DHL",
            "tracking": tracking,
            "shipped_at": self.clock.now().isoformat(),
            "lines": lines,
        }

    def money_back(self, order_id: str, minor: int = 1_000, refund: str = "R-1") -> dict[str, Any]:
        line = {"line_id": self.line(order_id), "quantity": 1, "item_minor": minor}
        return {
            "order_id": order_id,
            "our_number": "H-1",
            "refund": refund,
            "currency": "EUR",
            "reason": "goodwill",
            "lines": [line],
        }

    def seen_in(self, source: str, cursor: str | None = None) -> list[Any]:
        return [self.seen(record) for record in self.sweep(source, cursor).records]

    def one(self, record: Received) -> Any:
        return self.seen(record)

    def told(self) -> list[Request]:
        """The notifications that came, once due."""
        self.move(seconds=30)
        return self.webhooks


def make(world: World, clock: Any, url: str, settings: Settings) -> Ebay:
    return Ebay(world, clock, url, settings)


def answered(shop: Shop, method: str, path: str, body: bytes, content_type: str = "application/json") -> Response:
    """A call made by a person in the seller's own pages: with his token, past our connector, signed with a key of its own."""
    header = shop.http.sent[-1].headers["authorization"].replace("IAF", "Bearer")
    headers = {"authorization": header, "content-type": content_type, "content-language": "de-DE"}
    key = signing_key(shop)
    at = int(shop.clock.machine().timestamp())
    proof = signature(
        Key(private_key(key["privateKey"]), key["jwe"]), at, shop.access.base_url, SignedCall(method, path, body=body)
    )
    answer = shop.world.handle(SYSTEM, Request(method, path, (), headers | proof, body))
    assert isinstance(answer, Response), answer
    return answer


def signing_key(shop: Shop) -> dict[str, Any]:
    """A key pair, made by a person who asked eBay for one."""
    asked = Request("POST", KEY_PATH, (), {}, b'{"signingKeyCipher":"ED25519"}')
    made: dict[str, Any] = shop.system.signatures.create(Asked(asked, {})).json()
    return made
