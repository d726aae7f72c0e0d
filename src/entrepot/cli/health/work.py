"""The work in the database: what fails, what waits too long, what nobody owns, what does not add up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.cases import queries
from entrepot.cli.health.report import Finding, fail, ok, warn
from entrepot.cli.output import span
from entrepot.engine.room import FAILING_AFTER, QUEUES
from entrepot.kernel.ctx import Conn, Row

# machine time: work that is due and free to be done is taken up within a second
WAIT_WARN = timedelta(seconds=60)
WAIT_FAIL = timedelta(minutes=5)
SHOWN_MAX = 5

# As the drains take it: not of a paused flow, not behind an older action of the same order, not told to wait.
_READY = """
    SELECT queue, count(*) AS n, min(due_at) AS since FROM (
        SELECT 'urgent' AS queue, m.due_at FROM message m
         WHERE m.state = 'new' AND m.due_at <= %(now)s AND m.flow NOT IN (SELECT name FROM flow WHERE state = 'paused')
        UNION ALL
        SELECT 'urgent', v.received_at FROM envelope v WHERE v.sealed
        UNION ALL
        SELECT e.queue, e.due_at FROM effect e
         WHERE e.state IN ('planned', 'unknown') AND e.due_at <= %(now)s
           AND e.flow NOT IN (SELECT name FROM flow WHERE state = 'paused')
           AND NOT EXISTS (SELECT FROM bucket b WHERE b.account = e.account AND b.operation = e.operation AND b.blocked_until > %(now)s)
           AND NOT EXISTS (SELECT FROM effect o WHERE o.root = e.root AND o.seq < e.seq AND o.account = e.account
                            AND o.state IN ('planned', 'sending', 'unknown'))
           AND (e.after_effect IS NULL OR EXISTS (SELECT FROM effect a WHERE a.id = e.after_effect AND a.state IN ('done', 'refused', 'void', 'observed')))
        UNION ALL
        SELECT 'normal', a.due_at FROM alert a WHERE a.state = 'planned' AND a.due_at <= %(now)s
    ) AS ready GROUP BY queue ORDER BY queue
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is due and free to be done, by queue."""

    rows: dict[str, Row]

    @property
    def waiting(self) -> int:
        return sum(row["n"] for row in self.rows.values())


def backlog(conn: Conn, now: datetime) -> Backlog:
    return Backlog({row["queue"]: row for row in conn.execute(_READY, {"now": now}).fetchall()})


def queues(found: Backlog, now: datetime, rate: float) -> Finding:
    """How long the oldest due thing of each queue has waited, in real time."""
    ages = {q: (now - row["since"]) / rate for q, row in found.rows.items()}
    facts = {q: {"waiting": row["n"], "oldest_s": ages[q].total_seconds()} for q, row in found.rows.items()}
    if not ages:
        return ok("queues", "nothing waits", **{q: {"waiting": 0, "oldest_s": 0.0} for q in QUEUES})
    words = ", ".join(f"{q}: {row['n']}, the oldest for {span(ages[q])}" for q, row in found.rows.items())
    worst = max(ages.values())
    step = "see whether the workers live and what the failing queues below say"
    if worst > WAIT_FAIL:
        return fail("queues", words, step, **facts)
    return warn("queues", words, step, **facts) if worst > WAIT_WARN else ok("queues", words, **facts)


def failing(conn: Conn) -> Finding:
    """Queues and safety checks that failed on their last try."""
    rows = conn.execute(
        "SELECT account || '/' || purpose AS name, failures, last_error FROM lane WHERE failures > 0"
        " UNION ALL SELECT account || '/' || name, failures, last_error FROM periodic WHERE failures > 0"
        " ORDER BY failures DESC, name"
    ).fetchall()
    if not rows:
        return ok("work", "no queue and no safety check fails")
    listed = "; ".join(f"{row['name']} ({row['failures']} times: {row['last_error']})" for row in rows[:SHOWN_MAX])
    more = f"; {len(rows) - SHOWN_MAX} more" if len(rows) > SHOWN_MAX else ""
    wrong = fail if rows[0]["failures"] >= FAILING_AFTER else warn
    step = "read the error, then the case it opened: `entrepot case list --mode drain-failing`"
    return wrong("work", f"failing: {listed}{more}", step, failing=[dict(row) for row in rows])


def flows(conn: Conn, now: datetime) -> Finding:
    """What a person has stopped, and until when."""
    rows = conn.execute("SELECT * FROM flow WHERE state <> 'running' ORDER BY name").fetchall()
    if not rows:
        return ok("flows", "all run")
    listed = "; ".join(f"{r['name']} {r['state']} by {r['changed_by']}: {r['reason']}" for r in rows)
    late = [row["name"] for row in rows if row["until_at"] <= now]
    if late:
        words = f"{listed}; past the agreed end: {', '.join(late)}"
        return fail("flows", words, "ask whether the reason holds, then resume them on the console's Flows page")
    return warn("flows", listed, "what waits behind them grows; resume them on the console's Flows page")


def owners(conn: Conn) -> Finding:
    nobodys = queries.without_owner(conn)
    open_cases = queries.open_count(conn)
    words = f"{open_cases} open, {nobodys} without an owner"
    if nobodys:
        step = "a failure without an owner is a bug of ours: keep the database and report it"
        return fail("cases", words, step, open=open_cases, without_owner=nobodys)
    return ok("cases", words, open=open_cases, without_owner=0)


def promises(conn: Conn) -> Finding:
    figures = queries.obligation_figures(conn)
    silent = figures["missed_without_alert"]
    words = f"{figures['met']} kept, {figures['missed']} missed, {silent} missed before anybody was told"
    if silent:
        step = "the watch came too late: see whether the hub was down, `entrepot case list --state all` names them"
        return warn("promises", words, step, **figures)
    return ok("promises", words, **figures)


def ledger(conn: Conn) -> Finding:
    row = conn.execute(
        "SELECT (SELECT count(*) FROM journal) AS journals, (SELECT count(*) FROM unbalanced_journal) AS unbalanced"
    ).fetchone()
    assert row is not None
    words = f"{row['journals']} journals, {row['unbalanced']} that do not sum to zero"
    if row["unbalanced"]:
        step = "the database should refuse these: stop posting, keep the database and report it"
        return fail("ledger", words, step, **row)
    return ok("ledger", words, **row)
