"""Settlements of each channel: every period adds up by itself, and its reserve goes into the next."""

import csv
import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.channelengine.channelengine_tenant import PRODUCTS, Tenant, complaints

from entrepot.sandbox.channelengine import Product


def rows(tenant: Tenant, *ids: int, kind: str = "DETAILED") -> list[dict[str, str]]:
    """The lines of a report, fetched as a merchant does."""
    made = tenant.call("POST", "/v2/reports/settlements", {"SettlementIds": list(ids), "Type": kind}).json()
    assert tenant.call("GET", f"/v2/reports/{made['ReportId']}").status == 404
    tenant.move(minutes=4)
    status = tenant.call("GET", f"/v2/reports/{made['ReportId']}/status").json()
    assert status["Status"] == "DONE"
    file = tenant.call("GET", status["ResourceUrl"].removeprefix("/api"))
    assert file.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(file.body.decode()), delimiter=";"))


def total(found: list[dict[str, str]]) -> Decimal:
    return sum((Decimal(row["AmountInclVat"]) for row in found), Decimal(0))


def test_a_period_pays_what_was_sent_less_what_the_channel_keeps(tenant: Tenant) -> None:
    order_id, number = tenant.shipped(("ATLAS", 2), channel_id=21)
    closed = tenant.portal.close_period()
    [settlement] = tenant.content("/v2/settlements")
    assert str(settlement["SettlementId"]) == closed
    # 39.98 and 2.99 shipping, 12.4 % of both, 0.85 for the line
    assert str(settlement["PaymentAmount"]) == "36.79"
    found = rows(tenant, settlement["SettlementId"])
    assert [(row["TransactionType"], row["AmountInclVat"]) for row in found] == [
        ("ORDER", "39.98"),
        ("SHIPPING", "2.99"),
        ("COMMISSION", "-5.33"),
        ("FIXED_FEE", "-0.85"),
    ]
    assert {row["MerchantOrderNo"] for row in found} == {number}
    assert found[0]["ChannelOrderNo"] == tenant.portal.order(order_id).channel_order_no


def test_a_refund_gives_the_commission_back(tenant: Tenant) -> None:
    order_id, _ = tenant.shipped(("ATLAS", 1), channel_id=34)
    tenant.portal.close_period()
    tenant.portal.refund(order_id, tenant.line_id(order_id), 1_000)
    tenant.portal.close_period()
    second = tenant.content("/v2/settlements")[1]
    assert str(second["PaymentAmount"]) == "-8.5"
    assert [row["TransactionType"] for row in rows(tenant, second["SettlementId"])] == ["REFUND", "COMMISSION_REFUND"]


def test_each_channel_pays_by_itself_and_nothing_is_paid_twice(tenant: Tenant) -> None:
    tenant.shipped(("ATLAS", 1), channel_id=21)
    tenant.shipped(("ATLAS", 1), channel_id=34)
    tenant.portal.place([("LAMP", 1)], channel_id=34, fulfilled_by="channel")
    tenant.portal.close_period()
    assert [one["ChannelId"] for one in tenant.content("/v2/settlements")] == [21, 34]
    assert tenant.portal.close_period() is None
    assert [one["lines"] for one in tenant.system.books()["statements"]] == [4, 4]


def test_only_what_left_is_paid_for(tenant: Tenant) -> None:
    _, number = tenant.acknowledged(("ATLAS", 3), channel_id=34)
    assert tenant.portal.close_period() is None
    tenant.ship(number, ("ATLAS", 1))
    tenant.portal.close_period()
    assert str(tenant.content("/v2/settlements")[0]["PaymentAmount"]) == "16.99"


def test_shipping_and_the_fixed_fee_come_with_the_first_parcel_only(tenant: Tenant) -> None:
    _, number = tenant.acknowledged(("ATLAS", 2), channel_id=21)
    for key in ("P1", "P2"):
        tenant.ship(number, ("ATLAS", 1), key=key)
        tenant.portal.close_period()
    first, second = (rows(tenant, one["SettlementId"]) for one in tenant.content("/v2/settlements"))
    assert [row["TransactionType"] for row in first] == ["ORDER", "SHIPPING", "COMMISSION", "FIXED_FEE"]
    assert [row["TransactionType"] for row in second] == ["ORDER", "COMMISSION"]


def test_a_reserve_kept_is_released_in_the_next_period() -> None:
    tenant = Tenant(reserve_per_100k=10_000)
    for _ in range(2):
        tenant.shipped(("ATLAS", 1), channel_id=34)
        tenant.move(days=7)
        tenant.portal.close_period()
    first, second = tenant.content("/v2/settlements")
    assert (str(first["CurrentReserveAmount"]), str(first["PaymentAmount"])) == ("-1.7", "15.29")
    assert second["PreviousReserveAmount"] == -first["CurrentReserveAmount"]
    assert second["StartDate"] == first["EndDate"]


def test_settlements_are_found_by_filters(tenant: Tenant) -> None:
    tenant.shipped(("ATLAS", 1), channel_id=21)
    tenant.portal.close_period()
    tenant.move(days=7)
    tenant.shipped(("ATLAS", 1), channel_id=34)
    tenant.portal.close_period()
    first, second = (one["SettlementId"] for one in tenant.content("/v2/settlements"))
    number = tenant.content("/v2/settlements")[0]["ChannelSettlementNo"]

    def found(query: str) -> list[int]:
        return [one["SettlementId"] for one in tenant.content(f"/v2/settlements?{query}")]

    assert found("channelIds=21") == found(f"channelSettlementNos={number}") == [first]
    assert found("fromEndDate=2026-11-05") == found(f"settlementIds={second}") == [second]
    rows(tenant, first)
    assert found("unExportedOnly=true") == [second]
    assert found("fromUpdateDate=2026-11-09") == [first, second]


def test_a_report_by_order_holds_one_row_for_each(tenant: Tenant) -> None:
    tenant.shipped(("ATLAS", 1), ("LAMP", 1), channel_id=21)
    tenant.shipped(("LAMP", 1), channel_id=21)
    tenant.portal.close_period()
    [settlement] = tenant.content("/v2/settlements")
    found = rows(tenant, settlement["SettlementId"], kind="CUSTOM_JSON")
    assert len(found) == 2
    assert total(found) == settlement["PaymentAmount"]


def test_a_report_that_cannot_be_is_refused(tenant: Tenant) -> None:
    path = "/v2/reports/settlements"
    assert "SettlementIds" in complaints(tenant.send("POST", path, {"Type": "DETAILED"}, 400))
    assert "Type" in complaints(tenant.send("POST", path, {"SettlementIds": [1], "Type": "NICE"}, 400))
    tenant.send("POST", path, {"SettlementIds": [1], "Type": "DETAILED"}, 404)
    assert tenant.call("GET", "/v2/reports/none/status").json() == {"Status": "NOT_FOUND", "ResourceUrl": None}


def test_people_hear_of_a_closed_period(tenant: Tenant) -> None:
    heard: list[tuple[str, str]] = []
    tenant.portal.subscribe(lambda topic, subject: heard.append((topic, subject)))
    tenant.shipped(("ATLAS", 1))
    closed = tenant.portal.close_period()
    assert heard[-1] == ("period.closed", closed)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ship", "part", "refund", "return", "close", "own"]),
        st.sampled_from([21, 34]),
        st.integers(1, 4),
    ),
    max_size=14,
)


def _step(tenant: Tenant, what: str, channel: int, quantity: int) -> None:
    if what == "close":
        tenant.portal.close_period()
    elif what == "own":
        tenant.portal.place([("LAMP", 1)], channel_id=channel, fulfilled_by="channel")
    elif what == "part":
        _, number = tenant.acknowledged(("ATLAS", quantity + 1), channel_id=channel)
        tenant.ship(number, ("ATLAS", quantity), key=f"{number}/1")
        if quantity > 1:
            tenant.ship(number, ("ATLAS", 1), key=f"{number}/2")
    else:
        order_id, _ = tenant.shipped(("ATLAS", quantity), channel_id=channel)
        line = tenant.line_id(order_id)
        if what == "refund":
            tenant.portal.refund(order_id, line, 313 * quantity)
        elif what == "return":
            return_id = tenant.portal.open_return(order_id, [(line, quantity)], "OTHER")
            body: dict[str, Any] = {"MerchantProductNo": "ATLAS", "AcceptedQuantity": 1}
            body["RejectedQuantity"] = quantity - 1
            tenant.send("PUT", "/v2/returns", {"ReturnId": int(return_id), "Lines": [body]})


@given(steps=STEPS, reserve=st.sampled_from([0, 7_777]))
@settings(max_examples=25, deadline=None)
def test_every_period_adds_up_and_all_periods_pay_what_happened(
    steps: list[tuple[str, int, int]], reserve: int
) -> None:
    tenant = Tenant(products=[_plenty(one) for one in PRODUCTS], reserve_per_100k=reserve)
    for what, channel, quantity in steps:
        _step(tenant, what, channel, quantity)
    tenant.portal.close_period()
    kept = {21: Decimal(0), 34: Decimal(0)}
    for one in tenant.content("/v2/settlements"):
        lines = rows(tenant, one["SettlementId"])
        reserves = one["PreviousReserveAmount"] + one["CurrentReserveAmount"]
        assert total(lines) + reserves == one["PaymentAmount"]
        assert one["PreviousReserveAmount"] == kept[one["ChannelId"]]
        kept[one["ChannelId"]] = -one["CurrentReserveAmount"]
    _adds_up_to_what_happened(tenant, rows_of_all(tenant))


def rows_of_all(tenant: Tenant) -> list[dict[str, str]]:
    ids = [one["SettlementId"] for one in tenant.content("/v2/settlements")]
    return rows(tenant, *ids) if ids else []


def _adds_up_to_what_happened(tenant: Tenant, found: list[dict[str, str]]) -> None:
    """Goods, shipping and refunds of all periods are those of the books: nothing twice, nothing forgotten."""
    books = tenant.system.books()
    goods = sum(line["price_minor"] * line["shipped"] for one in books["orders"] for line in one["lines"])
    shipping = sum(line["shipping_minor"] for one in books["orders"] for line in one["lines"] if line["shipped"])
    refunds = sum(one["amount_minor"] for one in books["refunds"])
    by_type = {kind: total([row for row in found if row["TransactionType"] == kind]) for kind in _KINDS}
    assert by_type == {
        "ORDER": Decimal(goods) / 100,
        "SHIPPING": Decimal(shipping) / 100,
        "REFUND": -Decimal(refunds) / 100,
    }


_KINDS = ("ORDER", "SHIPPING", "REFUND")


def _plenty(product: Product) -> Product:
    return replace(product, quantity=1_000)


def test_the_manager_knows_no_disputes(tenant: Tenant) -> None:
    order_id, _ = tenant.shipped(("ATLAS", 1))
    with pytest.raises(ValueError, match="no disputes"):
        tenant.portal.open_dispute(order_id)
    assert tenant.system.books()["disputes"] == []
