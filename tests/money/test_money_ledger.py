"""Posting on PostgreSQL: once per key, append-only, zero per currency whatever anybody tries."""

from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from entrepot.kernel.ctx import Ctx
from entrepot.money.ledger import journals, service
from entrepot.money.ledger.chart import LedgerAccount
from entrepot.money.ledger.journals import LineMoney
from entrepot.money.ledger.model import Journal
from entrepot.money.ledger.service import ReusedKey, UnknownJournal

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def captured(number: int, amount: int = 5_000, currency: str = "EUR") -> Journal:
    return journals.basket_captured(
        capture_id=f"cap_{number}",
        amount_minor=amount,
        key=f"basket-captured:cap_{number}",
        account="gateway/main",
        root=f"basket:C-{number}",
        at=AT,
        currency=currency,
    )


def debited(number: int, amount: int = 5_000) -> Journal:
    return journals.leg_debited(
        order_id=f"C-{number}-A",
        seller_id="2001",
        lines=[LineMoney(f"C-{number}-A-1", amount)],
        key=f"leg-debited:C-{number}-A",
        account="mirakl-fr/operator",
        root=f"basket:C-{number}",
        at=AT,
        currency="EUR",
    )


def test_a_fact_posted_twice_stands_in_the_books_once(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        assert service.post(conn, ctx, [captured(1), debited(1)]) == {"basket-captured:cap_1", "leg-debited:C-1-A"}
        assert service.post(conn, ctx, [captured(1), debited(1), captured(2)]) == {"basket-captured:cap_2"}
        assert service.balance(conn, LedgerAccount.GATEWAY_CLEARING, "EUR") == 10_000
        assert service.balance(conn, LedgerAccount.SELLER_PAYABLE, "EUR", "2001") == -5_000
        assert service.unbalanced(conn) == []


def test_the_same_fact_twice_in_one_batch_is_one_fact(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        assert service.post(conn, ctx, [captured(1), captured(1)]) == {"basket-captured:cap_1"}
        assert service.balance(conn, LedgerAccount.GATEWAY_CLEARING, "EUR") == 5_000


def test_a_key_with_another_amount_is_an_error_worth_waking_for(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        service.post(conn, ctx, [captured(1)])
        with pytest.raises(ReusedKey):
            service.post(conn, ctx, [captured(1, amount=5_001)])
        with pytest.raises(ReusedKey):
            service.post(conn, ctx, [captured(2), captured(2, amount=1)])


def test_a_fact_without_money_writes_nothing(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        assert service.post(conn, ctx, [debited(1, amount=0)]) == set()
        assert service.of_root(conn, "basket:C-1") == []


def test_a_reversal_brings_every_account_back_and_happens_once(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        service.post(conn, ctx, [captured(1)])
        assert service.reverse(conn, ctx, "basket-captured:cap_1", because="captured for the wrong basket")
        assert not service.reverse(conn, ctx, "basket-captured:cap_1", because="again")
        assert [row["balance_minor"] for row in service.trial_balance(conn)] == [0, 0]
        memos = [row["memo"] for row in service.of_root(conn, "basket:C-1")]
        assert memos == ["", "", "captured for the wrong basket", "captured for the wrong basket"]
        with pytest.raises(UnknownJournal):
            service.reverse(conn, ctx, "basket-captured:cap_9", because="never was")


def test_currencies_balance_each_for_itself(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        service.post(conn, ctx, [captured(1), captured(2, 700, "JPY")])
        assert service.balance(conn, LedgerAccount.BUYER_CLEARING, "JPY") == -700
        assert service.balance(conn, LedgerAccount.BUYER_CLEARING, "EUR") == -5_000


def test_the_database_refuses_a_journal_that_does_not_sum_to_zero(ctx: Ctx) -> None:
    good = captured(1)
    off_by_one = replace(good.postings[0], amount_minor=good.postings[0].amount_minor + 1)
    bad = replace(good, postings=(off_by_one, good.postings[1]))
    with pytest.raises(psycopg.errors.CheckViolation), ctx.db.transaction() as conn:
        service.post(conn, ctx, [bad])
    lonely = replace(good, postings=good.postings[:1])
    with pytest.raises(psycopg.errors.CheckViolation), ctx.db.transaction() as conn:
        service.post(conn, ctx, [lonely])


def test_two_currencies_cannot_balance_each_other(ctx: Ctx) -> None:
    good = captured(1)
    mixed = replace(good, postings=(replace(good.postings[0], currency="USD"), good.postings[1]))
    with pytest.raises(psycopg.errors.CheckViolation), ctx.db.transaction() as conn:
        service.post(conn, ctx, [mixed])


def test_a_posting_added_to_a_finished_journal_is_refused(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        service.post(conn, ctx, [captured(1)])
    with pytest.raises(psycopg.errors.CheckViolation), ctx.db.transaction() as conn:
        conn.execute(
            "INSERT INTO posting (journal_id, number, ledger_account, currency, amount_minor, witness)"
            " SELECT id, 3, 'bank', 'EUR', 1, 'hub' FROM journal"
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE posting SET amount_minor = 1",
        "DELETE FROM posting",
        "UPDATE journal SET memo = 'x'",
        "DELETE FROM journal",
    ],
)
def test_the_books_cannot_be_edited(ctx: Ctx, statement: str) -> None:
    with ctx.db.transaction() as conn:
        service.post(conn, ctx, [captured(1)])
    refused = (psycopg.errors.CheckViolation, psycopg.errors.InsufficientPrivilege)
    with pytest.raises(refused), ctx.db.transaction() as conn:
        conn.execute(statement)
