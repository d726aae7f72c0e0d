"""What the console reads of the seller's side from a real database: cards, tables, listings, orders of channels."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from starlette.testclient import TestClient
from web.channel_rows import AMAZON, EBAY, ORDER_ID, WALMART, SellingDay, selling_plan

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.money import Money
from entrepot.web.app import create_app
from entrepot.web.store import ConsoleStore, channel_tables
from entrepot.web.store.common import BrokenLink
from entrepot.web.views import StepState, Tone
from entrepot.web.views.channels import TABLES, ChannelCard, ChannelFilter, DutyRow, ListingRow

LISTINGS, PROMISES = 100_000, 30_000


@dataclass(frozen=True)
class RealHub:
    ctx: Ctx
    plan: Plan


@pytest.fixture
def store(ctx: Ctx) -> ConsoleStore:
    with ctx.db.transaction() as conn:
        SellingDay(conn, ctx.clock.now()).whole()
    return ConsoleStore(ctx.db, selling_plan())


@pytest.fixture
def browser(ctx: Ctx, store: ConsoleStore) -> Iterator[TestClient]:
    with TestClient(
        create_app(RealHub(ctx, selling_plan())), base_url="http://127.0.0.1:8400", follow_redirects=False
    ) as client:
        yield client


def card(ctx: Ctx, store: ConsoleStore, account: str = AMAZON) -> ChannelCard:
    return next(one for one in store.channels(ctx.clock.now()).cards if one.account == account)


def rows(ctx: Ctx, store: ConsoleStore, account: str = AMAZON, **wanted: str) -> list[object]:
    return list(store.channel(account, ChannelFilter(**wanted), ctx.clock.now()).rows)


# ── cards ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_account_we_sell_on_has_a_card_and_no_other(ctx: Ctx, store: ConsoleStore) -> None:
    assert [one.account for one in store.channels(ctx.clock.now()).cards] == [AMAZON, EBAY, WALMART]
    assert ConsoleStore(ctx.db, load()).channels(ctx.clock.now()).cards == ()


def test_orders_that_wait_are_counted_by_remaining_time_with_their_value(ctx: Ctx, store: ConsoleStore) -> None:
    ship, cancelled = card(ctx, store).duties
    assert [(part.code, part.count, part.money) for part in ship.parts] == [
        ("overdue", 1, (Money(1100, "EUR"),)), ("soon", 1, (Money(1200, "EUR"),)), ("today", 1, (Money(1300, "EUR"),)), ("later", 1, (Money(1400, "EUR"),)),
    ]  # fmt: skip
    assert (cancelled.kind, cancelled.count) == ("cancelled-by-channel", 4)


def test_an_order_that_owes_two_lines_counts_once_by_the_first_of_them(ctx: Ctx, store: ConsoleStore) -> None:
    with ctx.db.transaction() as conn:
        day = SellingDay(conn, ctx.clock.now())
        day.add(
            "line",
            id="line_more",
            leg_id="leg_walmart-us-1",
            order_line_id="1-2",
            sku="B",
            quantity=1,
            price_minor=1,
            shipping_minor=0,
            their_state="",
        )
        day.owes(1, "ship", WALMART, id="obl_more", object="line", object_id="line_more", due_at=day.ahead(minutes=30))
    ship = card(ctx, store, WALMART).duties[1]
    assert [(part.code, part.count, part.money) for part in ship.parts if part.count] == [
        ("soon", 1, (Money(1100, "USD"),))
    ]


def test_what_is_over_does_not_count_any_more(ctx: Ctx, store: ConsoleStore) -> None:
    found = card(ctx, store)
    assert (found.parcels.count, found.parcels.bad, found.submissions.count, found.refunds.count) == (2, 1, 1, 1)
    assert found.refunds.money == (Money(500, "EUR"),)
    assert found.listings == {"issue": 1, "live": 26, "submitted": 1, "suppressed": 1}
    assert found.other == 2
    disputes = card(ctx, store, EBAY).disputes
    assert (disputes.count, disputes.first_at) == (2, ctx.clock.now() + timedelta(days=1))


def test_each_rate_stands_beside_its_limit_and_what_the_channel_does_beyond_it(ctx: Ctx, store: ConsoleStore) -> None:
    found = {row.measure: row for row in card(ctx, store).health}
    assert {name: row.state.tone for name, row in found.items()} == {
        "cancellations": Tone.BAD, "defects": Tone.GOOD, "late-shipments": Tone.WARN, "valid-tracking": Tone.GOOD,
    }  # fmt: skip
    assert found["cancellations"].consequence == "account may be deactivated"
    walmart = {row.measure: row for row in card(ctx, store, WALMART).health}
    assert (walmart["refunds"].rate, walmart["refunds"].limit, walmart["refunds"].state.word) == (
        None,
        0.06,
        "Not measured yet",
    )


def test_the_last_word_of_a_failing_safety_check_is_told(ctx: Ctx, store: ConsoleStore) -> None:
    checks = {check.name: check for check in card(ctx, store).checks}
    assert [check.error for check in card(ctx, store).checks_failing] == ["429 Too Many Requests"]
    assert (checks["sweep-statements"].state.word, checks["sweep-orders"].error) == ("Has not run yet", "")


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_obligation_comes_with_its_penalty_and_leads_to_its_order(ctx: Ctx, store: ConsoleStore) -> None:
    first, *_ = rows(ctx, store)
    assert isinstance(first, DutyRow)
    assert (first.order_id, first.what, first.href) == (
        ORDER_ID[AMAZON].format(n=1),
        "Ship and confirm",
        f"/orders/bas_amazon-de-1#leg-{ORDER_ID[AMAZON].format(n=1)}",
    )
    assert first.penalty == "late shipment rate, to stay under 4 %; no money before it is confirmed"
    cancelled = next(
        row for row in rows(ctx, store) if isinstance(row, DutyRow) and row.what == "The channel cancels it"
    )
    assert cancelled.penalty == "cancelled by Amazon and counted in the cancellation rate"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"q": ORDER_ID[AMAZON].format(n=1)}, 2),
        ({"q": "LAMP-1"}, 2),
        ({"q": "LAMP-3"}, 2),
        ({"q": "LAMP"}, 0),
        ({"show": "parcels", "q": "LAMP-1"}, 2),
        ({"show": "parcels", "q": "JJD0000012"}, 1),
        ({"show": "listings", "q": "LAMP-1"}, 11),
        ({"show": "listings", "q": "LAMP-2", "state": "issue"}, 1),
        ({"show": "listings", "state": "other"}, 2),
        ({"show": "listings", "state": "suppressed"}, 1),
        ({"show": "submissions", "q": "LAMP-1"}, 1),
        ({"show": "refunds", "q": "RF-2"}, 1),
        ({"show": "refunds", "q": "RF-3"}, 0),
        ({"show": "disputes", "q": "\x00"}, 0),
    ],
)
def test_a_table_is_searched_by_order_and_by_article(
    ctx: Ctx, store: ConsoleStore, wanted: dict[str, str], found: int
) -> None:
    assert len(rows(ctx, store, **wanted)) == found


def test_each_row_names_the_open_case_behind_it(ctx: Ctx, store: ConsoleStore) -> None:
    refused, *_ = [row for row in rows(ctx, store, show="parcels") if getattr(row, "refused", "")]
    assert refused.case.text == "Case 1201" and refused.action.href == "/actions/eff_ship"  # type: ignore[attr-defined]
    first, second = rows(ctx, store, EBAY, show="disputes")
    assert [row.case.text if row.case else "" for row in (first, second)] == ["Case 1203", ""]  # type: ignore[attr-defined]


@pytest.mark.parametrize("table", TABLES)
def test_every_table_comes_page_by_page_and_misses_nothing(ctx: Ctx, store: ConsoleStore, table: str) -> None:
    with ctx.db.transaction() as conn:
        day = SellingDay(conn, ctx.clock.now())
        for n in range(10, 132):  # more than two pages, many at one instant
            day.order(n, EBAY)
            day.owes(n, "ship", EBAY, due_at=day.ahead(hours=n % 3))
            day.parcel(n, EBAY, shipped_at=day.ago(hours=n % 3))
            day.listing(f"{n:04}", EBAY)
            day.submission(f"SUB-{n}", f"key-{n}", EBAY, taken_at=day.ago(hours=n % 3))
            day.refund(n, EBAY, refunded_at=day.ago(hours=n % 3))
            day.dispute(n, EBAY, respond_by=day.ahead(hours=n % 3) if n % 2 else None)
    seen, after, pages = list[str](), "", 0
    while True:
        found = store.channel(EBAY, ChannelFilter(table, after=after), ctx.clock.now())
        seen += [row.sku if isinstance(row, ListingRow) else row.id for row in found.rows]
        pages, after = pages + 1, found.next_after
        if not after:
            break
    assert pages == 3
    assert len(seen) == len(set(seen)) == (124 if table == "disputes" else 122)


@pytest.mark.parametrize("table", [name for name in TABLES if name != "listings"])
def test_an_address_no_page_of_ours_made_is_refused_in_plain_words(ctx: Ctx, store: ConsoleStore, table: str) -> None:
    with pytest.raises(BrokenLink):
        store.channel(AMAZON, ChannelFilter(table, after="nonsense"), ctx.clock.now())


# ── one listing ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_listing_tells_wanted_against_shown_and_where_both_come_from(ctx: Ctx, store: ConsoleStore) -> None:
    found = store.listing(AMAZON, "LAMP-1", ctx.clock.now())
    assert found is not None
    price, stock = found.lanes
    assert (price.state.word, price.version, price.told, price.source) == (
        "Shown otherwise",
        3,
        3,
        "the ERP’s price for this channel, version 3",
    )
    assert "nothing is offered" not in stock.source
    assert [(one.channel, one.counts) for one in found.prices] == [("*", False), (AMAZON, True)]
    assert [(one.location, one.quantity) for one in found.pool] == [("Hamburg", 12), ("Rotterdam", 3)]
    assert [(one.account, one.counts, one.state.word) for one in found.reservations] == [
        (AMAZON, True, "Held for the order"), (WALMART, True, "Left the warehouse"), (AMAZON, False, "Given back"),
    ]  # fmt: skip
    assert (found.reserved, found.buffer, found.available) == (4, 2, 9)
    assert [row.account for row in found.elsewhere] == [WALMART]


def test_a_price_that_counts_nowhere_else_falls_back_to_the_one_for_all(ctx: Ctx, store: ConsoleStore) -> None:
    found = store.listing(WALMART, "LAMP-1", ctx.clock.now())
    assert found is not None
    assert [(one.channel, one.counts) for one in found.prices] == [("*", True), (AMAZON, False)]
    assert found.lanes[0].source == "the ERP’s price for every channel, version 3"


def test_stock_nobody_has_spoken_of_for_too_long_is_said_to_be_too_old(ctx: Ctx, store: ConsoleStore) -> None:
    with ctx.db.transaction() as conn:
        SellingDay(conn, ctx.clock.now()).pool("LAMP-2", changed_at=ctx.clock.now() - timedelta(days=1))
    found = store.listing(AMAZON, "LAMP-2", ctx.clock.now())
    assert found is not None and found.lanes[1].source.endswith("too old for the plan, so nothing is offered")


def test_submissions_come_with_each_items_answer_and_the_story_tells_them(ctx: Ctx, store: ConsoleStore) -> None:
    found = store.listing(AMAZON, "LAMP-1", ctx.clock.now())
    assert found is not None
    assert [(batch.row.id, len(batch.items)) for batch in found.batches] == [("FEED-501", 0), ("FEED-500", 1)]
    assert (found.batches[1].items[0].attribute, found.batches[1].items[0].state.word) == (
        "purchasable_offer",
        "Refused",
    )
    assert [case.number for case in found.cases] == [1202]
    story = [entry.what for entry in found.story]
    assert story[0] == "Set price: taken by the channel as FEED-501"
    assert "Set price: worked off" in story and any(what.startswith("Case 1202") for what in story)
    assert [entry.at for entry in found.story] == sorted((entry.at for entry in found.story), reverse=True)


def test_an_sku_with_a_slash_has_a_page_and_a_case_that_leads_there(
    ctx: Ctx, store: ConsoleStore, browser: TestClient
) -> None:
    [row] = rows(ctx, store, show="listings", q="LAMP/")
    assert isinstance(row, ListingRow)
    assert browser.get(row.href).status_code == 200
    with ctx.db.transaction() as conn:
        day = SellingDay(conn, ctx.clock.now())
        day.case(1300, "listing-suppressed", account=AMAZON, object="listing", object_id=f"{AMAZON}/LAMP/4 ½", root="")
    case = store.case("case_1300")
    assert case is not None
    assert case.row.subject == "Listing LAMP/4 ½"
    assert [link.href for link in case.related] == [row.href]


# ── orders of channels ───────────────────────────────────────────────────────────────────────────────────────


def test_an_order_of_a_channel_shows_what_it_owes_our_parcels_and_the_back_offices_number(store: ConsoleStore) -> None:
    basket = store.basket("bas_amazon-de-1")
    assert basket is not None
    [leg] = basket.legs
    assert leg.channel is not None
    assert (leg.their_name, leg.state.theirs, leg.channel.document_number) == ("Amazon order", "Unshipped", "SO-101")
    assert [(promise.what, bool(promise.penalty)) for promise in leg.promises] == [
        ("Ship and confirm", True),
        ("The channel cancels it", True),
    ]
    assert [(parcel.number, parcel.state.word) for parcel in leg.channel.parcels] == [
        ("1", "The channel does not know"),
        ("2", "Refused by the channel"),
    ]
    assert [step.word for step in leg.steps] == [
        "Ordered",
        "In our back office",
        "Shipped",
        "Known to the channel",
        "Delivered",
    ]
    assert [step.state for step in leg.steps][:3] == [StepState.DONE, StepState.DONE, StepState.NOW]


def test_the_back_office_takes_an_order_before_a_channel_that_asks_for_it_is_told(store: ConsoleStore) -> None:
    basket = store.basket("bas_walmart-us-1")
    assert basket is not None
    [leg] = basket.legs
    assert [step.word for step in leg.steps] == [
        "Ordered",
        "In our back office",
        "Acknowledged",
        "Shipped",
        "Delivered",
    ]
    assert [promise.what for promise in leg.promises] == ["Acknowledge", "Ship and confirm, line 1-1"]


def test_refunds_and_disputes_of_a_channel_stand_with_their_order(store: ConsoleStore) -> None:
    booked, disputed, waits = (store.basket(f"bas_{name}") for name in ("amazon-de-3", "ebay-de-1", "amazon-de-2"))
    assert booked is not None and disputed is not None and waits is not None
    [refund] = booked.legs[0].channel.refunds  # type: ignore[union-attr]
    assert (refund.by, refund.document_number) == ("us", "CN-77")
    [dispute] = disputed.legs[0].channel.disputes  # type: ignore[union-attr]
    assert (dispute.dispute_id, dispute.answerable) == ("5000001", True)
    assert "Refund in our books" in [promise.what for promise in waits.legs[0].promises]


def test_what_the_marketplace_delivers_itself_has_no_station_of_ours(ctx: Ctx, store: ConsoleStore) -> None:
    with ctx.db.transaction() as conn:
        SellingDay(conn, ctx.clock.now()).order(
            50, state="shipped", fulfilled_by="marketplace", shipped_at=ctx.clock.now()
        )
    basket = store.basket("bas_amazon-de-50")
    assert basket is not None
    assert [step.word for step in basket.legs[0].steps] == ["Ordered", "Shipped", "Delivered"]


# ── pages and search ─────────────────────────────────────────────────────────────────────────────────────────

PAGES = (
    "/channels", f"/channels/{AMAZON}", *(f"/channels/{AMAZON}?show={table}" for table in TABLES), f"/channels/{EBAY}?show=disputes", f"/listings/{AMAZON}/LAMP-1",
    f"/listings/{AMAZON}/LAMP-5", "/orders", "/orders/bas_amazon-de-1", "/orders/bas_walmart-us-1", "/orders/bas_ebay-de-1", "/cases/case_1203", "/cases?open=case_1202",
    "/disputes/dsp_1/answer", "/",
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_the_selling_day(browser: TestClient, page: str) -> None:
    assert browser.get(page).status_code == 200


@pytest.mark.parametrize(
    ("asked", "href"),
    [
        ("JJD0000012", f"/orders/bas_amazon-de-1#leg-{ORDER_ID[AMAZON].format(n=1)}"),
        ("FEED-501", "/actions/eff_price"),
        ("5000001", f"/orders/bas_ebay-de-1#leg-{ORDER_ID[EBAY].format(n=1)}"),
        ("RF-2", f"/orders/bas_amazon-de-2#leg-{ORDER_ID[AMAZON].format(n=2)}"),
        ("LAMP-3", f"/listings/{AMAZON}/LAMP-3"),
    ],
)
def test_an_article_a_parcel_a_batch_a_dispute_and_a_refund_are_found(
    store: ConsoleStore, asked: str, href: str
) -> None:
    assert href in [found.href for found in store.find(asked).found]


def test_the_case_of_a_dispute_offers_the_answer_and_that_of_a_gateway_does_not(
    ctx: Ctx, store: ConsoleStore, browser: TestClient
) -> None:
    assert "/disputes/dsp_1/answer" in browser.get("/cases/case_1203").text
    with ctx.db.transaction() as conn:
        SellingDay(conn, ctx.clock.now()).case(1400, "chargeback-opened", object="dispute", object_id="dp_77", root="")
    case = store.case("case_1400")
    assert case is not None and case.dispute is None


def test_a_dispute_is_answered_from_the_console_and_the_case_tells_it(
    ctx: Ctx, store: ConsoleStore, browser: TestClient
) -> None:
    page = "/disputes/dsp_1/answer"
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.get(page).text)
    assert found is not None
    answer = browser.post(page, data={"csrf": found[1], "answer": "accept", "reason": "Lost by the carrier"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases/case_1203")
    case = store.case("case_1203")
    assert case is not None
    assert [(entry.what, entry.by) for entry in case.timeline][-1] == ("Dispute answered", "local operator")
    assert case.dispute is not None and not case.dispute.answerable
    assert case.dispute.why_not == "an answer to dispute 5000001 is on its way already (planned)"


# ── at a size ────────────────────────────────────────────────────────────────────────────────────────────────


def test_lists_of_a_hundred_thousand_walk_an_index_and_stop_after_one_page(ctx: Ctx) -> None:
    now = ctx.clock.now()
    with ctx.db.transaction() as conn:
        conn.execute(
            "INSERT INTO listing (account, sku, state, currency, shown_price_minor, wanted_price_minor, changed_at, plan_hash) "
            "SELECT %s, 'S' || n, CASE WHEN n %% 1000 = 0 THEN 'suppressed' ELSE 'live' END, 'EUR', 100, CASE WHEN n %% 500 = 0 THEN 200 ELSE 100 END, %s, 'x' "
            "FROM generate_series(1, %s) AS n",
            (AMAZON, now, LISTINGS),
        )
        conn.execute(
            "INSERT INTO obligation (id, kind, flow, account, object, object_id, name, root, owner, mode, starts_at, warn_at, escalate_at, due_at) "
            "SELECT 'o' || n, 'ship', 'order-intake', CASE WHEN n %% 100 = 0 THEN %s ELSE 'other/main' END, 'leg', 'l' || n, 'O' || n, 'r', 't', 'm', "
            "%s, %s, %s, %s::timestamptz + n * interval '1 second' FROM generate_series(1, %s) AS n",
            (AMAZON, now, now, now, now, PROMISES),
        )
    with ctx.db.transaction() as conn:
        explained = [
            _explained(conn, wanted)
            for wanted in (
                ChannelFilter("listings"), ChannelFilter("listings", state="suppressed"), ChannelFilter("listings", state="other"),
                ChannelFilter("listings", q="S99"), ChannelFilter("orders"),
            )
        ]  # fmt: skip
    for plan in explained:
        assert "Seq Scan" not in plan and "Sort" not in plan
        assert "listing_" in plan or "obligation_account" in plan


def _explained(conn: object, wanted: ChannelFilter) -> str:
    """The plan of the query a table asks, as PostgreSQL would run it."""
    asked = list[str]()

    class Explains:
        def execute(self, sql: str, values: object = None) -> "Explains":
            if "listing WHERE" in sql or "FROM obligation o WHERE" in sql:
                asked.extend(row["QUERY PLAN"] for row in conn.execute(f"EXPLAIN {sql}", values).fetchall())  # type: ignore[attr-defined]
            return self

        def fetchall(self) -> list[object]:
            return []

    channel_tables.TABLES[wanted.show](Explains(), selling_plan(), AMAZON, wanted)  # type: ignore[arg-type]
    return "\n".join(asked)
