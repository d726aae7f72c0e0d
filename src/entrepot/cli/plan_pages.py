"""Plans, what they change and what was decided under them, as a terminal shows them and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from entrepot.change.diff import Difference
from entrepot.change.replaying import Judged, Verdict
from entrepot.cli.output import Cell, Column, Paper, Style, local
from entrepot.flows.plan_desk import Proposed, WayBack
from entrepot.flows.plan_records import Touched
from entrepot.flows.replay import ReplayPlan

NAMES_SHOWN = 5
ROWS_SHOWN = 40
VERDICTS: Mapping[Verdict, tuple[str, Style]] = {
    Verdict.SEND: ("sent again", Style.WARN),
    Verdict.DECIDE: ("read again", Style.WARN),
    Verdict.REVIEW: ("a person looks", Style.BAD),
    Verdict.SKIP: ("skipped", Style.QUIET),
}


def proposed_document(proposed: Proposed) -> dict[str, Any]:
    return {
        "in_force": proposed.in_force.hash if proposed.in_force else None,
        "proposed": proposed.plan.hash,
        "file": proposed.plan.file,
        "changes": [change(one) for one in proposed.differences] if proposed.in_force else [],
        "touched": [one.document() for one in proposed.touched],
        "findings": [],
    }


def change(one: Difference) -> dict[str, Any]:
    kind = "added" if one.added else "removed" if one.removed else "changed"
    return {
        "path": one.dotted,
        "kind": kind,
        "before": one.before,
        "after": one.after,
        "same_meaning": one.same_meaning,
    }


def proposed_page(page: Paper, proposed: Proposed) -> None:
    if proposed.in_force is None:
        page.line(f"No plan is in force yet; {proposed.plan.file} ({proposed.plan.hash}) would be the first.")
        return
    if proposed.changes_nothing:
        page.line(f"{proposed.plan.file} says what is in force ({proposed.plan.hash}): nothing changes.")
        return
    page.line(f"In force: {proposed.in_force.hash}. {proposed.plan.file}: {proposed.plan.hash}.")
    differences_page(page, proposed.differences)
    touched_page(page, proposed.touched)


def differences_page(page: Paper, found: Sequence[Difference]) -> None:
    page.heading("What changes")
    for one in found:
        style = Style.GOOD if one.added else Style.BAD if one.removed else Style.WARN
        meaning = "(the same, spelt otherwise)" if one.same_meaning else ""
        page.line(Cell(one.words, Style.QUIET if one.same_meaning else style), meaning)
    if not found:
        page.line("Nothing.")


def touched_page(page: Paper, touched: Sequence[Touched]) -> None:
    page.heading("Which records it touches")
    if not touched:
        page.line("None.")
        return
    rows = [(str(t.count), t.kind, t.words, t.because, _few(t.names, t.count)) for t in touched]
    titles = (Column("How many", right=True), Column("What"), Column("They"), Column("Because of"), Column("Which"))
    page.table(titles, rows)


def _few(names: Sequence[str], count: int) -> str:
    shown = ", ".join(names[:NAMES_SHOWN])
    return f"{shown} … and {count - NAMES_SHOWN} more" if count > NAMES_SHOWN else shown


# ── the way back ─────────────────────────────────────────────────────────────────────────────────────────────


def way_back_document(back: WayBack) -> dict[str, Any]:
    return {
        "to": back.to.hash,
        "undone": [
            {"kind": c.kind.value, "hash": c.hash, "by": c.by, "reason": c.reason, "at": c.at} for c in back.undone
        ],
        "changes": [change(one) for one in back.differences],
        "touched": [one.document() for one in back.touched],
        "decided_since": back.decided,
        "replays": [replay_document(one) for one in back.replays],
    }


def way_back_page(
    page: Paper, back: WayBack, *, done: bool, dry_run: bool, replayed: Sequence[Mapping[str, Any]]
) -> None:
    if not back.undone:
        page.line(f"Plan {back.to.hash} is in force: there is nothing to roll back.")
        return
    page.line(f"Plan {back.to.hash} {'comes' if dry_run else 'came'} into force again. It leaves behind:")
    for one in back.undone:
        page.line(f"{one.hash}, {one.kind} by {one.by} on {local(one.at)}: {one.reason}", indent=1)
    differences_page(page, back.differences)
    touched_page(page, back.touched)
    page.heading("What was decided since")
    rows = [
        (str(row["n"]), name.replace("_", " "), row["flow"], row["what"], row["state"])
        for name, group in back.decided.items()
        for row in group
    ]
    page.table((Column("How many", right=True), Column("What"), Column("Flow"), Column("Kind"), Column("State")), rows)
    for planned in back.replays:
        replay_page(page, planned)
    _offers(page, back, done=done, replayed=replayed)


def _offers(page: Paper, back: WayBack, *, done: bool, replayed: Sequence[Mapping[str, Any]]) -> None:
    for ran in replayed:
        page.line(f"{ran['flow']}: {ran['why'] or _counts(ran['rows'])}")
    if replayed or not back.replays:
        return
    page.heading("What you may do next")
    for planned in back.replays:
        asked = planned.asked
        review = f" --reviewed {planned.digest}" if planned.rule == "with-review" else ""
        words = f"entrepot flow replay {asked.flow} --since {asked.since.isoformat()} --reason TEXT{review}"
        if planned.rule == "never":
            words = f"{asked.flow} is never replayed; a person looks at what differs"
        page.line(words if done or planned.rule == "never" else f"after the rollback: {words}")


# ── replays ──────────────────────────────────────────────────────────────────────────────────────────────────


def replay_document(planned: ReplayPlan) -> dict[str, Any]:
    return {
        "flow": planned.asked.flow,
        "since": planned.asked.since,
        "mapping": planned.asked.mapping or None,
        "rule": planned.rule,
        "digest": planned.digest,
        "more": planned.more,
        "counts": planned.counts,
        "touched": [row.name for row in planned.touched],
        "rows": [judged(row) for row in planned.rows],
    }


def judged(row: Judged) -> dict[str, Any]:
    changes = {"before": row.before, "after": row.after} if row.after is not None else {}
    return {
        "what": row.what,
        "id": row.record_id,
        "name": row.name,
        "verdict": row.verdict.value,
        "why": row.why,
    } | changes


def replay_page(page: Paper, planned: ReplayPlan) -> None:
    """What a replay would do: what needs somebody first, what is skipped last."""
    asked = planned.asked
    page.heading(f"A replay of {asked.flow} since {local(asked.since)}")
    order = list(VERDICTS)
    rows = sorted(planned.rows, key=lambda row: order.index(row.verdict))
    shown = [(Cell(*VERDICTS[row.verdict]), row.name, row.why, content(row)) for row in rows[:ROWS_SHOWN]]
    if shown:
        page.table((Column("What becomes of it"), Column("Record"), Column("Why"), Column("Content")), shown)
    if len(rows) > ROWS_SHOWN:
        page.line(f"… and {len(rows) - ROWS_SHOWN} more; --json lists all of them")
    page.line(f"{_counts(planned.counts)}. Replayed: {planned.rule}. Digest of this plan: {planned.digest}.")


def content(row: Judged) -> str:
    """What changes in its content, by path."""
    if not (isinstance(row.before, Mapping) and isinstance(row.after, Mapping)):
        return ""
    from entrepot.change.diff import differences

    return "; ".join(one.words for one in differences(row.before, row.after))


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "nothing"
