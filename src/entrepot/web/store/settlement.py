"""Statements of others against our books: the list, and one statement from gross to payout."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.money import Money
from entrepot.money.settlement.families import FAMILY, Family
from entrepot.money.settlement.model import LineType
from entrepot.web import words
from entrepot.web.store.common import PAGE, money, read_number, read_token, token
from entrepot.web.views import (
    LINES_COUNTED_MAX,
    StatementDetail,
    StatementFilter,
    StatementLineRow,
    StatementPage,
    StatementRow,
    VarianceCause,
    VarianceRow,
    WaterfallStep,
)

LINES_PAGE = 200
VARIANCES_MAX = 500
BEFORE_MATCHING = frozenset({"announced", "fetched", "parsed", "balanced"})
# What is left over is paid out: lines of these families are the payment itself, not a step towards it.
PAID = frozenset({Family.PAYMENT})
_COLUMNS = f"""
    s.id, s.account, s.author, s.external_id, s.version, s.seller_id, s.voucher, s.currency, s.period_from, s.period_to,
    s.state, s.their_total_minor, s.lines_total_minor, s.announced_at,
    (SELECT count(*) FROM (SELECT FROM statement_line n WHERE n.statement_id = s.id LIMIT {LINES_COUNTED_MAX}) AS few) AS lines,
    (SELECT coalesce(sum(v.amount_minor), 0)::bigint FROM variance v WHERE v.statement_id = s.id AND v.id <> 'var_' || s.id
        AND v.currency = s.currency) AS difference_minor,
    (SELECT coalesce(sum(abs(v.amount_minor)), 0)::bigint FROM variance v
      WHERE v.statement_id = s.id AND v.state = 'open' AND v.currency = s.currency) AS undecided_minor,
    (SELECT l.seller_name FROM statement_line n JOIN leg l ON l.account = n.account AND l.order_id = n.order_id
      WHERE n.statement_id = s.id AND n.order_id <> '' AND s.seller_id <> '' LIMIT 1) AS seller_name
"""


def page(conn: Conn, plan: Plan, wanted: StatementFilter) -> StatementPage:
    conditions, values = ["true"], dict[str, Any]()
    for name in ("author", "account"):
        if value := getattr(wanted, name):
            conditions.append(f"s.{name} = %({name})s")
            values[name] = value
    if wanted.show in ("open", "closed"):
        conditions.append("s.state <> 'closed'" if wanted.show == "open" else "s.state = 'closed'")
    if wanted.show == "differs":
        conditions.append("EXISTS (SELECT FROM variance v WHERE v.statement_id = s.id)")
    if wanted.after:
        at, row_id = read_token(wanted.after)
        conditions.append("(s.announced_at, s.id) < (%(at)s, %(row_id)s)")
        values |= {"at": at, "row_id": row_id}
    rows = conn.execute(
        f"""SELECT {_COLUMNS} FROM statement s WHERE {" AND ".join(conditions)}
             ORDER BY s.announced_at DESC, s.id DESC LIMIT {PAGE + 1}""",
        values,
    ).fetchall()
    more = len(rows) > PAGE
    last = rows[PAGE - 1] if more else None
    return StatementPage(
        filter=wanted,
        rows=tuple(_row(found) for found in rows[:PAGE]),
        next_after=token(last["announced_at"], last["id"]) if last else "",
        accounts=tuple(sorted(plan.accounts)),
    )


def detail(conn: Conn, statement_id: str, line_filter: str, after: str) -> StatementDetail | None:
    found = conn.execute(f"SELECT {_COLUMNS} FROM statement s WHERE s.id = %s", (statement_id,)).fetchone()
    if found is None:
        return None
    variances = conn.execute(
        f"""SELECT v.*, n.line_type FROM variance v LEFT JOIN statement_line n ON n.id = v.line_id
             WHERE v.statement_id = %s ORDER BY abs(v.amount_minor) DESC, v.id LIMIT {VARIANCES_MAX}""",
        (statement_id,),
    ).fetchall()
    lines, next_after = _lines(conn, statement_id, line_filter, after)
    return StatementDetail(
        row=_row(found),
        waterfall=_waterfall(conn, found),
        causes=_causes(variances),
        variances=tuple(_variance(row) for row in variances),
        lines=lines,
        line_filter=line_filter,
        next_after=next_after,
        payout=_payout(conn, found),
    )


def _row(found: Row) -> StatementRow:
    matched = found["state"] not in BEFORE_MATCHING
    theirs = money(found, "their_total_minor" if found["state"] == "announced" else "lines_total_minor")
    difference = money(found, "difference_minor")
    return StatementRow(
        id=found["id"],
        account=found["account"],
        author=words.AUTHOR.get(found["author"], str(found["author"])),
        external_id=found["external_id"],
        version=found["version"],
        seller=found["seller_name"] or found["seller_id"],
        voucher=found["voucher"],
        period_from=found["period_from"],
        period_to=found["period_to"],
        state=words.state(words.STATEMENT, found["state"]),
        paid=money(found, "their_total_minor"),
        theirs=theirs,
        ours=theirs - difference if matched else None,
        difference=difference if matched else None,
        undecided=money(found, "undecided_minor"),
        lines=found["lines"],
    )


def _waterfall(conn: Conn, statement: Row) -> tuple[WaterfallStep, ...]:
    """From sales to payout by family of lines.

    Ours of a family is theirs less the differences found in it; what is in our books alone has no line and no family.
    That a statement does not add up by itself (the variance named after it) says nothing about our books.
    """
    rows = conn.execute(
        """
        SELECT line_type, sum(theirs)::bigint AS theirs, sum(difference)::bigint AS difference, bool_or(is_open) AS is_open
          FROM (
            SELECT n.line_type, n.amount_minor AS theirs, 0 AS difference, n.matched = 'open' AS is_open
              FROM statement_line n WHERE n.statement_id = %(id)s
            UNION ALL
            SELECT coalesce(n.line_type, 'ours-alone'), 0, v.amount_minor, false
              FROM variance v LEFT JOIN statement_line n ON n.id = v.line_id
             WHERE v.statement_id = %(id)s AND v.id <> 'var_' || %(id)s AND v.currency = %(currency)s
          ) AS parts GROUP BY line_type ORDER BY line_type
        """,
        {"id": statement["id"], "currency": statement["currency"]},
    ).fetchall()
    theirs: dict[str, int] = defaultdict(int)
    ours: dict[str, int] = defaultdict(int)
    waits: set[str] = set()
    for found in rows:
        word = _step_word(found["line_type"])
        if word is None:
            continue
        theirs[word] += found["theirs"]
        ours[word] += found["theirs"] - found["difference"]
        if found["is_open"]:
            waits.add(word)
    return _steps(statement, theirs, ours, waits)


def _steps(
    statement: Row, theirs: Mapping[str, int], ours: Mapping[str, int], waits: set[str]
) -> tuple[WaterfallStep, ...]:
    currency = statement["currency"]
    order = [words.plain(family) for family in Family]
    known = sorted(theirs, key=lambda word: order.index(word) if word in order else len(order))
    unmatched = statement["state"] in BEFORE_MATCHING
    steps = [
        WaterfallStep(
            word,
            Money(theirs[word], currency),
            None if unmatched or word in waits else Money(ours[word], currency),
        )
        for word in known
    ]
    total = WaterfallStep(
        "Payout" if statement["author"] == "marketplace" else "Net",
        Money(sum(theirs.values()), currency),
        None if unmatched or waits else Money(sum(ours.values()), currency),
        is_total=True,
    )
    return (*steps, total)


def _step_word(line_type: str) -> str | None:
    """The step a line belongs to; None for the payment itself."""
    if line_type == "ours-alone":
        return "In our books alone"
    try:
        family = FAMILY[LineType(line_type)]
    except ValueError:
        family = Family.UNRECOGNISED
    return None if family in PAID else words.plain(family)


def _causes(variances: Sequence[Row]) -> tuple[VarianceCause, ...]:
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in variances:
        groups[row["cause"], row["owner"], row["state"]].append(row)
    causes = [
        VarianceCause(
            word=words.CAUSE.get(cause, words.plain(cause)),
            lines=len(rows),
            amount=Money(sum(row["amount_minor"] for row in rows), rows[0]["currency"]),
            owner=owner,
            state=words.state(words.VARIANCE, state),
        )
        for (cause, owner, state), rows in groups.items()
    ]
    return tuple(sorted(causes, key=lambda cause: (-abs(cause.amount.minor), cause.word)))


def _variance(row: Row) -> VarianceRow:
    return VarianceRow(
        cause=words.CAUSE.get(row["cause"], words.plain(row["cause"])),
        where=row["order_line_id"] or row["order_id"] or row["seller_id"],
        theirs=money(row, "theirs_minor"),
        ours=money(row, "ours_minor"),
        amount=money(row, "amount_minor"),
        owner=row["owner"],
        explanation=row["explanation"],
        state=words.state(words.VARIANCE, row["state"]),
        decided=f"{row['decided_by']}: {row['reason']}" if row["decided_by"] else "",
    )


def _lines(conn: Conn, statement_id: str, line_filter: str, after: str) -> tuple[tuple[StatementLineRow, ...], str]:
    """Lines in their order.  Shape: several lines may carry one number, so the id decides between them."""
    conditions, values = (
        ["n.statement_id = %(id)s"],
        {"id": statement_id, "matched": line_filter, "number": 0, "line": ""},
    )
    if line_filter:
        conditions.append("n.matched = %(matched)s")
    if after:
        number, _, line_id = after.partition("~")
        conditions.append("(n.line_no, n.id) > (%(number)s, %(line)s)")
        values |= {"number": read_number(number), "line": line_id}
    rows = conn.execute(
        f"""SELECT n.* FROM statement_line n WHERE {" AND ".join(conditions)}
             ORDER BY n.line_no, n.id LIMIT {LINES_PAGE + 1}""",
        values,
    ).fetchall()
    shown = rows[:LINES_PAGE]
    next_after = f"{shown[-1]['line_no']}~{shown[-1]['id']}" if len(rows) > LINES_PAGE else ""
    return tuple(_line(row) for row in shown), next_after


def _line(row: Row) -> StatementLineRow:
    return StatementLineRow(
        number=row["line_no"],
        external_id=row["external_id"],
        type=row["type"],
        word=words.LINE_TYPE.get(row["line_type"], words.plain(row["line_type"].removeprefix("GATEWAY_").lower())),
        order_id=row["order_id"],
        reference=row["reference"] or row["voucher"],
        amount=money(row, "amount_minor"),
        posted_at=row["posted_at"],
        state=words.state(words.LINE_MATCH, row["matched"]),
        witness=words.WITNESS.get(row["witness"], row["witness"]),
    )


def _payout(conn: Conn, statement: Row) -> tuple[str, Any, str] | None:
    found = conn.execute(
        "SELECT voucher, state, transfer_id, reason FROM payout WHERE account = %s AND cycle_id = %s ORDER BY id LIMIT 1",
        (statement["account"], statement["external_id"]),
    ).fetchone()
    if found is None:
        return None
    return found["voucher"], words.state(words.PAYOUT, found["state"]), found["transfer_id"] or found["reason"]
