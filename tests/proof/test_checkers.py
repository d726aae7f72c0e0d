"""Each judge speaks when the outside world's books and our tables differ, and is silent about a good day."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from entrepot.proof.checkers import CHECKERS, check
from entrepot.proof.checkers.rest import snapshot, unchanged
from entrepot.proof.figures import broken, figures
from entrepot.proof.sim.run import open_day

Books = dict[str, Any]
Conn = psycopg.Connection[dict[str, Any]]


@pytest.fixture(scope="module")
def good(sim_server: str) -> Iterator[tuple[Conn, Books]]:
    """A calm day that is over: its database, and the world's books."""
    with open_day(sim_server, 5, 4) as day:
        assert day.run(calm=True).findings == []
        with psycopg.connect(day.url, row_factory=dict_row) as conn:
            yield conn, day.books()


@pytest.fixture
def conn(good: tuple[Conn, Books]) -> Iterator[Conn]:
    """The database; what a test changes is taken back."""
    yield good[0]
    good[0].rollback()


@pytest.fixture
def books(good: tuple[Conn, Books]) -> Books:
    return copy.deepcopy(good[1])


def _an_order(books: Books) -> dict[str, Any]:
    found: dict[str, Any] = next(order for order in books["mirakl"]["orders"] if order["debit"] == "DEBITED")
    return found


def _operation(books: Books, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in books["gateway"]["operations"] if row["operation"] == name)
    return found


def _lose_an_order(books: Books) -> None:
    books["mirakl"]["orders"].append({**_an_order(books), "order_id": "C-NEVER-SEEN-A"})


def _lose_a_basket(books: Books) -> None:
    basket = books["storefront"]["baskets"][0]
    books["storefront"]["baskets"].append({**basket, "commercial_id": "C-NEVER-SEEN"})


def _move_an_order(books: Books) -> None:
    _an_order(books)["state"] = "CANCELED"


def _change_a_quantity(books: Books) -> None:
    _an_order(books)["lines"][0]["shipped"] += 1


def _apply_twice(books: Books) -> None:
    next(row for row in books["mirakl"]["writes"] if row["operation"] == "PA01")["count_applied"] = 2


def _capture_unknown_to_us(books: Books) -> None:
    books["gateway"]["operations"].append({**_operation(books, "capture"), "id": "cap_x", "reference": "C-OTHER"})


def _confirm_unknown_to_us(books: Books) -> None:
    books["mirakl"]["writes"].append({"operation": "PA01", "key": "C-OTHER-A", "count_applied": 1, "calls": 1})


def _hold_more(books: Books) -> None:
    books["gateway"]["authorisations"][0]["open_minor"] += 1


def _refund_less(books: Books) -> None:
    _operation(books, "refund")["amount_minor"] -= 1


def _a_line_more(books: Books) -> None:
    books["mirakl"]["transaction_lines"].append({**books["mirakl"]["transaction_lines"][0], "id": "line-x"})


def _another_net(books: Books) -> None:
    books["gateway"]["settlements"][0]["net_minor"] += 1


def _a_fee_more(books: Books) -> None:
    books["gateway"]["settlements"][0]["lines"][0]["fee_minor"] += 1


def _another_payout(books: Books) -> None:
    next(cycle for cycle in books["mirakl"]["cycles"] if cycle["amount_minor"] > 0)["amount_minor"] += 1


def _lose_a_parcel(books: Books) -> None:
    books["mirakl"]["shipments"].append({**books["mirakl"]["shipments"][0], "shipment_id": "parcel-x"})


def _decide_later(books: Books) -> None:
    _an_order(books)["decided_at"] = books["world"]["now"]


def _show_another_price(books: Books) -> None:
    books["storefront"]["shelf"][0]["price_minor"] += 1


def _move_a_price(books: Books) -> None:
    books["mirakl"]["offers"][0]["price_minor"] += 1


def _sell_what_was_withdrawn(books: Books) -> None:
    basket = next(one for one in books["storefront"]["baskets"] if one["state"] == "ordered")
    page = {"offer_id": basket["lines"][0]["offer_id"], "sellable": False, "at": "2020-01-01T00:00:00.000Z"}
    books["storefront"]["publications"].append(page)


def _ask_twice(books: Books) -> None:
    books["mirakl"]["threads"].append(books["mirakl"]["threads"][0])


def _forget_what_was_said(books: Books) -> None:
    books["mirakl"]["threads"].clear()


THEIRS: list[tuple[str, Callable[[Books], None]]] = [
    ("baskets", _lose_an_order),
    ("baskets", _lose_a_basket),
    ("orders", _lose_an_order),
    ("orders", _move_an_order),
    ("orders", _change_a_quantity),
    ("effects-once", _apply_twice),
    ("effects-happened", _capture_unknown_to_us),
    ("effects-happened", _confirm_unknown_to_us),
    ("gateway-money", _hold_more),
    ("refunds", _refund_less),
    ("ledger-complete", _capture_unknown_to_us),
    ("ledger-complete", _refund_less),
    ("ledger-balances", _a_fee_more),
    ("statements", _a_line_more),
    ("statements", _another_net),
    ("payouts", _another_payout),
    ("parcels-and-returns", _lose_a_parcel),
    ("promises", _decide_later),
    ("offers-shown", _show_another_price),
    ("offers-shown", _move_a_price),
    ("offers-held", _sell_what_was_withdrawn),
    ("corrections", _ask_twice),
    ("corrections", _forget_what_was_said),
]


@pytest.mark.parametrize(("judge", "change"), THEIRS)
def test_a_judge_sees_what_only_the_other_side_knows(
    conn: Conn, books: Books, judge: str, change: Callable[[Books], None]
) -> None:
    assert CHECKERS[judge](conn, books) == []
    change(books)
    assert CHECKERS[judge](conn, books) != []


OURS: list[tuple[str, str]] = [
    ("owners", "UPDATE message SET state = 'parked' WHERE id = (SELECT min(id) FROM message WHERE kind = 'order')"),
    ("owners", "UPDATE effect SET state = 'parked' WHERE id = (SELECT min(id) FROM effect)"),
    ("rest", "UPDATE message SET state = 'new' WHERE id = (SELECT min(id) FROM message)"),
    ("rest", "UPDATE envelope SET sealed = true WHERE id = (SELECT min(id) FROM envelope)"),
    ("rest", "UPDATE effect SET state = 'unknown' WHERE id = (SELECT min(id) FROM effect)"),
    ("invariants", "UPDATE line SET shipping_minor = shipping_minor + 1 WHERE id = (SELECT min(id) FROM line)"),
    ("invariants", "UPDATE basket SET refunded_minor = refunded_minor + 1 WHERE captured_minor > refunded_minor"),
    ("promises", "UPDATE obligation SET kind = 'other' WHERE kind = 'acknowledge'"),
    ("promises", "UPDATE obligation SET state = 'missed' WHERE kind = 'settle-authorisation'"),
    ("alerts", "UPDATE alert SET case_id = NULL"),
    ("refunds", "UPDATE refund_confirmation SET confirmed_at = NULL WHERE witness = 'gateway'"),
    ("payouts", "UPDATE payout SET state = 'sent' WHERE state = 'done'"),
    ("statements", "UPDATE statement_line SET matched = 'open'"),
    ("offers-shown", "UPDATE offer_shown SET wanted = wanted || jsonb_build_object('quantity', -1)"),
    ("offers-judged", "UPDATE hold SET lifted_at = ends_at, lifted_by = 'x', lifted_why = 'x' WHERE lifted_at IS NULL"),
    ("offers-judged", "UPDATE case_file SET mode = 'other' WHERE mode = 'offer-under-floor'"),
    (
        "offers-held",
        "UPDATE hold SET starts_at = timestamptz '2020-01-01', lifted_at = NULL, lifted_by = NULL, lifted_why = NULL, "
        "ends_at = timestamptz '2100-01-01', object_id = (SELECT offer_id FROM line ORDER BY id LIMIT 1) WHERE id = (SELECT min(id) FROM hold)",
    ),
    ("corrections", "UPDATE correction SET state = 'asked', ended_at = NULL WHERE state IN ('expired', 'declined')"),
]


@pytest.mark.parametrize(("judge", "change"), OURS)
def test_a_judge_sees_what_we_left_undone(conn: Conn, books: Books, judge: str, change: str) -> None:
    assert CHECKERS[judge](conn, books) == []
    assert conn.execute(change.encode()).rowcount > 0
    assert CHECKERS[judge](conn, books) != []


def test_every_judge_of_the_list_was_made_to_speak() -> None:
    spoke = {judge for judge, _ in THEIRS} | {judge for judge, _ in OURS}
    assert set(CHECKERS) - spoke == {"ledger-zero"}  # the database itself refuses a journal that does not sum to zero


def test_a_good_day_gives_no_cause_for_complaint(conn: Conn, books: Books) -> None:
    assert check(conn, books) == []
    assert broken(figures(conn, books)) == []


def test_the_figures_name_what_must_be_zero_and_is_not(conn: Conn, books: Books) -> None:
    _lose_an_order(books)
    _apply_twice(books)
    conn.execute("UPDATE effect SET state = 'unknown' WHERE id = (SELECT min(id) FROM effect)")
    assert broken(figures(conn, books)) == [
        "orders.lost is 1",
        "orders.doubled is 1",  # a second order of one seller in one basket
        "effects.unknown_open is 1",
        "effects.sent_twice is 1",
    ]


def test_a_pass_that_changes_a_row_is_no_second_pass(conn: Conn) -> None:
    before = snapshot(conn)
    conn.execute("UPDATE leg SET their_state = 'ELSE' WHERE id = (SELECT min(id) FROM leg)")
    assert [finding.where for finding in unchanged(before, snapshot(conn))] == ["leg"]
