"""The books: they sum to zero, hold every fact that happened, and end with what the others say is left."""

from collections import Counter, defaultdict

from entrepot.kernel.ctx import Conn
from entrepot.proof.checkers.finding import Books, Finding, differs, rows, unpaired

EMPTY_AT_THE_END = ("buyer-clearing", "refund-clearing", "payout-clearing")


def sums_to_zero(conn: Conn, books: Books) -> list[Finding]:
    """Every journal and every currency, added up here and not by the database."""
    journals: dict[str, Counter[str]] = defaultdict(Counter)
    counts: Counter[str] = Counter()
    currencies: Counter[str] = Counter()
    for row in rows(conn, "SELECT * FROM posting ORDER BY journal_id, number"):
        journals[row["journal_id"]][row["currency"]] += row["amount_minor"]
        counts[row["journal_id"]] += 1
        currencies[row["currency"]] += row["amount_minor"]
    found = [Finding("ledger-zero", f"off by {minor}", currency) for currency, minor in currencies.items() if minor]
    for row in rows(conn, "SELECT id, key FROM journal ORDER BY seq"):
        off = {currency: minor for currency, minor in journals[row["id"]].items() if minor}
        if off or counts[row["id"]] < 2:
            found.append(Finding("ledger-zero", f"{counts[row['id']]} postings, off by {off}", row["key"]))
    return found


def every_fact_is_posted(conn: Conn, books: Books) -> list[Finding]:
    """Each charge, paid leg, refund, chargeback and paid voucher is in the books, for exactly its amount."""
    ours = _posted(conn)
    theirs: Counter[tuple[str, str]] = Counter()
    for row in books["gateway"]["operations"]:
        if row["operation"] == "capture":
            theirs["basket-captured", row["id"]] += row["amount_minor"]
        if row["operation"] == "refund":
            theirs["refund-paid", row["id"]] += row["amount_minor"]
        if row["operation"] == "transfer" and row["state"] == "paid":
            theirs["payout-sent", row["reference"]] += row["amount_minor"]
    for row in books["gateway"]["disputes"]:
        theirs["chargeback-opened", row["id"]] += row["amount_minor"]
        if row["state"] == "won":
            theirs["chargeback-won", row["id"]] += row["amount_minor"]
    for order in books["mirakl"]["orders"]:
        if order["debited_minor"]:
            theirs["leg-debited", order["order_id"]] += order["debited_minor"]
    for refund in books["mirakl"]["refunds"]:
        if refund["state"] == "REFUNDED":
            theirs["leg-refunded", refund["refund_id"]] += refund["total_minor"]
    found = unpaired("ledger-complete", "a fact", map(": ".join, theirs), map(": ".join, ours))
    for key in sorted(theirs.keys() & ours.keys()):
        found += differs("ledger-complete", ": ".join(key), {"minor": theirs[key]}, {"minor": ours[key]})
    return found + _commission(conn, books)


# Which side of a fact carries its reference, and under which name.
_REFERENCE = """
    SELECT j.fact, CASE WHEN j.fact = 'leg-debited' THEN p.order_id ELSE p.reference END AS reference, p.amount_minor
      FROM journal j JOIN posting p ON p.journal_id = j.id
     WHERE j.reverses IS NULL AND NOT EXISTS (SELECT FROM journal r WHERE r.reverses = j.id)
       AND (j.fact, p.ledger_account) IN (('basket-captured', 'gateway-clearing'), ('refund-paid', 'gateway-clearing'), ('payout-sent', 'seller-payable'),
           ('chargeback-opened', 'gateway-clearing'), ('chargeback-won', 'gateway-clearing'), ('leg-debited', 'seller-payable'), ('leg-refunded', 'seller-payable'))
     ORDER BY j.seq, p.number
"""


def _posted(conn: Conn) -> Counter[tuple[str, str]]:
    """Fact and reference → amount, without sign (each of these sides has but one)."""
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows(conn, _REFERENCE):
        sums[row["fact"], row["reference"]] += row["amount_minor"]
    return Counter({key: abs(minor) for key, minor in sums.items()})


def _commission(conn: Conn, books: Books) -> list[Finding]:
    """Every charged order has its commission in the books (how much is the settlement's question)."""
    charged = {row["order_id"] for row in books["mirakl"]["orders"] if row["debited_minor"]}
    posted = {
        row["order_id"]
        for row in rows(
            conn,
            "SELECT DISTINCT p.order_id FROM journal j JOIN posting p ON p.journal_id = j.id"
            " WHERE j.fact = 'commission-charged' AND p.order_id <> ''",
        )
    }
    return unpaired("ledger-complete", "the commission of an order", charged, posted)


def balances_agree(conn: Conn, books: Books) -> list[Finding]:
    """What the books say the gateway holds is what its reports say; money on its way has arrived."""
    ours: Counter[tuple[str, str]] = Counter()
    for row in rows(conn, "SELECT ledger_account, currency, sum(amount_minor)::bigint AS minor FROM posting GROUP BY 1, 2"):  # fmt: skip
        ours[row["ledger_account"], row["currency"]] = row["minor"]
    found = []
    for currency, theirs in sorted(_gateway_holds(conn, books).items()):
        held = ours["gateway-clearing", currency]
        found += differs("ledger-balances", f"gateway-clearing {currency}", {"minor": theirs}, {"minor": held})
    for (account, currency), minor in sorted(ours.items()):
        if account in EMPTY_AT_THE_END and minor:
            found.append(Finding("ledger-balances", f"{minor} is still on its way", f"{account} {currency}"))
    return found


def _gateway_holds(conn: Conn, books: Books) -> Counter[str]:
    """Their balance, with what they have not reported yet counted as our books count it: fees and transfers come by report."""
    reported = {
        row["external_id"]
        for row in rows(
            conn, "SELECT external_id FROM statement WHERE author = 'gateway' AND state IN ('explained', 'closed')"
        )
    }
    holds: Counter[str] = Counter()
    for day in books["gateway"]["settlements"]:
        for line in day["lines"]:
            by_report = line["type"] in ("transfer", "payout")
            if day["id"] in reported:
                holds[day["currency"]] += line["amount_minor"] - line["fee_minor"]
            elif not by_report:
                holds[day["currency"]] += line["amount_minor"]
    return holds
