"""Listings: accepted at once, shown later, and sometimes found wanting in between."""

import copy
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from entrepot.sandbox.amazon import attributes as facts
from entrepot.sandbox.amazon.money import number_of
from entrepot.sandbox.amazon.platform import LISTING_UPDATED, Platform
from entrepot.sandbox.amazon.product_types import GENERIC, OWN_FACTS
from entrepot.sandbox.amazon.settings import Product
from entrepot.sandbox.amazon.state import Issue, Listing, Submission


class Announce(Protocol):
    """Tells the seller's queue about a listing: its status or its issues changed."""

    def __call__(self, listing: Listing, *, deleted: bool, status: bool, issues: bool) -> None: ...


class Listings:
    """What is listed, and the writes on it."""

    def __init__(self, platform: Platform, announce: Announce) -> None:
        self._platform = platform
        self._settings = platform.settings
        self._announce = announce

    # -- writes ----------------------------------------------------------------------------------------------------

    def put(
        self, sku: str, product_type: str, requirements: str, given: Mapping[str, Any], *, preview: bool, origin: str
    ) -> tuple[Submission, list[Issue]]:
        """Create or replace a listing."""
        issues = facts.check(product_type, requirements, given, self._platform.market.currency)
        submission = self._submitted(origin, issues, preview)
        if submission.state == "ACCEPTED":
            listing = self._platform.listings.get(sku) or self._new(sku, product_type)
            listing.product_type = product_type
            kept = {} if requirements == "LISTING" else listing.accepted
            self._accept(listing, {**kept, **given}, facts.STOCK in given, self._settings.listing_delay, origin)
        return submission, issues

    def patch(
        self, sku: str, product_type: str, patches: Iterable[Mapping[str, Any]], *, preview: bool, origin: str
    ) -> tuple[Submission, list[Issue]]:
        """Change some attributes. Errors: InvalidInput for a patch that cannot be read."""
        listing = self._platform.listings.get(sku)
        if listing is None:
            facts.patched({}, patches)
            issues = [_unknown_sku(sku)]
            return self._submitted(origin, issues, preview), issues
        patches = list(patches)
        wanted = facts.patched(listing.accepted, patches)
        stocked = any(patch.get("path") == facts.PREFIX + facts.STOCK for patch in patches)
        kind = product_type if product_type in OWN_FACTS else ""
        # A patch need not be complete; it must only leave whole what it touches.
        issues = [
            issue
            for issue in facts.check(kind, "LISTING", wanted, self._platform.market.currency)
            if issue.code != "90220" or issue.attributes[0] in listing.accepted
        ]
        submission = self._submitted(origin, issues, preview)
        if submission.state == "ACCEPTED":
            self._accept(listing, wanted, stocked, self._settings.patch_delay, origin)
        return submission, issues

    def delete(self, sku: str, *, origin: str) -> tuple[Submission, list[Issue]]:
        """Take a listing away, a little later."""
        listing = self._platform.listings.get(sku)
        issues = [] if listing else [_unknown_sku(sku)]
        submission = self._submitted(origin, issues, preview=False)
        if listing is not None:
            self._platform.count_applied(origin, sku)
            self._platform.at(self._platform.now() + self._settings.patch_delay, lambda: self._remove(listing))
        return submission, issues

    def _submitted(self, origin: str, issues: list[Issue], preview: bool) -> Submission:
        wrong = any(issue.severity == "ERROR" for issue in issues)
        state = "INVALID" if wrong else "VALID" if preview else "ACCEPTED"
        submission = Submission(self._platform.uuid().replace("-", ""), origin, state, 1, int(wrong))
        if not preview:
            self._platform.submissions[submission.submission_id] = submission
        return submission

    def _new(self, sku: str, product_type: str) -> Listing:
        now = self._platform.now()
        listing = Listing(sku, f"B0{self._platform.letters(8)}", product_type, {}, {}, now, now)
        self._platform.listings[sku] = listing
        return listing

    def _accept(self, listing: Listing, wanted: dict[str, Any], stocked: bool, delay: timedelta, origin: str) -> None:
        """Each acceptance holds those before it; what was asked later is never undone by what was asked earlier [guess]."""
        listing.accepted = copy.deepcopy(wanted)
        snapshot = copy.deepcopy(wanted)
        listing.asked += 1
        number = listing.asked
        if stocked:
            listing.stock_asked = number
        self._platform.count_applied(origin, listing.sku)
        self._platform.at(self._platform.now() + delay, lambda: self._process(listing, snapshot, number))

    # -- later -----------------------------------------------------------------------------------------------------

    def _process(self, listing: Listing, wanted: dict[str, Any], number: int) -> None:
        if self._platform.listings.get(listing.sku) is not listing or number < listing.processed:
            return
        stocked = listing.processed < listing.stock_asked <= number
        listing.processed = number
        before = (listing.status, listing.issues)
        # Whoever changes what was complained of is believed until somebody complains again.
        listing.imposed = tuple(
            issue
            for issue in listing.imposed
            if all(listing.attributes.get(name) == wanted.get(name) for name in issue.attributes)
        )
        currency = self._platform.market.currency
        listing.price_minor = facts.price_of(wanted, currency)
        if stocked:  # whoever sends only a price leaves what sales have left of the stock
            listing.quantity = facts.quantity_of(wanted, currency)
        listing.found = self._examined(listing, wanted)
        listing.attributes = wanted
        listing.published = True
        listing.updates += 1
        self._changed(listing, before)

    def _examined(self, listing: Listing, wanted: dict[str, Any]) -> tuple[Issue, ...]:
        """What is wrong with what changed, and what was known to be wrong and still is."""
        known = {issue.attributes for issue in listing.found}
        issues = facts.examine(wanted, self._settings.forbidden_words, self._settings.check_gtin)
        return tuple(
            issue
            for issue in issues
            if issue.attributes in known
            or any(listing.attributes.get(name) != wanted.get(name) for name in issue.attributes)
        )

    def _remove(self, listing: Listing) -> None:
        if self._platform.listings.pop(listing.sku, None) is None:
            return
        listing.published = False
        self._platform.deleted[listing.sku] = listing
        self._platform.emit(
            LISTING_UPDATED,
            listing.sku,
            lambda: self._announce(listing, deleted=True, status=True, issues=False),
        )

    def _changed(self, listing: Listing, before: tuple[list[str], tuple[Issue, ...]]) -> None:
        listing.updated_at = self._platform.now()
        status, issues = listing.status != before[0], listing.issues != before[1]
        self._platform.emit(
            LISTING_UPDATED,
            listing.sku,
            lambda: self._announce(listing, deleted=False, status=status, issues=issues),
        )

    # -- the back office -------------------------------------------------------------------------------------------

    def seed(self, product: Product) -> None:
        """List a product as if it had always been there."""
        market = self._platform.market
        kind = product.category if product.category in OWN_FACTS else GENERIC
        listing = self._new(product.sku, kind)
        place = {"marketplace_id": market.marketplace_id}
        price = {"value_with_tax": number_of(product.price_minor, market.currency)}
        given: dict[str, Any] = {
            "item_name": [{"value": product.title, "language_tag": market.language, **place}],
            "brand": [{"value": "Generic", **place}],
            facts.GTIN: [{"type": "ean", "value": product.gtin, **place}],
            "condition_type": [{"value": "new_new", **place}],
            facts.OFFER: [{"currency": market.currency, "our_price": [{"schedule": [price]}], **place}],
            facts.STOCK: [{"fulfillment_channel_code": "DEFAULT", "quantity": product.quantity}],
        }
        for name, value in product.attributes.items():
            given[name] = value if isinstance(value, list) else [{"value": value, **place}]
        listing.accepted, listing.attributes = copy.deepcopy(given), given
        listing.price_minor, listing.quantity = product.price_minor, product.quantity
        listing.published = True

    def suppress(self, listing: Listing, issue: Issue) -> None:
        """Amazon complains and stops showing the listing."""
        before = (listing.status, listing.issues)
        listing.imposed = (*listing.imposed, issue)
        self._changed(listing, before)

    def restore(self, listing: Listing) -> None:
        """Amazon takes its complaints back."""
        before = (listing.status, listing.issues)
        listing.imposed = ()
        self._changed(listing, before)


def _unknown_sku(sku: str) -> Issue:
    """Told at once rather than later: [guess]."""
    message = f"The SKU '{sku}' does not exist in this seller's catalogue."
    return Issue("13013", message, "ERROR", ("sku",), ("INVALID_ATTRIBUTE",))
