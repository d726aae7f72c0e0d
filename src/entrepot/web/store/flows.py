"""Flows with what waits in each of them."""

from collections.abc import Mapping

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Row
from entrepot.web import words
from entrepot.web.views import FlowRow

_COUNTS = """
    SELECT flow, sum(waiting_in) AS waiting_in, min(oldest) AS oldest, sum(waiting_out) AS waiting_out,
           sum(unclear) AS unclear, sum(parked) AS parked, sum(cases) AS cases
      FROM (
        SELECT flow, count(*) AS waiting_in, min(received_at) AS oldest, 0 AS waiting_out, 0 AS unclear, 0 AS parked, 0 AS cases
          FROM message WHERE state = 'new' GROUP BY flow
        UNION ALL
        SELECT flow, 0, NULL, count(*) FILTER (WHERE state IN ('planned', 'sending')),
               count(*) FILTER (WHERE state = 'unknown'), count(*) FILTER (WHERE state = 'parked'), 0
          FROM effect WHERE state IN ('planned', 'sending', 'unknown', 'parked') GROUP BY flow
        UNION ALL
        SELECT flow, 0, NULL, 0, 0, 0, count(*) FROM case_file WHERE resolved_at IS NULL GROUP BY flow
      ) AS counted GROUP BY flow ORDER BY flow
"""
_CHECKS = """
    SELECT flow, max(ran_at) AS ran_at, max(last_error) FILTER (WHERE failures > 0) AS last_error
      FROM periodic GROUP BY flow ORDER BY flow
"""


def rows(conn: Conn, plan: Plan) -> tuple[FlowRow, ...]:
    """Every flow, those that do not run first."""
    found = conn.execute("SELECT * FROM flow ORDER BY (state = 'running'), name").fetchall()
    counts = {row["flow"]: row for row in conn.execute(_COUNTS).fetchall()}
    checks = {row["flow"]: row for row in conn.execute(_CHECKS).fetchall()}
    return tuple(_flow(row, plan, counts, checks) for row in found)


def not_running(conn: Conn, plan: Plan) -> tuple[FlowRow, ...]:
    found = conn.execute("SELECT * FROM flow WHERE state <> 'running' ORDER BY name").fetchall()
    return tuple(_flow(row, plan, {}, {}) for row in found)


def _flow(row: Row, plan: Plan, counts: Mapping[str, Row], checks: Mapping[str, Row]) -> FlowRow:
    planned = plan.flows.get(row["name"])
    count, check = counts.get(row["name"], {}), checks.get(row["name"], {})
    return FlowRow(
        name=row["name"],
        word=words.flow_word(row["name"]),
        state=words.state(words.FLOW, row["state"]),
        running=row["state"] == "running",
        pattern=words.plain(planned.pattern) if planned else "",
        latency=words.plain(planned.latency).lower() if planned else "",
        owner=planned.pause.owner if planned else row["owner"],
        changed_by=row["changed_by"],
        reason=row["reason"],
        changed_at=row["changed_at"],
        until_at=row["until_at"],
        waiting_in=int(count.get("waiting_in", 0)),
        oldest_in_at=count.get("oldest"),
        waiting_out=int(count.get("waiting_out", 0)),
        unclear=int(count.get("unclear", 0)),
        parked=int(count.get("parked", 0)),
        cases=int(count.get("cases", 0)),
        checked_at=check.get("ran_at"),
        last_error=check.get("last_error") or "",
        mode=words.state(words.MODE, row["mode"]),
    )
