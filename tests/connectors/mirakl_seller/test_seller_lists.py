"""A seller's lists at Mirakl against the sandbox, and its records in the words of a channel."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from connectors.market import Answers, Sweep, make_ctx, said
from connectors.mirakl_seller.shop import NAME, SYSTEM, URL, Shop
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.connectors.mirakl_seller.connector import MANIFEST, TRANSLATORS
from entrepot.connectors.mirakl_seller.translate import refused_rows
from entrepot.connectors.port import Access, Malformed, ProblemCode
from entrepot.connectors.registry import connect
from entrepot.inbox.model import MALFORMED
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unrecognised
from entrepot.money.settlement.model import CycleSeen, StatementLineSeen
from entrepot.sandbox.faults import Fault
from entrepot.trade.listing.model import ItemResult, ListingSeen, SubmissionSeen
from entrepot.trade.listing.states import ListingState, SubmissionState
from entrepot.trade.order.model import ChannelRefundSeen, OrderSeen, ReturnSeen
from entrepot.trade.order.states import LegState

CODES = {
    "orders": "OR11",
    "returns": "RT11",
    "listings": "OF21",
    "submissions": "PRI02",
    "content-submissions": "OF04",
    "cycles": "SBC11",
    "transactions": "TL02",
}
SEEN: dict[str, set[type]] = {
    "orders": {OrderSeen, ChannelRefundSeen},
    "returns": {ReturnSeen},
    "listings": {ListingSeen},
    "submissions": {SubmissionSeen},
    "content-submissions": {SubmissionSeen},
    "cycles": {CycleSeen},
    "transactions": {StatementLineSeen},
}


def full(shop: Shop) -> dict[str, str]:
    """Something in every list."""
    order_id = shop.ready()
    assert isinstance(shop.do("ship", shop.parcel(order_id)), Done)
    shop.move(days=3)
    assert shop.state(order_id) == "RECEIVED"
    shop.front.open_return(order_id, [(f"{order_id}-1", 1)], "DEFECTIVE")
    line = {"line_id": f"{order_id}-1", "quantity": 1, "item_minor": 800, "shipping_minor": 100}
    told = {"order_id": order_id, "our_number": "H", "refund": "R", "currency": "EUR", "reason": "returned"}
    assert isinstance(shop.do("refund", {**told, "lines": [line]}), Done)
    shop.move(minutes=3)
    cycle = shop.front.close_period()
    assert cycle
    for price in (2_100, 2_200):
        assert isinstance(shop.do("set-price", {"sku": "ATLAS", "price_minor": price, "currency": "EUR"}), Done)
    assert isinstance(shop.do("set-price", {"sku": "NOWHERE", "price_minor": 1, "currency": "EUR"}), Done)
    product = {"sku": "LAMP", "revision": "1", "category": "PHOTO", "title": "Lamp", "gtin": "8712345678913"}
    whole = {**product, "price_minor": 4_000, "currency": "EUR", "quantity": 9}
    assert isinstance(shop.do("submit-listing", whole), Done)
    assert isinstance(shop.do("submit-listing", {**whole, "sku": "X", "gtin": "404"}), Done)
    shop.move(minutes=3)
    return {"order": order_id, "cycle": cycle}


def test_every_list_is_read_and_every_record_understood(shop: Shop) -> None:
    full(shop)
    for name in CODES:
        sweep = shop.sweep(name)
        assert sweep.problem is None, name
        assert {type(shop.seen(record)) for record in sweep.records} == SEEN[name], name
        for record in sweep.records:
            assert ":" in record.root
            assert record.flow == (
                MANIFEST.sources[name].flow if record.kind == "submission" else MANIFEST.flows[record.kind]
            )


def test_an_order_is_one_basket_of_its_own_and_waits_for_us(shop: Shop) -> None:
    order_id = shop.buy()
    record = shop.sweep("orders").records[0]
    seen = shop.seen(record)
    assert (record.kind, record.external_id, record.root) == ("channel-order", order_id, f"basket:{order_id}")
    assert (seen.commercial_id, seen.seller_id, seen.state) == (order_id, "us", LegState.AWAITING_ACCEPTANCE)
    assert seen.total_minor == shop.order(order_id)["total_minor"]


def test_an_order_moves_as_it_is_dealt_with(shop: Shop) -> None:
    order_id = shop.buy()
    assert isinstance(shop.do("acknowledge", shop.taken(order_id)), Done)
    states = [shop.seen_in("orders")[0].state]
    shop.move(minutes=2)
    states.append(shop.seen_in("orders")[0].state)
    part = {**shop.parcel(order_id, "A"), "lines": shop.lines(order_id)[:1]}
    assert isinstance(shop.do("ship", part), Done)
    states.append(shop.seen_in("orders")[0].state)
    assert isinstance(shop.do("ship", {**shop.parcel(order_id, "B"), "lines": shop.lines(order_id)[1:]}), Done)
    states.append(shop.seen_in("orders")[0].state)
    shop.move(days=3)
    states.append(shop.seen_in("orders")[0].state)
    assert (
        states
        == [
            LegState.AWAITING_PAYMENT,
            LegState.TO_SHIP,
            LegState.PART_SHIPPED,
            LegState.SHIPPED,
            LegState.DELIVERED,
        ]
        or states[2] is LegState.TO_SHIP
    )  # the order's lines say what was sent, where the operator shows it


def test_an_order_under_check_is_on_hold(shop: Shop) -> None:
    with shop.world.lock:
        shop.front.place([("ATLAS", 1)], pending=True)
    assert shop.seen_in("orders")[0].state is LegState.ON_HOLD


def test_what_the_operator_sends_himself_waits_for_nobody_here(shop: Shop) -> None:
    with shop.world.lock:
        shop.front.place([("ATLAS", 1)], fulfilled_by="channel", pending=True)
    assert shop.seen_in("orders")[0].fulfilled_by == "marketplace"


def test_a_refund_comes_with_its_order_and_names_its_line(shop: Shop) -> None:
    known = full(shop)
    refunds = [
        (record, shop.seen(record)) for record in shop.sweep("orders").records if record.kind == "channel-refund"
    ]
    ((record, seen),) = refunds
    assert record.root == f"basket:{known['order']}"
    assert (seen.order_id, seen.order_line_id, seen.amount_minor) == (known["order"], f"{known['order']}-1", 900)


def test_a_cycle_is_the_sum_of_its_lines(shop: Shop) -> None:
    known = full(shop)
    (cycle,) = shop.seen_in("cycles")
    lines = [line for line in shop.seen_in("transactions") if line.cycle_id == known["cycle"]]
    assert cycle.external_id == known["cycle"]
    assert sum(line.amount_minor for line in lines if line.type != "PAYMENT") == cycle.their_total_minor
    assert {line.seller_id for line in lines} == {"us"}


def test_an_import_says_which_row_was_refused_and_why(shop: Shop) -> None:
    full(shop)
    prices = {one.submission_id: one for one in shop.seen_in("submissions")}
    assert all(one.state is SubmissionState.DONE and one.items == 1 for one in prices.values())
    assert len(prices) == 3
    (refused,) = [one for one in prices.values() if one.rejected]
    assert refused.results == (ItemResult("NOWHERE", False, "ROW_REFUSED", "The offer does not exist"),)
    (other,) = [one for one in shop.seen_in("content-submissions") if one.rejected]
    assert [(one.key, one.accepted) for one in other.results] == [("X", False)]


def test_the_number_of_a_receipt_is_the_number_of_its_submission(shop: Shop) -> None:
    outcome = shop.do("set-price", {"sku": "ATLAS", "price_minor": 2_100, "currency": "EUR"})
    assert isinstance(outcome, Done)
    (waiting,) = shop.seen_in("submissions")
    assert waiting.submission_id == outcome.receipt["submission_id"]
    assert waiting.state is SubmissionState.TAKEN
    shop.move(minutes=2)
    (done,) = shop.seen_in("submissions")
    assert done.state is SubmissionState.DONE


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("PRODUCT_STATUS_REJECTED", ListingState.ISSUE),
        ("PRODUCT_STATUS_PENDING", ListingState.ACCEPTED),
        ("PRODUCT_DISABLED", ListingState.SUPPRESSED),
        ("A_NEW_REASON", ListingState.SUPPRESSED),
        ("ZERO_QUANTITY", ListingState.ACCEPTED),
    ],
)
def test_an_offer_that_is_not_active_says_why(reason: str, state: ListingState) -> None:
    offer = {"offer_id": 1, "shop_sku": "A", "active": False, "inactivity_reasons": [reason]}
    seen: Any = TRANSLATORS["listing"](msgspec.json.encode(offer))
    assert seen.state is state
    assert [issue.code for issue in seen.issues] == [reason]


def test_a_suppressed_offer_is_seen_and_then_restored(shop: Shop) -> None:
    shop.front.suppress("LAMP", "PRODUCT_STATUS_REJECTED", "", "")
    assert {one.sku: one.state for one in shop.seen_in("listings")}["LAMP"] is ListingState.ISSUE
    shop.front.restore("LAMP")
    assert {one.sku: one.state for one in shop.seen_in("listings")}["LAMP"] is ListingState.LIVE


def test_one_order_and_one_offer_are_found_by_their_numbers(shop: Shop) -> None:
    known = full(shop)
    order = shop.channel.lookups["order"].one(shop.ctx, known["order"])
    assert [record.kind for record in order.received] == ["channel-order", "channel-refund"]
    (offer,) = shop.channel.lookups["listing"].one(shop.ctx, "LAMP").received
    assert offer.external_id == "LAMP"
    gone = shop.channel.lookups["order"].one(shop.ctx, "404")
    assert (gone.problem, gone.received) == (None, ())
    for kind in ("503", "html", "truncated"):
        shop.trouble("OR12", kind)
        assert shop.channel.lookups["order"].one(shop.ctx, known["order"]).problem is not None


def test_the_shop_is_let_in_with_its_own_key_and_names_itself_where_it_must(shop: Shop) -> None:
    assert shop.channel.check(shop.ctx) is None
    held = {"shop_key": lambda: "wrong"}
    problem = connect(NAME, Access("x", URL, held)).check(shop.ctx)
    assert problem is not None
    assert problem.code is ProblemCode.CREDENTIALS_REFUSED
    several = connect(NAME, Access("x", URL, {**shop.access.secrets, "shop_id": lambda: "2001"}))
    assert several.check(shop.ctx) is None
    assert ("shop_id", "2001") in shop.http.sent[-1].query
    with pytest.raises(WrongSetting, match="shop_key"):
        connect(NAME, Access("x", URL, {}))


def test_orders_are_read_no_more_than_once_a_minute(shop: Shop) -> None:
    limit = shop.channel.sources["orders"].limit
    assert limit is not None
    assert (limit.capacity, limit.per_s) == (1, 1 / 60)


# -- a bad day -----------------------------------------------------------------------------------------------------

TROUBLE = {
    "429": ProblemCode.RATE_LIMITED,
    "503": ProblemCode.SYSTEM_DOWN,
    "html": ProblemCode.UNREADABLE,
    "truncated": ProblemCode.UNREADABLE,
    "timeout-after": ProblemCode.NO_ANSWER,
}
REPORTS = {"submissions": "PRI03", "content-submissions": "OF03"}


@pytest.mark.parametrize("name", sorted(CODES))
def test_a_list_that_fails_says_why_and_moves_nothing(shop: Shop, name: str) -> None:
    full(shop)
    whole = shop.sweep(name)
    for kind, code in TROUBLE.items():
        shop.trouble(CODES[name], kind, 7)
        sweep = shop.sweep(name)
        assert sweep.problem is not None, kind
        assert sweep.problem.code is code
        assert sweep.cursor is None
    for kind in ("429", "503", "html", "timeout-after"):
        if name in REPORTS:
            shop.trouble(REPORTS[name], kind, 7)
            sweep = shop.sweep(name)
            assert sweep.problem is not None, kind
            assert sweep.cursor is None
    shop.trouble(CODES[name], "expired-token")
    again = shop.sweep(name)
    assert again.problem is None
    assert sorted(again.ids) == sorted(whole.ids)


def test_orders_are_all_found_though_the_list_moves(shop: Shop) -> None:
    bought = {shop.buy(("ATLAS", 1)) for _ in range(7)}
    source: Any = shop.channel.sources["orders"]
    row = msgspec.structs.replace(source.pages.spec.row, size=3)
    smaller = replace(source, pages=replace(source.pages, spec=replace(source.pages.spec, row=row)))
    shop.world.faults.add(Fault(SYSTEM, "OR11", 1, "page-shift", 1))
    sweep = Sweep.of(smaller.fetch(shop.ctx, None))
    assert sweep.problem is None
    assert set(sweep.ids) == bought


@pytest.mark.parametrize(
    ("name", "field"), [("orders", "order_state"), ("submissions", "status"), ("returns", "state")]
)
def test_a_word_nobody_published_parks_its_record_alone(shop: Shop, name: str, field: str) -> None:
    full(shop)
    whole = shop.sweep(name)
    shop.trouble(CODES[name], "unknown-enum", field)
    sweep = shop.sweep(name)
    assert len(sweep.records) == len(whole.records)
    seen = [shop.seen(record) for record in sweep.records]
    assert sum(isinstance(getattr(one, "state", None), Unrecognised) for one in seen) == 1


def test_one_record_nobody_can_read_does_not_hold_up_its_neighbours(shop: Shop) -> None:
    good = '{"order_id":"A","commercial_id":"C","last_updated_date":"2026-11-02T09:00:00Z"}'
    body = f'{{"total_count":2,"orders":[{good},{{"order_id":7}}]}}'
    sweep = Sweep.of(shop.channel.sources["orders"].fetch(make_ctx(Answers(said(200, body)), shop.clock), None))
    assert [record.kind for record in sweep.records] == ["channel-order", MALFORMED]
    imports = '{"data":[{"import_id":"1","status":"COMPLETE"},{"status":1}],"next_page_token":null}'
    sweep = Sweep.of(shop.channel.sources["submissions"].fetch(make_ctx(Answers(said(200, imports)), shop.clock), None))
    assert [record.kind for record in sweep.records] == ["submission", MALFORMED]


def keep(shop: Shop, operation: str, payload: Mapping[str, Any]) -> Done | Refused:
    """A promise kept as the outbox keeps it."""
    found = shop.channel.operations[f"{NAME}.{operation}"]
    for attempt in range(1, 15):
        outcome, _ = found.send(shop.ctx, replace(shop.effect(found.name, "k", payload), attempts=attempt))
        if isinstance(outcome, Refused) and outcome.code == "credentials-refused":
            continue  # a key refused twice in a row: a person tries again
        if isinstance(outcome, Done | Refused):
            return outcome
        if isinstance(outcome, Later):
            shop.move(seconds=outcome.after_s or 30)
            continue
        absent = 0
        for _ in range(12):
            shop.move(seconds=found.settle_s)
            looked, _ = found.read_back(shop.ctx, shop.effect(found.name, "k", payload))
            if isinstance(looked, Done | Refused):
                return looked
            absent += isinstance(looked, NotThere)
            if absent == 2:
                break
    raise AssertionError(f"{operation} came to no end: {outcome}")


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_and_nothing_done_twice(seed: int) -> None:
    shop, rng = Shop(acceptance_window=timedelta(days=30)), Random(seed)
    reads = ["429", "503", "timeout-before", "timeout-after", "truncated", "html", "expired-token", "page-shift"]
    writes = ["429", "500", "503", "504", "timeout-before", "timeout-after", "applied-late", "html", "expired-token"]
    for kinds, codes in ((reads, ("OR11", "OR12", "ST11")), (writes, ("OR21", "OR24", "OR28", "ST01"))):
        for code in codes:
            for _ in range(14):
                kind = rng.choice(kinds)
                arg = {"429": 5, "applied-late": 20, "page-shift": rng.choice((1, -1))}.get(kind)
                shop.world.faults.add(Fault(SYSTEM, code, rng.randrange(1, 40), kind, arg))
    bought, found, cursor = [shop.buy() for _ in range(60)], set[str](), None
    for _ in range(12):
        shop.move(minutes=1)
        sweep = shop.sweep("orders", cursor)
        found |= {record.external_id for record in sweep.records if record.kind == "channel-order"}
        cursor = sweep.cursor or cursor
    assert found == set(bought)
    parcels = 0
    for n, order_id in enumerate(bought):
        if n % 5 == 4:
            told = {**shop.taken(order_id), "cancellation": "K", "reason": "out-of-stock"}
            assert isinstance(keep(shop, "cancel", told), Done)
            assert shop.state(order_id) == "REFUSED"
            continue
        assert isinstance(keep(shop, "acknowledge", shop.taken(order_id)), Done)
        shop.move(minutes=2)
        lines = [[line] for line in shop.lines(order_id)] if n % 2 else [shop.lines(order_id)]
        for m, some in enumerate(lines):
            parcels += 1
            assert isinstance(keep(shop, "ship", {**shop.parcel(order_id, f"JD{n}-{m}"), "lines": some}), Done)
        line = {"line_id": f"{order_id}-1", "quantity": 1, "item_minor": 100 + n}
        told = {"order_id": order_id, "our_number": "H", "refund": "R", "currency": "EUR", "reason": "goodwill"}
        assert isinstance(keep(shop, "refund", {**told, "lines": [line]}), Done)
    books = shop.front.books()
    assert len(books["shipments"]) == parcels
    assert len(books["refunds"]) == 48
    assert all(times == 1 for code in ("OR21", "OR24", "OR28") for times in books["applied"][code].values())
    assert sum(shop.world.faults.fired.values()) > 60


# -- nothing makes a reader fall over ------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
WHOLE: dict[str, Any] = {
    "channel-refund": {
        "order_id": "A",
        "order_line_id": "A-1",
        "currency_iso_code": "EUR",
        "refund": {"id": "1", "created_date": "2026-11-02T09:00:00Z", "amount": 1.5},
    },
    "listing": {"offer_id": 1, "shop_sku": "A", "active": True, "price": 1.5, "currency_iso_code": "EUR"},
    "submission": {"lane": "PRI", "import": {"import_id": "1", "status": "COMPLETE"}, "report": ""},
}


@settings(max_examples=80, deadline=None)
@given(kind=st.sampled_from(sorted(WHOLE)), value=anything, pick=st.integers(0, 20), deep=st.booleans())
def test_no_record_with_one_thing_wrong_makes_a_reader_fall_over(kind: str, value: Any, pick: int, deep: bool) -> None:
    record = msgspec.json.decode(msgspec.json.encode(WHOLE[kind]))
    here = record
    for name in ("refund", "import"):
        if deep and name in record:
            here = record[name]
    here[sorted(here)[pick % len(here)]] = value
    TRANSLATORS[kind](msgspec.json.encode(record))


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(sorted(TRANSLATORS)), body=st.binary(max_size=60) | anything.map(msgspec.json.encode))
def test_no_bytes_at_all_make_a_reader_fall_over(kind: str, body: bytes) -> None:
    assert isinstance(TRANSLATORS[kind](body), Malformed | Unrecognised)


@pytest.mark.parametrize(
    ("report", "rows"),
    [
        ("", []),
        ('"error-line";"error-message";"offer-sku"\n"2";"why";"A"\n', [("A", "why")]),
        ("\ufeffSKU;Error-Message\nA;why\n", [("A", "why")]),
        ("other\nx\n", [("", "the row was refused")]),
    ],
)
def test_an_error_report_is_read_by_its_headers_however_they_are_written(
    report: str, rows: list[tuple[str, str]]
) -> None:
    assert refused_rows(report) == rows
