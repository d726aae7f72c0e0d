"""The back office's lists and pushes as records: nothing is missed, whatever goes wrong; the same record is the same from both."""

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from connectors.backoffice.company import NUMBER, SYSTEM, Company, order
from connectors.market import START, Answers, Sweep, make_ctx, said
from connectors.troubles import in_every_trouble

from entrepot.connectors.backoffice.records import order_root
from entrepot.connectors.port import Access, Forged, ProblemCode, Received, Verified
from entrepot.connectors.reading import sortable
from entrepot.connectors.registry import connect
from entrepot.inbox.model import MALFORMED
from entrepot.kernel.http import HttpAnswer
from entrepot.kernel.outcome import Unrecognised

SOURCES = {
    "parcels": ("parcel", "fulfilment-confirm"),
    "cancellations": ("cannot-deliver", "cancel-return-refund"),
    "returns": ("goods-back", "cancel-return-refund"),
    "stock": ("stock", "listing-offer"),
    "prices": ("price", "listing-offer"),
    "products": ("product", "listing-content"),
}


def seasoned(**settings: Any) -> Company:
    """Two orders, of which one lost a piece, both sent, and goods of one back."""
    company = Company(**settings)
    for number in (NUMBER, "ebay-de/main:04-12345"):
        company.book(number)
    company.portal.give_up(NUMBER, [("2", 1)])
    company.move(days=2)
    company.portal.receive_return(NUMBER, "RT-1", [("1", 1)])
    company.move(days=2)
    return company


# -- what records are called -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_a_list_gives_records_of_its_kind_and_flow(source: str) -> None:
    sweep = seasoned().sweep(source)
    assert sweep.records
    assert {(one.kind, one.flow) for one in sweep.records} == {SOURCES[source]}
    assert sweep.problem is None


def test_what_moves_an_order_belongs_to_its_basket() -> None:
    company = seasoned()
    assert {one.root for one in company.sweep("parcels").records} == {
        "basket:303-1234567-1234567",
        "basket:04-12345",
    }
    for source in ("cancellations", "returns"):
        assert {one.root for one in company.sweep(source).records} == {"basket:303-1234567-1234567"}


@pytest.mark.parametrize(
    ("number", "root"),
    [("a/b:C-1", "basket:C-1"), ("a:b:c", "basket:b:c"), ("SHOP-77", "number:SHOP-77"), ("a:", "number:a:")],
)
def test_a_number_that_is_not_ours_is_its_own_root(number: str, root: str) -> None:
    assert order_root(number) == root


def test_what_changes_a_listing_belongs_to_its_article(company: Company) -> None:
    for source in ("stock", "prices", "products"):
        assert {one.root for one in company.sweep(source).records} == {
            f"listing:{sku}" for sku in ("LAMP-1", "BELL-1", "MAP-1")
        }


def test_stock_and_prices_are_named_by_article_and_place(company: Company) -> None:
    assert set(company.sweep("stock").ids) == {"LAMP-1@main", "BELL-1@main", "MAP-1@main", "MAP-1@north"}
    assert "MAP-1@ebay-de" in company.sweep("prices").ids
    assert "MAP-1@*" in company.sweep("prices").ids


def test_versions_sort_as_text_as_they_do_as_numbers(company: Company) -> None:
    revisions = []
    for n in range(12):
        company.portal.count("LAMP-1", n)
        revisions += [one.revision for one in company.sweep("stock").records if one.external_id == "LAMP-1@main"]
    assert len(revisions) == 12
    assert revisions == sorted(revisions)


# -- cursors ---------------------------------------------------------------------------------------------------------


def test_all_pages_are_read_and_the_cursor_stays_behind_by_the_overlap() -> None:
    company = seasoned(page_size=2)
    sweep = company.sweep("stock")
    assert len(sweep.pages) == 2
    newest = max(json.loads(one.body)["at"] for one in sweep.records)
    assert sweep.cursor is not None
    at = START.fromisoformat(sweep.cursor)
    assert START.fromisoformat(newest) - at == timedelta(seconds=300)


def test_the_next_run_reads_what_changed_since_and_what_overlaps(company: Company) -> None:
    cursor = company.sweep("stock").cursor
    company.move(hours=1)
    company.portal.restock("LAMP-1", 1)
    again = company.sweep("stock", cursor)
    assert again.ids[-1] == "LAMP-1@main"
    company.move(hours=1)
    assert company.sweep("stock", again.cursor).ids == ["LAMP-1@main"]
    assert company.sweep("stock", again.cursor).cursor == again.cursor


def test_the_first_run_reads_all_stock_but_no_old_parcels() -> None:
    company = seasoned()
    company.move(days=8)
    assert company.sweep("parcels").ids == []
    assert len(company.sweep("stock").ids) == 4
    assert {urls_query(company, n) for n in (-2, -1)} == {True, False}


def urls_query(company: Company, n: int) -> bool:
    return any(name == "since" for name, _ in company.http.sent[n].query)


def test_nothing_to_read_moves_nothing(company: Company) -> None:
    sweep = company.sweep("parcels")
    assert sweep.ids == []
    assert sweep.cursor is not None
    assert company.sweep("parcels", sweep.cursor).cursor == sweep.cursor


def test_a_run_that_stopped_in_the_middle_goes_on_there() -> None:
    company = seasoned(page_size=1)
    pages = company.channel.sources["stock"].fetch(company.ctx, None)
    first = next(pages)
    rest = company.sweep("stock", first.cursor)
    ids = [one.external_id for one in first.received] + rest.ids
    assert sorted(ids) == sorted(company.sweep("stock").ids)
    assert rest.cursor == company.sweep("stock").cursor


def test_a_cursor_they_forgot_begins_the_period_again() -> None:
    company = seasoned(page_size=1)
    since = START.isoformat()
    sweep = company.sweep("stock", f"{since}||c999999")
    assert sweep.problem is None
    assert sorted(sweep.ids) == sorted(company.sweep("stock").ids)


def test_their_clock_being_ahead_never_takes_the_cursor_past_now(company: Company) -> None:
    ahead = (START + timedelta(days=1)).isoformat()
    one = {"sku": "A", "location": "main", "quantity": 1, "version": 1, "at": ahead}
    sweep = answered(company, "stock", said(200, msgspec.json.encode({"stock": [one], "next": None})))
    assert sweep.cursor is not None
    assert START.fromisoformat(sweep.cursor) == START - timedelta(seconds=300)


def test_a_cursor_never_goes_back_by_the_overlap(company: Company) -> None:
    company.move(hours=1)
    cursor = sortable(START + timedelta(minutes=59))
    company.portal.restock("LAMP-1", 1)
    assert company.sweep("stock", cursor).ids == ["LAMP-1@main"]
    assert company.sweep("stock", cursor).cursor == cursor


def test_cursors_that_go_round_in_a_circle_end_the_run(company: Company) -> None:
    page = said(200, '{"stock":[],"next":"c1"}')
    sweep = answered(company, "stock", page, page, page)
    assert sweep.problem is not None
    assert sweep.problem.code is ProblemCode.UNREADABLE
    assert len(sweep.pages) == 2


def answered(company: Company, source: str, *answers: HttpAnswer, cursor: str | None = None) -> Sweep:
    ctx = make_ctx(Answers(*answers), company.clock)
    return Sweep.of(company.channel.sources[source].fetch(ctx, cursor))


# -- trouble ---------------------------------------------------------------------------------------------------------


@in_every_trouble
@pytest.mark.parametrize("source", sorted(SOURCES))
def test_a_page_that_is_none_stops_the_run_and_keeps_the_cursor(source: str, kind: str, code: ProblemCode) -> None:
    company = seasoned(page_size=1)
    company.trouble(source, kind, 9)
    sweep = company.sweep(source)
    assert sweep.problem is not None
    assert sweep.problem.code is code
    assert sweep.pages[-1].cursor is None
    assert sweep.problem.after_s == (9 if kind == "429" else None)
    assert company.sweep(source, sweep.cursor).problem is None


def test_good_pages_before_a_bad_one_count() -> None:
    company = seasoned(page_size=2)
    pages = company.channel.sources["stock"].fetch(company.ctx, None)
    first = next(pages)
    company.trouble("stock", "503")
    assert next(pages).problem is not None
    assert list(pages) == []
    assert len(company.sweep("stock", first.cursor).ids) == 2


def test_a_key_refused_once_is_read_anew(company: Company) -> None:
    company.trouble("stock", "expired-token")
    assert company.sweep("stock").problem is None


def test_a_reason_nobody_published_waits_for_a_person() -> None:
    company = seasoned()
    company.trouble("cancellations", "unknown-enum", "reason")
    [record] = company.sweep("cancellations").records
    assert company.seen(record) == Unrecognised("reason", "ON_ICE")


@pytest.mark.parametrize(
    "body", ['{"stock":{}}', '{"items":[]}', "[]", "null", '{"stock":[],"next":7}', '{"stock":[1', "<html>", ""]
)
def test_a_page_of_another_shape_is_unreadable(company: Company, body: str) -> None:
    sweep = answered(company, "stock", said(200, body))
    assert sweep.problem is not None
    assert sweep.problem.code is ProblemCode.UNREADABLE


def test_a_record_that_does_not_say_what_it_is_about_is_kept_and_its_neighbours_go_on(company: Company) -> None:
    good = {"sku": "A", "location": "main", "quantity": 1, "version": 1, "at": START.isoformat()}
    bad = [{**good, "sku": ""}, {**good, "at": "soon"}, {**good, "version": -1}, {**good, "location": None}, 7, None]
    sweep = answered(company, "stock", said(200, msgspec.json.encode({"stock": [*bad, good], "next": None})))
    assert [one.kind for one in sweep.records] == [MALFORMED] * 6 + ["stock"]
    assert sweep.problem is None
    assert sweep.cursor is not None


# -- pushes ----------------------------------------------------------------------------------------------------------


def pushed(company: Company) -> list[Received]:
    door = company.channel.webhook
    assert door is not None
    return [record for request in company.heard() for record in door.split(request.body)]


def test_a_pushed_record_is_the_same_as_the_listed_one() -> None:
    company = seasoned()
    by_push = {(one.kind, one.external_id, one.revision, one.body, one.root, one.flow) for one in pushed(company)}
    for source in ("parcels", "cancellations", "returns"):
        listed = {
            (one.kind, one.external_id, one.revision, one.body, one.root, one.flow)
            for one in company.sweep(source).records
        }
        assert listed
        assert listed <= by_push
    assert {one[0] for one in by_push} == {"parcel", "cannot-deliver", "goods-back", "stock"}


def test_prices_and_products_are_pushed_too(company: Company) -> None:
    company.portal.price("LAMP-1", "amazon-de", 5_490)
    company.portal.revise("LAMP-1", title="Lamp")
    assert [(one.kind, one.external_id) for one in pushed(company)] == [
        ("price", "LAMP-1@amazon-de"),
        ("product", "LAMP-1"),
    ]


def test_only_our_company_is_let_in(company: Company) -> None:
    company.portal.restock("LAMP-1", 1)
    [request] = company.heard()
    door = company.channel.webhook
    assert door is not None
    now = company.clock.machine()
    assert isinstance(door.verify(now, request.headers, request.body), Verified)
    assert isinstance(door.verify(now, request.headers, request.body + b" "), Forged)
    assert isinstance(door.verify(now + timedelta(seconds=301), request.headers, request.body), Forged)


def test_a_doubled_push_carries_one_event_id(company: Company) -> None:
    company.trouble("webhook:stock", "duplicate")
    company.portal.restock("LAMP-1", 1)
    first, second = company.heard()
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_a_lost_push_is_found_by_the_list(company: Company) -> None:
    cursor = company.sweep("stock").cursor
    company.trouble("webhook:stock", "lost")
    company.portal.restock("LAMP-1", 1)
    assert company.heard() == []
    found = [company.seen(one) for one in company.sweep("stock", cursor).records]
    assert ("LAMP-1", 61) in [(one.sku, one.quantity) for one in found]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"type":"stock"}',
        b'{"type":"weather","data":{}}',
        b'{"type":"stock","data":{}}',
        b'{"type":"stock","data":null}',
        b'{"data":{}}',
    ],
)
def test_an_event_nobody_can_read_is_kept(company: Company, body: bytes) -> None:
    door = company.channel.webhook
    assert door is not None
    [record] = door.split(body)
    assert record.kind == MALFORMED


def test_without_a_secret_there_is_no_door() -> None:
    assert connect(SYSTEM, Access("erp", "http://erp.example", {"key": lambda: "k"})).webhook is None


# -- a bad week ------------------------------------------------------------------------------------------------------


def test_nothing_is_lost_and_nothing_happens_twice() -> None:
    """Sixty orders while calls fail in every way: each is booked once, and each parcel, loss and return is read in the end."""
    company = Company(give_up_chance=0.2, two_parcels_chance=0.4)
    payloads = [order(f"amazon-de:A-{n}") for n in range(60)]
    faults = ("429", "503", "timeout-before", "timeout-after", "truncated", "html", "expired-token", "applied-late")
    seen: dict[str, set[str]] = {name: set() for name in SOURCES}
    cursors: dict[str, str | None] = dict.fromkeys(SOURCES)
    for n, payload in enumerate(payloads):
        company.trouble("import-order", faults[n % len(faults)], 20)
        company.trouble(sorted(SOURCES)[n % 6], faults[n % 7], 20)
        for _ in range(3):
            company.send("backoffice.import-order", payload)
        company.move(minutes=30)
        read(company, seen, cursors)
    company.move(days=2)
    for number in {one["number"] for one in company.system.books()["parcels"]}:
        line = next(one for one in company.system.books()["orders"] if one["number"] == number)["lines"][0]
        if line["shipped"]:
            company.portal.receive_return(number, f"RT-{number}", [(line["line_id"], 1)])
    company.move(days=2)
    for _ in range(3):
        read(company, seen, cursors)
    books = company.system.books()
    assert books["applied"]["import-order"] == {payload["number"]: 1 for payload in payloads}
    assert seen["parcels"] == {one["parcel"] for one in books["parcels"]}
    assert seen["cancellations"] == {one["cancellation"] for one in books["cancellations"]}
    assert seen["returns"] == {one["return_id"] for one in books["returns"]}
    assert min(len(seen[name]) for name in SOURCES) >= 3
    assert len(company.world.faults.fired) >= 20


def read(company: Company, seen: dict[str, set[str]], cursors: dict[str, str | None]) -> None:
    for name in SOURCES:
        sweep = company.sweep(name, cursors[name])
        seen[name] |= set(sweep.ids)
        cursors[name] = sweep.cursor or cursors[name]
