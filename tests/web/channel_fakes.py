"""Made-up channels for the console's tests without a database: enough of each page to show every kind of row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from entrepot.flows.dispute_desk import AnswerAsked, AnswerPlanned, NotAnswered
from entrepot.kernel.money import Money
from entrepot.web import words
from entrepot.web.views import ActionRow, Link, State, TimelineEntry, Tone
from entrepot.web.views.channels import (
    ChannelCard,
    ChannelDetail,
    ChannelFilter,
    ChannelsView,
    CheckRow,
    DisputeRow,
    DutyCount,
    DutyRow,
    HealthRow,
    ListingRow,
    ParcelRow,
    Pile,
    RefundRow,
    Remaining,
    Row,
    SubmissionRow,
)
from entrepot.web.views.listings import (
    BatchRow,
    IssueRow,
    ItemRow,
    LaneView,
    ListingDetail,
    PoolRow,
    PriceRow,
    ReservationRow,
)

NOW = datetime(2026, 11, 23, 14, 2, 11, tzinfo=UTC)
ACCOUNT = "amazon-de/main"
HREF = "/channels/amazon-de/main"
ORDER = "/orders/bas_1#leg-C-88411-A"
CASE = Link("Case 1041", "/cases/case_01", "Case")


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def ahead(**span: float) -> datetime:
    return NOW + timedelta(**span)


def card(account: str = ACCOUNT, channel: str = "Amazon") -> ChannelCard:
    parts = (
        Remaining("overdue", 2, (eur(9980),), Tone.BAD), Remaining("soon", 1, (eur(4990),), Tone.BAD),
        Remaining("today", 14, (eur(84100), Money(1900, "SEK")), Tone.WARN), Remaining("later", 120, (eur(610000),), Tone.INFO),
    )  # fmt: skip
    return ChannelCard(
        account=account, channel=channel, href=HREF, standing="AT_RISK",
        duties=(DutyCount("ship", "Ship and confirm", parts), DutyCount("cancelled-by-channel", "The channel cancels it", parts[3:])),
        parcels=Pile(3, (), ago(hours=5), 1), listings={"live": 1204, "issue": 12, "suppressed": 3}, other=7,
        submissions=Pile(2, (), ago(minutes=40)), refunds=Pile(1, (eur(500),), ago(hours=20)), disputes=Pile(1, (eur(4990),), ahead(days=1), 1),
        health=(
            HealthRow("cancellations", "Cancellations", 0.031, 0.025, True, "account may be deactivated", "Seller help", State("Beyond the limit", Tone.BAD), ago(hours=3)),
            HealthRow("late-shipments", "Late shipments", 0.034, 0.04, True, "selling of self-delivered offers may end", "", State("Close to the limit", Tone.WARN), ago(hours=3)),
            HealthRow("valid-tracking", "Valid tracking", None, 0.95, False, "a category may be closed", "", State("Not measured yet", Tone.IDLE), None),
        ),
        checks=(
            CheckRow("sweep-orders", "Orders", State("Ran", Tone.GOOD), ago(minutes=2), ahead(minutes=3), ""),
            CheckRow("sweep-listings", "Listings", State("Failed 3 times in a row", Tone.BAD), ago(minutes=9), ahead(minutes=1), "429 Too Many Requests"),
        ),
        cases=4,
    )  # fmt: skip


def dispute() -> DisputeRow:
    return DisputeRow(
        "dsp_1", ACCOUNT, "5000001", "302-1112223-0000001", ORDER, "Chargeback", "action-needed", words.state(words.DISPUTE, "action-needed", "ACTION_NEEDED"),
        "Item not received", eur(4990), ahead(days=1), None, ago(days=1), CASE, answerable=True,
    )  # fmt: skip


def listing_row(sku: str = "LAMP-1", status: str = "live") -> ListingRow:
    return ListingRow(
        ACCOUNT, sku, f"/listings/{ACCOUNT}/{sku}", status, words.state(words.LISTING, status, status.upper()), "B0LAMP1", eur(5290), 9, eur(4990), 7,
        ("price differs", "stock not taken"), 1, "energy_class: “Energy efficiency class” is required but missing.", ago(minutes=14),
    )  # fmt: skip


def submission() -> SubmissionRow:
    return SubmissionRow(
        "FEED-500", "Set price", Link("LAMP-1", f"/listings/{ACCOUNT}/LAMP-1", "Listing"), "done", words.state(words.SUBMISSION, "done", "DONE"), 1, 1,
        ago(hours=4), ago(hours=3), Link("price:1", "/actions/eff_1", "Outgoing action"),
    )  # fmt: skip


def rows(show: str) -> tuple[Row, ...]:
    to_ship = words.state(words.LEG, "to-ship", "Unshipped")
    table: dict[str, tuple[Row, ...]] = {
        "orders": (
            DutyRow("obl_1", "302-1112223-0000001", "", ORDER, "Ship and confirm", to_ship, words.state(words.PROMISE, "warned"), ago(hours=20), ago(minutes=20), eur(4990), "late shipment rate", CASE),
            DutyRow("obl_2", "302-1112223-0000002", "2-1", ORDER, "The channel cancels it", to_ship, words.state(words.PROMISE, "due"), ago(hours=2), ahead(days=7), None, "", None),
        ),
        "parcels": (
            ParcelRow("prc_1", "1", "302-1112223-0000001", ORDER, "DHL", "JJD1", ago(hours=5), words.state(words.PARCEL_AT_CHANNEL, "refused"), "Carrier code not known", Link("Refused", "/actions/eff_1", ""), CASE),
            ParcelRow("prc_2", "2", "302-1112223-0000001", ORDER, "DHL", "", ago(hours=4), words.state(words.PARCEL_AT_CHANNEL, "unconfirmed"), "", None, None),
        ),
        "listings": (listing_row(), replace(listing_row("LAMP-2", "submitted"), shown_price=None, shown_quantity=None, other=(), issues=0, seen_at=None)),
        "submissions": (replace(submission(), ended_at=None),),
        "refunds": (RefundRow("RF-2", "302-1112223-0000002", ORDER, eur(500), "the channel", "Item not as described", ago(hours=20), ahead(hours=4), None, "", None),),
        "disputes": (dispute(), replace(dispute(), id="dsp_2", respond_by=None, case=None, href="", answerable=False)),
    }  # fmt: skip
    return table[show]


def listing(sku: str) -> ListingDetail:
    differs, taken = State("Shown otherwise", Tone.BAD), State("Not taken yet", Tone.WARN)
    return ListingDetail(
        row=listing_row(sku), channel="Amazon", product_type="LAMP", revision="7", changed_at=ago(minutes=15),
        lanes=(LaneView("Price", "49.90 EUR", "52.90 EUR", differs, 3, 3, ago(hours=3), "the ERP’s price for this channel, version 3"), LaneView("Stock", "7 pieces", "9 pieces", taken, 9, 0, None, "the pool less what is ordered")),
        issues=(IssueRow("90220", "“Energy efficiency class” is required but missing.", "energy_class", State("Error", Tone.BAD)), IssueRow("", "Image is small.", "", State("Warning", Tone.WARN))),
        batches=(BatchRow(submission(), (ItemRow("LAMP-1", State("Refused", Tone.BAD), "8541", "The price differs too much.", "purchasable_offer"),)), BatchRow(replace(submission(), id="FEED-501", items=0, ended_at=None), ())),
        pool=(PoolRow("Hamburg", 12, 41, ago(minutes=40)), PoolRow("Rotterdam", 3, 40, ago(minutes=41))),
        reservations=(
            ReservationRow(Link("302-1112223-0000001", ORDER, "Order"), ACCOUNT, "1-1", 2, ago(hours=1), None, State("Held for the order", Tone.INFO), counts=True),
            ReservationRow(Link("302-1112223-0000002", ORDER, "Order"), ACCOUNT, "2-1", 2, ago(hours=2), ago(hours=1), State("Given back", Tone.IDLE), counts=False),
        ),
        reserved=2, buffer=2, available=11, prices=(PriceRow("*", eur(5490), 3, ago(hours=4), counts=False), PriceRow(ACCOUNT, eur(4990), 3, ago(hours=4), counts=True)),
        limits="floor 10.00 EUR", elsewhere=(replace(listing_row(sku), account="ebay-de/main"),), cases=(), actions=(ActionRow("eff_1", "Amazon: set price", ACCOUNT, "price:1", words.state(words.ACTION, "done"), ago(hours=4), ago(hours=4), 1, ""),), messages=(),
        story=(TimelineEntry(ago(hours=3), "Set price: worked off", ACCOUNT, Tone.BAD, "The price differs too much."), TimelineEntry(ago(hours=4), "Amazon: set price: done", "Entrepot", Tone.GOOD, "", Link("price:1", "/actions/eff_1", ""))),
    )  # fmt: skip


class ChannelRecords:
    """What the pages of channels read."""

    def channels(self, now: datetime) -> ChannelsView:
        return ChannelsView(
            (card(), replace(card("ebay-de/main", "eBay"), duties=(), health=(), checks=(), standing="", cases=1))
        )

    def channel(self, account: str, wanted: ChannelFilter, now: datetime) -> ChannelDetail:
        found = () if wanted.q == "nothing" else rows(wanted.show)
        return ChannelDetail(card(account), wanted, found, "LAMP-2" if wanted.show == "listings" else "")

    def listing(self, account: str, sku: str, now: datetime) -> ListingDetail | None:
        return listing(sku) if sku == "LAMP-1" else None

    def dispute(self, dispute_id: str) -> DisputeRow | None:
        return dispute() if dispute_id == "dsp_1" else None


class FakeDisputes:
    """Keeps what was answered; refuses where `refuses` says why."""

    def __init__(self, refuses: str = "") -> None:
        self.asked: list[AnswerAsked] = []
        self.refuses = refuses

    def answer(self, asked: AnswerAsked) -> AnswerPlanned | NotAnswered:
        if self.refuses or not asked.reason:
            return NotAnswered(asked.dispute, self.refuses or "say why: the reason stays with the dispute")
        self.asked.append(asked)
        return AnswerPlanned("5000001", ACCOUNT, "The channel is told.", "key", "planned")
