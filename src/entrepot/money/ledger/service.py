"""Post facts, once each; reverse what was wrong; say what is where."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import OurBug
from entrepot.money.ledger import rules, store
from entrepot.money.ledger.chart import LedgerAccount
from entrepot.money.ledger.model import Journal, Posting, Witness

ROWS_SHOWN_MAX = 500


class ReusedKey(OurBug):
    """A key that stands in the books came again with other postings."""

    code = "reused-journal-key"


class UnknownJournal(OurBug):
    """A reversal names a key that is not in the books."""

    code = "unknown-journal"


def post(conn: Conn, ctx: Ctx, journals: Sequence[Journal]) -> set[str]:
    """Write every fact that is not in the books yet; gives the keys that are new.

    Shape: any number, set-based, in the caller's transaction. The same key again is the same fact and changes nothing.
    Errors: ReusedKey when it comes with other amounts; an unbalanced journal is refused by the database.
    """
    wanted: dict[str, Journal] = {}
    for journal in journals:
        if journal.postings and wanted.setdefault(journal.key, journal).postings != journal.postings:
            raise ReusedKey(f"two different facts in one batch have the key {journal.key}", key=journal.key)
    ids = {key: ctx.ids.new("jnl") for key in wanted}
    new = store.insert_journals(conn, [_journal_row(ctx, ids[key], journal) for key, journal in wanted.items()])
    store.insert_postings(
        conn, [row for key, journal in wanted.items() if key in new for row in _posting_rows(ids[key], journal)]
    )
    _check_same(conn, [journal for key, journal in wanted.items() if key not in new])
    return new


def reverse(
    conn: Conn, ctx: Ctx, key: str, *, because: str, at: datetime | None = None, message_id: str | None = None
) -> bool:
    """Take a fact back; False when that was done before. `because` is read by people."""
    found = load(conn, [key])
    if key not in found:
        raise UnknownJournal(f"there is no journal {key} to reverse", key=key)
    journal_id, original = found[key]
    turned = rules.reversal(original, journal_id, at=at or ctx.clock.now(), because=because, message_id=message_id)
    return bool(post(conn, ctx, [turned]))


def load(conn: Conn, keys: Sequence[str]) -> dict[str, tuple[str, Journal]]:
    """Journals by key, each with its row id."""
    rows = store.journals_by_key(conn, keys)
    postings: dict[str, list[Posting]] = {row["id"]: [] for row in rows}
    for row in store.postings_of(conn, list(postings)):
        postings[row["journal_id"]].append(_posting(row))
    return {row["key"]: (row["id"], _journal(row, postings[row["id"]])) for row in rows}


def balance(conn: Conn, ledger_account: LedgerAccount, currency: str, seller_id: str | None = None) -> int:
    """Debit positive; a seller we owe money has a negative balance on seller-payable."""
    rows = store.balances(conn, ledger_account=ledger_account, seller_id=seller_id)
    return sum(int(row["balance_minor"]) for row in rows if row["currency"] == currency)


def trial_balance(conn: Conn) -> list[Row]:
    """Every account and currency with its balance: per currency they sum to zero."""
    return store.balances(conn, ledger_account=None, seller_id=None)


def of_root(conn: Conn, root: str) -> list[Row]:
    """Every posting about one basket, seller or statement, in the order it was written."""
    return store.of_root(conn, root, ROWS_SHOWN_MAX)


def unbalanced(conn: Conn) -> list[Row]:
    """Journals that do not sum to zero: empty, or somebody went round the database's guards."""
    return store.unbalanced(conn, ROWS_SHOWN_MAX)


def _journal_row(ctx: Ctx, id_: str, journal: Journal) -> Row:
    return {
        "id": id_,
        "fact": journal.fact,
        "key": journal.key,
        "account": journal.account,
        "root": journal.root,
        "effective_at": journal.effective_at,
        "posted_at": ctx.clock.now(),
        "message_id": journal.message_id,
        "memo": journal.memo,
        "reverses": journal.reverses,
        "plan_hash": ctx.plan_hash,
    }


def _posting_rows(journal_id: str, journal: Journal) -> Iterable[Row]:
    for number, posting in enumerate(journal.postings, start=1):
        yield {"journal_id": journal_id, "number": number, **asdict(posting)}


def _posting(row: Row) -> Posting:
    values = {name: row[name] for name in Posting.__slots__}
    return Posting(
        **{**values, "ledger_account": LedgerAccount(row["ledger_account"]), "witness": Witness(row["witness"])}
    )


def _journal(row: Row, postings: Sequence[Posting]) -> Journal:
    values = {name: row[name] for name in Journal.__slots__ if name != "postings"}
    return Journal(**values, postings=tuple(postings))


def _check_same(conn: Conn, known: Sequence[Journal]) -> None:
    if not known:
        return
    written = load(conn, [journal.key for journal in known])
    for journal in known:
        _, before = written[journal.key]
        if before.fact != journal.fact or Counter(before.postings) != Counter(journal.postings):
            raise ReusedKey(f"{journal.key} is in the books with other amounts", key=journal.key, fact=journal.fact)
