"""The journal as files that other books read: CSV for an ERP, plain text for hledger and ledger.

Both stream whole journals in the order they were written, page by page, so that a year does not have to fit in memory.
Accounts are named by a mapping; without one, by our own chart.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby

from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.money import Money
from entrepot.money.ledger import store
from entrepot.money.ledger.chart import CHART, LedgerAccount

JOURNALS_PER_PAGE = 1_000
COLUMNS = ("seq", "date", "fact", "key", "account", "debit", "credit", "currency", "seller", "order", "reference",
           "witness", "memo")  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run such a cell

DEFAULT_NAMES: Mapping[LedgerAccount, str] = {account: f"{kind}:{account}" for account, (kind, _) in CHART.items()}


def journal_csv(
    conn: Conn, *, since: datetime, until: datetime, names: Mapping[LedgerAccount, str] = DEFAULT_NAMES
) -> Iterator[str]:
    """One row for each posting of [since, until), the header first. Amounts are plain decimals, never negative."""
    yield _csv_row(COLUMNS)
    for row in _postings(conn, since, until):
        amount = Money(abs(row["amount_minor"]), row["currency"]).text
        is_debit = row["amount_minor"] > 0
        yield _csv_row(
            (
                row["seq"],
                f"{row['effective_at']:%Y-%m-%d}",
                row["fact"],
                _cell(row["key"]),
                names[LedgerAccount(row["ledger_account"])],
                amount if is_debit else "",
                "" if is_debit else amount,
                row["currency"],
                _cell(row["seller_id"]),
                _cell(row["order_id"]),
                _cell(row["reference"]),
                row["witness"],
                _cell(row["memo"]),
            )
        )


def hledger(
    conn: Conn, *, since: datetime, until: datetime, names: Mapping[LedgerAccount, str] = DEFAULT_NAMES
) -> Iterator[str]:
    """One transaction for each journal of [since, until); the seller is a sub-account where there is one."""
    for _, postings in groupby(_postings(conn, since, until), key=lambda row: row["seq"]):
        rows = list(postings)
        first = rows[0]
        head = f"{first['effective_at']:%Y-%m-%d} ({first['seq']}) {first['fact']}  ; {_plain(first['key'])}\n"
        yield head + "".join(_hledger_posting(row, names) for row in rows) + "\n"


def _hledger_posting(row: Row, names: Mapping[LedgerAccount, str]) -> str:
    account = names[LedgerAccount(row["ledger_account"])]
    seller = f":{_plain(row['seller_id'])}" if row["seller_id"] else ""
    amount = Money(row["amount_minor"], row["currency"]).text
    about = " ".join(_plain(row[name]) for name in ("order_id", "reference") if row[name])
    return f"    {account}{seller}  {row['currency']} {amount}" + (f"  ; {about}\n" if about else "\n")


def _postings(conn: Conn, since: datetime, until: datetime) -> Iterator[Row]:
    after = 0
    while page := store.in_period(conn, since, until, after, JOURNALS_PER_PAGE):
        yield from page
        after = page[-1]["seq"]


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _plain(text: str) -> str:
    """Text that ends no line and begins no comment or second column."""
    return " ".join(text.replace(";", ",").split())


def _csv_row(cells: tuple[object, ...]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
