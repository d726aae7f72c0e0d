"""order-creation and checkout-check: the buyer waits, so both run inside the storefront's request.

checkout-check answers from what we last knew of each offer. order-creation records the basket, decides it and promises the marketplace
orders in one transaction, then tries to send within the request; whatever is not done by then the outbox carries on, and the storefront
hears 202 instead of 201. The same basket again gets the same answer; the same basket with another content is a case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

from entrepot.cases.model import CaseAsked, Promise
from entrepot.cases.obligations import meet
from entrepot.change.mapping import MISSING, Changed, Missing, Use
from entrepot.flows.consequences import Consequences, keep
from entrepot.flows.parts import Parts
from entrepot.inbox.model import Arrival, Decided, Message, Parked, Received, Verdict
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.outcome import Refused
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.store import Intent
from entrepot.trade.order import service
from entrepot.trade.order.book import Book, root_of
from entrepot.trade.order.model import BasketAsked, BasketLineAsked
from entrepot.trade.order.rules import Conflict
from entrepot.trade.order.store import flush, load

FLOW = "order-creation"
SHIPPING_TYPE = "shipping_type"  # the field a mapping may speak of
QUANTITY_MAX = 10_000
LINES_MAX = 500
PLACING_MARGIN = timedelta(hours=1)  # after the last attempt, for a person
AUTHORISATION_MARGIN = timedelta(hours=24)  # money must be taken this long before the hold lapses


Text = Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00]*$")]  # the database keeps no NUL


class LineBody(msgspec.Struct, forbid_unknown_fields=True):
    offer_id: Text
    sku: Text
    shop_id: Text
    quantity: Annotated[int, msgspec.Meta(gt=0, le=QUANTITY_MAX)]
    unit_price_minor: Annotated[int, msgspec.Meta(ge=0)]
    shipping_minor: Annotated[int, msgspec.Meta(ge=0)]
    title: Text = ""
    category: Text = ""


class AuthorisationBody(msgspec.Struct):
    id: Text
    amount_minor: int
    expires_at: datetime | None = None
    gateway: Text = ""


class BasketBody(msgspec.Struct):
    """What the storefront posts to /api/v1/baskets."""

    account: Text
    commercial_id: Text
    currency: Text
    customer: dict[str, Any]
    authorisation: AuthorisationBody
    lines: Annotated[list[LineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    placed_at: Annotated[datetime, msgspec.Meta(tz=True)]
    shipping_method: Text = ""


def read_basket(body: bytes) -> BasketAsked | Parked:
    """Errors: Parked with the place, as every translator."""
    try:
        asked = msgspec.json.decode(body, type=BasketBody)
    except msgspec.DecodeError as error:
        return Parked("malformed-message", f"basket: {error}")
    return BasketAsked(
        commercial_id=asked.commercial_id,
        currency=asked.currency,
        customer=asked.customer,
        authorisation_id=asked.authorisation.id,
        authorised_minor=asked.authorisation.amount_minor,
        authorisation_expires_at=asked.authorisation.expires_at,
        lines=tuple(
            BasketLineAsked(
                x.offer_id, x.sku, x.shop_id, x.title, x.category, x.quantity, x.unit_price_minor, x.shipping_minor
            )
            for x in asked.lines
        ),
        placed_at=asked.placed_at,
        shipping_method=asked.shipping_method,
    )


def arrival_of(account: str, body: bytes, headers: Mapping[str, str]) -> Arrival | Parked:
    """The envelope of one storefront request. Parked: it does not even say which basket it is."""
    try:
        commercial_id = msgspec.json.decode(body, type=BasketBody).commercial_id
    except msgspec.DecodeError as error:
        return Parked("malformed-message", str(error))
    received = Received("basket", commercial_id, "", body, 0, root_of(commercial_id), FLOW)
    return Arrival(
        account=account, channel="api", route="/api/v1/baskets", body=body, received=(received,), headers=headers
    )


@dataclass(frozen=True, slots=True)
class OrderCreation:
    parts: Parts

    def decide_baskets(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        read = [read_basket(m.body) for m in messages]
        account = self.parts.marketplace
        book = load(conn, account, [r.commercial_id for r in read if isinstance(r, BasketAsked)])
        then = Consequences()
        verdicts = [
            asked if isinstance(asked, Parked) else self._one(ctx, book, then, account, message, asked)
            for message, asked in zip(messages, read, strict=True)
        ]
        keep(conn, ctx, self.parts.plan, book)
        then.flush(ctx, conn, self.parts.plan)
        return verdicts

    def _one(
        self, ctx: Ctx, book: Book, then: Consequences, account: str, message: Message, asked: BasketAsked
    ) -> Verdict:
        shipping = self.parts.outgoing(FLOW, account, SHIPPING_TYPE, asked.shipping_method)
        if isinstance(shipping, Missing):
            return Parked(
                MISSING,
                shipping.words,
                object="basket",
                object_id=asked.commercial_id,
                money_minor=asked.total_minor,
                currency=asked.currency,
            )
        taken = service.take_basket(book, ctx, account, asked, message.id)
        if isinstance(taken, Conflict):
            return Parked(
                taken.mode,
                taken.cause,
                object="basket",
                object_id=asked.commercial_id,
                money_minor=asked.total_minor,
                currency=asked.currency,
            )
        key = f"create:{asked.commercial_id}"
        if isinstance(shipping, Changed):
            then.uses.append(
                Use(
                    mapping=shipping.mapping,
                    flow=FLOW,
                    field=SHIPPING_TYPE,
                    direction="out",
                    theirs=shipping.word,
                    ours=shipping.was,
                    message_id=message.id,
                    object="basket",
                    object_id=asked.commercial_id,
                    effect_key=key,
                )
            )
        then.intents.append(
            Intent(
                key=key,
                account=account,
                operation="mirakl.create-orders",
                root=taken.root,
                flow=FLOW,
                queue="urgent",
                payload={"basket": {**msgspec.to_builtins(asked), SHIPPING_TYPE: shipping.word}},
                window_s=self.parts.window_s(FLOW),
                message_id=message.id,
            )
        )
        then.promises.append(self._placed_in_time(ctx, account, taken.id, taken.root, asked))
        if asked.authorisation_expires_at:
            then.promises.append(self._capture_in_time(account, taken.id, taken.root, asked))
        return Decided()

    def _placed_in_time(self, ctx: Ctx, account: str, basket_id: str, root: str, asked: BasketAsked) -> Promise:
        """A paid basket is at the marketplace soon after the last useful attempt, or somebody hears of it before."""
        mode, now = "basket-not-placed", ctx.clock.now()
        return Promise(
            kind="place-orders",
            flow=FLOW,
            account=account,
            object="basket",
            object_id=basket_id,
            name=asked.commercial_id,
            root=root,
            mode=mode,
            owner=self.parts.plan.failure(mode).owner,
            starts_at=now,
            due_at=now + timedelta(seconds=self.parts.window_s(FLOW)) + PLACING_MARGIN,
            money_minor=asked.total_minor,
            currency=asked.currency,
        )

    def _capture_in_time(self, account: str, basket_id: str, root: str, asked: BasketAsked) -> Promise:
        """The life of the authorisation is an obligation."""
        assert asked.authorisation_expires_at is not None
        mode = "authorisation-lapsing"
        return Promise(
            kind="settle-authorisation",
            flow="capture",
            account=account,
            object="basket",
            object_id=basket_id,
            name=asked.commercial_id,
            root=root,
            mode=mode,
            owner=self.parts.plan.failure(mode).owner,
            starts_at=asked.placed_at,
            due_at=asked.authorisation_expires_at - AUTHORISATION_MARGIN,
            money_minor=asked.authorised_minor,
            currency=asked.currency,
        )


def recast(parts: Parts, account: str, payload: Mapping[str, Any]) -> Mapping[str, Any] | Missing:
    """What `mirakl.create-orders` would say under the plan at hand, made from the storefront's own words."""
    basket = payload["basket"]
    word = str(basket.get("shipping_method", ""))
    shipping = parts.outgoing(FLOW, account, SHIPPING_TYPE, word)
    if isinstance(shipping, Missing):
        return shipping
    if basket.get(SHIPPING_TYPE, "") == shipping.word:
        return payload
    return {**payload, "basket": {**basket, SHIPPING_TYPE: shipping.word}}


@dataclass(frozen=True, slots=True)
class OrdersCreated(Reaction):
    """The marketplace made the orders. What they are comes by its webhook or the safety check, like all news of orders."""

    parts: Parts

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        commercial_id = effect.root.removeprefix("basket:")
        book = load(conn, effect.account, [commercial_id])
        basket = book.baskets.get(commercial_id)
        order_ids = receipt.get("order_ids", [])
        if basket is not None:
            meet(conn, ctx, "place-orders", "basket", [basket.id], ctx.clock.now())
        if basket is not None and order_ids:
            basket.legs_expected = len(order_ids)
            book.touch(basket)
            book.tell(basket, None, "orders created at the marketplace", because=effect.id, orders=list(order_ids))
            flush(conn, ctx, book)

    def refused(self, ctx: Ctx, conn: Conn, effect: Effect, refusal: Refused) -> bool:
        """No order was made: the hold goes back to the buyer, and a person hears why."""
        commercial_id = effect.root.removeprefix("basket:")
        book = load(conn, effect.account, [commercial_id])
        basket = book.baskets[commercial_id]
        then = Consequences()
        then.void.append(("place-orders", "basket", basket.id, "the marketplace refused the basket"))
        if basket.authorisation_id and basket.held_minor:
            then.intents.append(
                Intent(
                    key=f"release:{commercial_id}",
                    account=self.parts.gateway,
                    operation="gateway.release",
                    root=effect.root,
                    flow="capture",
                    payload={
                        "authorisation_id": basket.authorisation_id,
                        "amount_minor": basket.held_minor,
                        "currency": basket.currency,
                        "reference": commercial_id,
                        "marketplace": effect.account,
                    },
                    window_s=self.parts.window_s("capture"),
                )
            )
        then.cases.append(
            CaseAsked(
                mode="split-incomplete",
                account=effect.account,
                object="basket",
                object_id=basket.id,
                name=basket.commercial_id,
                root=effect.root,
                cause=f"{refusal.code}: {refusal.words}",
                money_minor=basket.ordered_minor,
                currency=basket.currency,
                effect_id=effect.id,
            )
        )
        then.flush(ctx, conn, self.parts.plan)
        return True
