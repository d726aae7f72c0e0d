"""The back office's orders: booked once, refused in plain words, cancelled in time or too late, picked, sent, given up, refunded."""

from typing import Any

import pytest
from sandbox.back_office.office import NUMBER, Office, order, refund

WORKDAY = {"days": 2}


# -- booked ----------------------------------------------------------------------------------------------------------


def test_an_order_is_booked_under_a_number_of_the_company(office: Office) -> None:
    made = office.book()
    assert made.status == 201
    assert made.json() == {"number": NUMBER, "document_number": "SO-100001", "state": "accepted"}
    assert office.order()["lines"][0] == {"line_id": "1", "quantity": 2, "shipped": 0, "cancelled": 0}


def test_the_same_order_again_is_the_same_document(office: Office) -> None:
    first = office.book()
    again = office.book()
    assert (again.status, again.json()) == (200, first.json())
    assert office.books()["applied"]["import-order"] == {NUMBER: 1}


def test_the_same_number_with_another_content_is_refused(office: Office) -> None:
    office.book()
    other = office.book(("1", "LAMP-1", 3))
    assert (other.status, other.json()["code"]) == (409, "other-content")
    assert office.line()["quantity"] == 2


def test_how_the_json_is_spelt_makes_no_other_content(office: Office) -> None:
    office.book()
    body = order()
    assert office.call("PUT", f"/orders/{NUMBER}", {**dict(reversed(body.items())), "remark": "x"}).status == 200


def test_an_order_nobody_booked_is_not_found(office: Office) -> None:
    answer = office.call("GET", f"/orders/{NUMBER}")
    assert (answer.status, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("number", ["a/b:1", "a b:1%2", "a:ü/ß?#", "cancellations:1"])
def test_any_number_can_be_in_a_path(office: Office, number: str) -> None:
    from urllib.parse import quote

    path = f"/orders/{quote(number, safe='')}"
    assert office.call("PUT", path, order(number=number)).status == 201
    assert office.call("GET", path).json()["number"] == number


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"number": "other:1"}, "number"),
        ({"account": ""}, "account"),
        ({"order_id": None}, "order_id"),
        ({"currency": "eur"}, "currency"),
        ({"placed_at": "2026-11-02T09:00:00"}, "placed_at"),
        ({"ship_by": "soon"}, "ship_by"),
        ({"market": 7}, "market"),
        ({"lines": []}, "lines"),
        ({"lines": [3]}, "lines[0]"),
        ({"lines": [{"line_id": "1"}]}, "lines[0].price_minor"),
    ],
)
def test_a_field_that_is_not_what_it_must_be_is_named(office: Office, changed: dict[str, Any], field: str) -> None:
    answer = office.call("PUT", f"/orders/{NUMBER}", {**order(), **changed})
    assert (answer.status, answer.json()["code"], answer.json()["field"]) == (400, "invalid-field", field)
    assert office.books()["orders"] == []


@pytest.mark.parametrize("quantity", [0, -1, 1.5, True, "2", 10**13])
def test_pieces_are_whole_and_at_least_one(office: Office, quantity: Any) -> None:
    body = order()
    body["lines"][1]["quantity"] = quantity
    assert office.call("PUT", f"/orders/{NUMBER}", body).json()["field"] == "lines[1].quantity"


def test_a_line_is_named_once(office: Office) -> None:
    assert office.book(("1", "LAMP-1", 1), ("1", "BELL-1", 1)).json()["field"] == "lines[1].line_id"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(office: Office, body: bytes) -> None:
    answer = office.call("PUT", f"/orders/{NUMBER}", body)
    assert (answer.status, answer.json()["code"]) == (400, "invalid-json")


def test_a_body_too_large_is_refused(office: Office) -> None:
    assert office.call("PUT", f"/orders/{NUMBER}", b" " * (1024 * 1024 + 1)).json()["code"] == "body-too-large"


def test_without_the_key_nobody_is_let_in(office: Office) -> None:
    answer = office.call("PUT", f"/orders/{NUMBER}", order(), key="guess")
    assert (answer.status, answer.json()["code"]) == (401, "unauthorised")
    assert office.books()["orders"] == []


def test_a_call_that_does_not_exist_is_not_mistaken_for_an_order_that_does_not(office: Office) -> None:
    assert office.call("DELETE", f"/orders/{NUMBER}").json()["code"] == "no-such-call"
    assert office.call("GET", "/nothing").status == 404


# -- refused ---------------------------------------------------------------------------------------------------------


def test_an_article_nobody_knows_is_named(office: Office) -> None:
    answer = office.book(("1", "LAMP-1", 1), ("2", "GHOST", 1))
    assert (answer.status, answer.json()["code"], answer.json()["field"]) == (422, "unknown-sku", "lines[1].sku")


def test_an_article_missing_in_the_erp_is_refused_until_it_is_learnt() -> None:
    office = Office(unknown_chance=1.0)
    assert office.books()["unknown"] == ["BELL-1", "LAMP-1", "MAP-1"]
    assert office.book(("1", "LAMP-1", 1)).json()["code"] == "unknown-sku"
    office.portal.learn("LAMP-1")
    assert office.book(("1", "LAMP-1", 1)).status == 201


def test_an_order_that_meets_no_capacity_is_taken_later() -> None:
    office = Office(refuse_chance=1.0, no_capacity_s=600)
    for _ in range(2):
        assert office.book().json()["code"] == "no-capacity"
    office.move(seconds=601)
    assert office.book().status == 201
    assert [one["code"] for one in office.books()["refusals"]] == ["no-capacity", "no-capacity"]


def test_a_company_without_backorders_refuses_what_it_does_not_have() -> None:
    office = Office(backorders=False)
    assert office.book(("1", "BELL-1", 5), number="a:1").status == 201
    answer = office.book(("1", "LAMP-1", 1), ("2", "BELL-1", 1), number="a:2")
    assert (answer.status, answer.json()["code"], answer.json()["field"]) == (422, "out-of-stock", "lines[1].sku")
    office.cancel(("1", 1), number="a:1")
    assert office.book(("1", "BELL-1", 1), number="a:2").status == 201


# -- sent ------------------------------------------------------------------------------------------------------------


def test_an_order_leaves_by_itself_in_one_parcel(office: Office) -> None:
    office.book()
    office.move(**WORKDAY)
    [parcel] = office.listed("parcels")
    assert parcel["number"] == NUMBER
    assert parcel["lines"] == [{"line_id": "1", "quantity": 2}, {"line_id": "2", "quantity": 1}]
    assert parcel["carrier"] in office.settings.carriers
    assert office.order()["state"] == "shipped"
    assert office.books()["stock"] == {"LAMP-1": 18, "BELL-1": 4, "MAP-1": 7}


def test_the_pace_is_the_settings(office: Office) -> None:
    slow = Office(pick_after_s=(100, 100), pick_takes_s=(50, 50))
    slow.book()
    states = []
    for _ in range(4):
        states.append(slow.order()["state"])
        slow.move(seconds=50)
    assert states == ["accepted", "accepted", "picking", "shipped"]


def test_some_orders_leave_in_two_parcels() -> None:
    office = Office(two_parcels_chance=1.0)
    office.book()
    office.move(hours=3)
    states = {office.order()["state"]}
    for _ in range(40):
        office.move(minutes=10)
        states.add(office.order()["state"])
    assert "part-shipped" in states
    first, second = office.listed("parcels")
    assert first["parcel"] != second["parcel"]
    sent: dict[str, int] = {}
    for line in first["lines"] + second["lines"]:
        sent[line["line_id"]] = sent.get(line["line_id"], 0) + line["quantity"]
    assert sent == {"1": 2, "2": 1}


def test_one_piece_never_leaves_in_two_parcels() -> None:
    office = Office(two_parcels_chance=1.0)
    office.book(("1", "LAMP-1", 1))
    office.move(**WORKDAY)
    assert len(office.listed("parcels")) == 1


def test_a_line_nobody_finds_is_given_up_and_written_off() -> None:
    office = Office(give_up_chance=1.0)
    office.book(("1", "LAMP-1", 2))
    office.move(**WORKDAY)
    [gone] = office.listed("cancellations")
    missing = gone["lines"][0]["quantity"]
    assert (gone["number"], gone["reason"]) == (NUMBER, "out-of-stock")
    assert (office.line()["cancelled"], office.line()["shipped"]) == (missing, 2 - missing)
    assert office.books()["pieces"]["LAMP-1"]["written-off"] == -missing


def test_what_was_sold_twice_is_given_up(office: Office) -> None:
    office.book(("1", "BELL-1", 4), number="a:1")
    office.book(("1", "BELL-1", 4), number="a:2")
    office.move(**WORKDAY)
    assert sum(line["quantity"] for one in office.listed("cancellations") for line in one["lines"]) == 3
    assert office.books()["stock"]["BELL-1"] == 0


def test_two_lines_of_one_article_do_not_take_the_same_pieces(office: Office) -> None:
    office.book(("1", "BELL-1", 3), ("2", "BELL-1", 4))
    office.move(**WORKDAY)
    assert [(one["shipped"], one["cancelled"]) for one in office.order()["lines"]] == [(3, 0), (2, 2)]


def test_an_order_of_which_nothing_is_found_is_cancelled(office: Office) -> None:
    office.portal.sell_out("BELL-1")
    office.book(("1", "BELL-1", 2))
    office.move(**WORKDAY)
    assert office.order()["state"] == "cancelled"
    assert office.listed("parcels") == []


def test_somebody_may_give_up_pieces_by_hand(office: Office) -> None:
    office.book()
    number = office.portal.give_up(NUMBER, [("1", 1)], "undeliverable")
    assert [(one["cancellation"], one["reason"]) for one in office.listed("cancellations")] == [
        (number, "undeliverable")
    ]
    with pytest.raises(ValueError, match="not open"):
        office.portal.give_up(NUMBER, [("1", 2)])
    with pytest.raises(ValueError, match="no reason"):
        office.portal.give_up(NUMBER, [("1", 1)], "mood")


# -- cancelled by us -------------------------------------------------------------------------------------------------


def test_a_cancellation_in_time_keeps_the_goods_here(office: Office) -> None:
    office.book()
    assert office.cancel(("1", 2)).json() == {"state": "cancelled"}
    office.move(**WORKDAY)
    assert [parcel["lines"] for parcel in office.listed("parcels")] == [[{"line_id": "2", "quantity": 1}]]
    assert office.order()["cancellations"] == [{"cancellation": "K-1", "state": "cancelled"}]


def test_what_we_asked_for_is_not_told_as_given_up(office: Office) -> None:
    office.book()
    office.cancel(("1", 2))
    assert office.listed("cancellations") == []
    assert office.pushed("cancellation") == []


def test_a_cancellation_of_goods_in_a_box_is_too_late_and_stays_so() -> None:
    office = Office(pick_after_s=(10, 10), pick_takes_s=(1_000, 1_000))
    office.book()
    office.move(seconds=20)
    assert office.cancel(("1", 1)).json() == {"state": "too-late"}
    assert office.cancel(("1", 1)).json() == {"state": "too-late"}
    office.move(**WORKDAY)
    assert office.line()["shipped"] == 2


def test_one_piece_too_late_and_nothing_is_cancelled() -> None:
    office = Office()
    office.book(("1", "LAMP-1", 1), ("2", "BELL-1", 6))
    office.portal.pick(NUMBER)  # five bells go into the box, the sixth is given up
    assert office.cancel(("1", 1), ("2", 1)).json() == {"state": "too-late"}
    assert office.cancel(("2", 1), cancellation="K-2").json() == {"state": "cancelled"}  # the sixth stays here anyway
    assert office.line("2")["cancelled"] == 1


def test_the_same_cancellation_again_cancels_no_more(office: Office) -> None:
    office.book()
    for _ in range(2):
        assert office.cancel(("1", 1)).json() == {"state": "cancelled"}
    assert office.line()["cancelled"] == 1
    assert office.books()["applied"]["cancel-order"] == {"K-1": 1}
    assert office.cancel(("1", 2)).json()["code"] == "other-content"


def test_a_wholly_cancelled_order_is_not_picked(office: Office) -> None:
    office.book()
    office.cancel(("1", 2), ("2", 1))
    office.move(**WORKDAY)
    assert office.order()["state"] == "cancelled"
    assert office.listed("parcels") == []


def test_a_cancellation_names_what_is_there(office: Office) -> None:
    assert office.cancel(("1", 1)).status == 404
    office.book()
    assert (office.cancel(("9", 1)).json()["code"], office.cancel(("9", 1)).status) == ("unknown-line", 422)
    assert office.cancel(("1", 3)).json()["field"] == "lines[0].quantity"
    assert office.cancel().json()["field"] == "lines"


# -- refunds ---------------------------------------------------------------------------------------------------------


def test_a_refund_is_booked_once_and_found_again(office: Office) -> None:
    office.book()
    made = office.call("PUT", "/refunds/R-1", refund())
    assert (made.status, made.json()) == (201, {"refund": "R-1", "document_number": "CN-100001"})
    again = office.call("PUT", "/refunds/R-1", refund())
    assert (again.status, again.json()) == (200, made.json())
    assert office.call("GET", "/refunds/R-1").json() == {**refund(), "document_number": "CN-100001"}
    assert office.books()["applied"]["book-refund"] == {"R-1": 1}


def test_another_refund_under_the_same_name_is_refused(office: Office) -> None:
    office.book()
    office.call("PUT", "/refunds/R-1", refund())
    assert office.call("PUT", "/refunds/R-1", refund(amount_minor=501)).json()["code"] == "other-content"


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"number": "a:none"}, "not-found", "number"),
        ({"line_id": "9"}, "unknown-line", "line_id"),
        ({"currency": "USD"}, "other-currency", "currency"),
        ({"amount_minor": 0}, "invalid-field", "amount_minor"),
        ({"refund": "R-2"}, "invalid-field", "refund"),
        ({"at": "yesterday"}, "invalid-field", "at"),
        ({"by": ""}, "invalid-field", "by"),
    ],
)
def test_a_refund_that_cannot_be_says_why(office: Office, changed: dict[str, Any], code: str, field: str) -> None:
    office.book()
    answer = office.call("PUT", "/refunds/R-1", refund(**changed))
    assert (answer.json()["code"], answer.json()["field"]) == (code, field)
    assert office.call("GET", "/refunds/R-1").status == 404
