"""What was decided under a plan is found by indexes, however much there is."""

from datetime import timedelta
from typing import Any

import pytest

from entrepot.flows.plan_records import _DECIDED, decided_under
from entrepot.kernel.ctx import Ctx


def scans(node: dict[str, Any]) -> list[str]:
    """Every kind of node of a query plan, with the table it reads."""
    here = [f"{node['Node Type']} {node.get('Relation Name', '')}".strip()]
    return here + [one for below in node.get("Plans", ()) for one in scans(below)]


@pytest.mark.parametrize("name", _DECIDED)
def test_every_list_of_what_was_decided_since_comes_from_an_index(ctx: Ctx, name: str) -> None:
    values = {"plans": ["one", "two"], "since": ctx.clock.now() - timedelta(days=1)}
    with ctx.db.transaction() as conn:
        conn.execute("SET LOCAL enable_seqscan = off")  # an empty table would be read whole otherwise
        row = conn.execute(f"EXPLAIN (FORMAT JSON) {_DECIDED[name]} GROUP BY 1, 2, 3", values).fetchone()
    assert row is not None
    nodes = scans(row["QUERY PLAN"][0]["Plan"])
    assert not [one for one in nodes if one.startswith("Seq Scan")], nodes
    index = [one for one in nodes if one.startswith(("Index", "Bitmap Index"))]
    assert index, nodes
    conditions = str(row["QUERY PLAN"]).partition("Index Cond")[2]
    assert "plan" in conditions or "decided" in conditions, conditions


def test_records_of_every_kind_are_counted(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        found = decided_under(conn, ["one"], ctx.clock.now())
    assert {"refunds", "returns", "shipments", "variances"} <= set(found)
