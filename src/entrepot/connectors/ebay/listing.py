"""eBay's listings in our words: an inventory item, its offer on our site, and what they find wrong with it. Pure and total."""

from datetime import UTC, datetime

from entrepot.connectors.ebay import shapes
from entrepot.connectors.ebay.statement import amount_of
from entrepot.connectors.reading import total, typed
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.listing.model import Issue, ListingSeen
from entrepot.trade.listing.states import ListingState

NOT_SAID = datetime(1970, 1, 1, tzinfo=UTC)  # neither item nor offer says when it changed
ON_HOLD, AT_RISK = "LISTING_ON_HOLD", "AT_RISK"
NO_OFFER = "NO_OFFER"
STATE_BY_LISTING = {
    "ACTIVE": ListingState.LIVE,
    "OUT_OF_STOCK": ListingState.LIVE,  # shown again as soon as there is stock
    "INACTIVE": ListingState.SUPPRESSED,
    "EBAY_ENDED": ListingState.SUPPRESSED,  # it was live, and they took it down
    "ENDED": ListingState.ENDED,
    "NOT_LISTED": ListingState.ACCEPTED,
}


@total
def listing(body: bytes) -> ListingSeen:
    """One SKU as the account shows it: the offer that is listed, else the newest."""
    whole = typed(body, shapes.ListingWhole)
    offer = chosen(whole.offers)
    issues = tuple(issue for violation in whole.violations for issue in _issues(violation))
    if offer is None:
        return ListingSeen(
            whole.sku, ListingState.SUBMITTED, NO_OFFER, NOT_SAID, quantity=whole.item.quantity, issues=issues
        )
    shown = offer.listing or shapes.Listing()
    state = _state(offer, shown)
    if shown.listingOnHold:
        held = Issue(ON_HOLD, "eBay has put the listing on hold: buyers cannot see it")
        issues = (*issues, held)
        state = ListingState.SUPPRESSED if state is ListingState.LIVE else state
    price = offer.pricingSummary.price if offer.pricingSummary else None
    return ListingSeen(
        sku=whole.sku,
        state=state,
        their_state="/".join(word for word in (offer.status, shown.listingStatus) if word),
        updated_at=NOT_SAID,
        their_id=offer.offerId,
        product_type=offer.categoryId or "",
        price_minor=None if price is None else amount_of(price, "$.offers.pricingSummary.price"),
        currency=price.currency if price else "",
        quantity=min((n for n in (offer.availableQuantity, whole.item.quantity) if n is not None), default=None),
        issues=issues,
    )


def chosen(offers: list[shapes.Offer]) -> shapes.Offer | None:
    published = [offer for offer in offers if offer.status == "PUBLISHED"] or offers
    return published[-1] if published else None


def _state(offer: shapes.Offer, shown: shapes.Listing) -> ListingState | Unrecognised:
    """An offer that is not published was published once if it still names a listing that has ended."""
    word = shown.listingStatus or ("NOT_LISTED" if offer.status == "UNPUBLISHED" else "ACTIVE")
    if offer.status not in ("PUBLISHED", "UNPUBLISHED"):
        return Unrecognised("offer.status", offer.status or "")
    state = STATE_BY_LISTING.get(word)
    if state is None:
        return Unrecognised("listingStatus", word)
    return ListingState.ENDED if offer.status == "UNPUBLISHED" and state is ListingState.LIVE else state


def _issues(violation: shapes.Violation) -> list[Issue]:
    """One issue for each finding; the rule itself where they give none."""
    found = [
        Issue(
            code=one.reasonCode or violation.complianceType,
            message=one.message or one.reasonCode or violation.complianceType,
            attribute=next((data.value or data.name or "" for data in one.violationData or ()), ""),
            severity="warning" if one.complianceState == AT_RISK else "error",
        )
        for one in violation.violations or ()
    ]
    return found or [Issue(violation.complianceType, violation.complianceType)]
