"""Listings: set up, changed, published a little later, suppressed and restored, retired."""

from collections.abc import Callable, Iterable, Mapping

from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.settings import Product
from entrepot.sandbox.walmart.state import Issue, Listing

NotifyItem = Callable[[str, Listing], None]


class Shelf:
    """What this seller offers."""

    def __init__(self, platform: Platform, notify: NotifyItem) -> None:
        self._platform = platform
        self._notify = notify

    def seed(self, products: Iterable[Product]) -> None:
        """What is already on sale when the world begins."""
        for product in products:
            self._platform.listings[product.sku] = Listing(
                sku=product.sku,
                title=product.title,
                category=product.category,
                gtin=product.gtin,
                price_minor=product.price_minor,
                quantity=product.quantity,
                shipping_minor=product.shipping_minor,
                wpid=self._platform.hex_id(12),
                attributes=dict(product.attributes),
                published="PUBLISHED",
            )

    def set_up(
        self, sku: str, title: str, category: str, gtin: str, price_minor: int, attributes: Mapping[str, str]
    ) -> Listing:
        """A new item, or the same one again whole; it is published a little later."""
        known = self._platform.listings.get(sku)
        listing = Listing(
            sku=sku,
            title=title,
            category=category,
            gtin=gtin,
            price_minor=price_minor,
            quantity=known.quantity if known else 0,
            shipping_minor=known.shipping_minor if known else 0,
            wpid=known.wpid if known else self._platform.hex_id(12),
            attributes=dict(attributes),
            updates=known.updates if known else 0,
        )
        self._platform.listings[sku] = listing
        self._changed(listing)
        self._platform.after(self._platform.settings.publish_after, lambda: self._publish(listing))
        return listing

    def maintain(
        self, listing: Listing, title: str | None, price_minor: int | None, content: Mapping[str, str]
    ) -> None:
        """Change what is given, keep the rest."""
        listing.title = title or listing.title
        if price_minor is not None:
            listing.price_minor = price_minor
        listing.attributes.update(content)
        # A missing or wrong attribute that has now been given is no issue any more.
        listing.issues = [issue for issue in listing.issues if issue.attribute not in content]
        if not listing.issues and listing.published == "UNPUBLISHED" and listing.lifecycle == "ACTIVE":
            listing.published = "IN_PROGRESS"
            self._platform.after(self._platform.settings.publish_after, lambda: self._publish(listing))
        self._changed(listing)

    def price(self, listing: Listing, price_minor: int) -> None:
        """A new price; it shows once the marketplace has taken it over."""

        def show() -> None:
            listing.price_minor = price_minor
            self._changed(listing)

        pause = self._platform.settings.price_live_after
        if pause:
            self._platform.after(pause, show)
        else:
            show()

    def stock(self, listing: Listing, quantity: int) -> None:
        """A new stock."""
        listing.quantity = quantity
        self._changed(listing)

    def retire(self, listing: Listing) -> None:
        """Take an item from sale for good; only a new set-up brings it back."""
        listing.lifecycle, listing.published = "RETIRED", "UNPUBLISHED"
        self._changed(listing)

    def suppress(self, listing: Listing, issue: Issue) -> None:
        """The marketplace finds fault with an item and no longer shows it."""
        was_live = listing.live
        listing.issues.append(issue)
        listing.published = "UNPUBLISHED"
        self._changed(listing)
        if was_live:
            self._notify("OFFER_UNPUBLISHED", listing)

    def restore(self, listing: Listing) -> None:
        """The marketplace shows an item again."""
        listing.issues = []
        if listing.lifecycle == "ACTIVE":
            listing.published = "PUBLISHED"
        self._changed(listing)

    def _publish(self, listing: Listing) -> None:
        current = self._platform.listings.get(listing.sku) is listing
        if current and listing.published == "IN_PROGRESS" and listing.lifecycle == "ACTIVE":
            listing.published = "UNPUBLISHED" if listing.issues else "PUBLISHED"
            self._platform.tell("listing.updated", listing.sku)

    def _changed(self, listing: Listing) -> None:
        listing.updates += 1
        self._platform.tell("listing.updated", listing.sku)
