"""A whole marketplace day with everything the demo plans to go wrong, to closed books, told once and looked at from many sides."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from entrepot.cases.rules import local_text
from entrepot.flows import case_desk
from entrepot.proof.checkers import check
from entrepot.proof.figures import broken, figures
from entrepot.proof.house import House


@pytest.fixture(scope="module")
def day(open_day: Callable[..., House]) -> Iterator[House]:
    house = open_day(orders=5, faults="demo", money_faults=True)
    house.run_for(hours=3)
    house.finish()
    yield house


def test_nothing_is_lost_doubled_or_left_unowned(day: House) -> None:
    with day.hub.ctx.db.transaction() as conn:
        counted = figures(conn, day.stage.world.books())
    assert broken(counted) == []
    assert counted["faults"]["fired"] >= 9


def test_their_books_and_ours_say_the_same(day: House) -> None:
    with day.hub.ctx.db.transaction() as conn:
        assert check(conn, day.stage.world.books()) == []


def test_the_refused_and_the_expired_leg_do_not_stop_the_others(day: House) -> None:
    legs = Counter(r["state"] for r in day.rows("SELECT state FROM leg"))
    assert legs["refused"] >= 1 and legs["expired"] == 1
    assert legs["delivered"] >= 4


def test_every_basket_is_charged_exactly_for_its_accepted_lines(day: House) -> None:
    wrong = day.rows(
        "SELECT b.commercial_id FROM basket b WHERE b.captured_minor + b.released_minor <> b.authorised_minor "
        "OR b.captured_minor <> (SELECT coalesce(sum(l.debited_minor), 0) FROM leg l WHERE l.basket_id = b.id)"
    )
    assert wrong == []


def test_the_refund_is_confirmed_by_marketplace_gateway_and_books(day: House) -> None:
    rows = day.rows("SELECT witness, confirmed_at FROM refund_confirmation ORDER BY witness")
    assert {r["witness"] for r in rows} == {"books", "gateway", "marketplace"}
    assert all(r["confirmed_at"] for r in rows)
    assert {r["state"] for r in day.rows("SELECT state FROM refund")} == {"posted"}


def test_a_lost_order_is_told_with_the_time_its_seller_had(day: House) -> None:
    [leg] = day.rows("SELECT id, acceptance_due_at FROM leg WHERE state = 'expired'")
    told = day.rows(
        "SELECT a.body FROM alert a JOIN case_file c ON c.id = a.case_id WHERE c.mode = 'ack-missed' AND c.object_id = %s",
        leg["id"],
    )
    had = local_text(leg["acceptance_due_at"], "Europe/Paris")
    assert told and all(f"was due at {had} and is lost" in one["body"] for one in told)


def test_the_expired_leg_was_said_before_it_was_missed(day: House) -> None:
    [missed] = day.rows("SELECT * FROM obligation WHERE state = 'missed' AND kind = 'acknowledge'")
    assert missed["warned_at"] < missed["due_at"]
    assert any("ack-at-risk" in notice.subject for _, notice in day.mailbox.notices)


def test_what_the_marketplace_charged_otherwise_than_agreed_is_explained_to_the_cent(day: House) -> None:
    causes = {r["cause"] for r in day.rows("SELECT DISTINCT cause FROM variance WHERE state = 'open'")}
    assert {"manual-document", "fee-unknown"} <= causes
    owners = {r["owner"] for r in day.rows("SELECT DISTINCT owner FROM variance")}
    assert owners == {"finance-operations"}


def test_the_truncated_page_was_read_again_and_the_unknown_word_has_an_owner(day: House) -> None:
    [case] = day.rows("SELECT * FROM case_file WHERE mode = 'unknown-word'")
    assert case["owner"] == "commerce-architect" and "ON_ICE" in case["cause_text"]
    assert day.rows("SELECT * FROM periodic WHERE failures > 0") == []


@pytest.mark.parametrize("table", ["refund", "return_file", "shipment", "variance"])
def test_every_record_says_under_which_plan_it_was_decided(day: House, table: str) -> None:
    rows = day.rows(f"SELECT DISTINCT plan_hash FROM {table}")
    assert [row["plan_hash"] for row in rows] == [day.hub.plan.hash]


def test_accepting_every_difference_with_a_reason_closes_the_statements(day: House) -> None:
    ctx, plan = day.hub.ctx, day.hub.plan
    for case in day.rows(
        "SELECT id FROM case_file WHERE mode = 'settlement-variance' AND resolved_at IS NULL ORDER BY number"
    ):
        case_desk.suppress(ctx, plan, case["id"], "finance@example.org", "agreed with the marketplace by phone")
    day.run_for(hours=2)
    assert day.rows("SELECT state FROM statement WHERE state <> 'closed'") == []
    payable = day.rows(
        "SELECT seller_id, sum(amount_minor)::bigint AS owed FROM posting WHERE ledger_account = 'seller-payable' GROUP BY 1"
    )
    carried = {r["seller_id"] for r in day.rows("SELECT seller_id FROM payout WHERE state = 'carried-over'")}
    open_balances = {r["seller_id"]: r["owed"] for r in payable if r["owed"]}
    assert set(open_balances) <= carried  # nobody is owed anything but who goes into the next cycle


def test_a_second_pass_of_everything_changes_nothing(day: House) -> None:
    def counts() -> list[dict[str, object]]:
        tables = ("message", "effect", "attempt", "journal", "posting", "case_file", "event", "obligation")
        return [day.rows(f"SELECT count(*) AS n FROM {table}")[0] for table in tables]

    before = counts()
    assert day.settle() == 0
    assert counts() == before
