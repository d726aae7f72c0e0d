"""Every write of the manifest, bound to an account."""

from collections.abc import Mapping
from typing import Any

from entrepot.connectors.manifest import Manifest
from entrepot.connectors.mirakl.feed_writes import IMPORT_FEED, PATHS, FeedImport
from entrepot.connectors.mirakl.money_writes import CANCEL_LINES, CONFIRM_DEBIT, CONFIRM_PAYOUT, CONFIRM_REFUND, REFUND
from entrepot.connectors.mirakl.offer_writes import UPDATE_OFFER, OfferUpdate
from entrepot.connectors.mirakl.order_writes import ACCEPT, CANCEL, CREATE_ORDERS, SHIP, TRACKING
from entrepot.connectors.mirakl.shop_writes import UPDATE_SHOP
from entrepot.connectors.mirakl.thread_writes import OPEN_THREAD, REPLY_THREAD
from entrepot.connectors.port import Access, Operation
from entrepot.connectors.writes import Caller, Shape, bound

SHAPES: Mapping[str, Shape[Any]] = {
    "mirakl.create-orders": CREATE_ORDERS,
    "mirakl.accept": ACCEPT,
    "mirakl.tracking": TRACKING,
    "mirakl.ship": SHIP,
    "mirakl.cancel": CANCEL,
    "mirakl.cancel-lines": CANCEL_LINES,
    "mirakl.refund": REFUND,
    "mirakl.confirm-debit": CONFIRM_DEBIT,
    "mirakl.confirm-refund": CONFIRM_REFUND,
    "mirakl.confirm-payout": CONFIRM_PAYOUT,
    "mirakl.update-shop": UPDATE_SHOP,
    "mirakl.update-offer": UPDATE_OFFER,
    **dict.fromkeys(PATHS, IMPORT_FEED),
    "mirakl.open-thread": OPEN_THREAD,
    "mirakl.reply-thread": REPLY_THREAD,
}


def operations(manifest: Manifest, wire: Caller, access: Access) -> Mapping[str, Operation]:
    found = bound(manifest, wire, access, SHAPES)
    update = "mirakl.update-offer"
    imports = {name: FeedImport(found[name], wire, manifest.operations[name].role) for name in PATHS}
    return {**found, **imports, update: OfferUpdate(found[update], wire, manifest.operations[update].role)}
