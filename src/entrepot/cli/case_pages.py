"""Lists of cases and decisions about them, as a terminal shows them and as JSON. Imports little: a list must come at once."""

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.cli.output import (
    Cell,
    Column,
    Paper,
    Style,
    laid_out,
    local,
    money_document,
    money_words,
    time_left,
)
from entrepot.kernel.ctx import Row


def list_document(
    rows: Sequence[Row], now: datetime, token: str, kind: str, other: str, elsewhere: int
) -> dict[str, Any]:
    cases = [case_row(row, now) for row in rows]
    return {"business_now": now, "kind": kind, "cases": cases, "after": token or None, f"{other}_cases": elsewhere}


def other_list(page: Paper, other: str, elsewhere: int) -> None:
    """The other dead letter is only counted here: its cases never stand in this list."""
    if elsewhere:
        word = {"system": "system fault", "business": "business refusal"}[other]
        plural = "" if elsewhere == 1 else "s"
        page.line(Cell(f"beside these: {elsewhere} {word}{plural}, --kind {other}", Style.QUIET))


def case_row(row: Row, now: datetime) -> dict[str, Any]:
    """One case with stable names; times in UTC, money with its currency."""
    plain = (
        "number",
        "id",
        "mode",
        "kind",
        "state",
        "owner",
        "level",
        "flow",
        "account",
        "object",
        "object_id",
        "root",
        "assignee",
        "waiting_on",
        "grouped_by",
        "members",
        "suppressed_until",
        "shadow",
    )
    ended = row["resolved_at"] is not None
    return {
        **{name: row[name] for name in plain},
        "effect": row["effect_text"],
        "cause": row["cause_text"],
        "money": money_document(row["money_minor"], row["currency"]) if row["money_minor"] else None,
        "count": row["count"],
        "opened_at": row["opened_at"],
        "due_at": row["due_at"],
        "overdue": not ended and row["due_at"] <= now,
        "ended_at": row["resolved_at"],
        "ended_by": row["resolved_by"],
        "ended_verb": row["resolved_verb"],
    }


def list_page(page: Paper, rows: Sequence[Row], now: datetime, environment: str, token: str) -> None:
    if not rows:
        page.line("No case of this kind.")
        return
    columns = [
        Column("Case", right=True),
        Column("Due", keeps=True),
        Column("Owner", keeps=True),
        Column("At risk", right=True),
        Column("What it means"),
    ]
    page.table(columns, ([str(r["number"]), _due(r, now), _whose(r), at_risk(r), meaning(r)] for r in rows))
    overdue = sum(1 for row in rows if row["resolved_at"] is None and row["due_at"] <= now)
    page.line(f"{len(rows)} case{'s' if len(rows) != 1 else ''}, {overdue} overdue. {environment}, {local(now)}.")
    if token:
        page.line(Cell(f"more: --after {token}", Style.QUIET))


def _due(row: Row, now: datetime) -> Cell:
    if row["resolved_at"] is not None:
        return Cell(row["state"].capitalize(), Style.GOOD)
    if row["state"] == "suppressed":
        return Cell(f"quiet until {local(row['suppressed_until'])}", Style.QUIET)
    return time_left(row["due_at"], now)


def _whose(row: Row) -> str:
    return f"{row['owner']} ({row['assignee']})" if row["assignee"] else str(row["owner"])


def at_risk(row: Row) -> str:
    return money_words(row["money_minor"], row["currency"])


def meaning(row: Row) -> str:
    again = f" ({row['count']} times)" if row["count"] > 1 else ""
    members = f" [{row['members']} of {row['members_seen']} members]" if row["members_seen"] else ""
    observed = "[only observed] " if row["shadow"] else ""
    return f"{observed}{row['effect_text']}{again}{members}"


def decision_page(page: Paper, said: Mapping[str, Any], *, dry_run: bool) -> None:
    """What a verb did to one case, or would do, or why it did nothing."""
    done = said["done"] or said.get("allowed", False)
    lead = "not done yet: " if dry_run and done else "" if done else "refused: "
    words_ = Cell(f"{lead}{said['words']}", Style.PLAIN if done else Style.BAD)
    page.line(Cell(f"Case {said['case']}:", Style.STRONG), words_)
    if said.get("members"):
        page.line("reaches", str(said["members"]), "members; the content below is the first one's", indent=1)
    for sent in said.get("sends", ()):
        page.line("sends", sent, indent=1)
    if said.get("before") is not None:
        before, after = laid_out(said["before"]).splitlines(), laid_out(said["after"]).splitlines()
        for line in list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]:
            style = Style.GOOD if line.startswith("+") else Style.BAD if line.startswith("-") else Style.QUIET
            page.line(Cell(line, style), indent=1)
