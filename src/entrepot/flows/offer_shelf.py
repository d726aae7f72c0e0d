"""What buyers are to see of an offer, brought to the storefront: the newest version, and no other.

An offer's effective values and holds make one page; when the page changes it gets the next version and one effect. Effects
of one offer go out in order; one whose version has been overtaken is no longer wanted when its turn comes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from entrepot.flows.parts import Parts
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import Busy
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.store import Intent, plan_effects
from entrepot.ownership import service as ownership
from entrepot.ownership.model import Effective
from entrepot.store.locks import lock_roots
from entrepot.trade.offer import store
from entrepot.trade.seller.store import sellers

FLOW = "offer-publication"
OFFER = "offer"
PUBLISH = "storefront.publish-offer"
NOT_ACTIVE = "not active at the marketplace"
NO_PRICE = "no price that counts"


@dataclass(frozen=True, slots=True)
class OfferNow:
    """One offer as everything downstream sees it: observed, decided, and whether its seller may sell."""

    row: Row
    effective: Effective
    seller: Row | None

    @property
    def price_minor(self) -> int | None:
        return _whole(self.effective.values.get("price"))

    @property
    def quantity(self) -> int:
        return max(0, _whole(self.effective.values.get("quantity")) or 0)

    @property
    def currency(self) -> str:
        return str(self.effective.values.get("currency") or self.row["currency"])

    @property
    def active(self) -> bool:
        return self.effective.values.get("active") is not False

    @property
    def seller_may_sell(self) -> bool:
        """A seller we have not heard of yet may: his offers say themselves whether they are active."""
        return self.seller is None or bool(self.seller["may_sell"])

    @property
    def reasons(self) -> list[str]:
        """Why it is not sold, in people's words; empty: it is."""
        found = sorted(set(self.effective.held.values()))
        if self.seller is not None and not self.seller_may_sell:
            found.append(f"seller {self.seller['name']} is {self.seller['their_state'].lower()} at the marketplace")
        if not self.active:
            found.append(NOT_ACTIVE)
        if self.price_minor is None:
            found.append(NO_PRICE)
        return found

    def page(self) -> dict[str, Any]:
        """All that buyers see."""
        values = self.effective.values
        return {
            "offer_id": self.row["offer_id"],
            "seller_id": self.row["seller_id"],
            "sku": self.row["sku"],
            "price_minor": self.price_minor or 0,
            "currency": self.currency,
            "quantity": self.quantity,
            "sellable": not self.reasons,
            "reasons": self.reasons,
            "category": str(values.get("category") or ""),
            "title": str(values.get("title") or ""),
            "description": str(values.get("description") or ""),
        }


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def offers_now(conn: Conn, account: str, offer_ids: Collection[str]) -> dict[str, OfferNow]:
    """Offers we have observed, as they count now."""
    rows = store.known(conn, account, offer_ids)
    effective = ownership.effective(conn, account, OFFER, list(rows))
    known = sellers(conn, account, {row["seller_id"] for row in rows.values()})
    return {
        offer_id: OfferNow(
            row, effective.get(offer_id) or Effective(account, OFFER, offer_id, {}), known.get(row["seller_id"])
        )
        for offer_id, row in rows.items()
    }


def root_of(offer_id: str) -> str:
    return f"offer:{offer_id}"


@dataclass(frozen=True, slots=True)
class Shelf:
    parts: Parts

    def plan(self, ctx: Ctx, conn: Conn, account: str, offer_ids: Collection[str]) -> list[Intent]:
        """Publications of those offers whose page has changed. Errors: Busy when somebody else plans one of them."""
        storefront = self.parts.storefront
        if not offer_ids or not self.parts.plan.system_of(storefront).url:
            return []
        roots = {f"shelf:{account}:{offer_id}" for offer_id in offer_ids}
        if lock_roots(conn, roots) != roots:
            raise Busy("another transaction is publishing one of these offers")
        before = store.shown(conn, account, storefront, offer_ids)
        now, rows, intents = ctx.clock.now(), [], []
        for offer_id, offer in sorted(offers_now(conn, account, offer_ids).items()):
            page, last = offer.page(), before.get(offer_id)
            if last is not None and last["wanted"] == page:
                continue
            version = last["version"] + 1 if last else 1
            rows.append({"account": account, "offer_id": offer_id, "storefront": storefront, "version": version,
                         "wanted": page, "planned_at": now})  # fmt: skip
            intents.append(self._intent(storefront, account, page, version))
        store.plan_shown(conn, rows)
        return intents

    def publish(self, ctx: Ctx, conn: Conn, account: str, offer_ids: Collection[str]) -> None:
        """Plan and promise, for whoever has nothing else to write down."""
        plan_effects(conn, ctx, self.plan(ctx, conn, account, offer_ids))

    def _intent(self, storefront: str, account: str, page: Mapping[str, Any], version: int) -> Intent:
        offer_id = page["offer_id"]
        return Intent(
            key=f"publish:{account}:{offer_id}:{version}",
            account=storefront,
            operation=PUBLISH,
            root=root_of(offer_id),
            flow=FLOW,
            payload={**page, "version": version},
            window_s=self.parts.window_s(FLOW),
        )


@dataclass(frozen=True, slots=True)
class Shown(Reaction):
    """storefront.publish-offer: only the newest version is wanted."""

    parts: Parts

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        row = self._row(conn, effect)
        return effect if row is not None and row["version"] == effect.payload["version"] else None

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        version = int(effect.payload["version"])
        store.confirm_shown(
            conn, account_of(effect), effect.account, effect.payload["offer_id"], version, ctx.clock.now()
        )

    def _row(self, conn: Conn, effect: Effect) -> Row | None:
        offer_id = effect.payload["offer_id"]
        return store.shown(conn, account_of(effect), effect.account, [offer_id]).get(offer_id)


def account_of(effect: Effect) -> str:
    """The marketplace's account, out of the key `publish:account:offer:version`."""
    return effect.key.split(":")[1]
