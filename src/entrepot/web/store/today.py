"""Today: what needs a person, the measures against their targets, the week in money."""

from datetime import datetime, timedelta

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn
from entrepot.kernel.money import Money
from entrepot.web import format as show
from entrepot.web.store import cases, flows, orders
from entrepot.web.store.common import LABEL, page_of
from entrepot.web.views import Measure, Promise, TodayView, Tone, Week

CASES_SHOWN = 12
FAULTS_SHOWN = 6
PROMISES_SHOWN = 5
TREND_HOURS = 12
WEEK = timedelta(days=7)


def view(conn: Conn, plan: Plan, now: datetime) -> TodayView:
    return TodayView(
        measures=(_decisions(conn, now), _open_cases(conn, now), _refunds(conn, now), _differences(conn)),
        cases=cases.next_due(conn, "business", CASES_SHOWN),
        faults=cases.next_due(conn, "system", FAULTS_SHOWN),
        promises=_promises(conn),
        flows=flows.not_running(conn, plan),
        owners=_owners(conn),
        week=_week(conn, now),
    )


def _decisions(conn: Conn, now: datetime) -> Measure:
    """Seller orders nobody decided yet, and of them those past their warning."""
    rows = conn.execute(
        """SELECT currency, count(*) AS n, count(*) FILTER (WHERE warn_at <= %(now)s) AS warned,
                  coalesce(sum(money_minor) FILTER (WHERE warn_at <= %(now)s), 0)::bigint AS minor
             FROM obligation WHERE kind = 'acknowledge' AND ended_at IS NULL GROUP BY currency ORDER BY currency""",
        {"now": now},
    ).fetchall()
    waiting, warned = sum(row["n"] for row in rows), sum(row["warned"] for row in rows)
    return Measure(
        word="Seller orders past their warning",
        value=str(warned),
        unit="order" if warned == 1 else "orders",
        note=f"of {waiting} undecided · target 0",
        href="/orders?leg=awaiting-acceptance",
        tone=Tone.BAD if warned else Tone.GOOD,
        money=tuple(Money(row["minor"], row["currency"]) for row in rows if row["minor"]),
    )


def _open_cases(conn: Conn, now: datetime) -> Measure:
    found = conn.execute(
        """SELECT count(*) AS n, count(*) FILTER (WHERE due_at <= %(now)s) AS overdue,
                  count(*) FILTER (WHERE kind = 'system') AS faults
             FROM case_file WHERE resolved_at IS NULL AND state <> 'suppressed'""",
        {"now": now},
    ).fetchone()
    total, overdue, faults = (found["n"], found["overdue"], found["faults"]) if found else (0, 0, 0)
    return Measure(
        word="Open cases",
        value=str(total),
        unit="case" if total == 1 else "cases",
        note=f"{total - faults} business, {faults} system · {overdue} overdue",
        href="/cases?show=overdue" if overdue else "/cases",
        tone=Tone.BAD if overdue else Tone.WARN if total else Tone.GOOD,
        trend=_opened_by_hour(conn, now),
    )


def _opened_by_hour(conn: Conn, now: datetime) -> tuple[int, ...]:
    """Cases opened in each of the last hours, oldest first.  Newest numbers are read backwards, so no table is walked."""
    rows = conn.execute(
        """
        SELECT greatest(0, least(%(hours)s - 1, floor(extract(epoch FROM %(now)s - opened_at) / 3600)))::int AS ago,
               count(*) AS n
          FROM (SELECT opened_at FROM case_file ORDER BY number DESC LIMIT 2000) AS newest
         WHERE opened_at > %(now)s - make_interval(hours => %(hours)s) GROUP BY ago ORDER BY ago
        """,
        {"now": now, "hours": TREND_HOURS},
    ).fetchall()
    counts = {row["ago"]: row["n"] for row in rows}
    return tuple(counts.get(hour, 0) for hour in range(TREND_HOURS - 1, -1, -1))


def _refunds(conn: Conn, now: datetime) -> Measure:
    """Refunds that not every witness has confirmed."""
    rows = conn.execute(
        """
        SELECT r.currency, count(*) AS n, min(r.asked_at) AS oldest, sum(r.amount_minor)::bigint AS minor,
               count(*) FILTER (WHERE c.late) AS late
          FROM (SELECT refund_id, bool_or(due_at <= %(now)s) AS late FROM refund_confirmation
                 WHERE confirmed_at IS NULL GROUP BY refund_id) AS c
          JOIN refund r ON r.id = c.refund_id WHERE r.state NOT IN ('refused', 'cancelled')
         GROUP BY r.currency ORDER BY r.currency
        """,
        {"now": now},
    ).fetchall()
    total, late = sum(row["n"] for row in rows), sum(row["late"] for row in rows)
    oldest = min((row["oldest"] for row in rows), default=None)
    return Measure(
        word="Refunds not confirmed by everybody",
        value=str(total),
        unit="refund" if total == 1 else "refunds",
        note=f"oldest {show.span(now - oldest)} · {late} late" if oldest else "target 0",
        href="/cases?mode=refund-not-posted" if late else "/orders",
        tone=Tone.BAD if late else Tone.WARN if total else Tone.GOOD,
        money=tuple(Money(row["minor"], row["currency"]) for row in rows),
    )


def _differences(conn: Conn) -> Measure:
    rows = conn.execute(
        """SELECT currency, count(*) AS n, count(DISTINCT statement_id) AS statements, sum(abs(amount_minor))::bigint AS minor
             FROM variance WHERE state = 'open' GROUP BY currency ORDER BY currency"""
    ).fetchall()
    total = sum(row["n"] for row in rows)
    statements = sum(row["statements"] for row in rows)
    return Measure(
        word="Settlement differences not decided",
        value=str(total),
        unit="line" if total == 1 else "lines",
        note=f"in {statements} {'statement' if statements == 1 else 'statements'}" if total else "target 0",
        href="/settlement?show=differs",
        tone=Tone.WARN if total else Tone.GOOD,
        money=tuple(Money(row["minor"], row["currency"]) for row in rows),
    )


def _promises(conn: Conn) -> tuple[Promise, ...]:
    rows = conn.execute(
        f"""SELECT o.*, {LABEL.format(t="o")} FROM obligation o WHERE o.ended_at IS NULL
             ORDER BY o.due_at, o.id LIMIT {PROMISES_SHOWN}"""
    ).fetchall()
    pages = [page_of(conn, row["object"], row["object_id"]) for row in rows]
    return tuple(orders.promise(row, page.href if page else "") for row, page in zip(rows, pages, strict=True))


def _owners(conn: Conn) -> tuple[tuple[str, int, int], ...]:
    rows = conn.execute(
        """SELECT owner, count(*) FILTER (WHERE kind = 'business') AS business,
                  count(*) FILTER (WHERE kind = 'system') AS system
             FROM case_file WHERE resolved_at IS NULL AND state <> 'suppressed'
            GROUP BY owner ORDER BY count(*) DESC, owner"""
    ).fetchall()
    return tuple((row["owner"], row["business"], row["system"]) for row in rows)


def _week(conn: Conn, now: datetime) -> Week:
    since = now - WEEK
    rows = conn.execute(
        """
        SELECT what, currency, sum(minor)::bigint AS minor FROM (
            SELECT CASE WHEN state = 'missed' THEN 'lost' ELSE 'protected' END AS what, currency, money_minor AS minor
              FROM obligation WHERE ended_at > %(since)s AND (state = 'missed' OR (state = 'met' AND warned_at IS NOT NULL))
            UNION ALL
            SELECT 'recovered', currency, abs(amount_minor) FROM variance WHERE state = 'corrected' AND found_at > %(since)s
        ) AS parts GROUP BY what, currency HAVING sum(minor) <> 0 ORDER BY what, currency
        """,
        {"since": since},
    ).fetchall()

    def of(what: str) -> tuple[Money, ...]:
        return tuple(Money(row["minor"], row["currency"]) for row in rows if row["what"] == what)

    return Week(protected=of("protected"), recovered=of("recovered"), lost=of("lost"))
