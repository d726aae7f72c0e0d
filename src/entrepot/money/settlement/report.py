"""What people see of settlement: figures, the list of statements, one statement from gross to payout."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.kernel.ctx import Conn, Row
from entrepot.money.settlement import store
from entrepot.money.settlement.arithmetic import operator_share, payment_of
from entrepot.money.settlement.families import FAMILY, Family
from entrepot.money.settlement.model import Author, LineType
from entrepot.money.settlement.states import Cause

LINES_PER_PAGE = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the waterfall. Units: minor units, in the author's view."""

    family: Family
    theirs_minor: int
    ours_minor: int

    @property
    def differs_minor(self) -> int:
        return self.theirs_minor - self.ours_minor


def figures(conn: Conn) -> dict[str, Any]:
    """How much of what they say is matched and witnessed, and what is not explained.

    Shape: `lines`, `matched`, `witnessed` and `zero` (lines without an amount, which nobody can witness) over all
    authors; `by_author` the same apart; `money` by currency with `variance_minor` (open differences, without sign) and
    `unexplained_minor` (of statements that do not add up in themselves); `statements` counted by state.
    """
    counted = ("lines", "matched", "witnessed", "zero")
    by_author = {row["author"]: {name: row[name] for name in counted} for row in _line_figures(conn)}
    return {
        **{name: sum(row[name] for row in by_author.values()) for name in counted},
        "by_author": by_author,
        "money": {
            row["currency"]: {name: int(row[name]) for name in ("variance_minor", "unexplained_minor", "variances")}
            for row in _variance_figures(conn)
        },
        "statements": {row["state"]: row["count"] for row in _statement_figures(conn)},
    }


def list_statements(
    conn: Conn,
    *,
    account: str | None = None,
    state: str | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Newest versions, newest first, with their open differences; `before`: (announced_at, id) of the last row seen."""
    at, id_ = before or (None, None)
    return conn.execute(
        f"""
        SELECT s.*, v.open_variances, v.open_minor
          FROM statement s
          LEFT JOIN LATERAL (
               SELECT count(*) AS open_variances, coalesce(sum(abs(amount_minor)), 0)::bigint AS open_minor
                 FROM variance WHERE statement_id = s.id AND state = 'open') v ON true
         WHERE (%(account)s::text IS NULL OR s.account = %(account)s)
           AND (%(state)s::text IS NULL OR s.state = %(state)s)
           AND (%(at)s::timestamptz IS NULL OR (s.announced_at, s.id) < (%(at)s, %(id)s)) AND {store.NEWEST}
         ORDER BY s.announced_at DESC, s.id DESC LIMIT %(limit)s
        """,
        {"account": account, "state": state, "at": at, "id": id_, "limit": limit},
    ).fetchall()


def statement_detail(conn: Conn, statement_id: str) -> dict[str, Any] | None:
    """One statement for the console; None when there is none.

    Shape: `statement`, `waterfall` (theirs against ours, step by step), `causes` (differences by cause), `variances`,
    `versions`, `counts` of its lines, `operator_minor` and `payment_minor` (what he keeps, what the voucher pays).
    """
    statement = conn.execute("SELECT * FROM statement WHERE id = %(id)s", {"id": statement_id}).fetchone()
    if statement is None:
        return None
    lines = [(LineType(row["line_type"]), int(row["amount_minor"])) for row in _theirs(conn, statement)]
    variances = store.variances_of(conn, statement_id)
    pays_sellers = statement["author"] == Author.MARKETPLACE
    return {
        "statement": statement,
        "waterfall": _waterfall(lines, _ours(conn, statement)),
        "causes": _causes(variances),
        "variances": variances,
        "versions": _versions(conn, statement),
        "counts": _counts(conn, statement_id),
        "operator_minor": operator_share(lines) if pays_sellers else None,
        "payment_minor": payment_of(lines) if pays_sellers else None,
    }


def lines_page(conn: Conn, statement_id: str, after: tuple[int, str] | None = None) -> list[Row]:
    """Lines with what they were matched with; `after`: (line_no, external_id) of the last row seen."""
    line_no, external_id = after or (None, None)
    return conn.execute(
        """
        SELECT l.*, m.ours
          FROM statement_line l
          LEFT JOIN LATERAL (
               SELECT jsonb_agg(jsonb_build_object('fact', j.fact, 'key', j.key, 'amount_minor', p.amount_minor,
                                                   'witness', p.witness) ORDER BY j.seq, p.number) AS ours
                 FROM line_match x JOIN posting p ON (p.journal_id, p.number) = (x.journal_id, x.posting_number)
                 JOIN journal j ON j.id = p.journal_id WHERE x.line_id = l.id) m ON true
         WHERE l.statement_id = %(id)s
           AND (%(line_no)s::int IS NULL OR (l.line_no, l.external_id) > (%(line_no)s, %(external_id)s))
         ORDER BY l.line_no, l.external_id LIMIT %(limit)s
        """,
        {"id": statement_id, "line_no": line_no, "external_id": external_id, "limit": LINES_PER_PAGE},
    ).fetchall()


# -- inside ------------------------------------------------------------------------------------------------------------


def _waterfall(theirs: Sequence[tuple[LineType, int]], ours: Sequence[tuple[LineType, int]]) -> list[Step]:
    sums: dict[Family, list[int]] = defaultdict(lambda: [0, 0])
    for side, lines in enumerate((theirs, ours)):
        for line_type, amount in lines:
            sums[FAMILY[line_type]][side] += amount
    return [Step(family, *sums[family]) for family in Family if family in sums and family is not Family.PAYMENT]


def _causes(variances: Sequence[Row]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str, str, str], list[Row]] = defaultdict(list)
    for row in variances:
        groups[row["cause"], row["state"], row["owner"], row["currency"]].append(row)
    return [
        {
            "cause": Cause(cause),
            "state": state,
            "owner": owner,
            "currency": currency,
            "lines": len(rows),
            "amount_minor": sum(row["amount_minor"] for row in rows),
            "absolute_minor": sum(abs(row["amount_minor"]) for row in rows),
        }
        for (cause, state, owner, currency), rows in sorted(groups.items())
    ]


def _theirs(conn: Conn, statement: Row) -> list[Row]:
    return conn.execute(
        """
        SELECT line_type, sum(amount_minor)::bigint AS amount_minor FROM statement_line
         WHERE statement_id = %(id)s AND currency = %(currency)s GROUP BY line_type ORDER BY line_type
        """,
        statement,
    ).fetchall()


def _ours(conn: Conn, statement: Row) -> list[tuple[LineType, int]]:
    """Postings that stand for its lines, each once, and those it was said to miss."""
    rows = conn.execute(
        """
        SELECT p.line_type, sum(p.amount_minor)::bigint * %(sign)s AS amount_minor
          FROM posting p
         WHERE p.currency = %(currency)s AND (p.journal_id, p.number) IN (
               SELECT m.journal_id, m.posting_number FROM line_match m JOIN statement_line l ON l.id = m.line_id
                WHERE l.statement_id = %(id)s AND l.line_type <> 'PAYMENT')
         GROUP BY p.line_type ORDER BY p.line_type
        """,
        {**statement, "sign": store.SIGN[statement["author"]]},
    ).fetchall()
    rows += conn.execute(
        """
        SELECT p.line_type, sum(v.ours_minor)::bigint AS amount_minor
          FROM variance v JOIN posting p ON split_part(v.id, '~', 1) = 'var_' || p.journal_id || '_' || p.number
         WHERE v.statement_id = %(id)s AND v.cause = 'missing-in-statement' AND v.currency = %(currency)s
           AND p.order_id = v.order_id GROUP BY p.line_type ORDER BY p.line_type
        """,
        statement,
    ).fetchall()
    return [(LineType(row["line_type"]), int(row["amount_minor"])) for row in rows]


def _versions(conn: Conn, statement: Row) -> list[Row]:
    return conn.execute(
        """
        SELECT id, version, state, their_total_minor, announced_at, closed_at FROM statement
         WHERE account = %(account)s AND kind = %(kind)s AND external_id = %(external_id)s ORDER BY version
        """,
        statement,
    ).fetchall()


def _counts(conn: Conn, statement_id: str) -> Row:
    row = conn.execute(
        """
        SELECT count(*) AS lines, count(*) FILTER (WHERE matched = 'matched') AS matched,
               count(*) FILTER (WHERE witness NOT IN ('', 'hub')) AS witnessed,
               count(*) FILTER (WHERE amount_minor = 0) AS zero,
               count(*) FILTER (WHERE line_type = 'unrecognised') AS unrecognised
          FROM statement_line WHERE statement_id = %(id)s
        """,
        {"id": statement_id},
    ).fetchone()
    assert row is not None  # an aggregate always has a row
    return row


def _line_figures(conn: Conn) -> list[Row]:
    return conn.execute(
        f"""
        SELECT l.author, count(*) AS lines, count(*) FILTER (WHERE l.matched = 'matched') AS matched,
               count(*) FILTER (WHERE l.witness NOT IN ('', 'hub')) AS witnessed,
               count(*) FILTER (WHERE l.amount_minor = 0) AS zero
          FROM statement_line l LEFT JOIN statement s ON s.id = l.statement_id
         WHERE s.id IS NULL OR {store.NEWEST} GROUP BY l.author ORDER BY l.author
        """
    ).fetchall()


def _variance_figures(conn: Conn) -> list[Row]:
    return conn.execute(
        """
        SELECT currency, count(*) AS variances,
               coalesce(sum(abs(amount_minor)) FILTER (WHERE id <> 'var_' || statement_id), 0) AS variance_minor,
               coalesce(sum(abs(amount_minor)) FILTER (WHERE id = 'var_' || statement_id), 0) AS unexplained_minor
          FROM variance WHERE state = 'open' GROUP BY currency ORDER BY currency
        """
    ).fetchall()


def _statement_figures(conn: Conn) -> list[Row]:
    return conn.execute(
        f"SELECT s.state, count(*) AS count FROM statement s WHERE {store.NEWEST} GROUP BY s.state ORDER BY s.state"
    ).fetchall()
