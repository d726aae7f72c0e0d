"""The journal leaves the house whole: what other books read sums to zero and holds nothing a spreadsheet would run."""

import csv
import io
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from money.money_world import World

from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.money.ledger import export, journals, service
from entrepot.money.ledger.chart import LedgerAccount
from entrepot.money.ledger.export import DEFAULT_NAMES


@pytest.fixture
def world(ctx: Ctx, clock: ManualClock) -> World:
    world = World(ctx, clock)
    order = world.sells(10_000, 500)
    world.refunds(order, 4_000, of=(10_000, 500))
    return world


def table(world: World, **names: str) -> list[dict[str, str]]:
    start = world.clock.now() - timedelta(days=1)
    mapping = {account: names.get(account.name, DEFAULT_NAMES[account]) for account in LedgerAccount}
    with world.ctx.db.transaction() as conn:
        text = "".join(export.journal_csv(conn, since=start, until=start + timedelta(days=2), names=mapping))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_debits_and_credits_of_every_journal_are_equal(world: World) -> None:
    sums: Counter[str] = Counter()
    for row in table(world):
        sums[row["seq"]] += Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)  # type: ignore[assignment]
        assert bool(row["debit"]) != bool(row["credit"])
    assert len(sums) == 6
    assert set(sums.values()) == {Decimal(0)}


def test_accounts_are_named_as_the_other_books_name_them(world: World) -> None:
    named = {row["account"] for row in table(world, COMMISSION_INCOME="706000", SELLER_PAYABLE="467100")}
    assert {"706000", "467100"} <= named
    assert "income:commission-income" not in named


def test_a_period_holds_what_took_effect_in_it(world: World) -> None:
    start = world.clock.now()
    with world.ctx.db.transaction() as conn:
        assert list(export.hledger(conn, since=start - timedelta(days=9), until=start)) == []
        assert len(list(export.hledger(conn, since=start, until=start + timedelta(seconds=1)))) == 6


def test_hledger_text_balances_by_itself(world: World) -> None:
    start = world.clock.now()
    with world.ctx.db.transaction() as conn:
        transactions = list(export.hledger(conn, since=start, until=start + timedelta(days=1)))
    for transaction in transactions:
        head, *postings = transaction.rstrip("\n").split("\n")
        assert head.startswith("2026-03-02 (")
        amounts = [Decimal(posting.split("  ; ")[0].rsplit(" ", 1)[1]) for posting in postings]
        assert sum(amounts) == 0
        assert all(posting.startswith("    ") and "EUR" in posting for posting in postings)
    assert "    liability:seller-payable:2001  EUR -100.00" in transactions[1]


def test_a_long_journal_is_read_page_by_page_without_losing_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = table(world)
    monkeypatch.setattr(export, "JOURNALS_PER_PAGE", 2)
    assert table(world) == whole


def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless(world: World) -> None:
    evil = journals.basket_captured(
        capture_id='=HYPERLINK("http://evil")',
        amount_minor=1,
        key="k\n; x",
        account="gateway/main",
        root="r",
        at=world.clock.now(),
        currency="EUR",
        memo="@SUM(A1)",
    )
    with world.ctx.db.transaction() as conn:
        service.post(conn, world.ctx, [evil])
        text = list(export.hledger(conn, since=world.clock.now(), until=world.clock.now() + timedelta(days=1)))[-1]
    cells = [cell for row in table(world) for cell in row.values()]
    assert "'@SUM(A1)" in cells
    assert not any(cell.startswith(("=", "@", "+")) for cell in cells)
    assert text.count("\n") == 4  # a head, two postings, an empty line: the key ended no line
