"""Every write of the manifest, bound to an account. Ceilings count per call of theirs, whichever of our operations makes it."""

from collections.abc import Mapping
from typing import Any

from entrepot.connectors.amazon import feed_writes, listing_feeds, listing_writes, order_writes, subscription_writes
from entrepot.connectors.amazon.feeds import FeedCalls, FeedShape, FeedWrite
from entrepot.connectors.amazon.wire import Wire
from entrepot.connectors.joined import joined
from entrepot.connectors.manifest import Manifest
from entrepot.connectors.port import Access, Operation
from entrepot.connectors.writes import Shape, Write


def shapes(wire: Wire) -> Mapping[str, Shape[Any] | FeedShape[Any]]:
    return {
        "amazon.ship": order_writes.ship(wire),
        "amazon.cancel": feed_writes.cancel(wire),
        "amazon.refund": feed_writes.refund(wire),
        "amazon.set-price": listing_writes.set_price(wire),
        "amazon.set-stock": listing_writes.set_stock(wire),
        "amazon.submit-listing": listing_writes.submit_listing(wire),
        "amazon.preview-listing": listing_writes.preview_listing(wire),
        "amazon.end-listing": listing_writes.end_listing(wire),
        "amazon.create-destination": subscription_writes.create_destination(),
        "amazon.subscribe": subscription_writes.subscribe(),
    }


def operations(manifest: Manifest, wire: Wire, access: Access) -> dict[str, Operation]:
    """Price and stock are one call of theirs, cancel and refund another: they share its bucket."""
    known, found = shapes(wire), dict[str, Operation]()
    for name, row in manifest.operations.items():
        limit = manifest.limit(access, row.code, row.code)
        settle_s = row.settle_s if access.settle_s is None else access.settle_s
        shape = known[name]
        if isinstance(shape, FeedShape):
            found[name] = FeedWrite(name, row, wire, shape, limit, settle_s)
        else:
            found[name] = Write(name, row, wire, shape, limit, settle_s)
    return found | joined(manifest, access, found, FeedCalls(wire), listing_feeds.lanes(wire))
