"""Reading lists: pages, filters, overlaps, bounds."""

import re
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from sandbox.mirakl.mirakl_market import OPERATOR, Market, ids


def _get_orders(market: Market, **filters: Any) -> list[str]:
    answer = market.get("/api/orders?" + urlencode({"max": 100, **filters}))
    assert answer.status == 200, answer.body
    assert answer.json["total_count"] == len(answer.json["orders"])
    return ids(answer.json["orders"])


def _next(answer: Any) -> str | None:
    link = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
    if link is None:
        return None
    parts = urlsplit(link.group(1))
    return f"{parts.path}?{parts.query}"


# -- pages ---------------------------------------------------------------------------------------------------------


def test_following_the_link_header_reads_every_order_once(market: Market) -> None:
    bought = [market.buy((101, 1))[0]["order_id"] for _ in range(23)]
    target: str | None = "/api/orders?order_state_codes=WAITING_ACCEPTANCE&max=10"
    seen, totals = [], set()
    while target:
        answer = market.get(target)
        seen.append(ids(answer.json["orders"]))
        totals.add(answer.json["total_count"])
        target = _next(answer)
    assert [len(page) for page in seen] == [10, 10, 3]
    assert [order_id for page in seen for order_id in page] == bought
    assert totals == {23}


def test_a_page_links_to_the_one_before_it_and_keeps_the_filters(market: Market) -> None:
    for _ in range(5):
        market.buy((101, 1))
    link = market.get("/api/orders?order_state_codes=WAITING_ACCEPTANCE&max=2&offset=2").headers["link"]
    assert 'offset=0>; rel="previous"' in link
    assert 'offset=4>; rel="next"' in link
    assert link.count("order_state_codes=WAITING_ACCEPTANCE") == 2
    assert link.startswith(f"<http://127.0.0.1:{market.servers.ports['mirakl']}/api/orders?")


def test_pages_hold_ten_by_default_and_a_hundred_at_most(market: Market) -> None:
    for _ in range(101):
        market.buy((101, 1))
    assert len(market.get("/api/orders").json["orders"]) == 10
    assert len(market.get("/api/orders?max=1000").json["orders"]) == 100
    unpaged = market.get("/api/orders?paginate=false")
    assert (len(unpaged.json["orders"]), unpaged.headers.get("link")) == (100, None)


@pytest.mark.parametrize("query", ["max=0", "max=x", "offset=-1", "max=-5", "paginate=maybe", "offset=1e3"])
def test_paging_that_cannot_be_read_is_refused(market: Market, query: str) -> None:
    assert market.get(f"/api/orders?{query}").status == 400


def test_seeking_by_token_reads_forth_and_back(market: Market) -> None:
    market.received_order((101, 1), (102, 1))
    target = "/api/sellerpayment/transactions_logs?limit=3"
    first = market.get(target).json
    second = market.get(f"{target}&page_token={first['next_page_token']}").json
    third = market.get(f"{target}&page_token={second['next_page_token']}").json
    assert [len(page["data"]) for page in (first, second, third)] == [3, 3, 2]
    assert (first["previous_page_token"], third["next_page_token"]) == (None, None)
    assert market.get(f"{target}&page_token={second['previous_page_token']}").json["data"] == first["data"]
    assert market.get(f"{target}&page_token={third['previous_page_token']}").json["data"] == second["data"]


def test_a_token_of_nobody_or_of_another_list_is_refused(market: Market) -> None:
    market.received_order((101, 1))
    token = market.get("/api/sellerpayment/transactions_logs?limit=1").json["next_page_token"]
    assert market.get("/api/sellerpayment/transactions_logs?page_token=%21%21").status == 400
    assert market.get("/api/sellerpayment/transactions_logs?page_token=abcd").status == 400
    assert market.get(f"/api/returns?page_token={token}").status == 400


# -- OR11 ----------------------------------------------------------------------------------------------------------


def test_the_same_order_comes_twice_because_updates_overlap_on_purpose(market: Market) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    updated = market.order(order_id)["last_updated_date"]
    market.move(seconds=50)
    later = market.buy((101, 1))[0]["order_id"]
    assert _get_orders(market, start_update_date=updated) == [order_id, later]
    assert _get_orders(market, start_update_date="2026-11-02T09:00:50Z") == [order_id, later]
    assert _get_orders(market, start_update_date="2026-11-02T09:01:01Z") == [later]


def test_an_update_moves_an_order_in_the_list_of_updates_but_not_twice_into_it(market: Market) -> None:
    first, second = market.buy((101, 1))[0]["order_id"], market.buy((101, 1))[0]["order_id"]
    market.move(minutes=10)
    market.accept(first)
    assert _get_orders(market, start_update_date="2026-11-02T09:05:00Z") == [first]
    assert _get_orders(market, start_update_date="2026-11-02T08:00:00Z") == [first, second]
    assert _get_orders(market, start_update_date="2026-11-02T08:00:00Z", end_update_date="2026-11-02T09:00:00Z") == [
        second
    ]


def test_many_updates_do_not_blow_up_the_list_of_updates(market: Market) -> None:
    order_id = market.paid_order((101, 1))
    for number in range(1_500):
        market.clock.at += market.mirakl.settings.webhook_delay
        market.mirakl.platform.touch(market.portal.order(order_id))
        if number == 700:
            second = market.buy((101, 1))[0]["order_id"]
    assert _get_orders(market, start_update_date="2026-11-02T09:00:00Z") == [order_id, second]
    assert _get_orders(market, start_update_date="2026-11-02T09:15:00Z") == [order_id]


@pytest.mark.parametrize("written", ["2026-11-02T09:00:00Z", "2026-11-02T10:00:00+01:00", "2026-11-02T09:00:00"])
def test_dates_are_read_in_every_iso_form_also_with_an_unescaped_plus(market: Market, written: str) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    assert ids(market.get(f"/api/orders?start_date={written}&end_date={written}").json["orders"]) == [order_id]


def test_a_date_that_is_none_is_refused(market: Market) -> None:
    assert market.get("/api/orders?start_update_date=yesterday").status == 400


def test_every_documented_filter_of_orders_filters(market: Market) -> None:
    plain = market.buy((101, 1), commercial_id="PLAIN")[0]["order_id"]
    market.move(days=1)
    paid = market.paid_order((201, 1), commercial_id="PAID", channel_code="WEB", payment_workflow="PAY_ON_ACCEPTANCE")
    late = market.buy((101, 1), commercial_id="LATE", payment_workflow="PAY_ON_SHIPMENT")[0]["order_id"]
    market.portal.order(late).fulfillment_center = "HUB-1"
    market.portal.order(late).reference_for_customer = "customer-ref"
    market.portal.order(late).reference_for_seller = "seller-ref"
    market.portal.open_incident(paid, f"{paid}-1", "NOT_RECEIVED")
    market.portal.refund(paid, f"{paid}-1", 100, "RETURNED")
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [plain, paid, late]),
        ({"order": "desc"}, [late, paid, plain]),
        ({"order_ids": f"{late},{plain},nowhere"}, [plain, late]),
        ({"commercial_ids": "PAID,LATE"}, [paid, late]),
        ({"order_references_for_customer": "customer-ref"}, [late]),
        ({"order_references_for_seller": "seller-ref"}, [late]),
        ({"order_state_codes": "WAITING_ACCEPTANCE"}, [plain, late]),
        ({"order_state_codes": "SHIPPING,CLOSED"}, [paid]),
        ({"channel_codes": "WEB"}, [paid]),
        ({"only_null_channel": "true"}, [plain, late]),
        ({"start_date": "2026-11-03T00:00:00Z"}, [paid, late]),
        ({"end_date": "2026-11-03T00:00:00Z"}, [plain]),
        ({"start_update_date": "2026-11-03T00:00:00Z"}, [paid, late]),
        ({"end_update_date": "2026-11-03T00:00:00Z"}, [plain]),
        ({"customer_debited": "true"}, [paid]),
        ({"customer_debited": "false"}, [plain, late]),
        ({"payment_workflow": "PAY_ON_SHIPMENT"}, [late]),
        ({"has_incident": "true"}, [paid]),
        ({"has_incident": "false"}, [plain, late]),
        ({"fulfillment_center_code": "HUB-1"}, [late]),
        ({"order_tax_mode": "TAX_INCLUDED"}, [plain, paid, late]),
        ({"order_tax_mode": "TAX_EXCLUDED"}, []),
        ({"shop_id": "2002"}, [paid]),
        ({"refund_state_codes": "WAITING_REFUND"}, [paid]),
        ({"refund_state_codes": "REFUNDED"}, []),
        ({"order_ids": late, "order_state_codes": "SHIPPING"}, []),
        ({"order_state_codes": "WAITING_ACCEPTANCE", "start_update_date": "2026-11-03T00:00:00Z"}, [late]),
    ]
    for filters, wanted in expected:
        assert _get_orders(market, **filters) == wanted, filters


@pytest.mark.parametrize(
    "query",
    [
        "order_state_codes=FLYING",
        "payment_workflow=PAY_SOMEDAY",
        "order_tax_mode=MAYBE",
        "has_incident=perhaps",
        "shop_id=mine",
        "refund_state_codes=REFUNDED&start_update_date=2026-09-01T00:00:00Z",
        "refund_state_codes=REFUNDED&start_date=2026-09-01T00:00:00Z&end_date=2026-10-15T00:00:00Z",
    ],
)
def test_a_filter_that_is_not_documented_so_is_refused(market: Market, query: str) -> None:
    assert market.get(f"/api/orders?{query}").status == 400


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/orders", "order_ids"),
        ("/api/orders", "commercial_ids"),
        ("/api/orders", "order_references_for_seller"),
        ("/api/shipments", "order_id"),
        ("/api/returns", "return_id"),
        ("/api/sellerpayment/transactions_logs", "order_id"),
        ("/api/seller-billing-cycles", "id"),
        ("/api/invoices", "invoice_id"),
        ("/api/shops", "shop_ids"),
    ],
)
def test_more_than_a_hundred_ids_in_one_filter_are_refused(market: Market, path: str, name: str) -> None:
    assert market.get(f"{path}?{name}=" + ",".join(str(n) for n in range(100))).status == 200
    assert market.get(f"{path}?{name}=" + ",".join(str(n) for n in range(101))).status == 400
    assert market.get(f"{path}?" + "&".join(f"{name}={n}" for n in range(101))).status == 400


# -- the other lists -----------------------------------------------------------------------------------------------


def test_every_documented_filter_of_transaction_lines_filters(market: Market) -> None:
    first = market.received_order((101, 1))
    market.move(days=10)
    [cycle] = market.portal.open_cycles()
    second = market.received_order((201, 1))
    document = market.portal.manual_document(2002, "MANUAL_CREDIT", 500, "Gesture")

    def count(**filters: str) -> int:
        answer = market.get("/api/sellerpayment/transactions_logs?" + urlencode({"limit": 100, **filters}))
        assert answer.status == 200, answer.body
        return len(answer.json["data"])

    number = market.get("/api/invoices").json["invoices"][0]["id"]
    expected: list[tuple[dict[str, str], int]] = [
        ({}, 10),
        ({"shop_id": "2001"}, 4),
        ({"seller_billing_cycle_id": cycle["id"]}, 4),
        ({"seller_billing_cycle_id": cycle["id"], "transaction_type": "COMMISSION_FEE"}, 1),
        ({"date_created_from": "2026-11-10T00:00:00Z"}, 6),
        ({"date_created_to": "2026-11-10T00:00:00Z"}, 4),
        ({"transaction_date_from": "2026-11-02T09:00:00Z", "transaction_date_to": "2026-11-02T09:00:00Z"}, 8),
        ({"transaction_date_from": "2026-11-03T00:00:00Z"}, 0),
        ({"last_updated_from": "2026-11-10T23:00:00Z"}, 10),
        ({"last_updated_from": "2026-11-11T00:00:00Z"}, 6),
        ({"payment_state": "PAYABLE"}, 10),
        ({"payment_state": "PAID,PENDING"}, 0),
        ({"transaction_type": "ORDER_AMOUNT,MANUAL_CREDIT_VAT"}, 3),
        ({"accounting_document_number": document}, 2),
        ({"accounting_document_number": number}, 4),
        ({"accounting_document_id": "3001"}, 4),
        ({"order_id": second}, 4),
        ({"order_line_id": f"{first}-1"}, 4),
        ({"order_reference_for_customer": "nobody"}, 0),
        ({"order_reference_for_seller": "nobody"}, 0),
        ({"shop_model": "DROPSHIP"}, 0),
        ({"pay_out_psp_codes": "OPERATOR"}, 10),
        ({"other_reference": "x"}, 0),
    ]
    for filters, wanted in expected:
        assert count(**filters) == wanted, filters


def test_every_documented_filter_of_parcels_and_returns_filters(market: Market) -> None:
    order_id = market.paid_order((101, 2))
    market.portal.ship_part(order_id, {f"{order_id}-1": 1}, "DHL", "1Z")
    market.move(days=1)
    lines = [{"order_line_id": f"{order_id}-1", "quantity": 1}]
    market.post("/api/shipments", {"shipments": [{"order_id": order_id, "shipment_lines": lines}]}, OPERATOR)

    def count(path: str, query: str) -> int:
        return len(market.get(f"{path}?{query}").json["data"])

    for query, wanted in [
        ("", 2),
        (f"order_id={order_id}", 2),
        ("order_id=nowhere", 0),
        ("shipment_state_code=SHIPPED", 1),
        ("shipment_customer_debit_state_code=DEBIT_OK", 2),
        ("shipment_customer_debit_state_code=NOT_STARTED", 0),
        ("last_updated_from=2026-11-03T00:00:00Z", 1),
        ("last_updated_to=2026-11-03T00:00:00Z", 1),
        ("shop_id=2002", 0),
    ]:
        assert count("/api/shipments", query) == wanted, query
    market.put(f"/api/orders/{order_id}/ship")
    return_id = market.portal.create_return(order_id, {f"{order_id}-1": 1}, "CHANGED_MIND")
    market.move(days=1)
    market.portal.accept_return(return_id)
    for query, wanted in [
        ("", 1),
        (f"return_id={return_id}", 1),
        ("return_state=WAITING_ACCEPTANCE", 0),
        ("return_state=IN_PROGRESS", 1),
        ("return_creation_date_from=2026-11-04T00:00:00Z", 0),
        ("return_creation_date_to=2026-11-04T00:00:00Z", 1),
        ("return_last_updated_from=2026-11-04T00:00:00Z", 1),
        ("return_last_updated_to=2026-11-04T00:00:00Z", 0),
        (f"order_commercial_id={order_id[:-2]}", 1),
        (f"order_line_id={order_id}-1", 1),
        (f"order_line_id={order_id}-2", 0),
        ("return_rma=RMA-000001", 1),
        ("customer_id=buyer-1", 1),
        ("customer_id=buyer-2", 0),
        ("shop_id=2002", 0),
    ]:
        assert count("/api/returns", query) == wanted, query


def test_documents_and_cycles_are_listed_by_creation_date_only(market: Market) -> None:
    market.received_order((101, 1))
    market.move(days=10)
    market.portal.manual_document(2001, "MANUAL_INVOICE", 700, "Labels")

    def invoices(query: str) -> int:
        found: int = market.get(f"/api/invoices?{query}").json["total_count"]
        return found

    [cycle] = market.portal.open_cycles()
    for query, wanted in [
        ("", 1),
        ("type=ALL", 2),
        ("type=MANUAL_INVOICE", 1),
        ("type=MANUAL_CREDIT", 0),
        ("type=ALL&issuing_user_types=OPERATOR", 1),
        ("type=ALL&start_date=2026-11-11T00:00:00Z", 1),
        ("type=ALL&end_date=2026-11-11T00:00:00Z", 1),
        ("type=ALL&currency=JPY", 0),
        ("type=ALL&payment_status=PENDING", 2),
        (f"seller_billing_cycle_id={cycle['id']}", 1),
        ("invoice_id=3001", 1),
        ("pay_out_psp_codes=MANGOPAY", 0),
        ("shop_id=2002", 0),
    ]:
        assert invoices(query) == wanted, query
    for query, wanted in [
        ("", 1),
        (f"id={cycle['id']}", 1),
        ("currency=JPY", 0),
        ("pay_out_state=TO_PAY", 1),
        ("pay_out_state=PAID", 0),
        ("pay_out_psp_code=OPERATOR", 1),
        ("start_date=2026-11-10T23:00:00Z&end_date=2026-11-10T23:00:00Z", 1),
        ("start_date=2026-11-11T00:00:00Z", 0),
        ("shop_id=2002", 0),
    ]:
        assert len(market.get(f"/api/seller-billing-cycles?{query}").json["data"]) == wanted, query


def test_shops_are_listed_by_update_and_by_id(market: Market) -> None:
    market.move(hours=1)
    market.portal.set_shop_state(2002, "TERMINATED")

    def shops(query: str) -> list[int]:
        return [shop["shop_id"] for shop in market.get(f"/api/shops?{query}").json["shops"]]

    assert shops("updated_since=2026-11-02T10:00:00Z") == [2002]
    assert shops("shop_ids=2003,2001") == [2001, 2003]
    assert shops("domains=SERVICE") == []
    assert shops("domains=PRODUCT,SERVICE") == [2001, 2002, 2003, 2004]
    assert market.get("/api/shops?domains=TOYS").status == 400
