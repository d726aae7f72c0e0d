"""flow list, pause, empty, resume, replay: what runs, what waits, and a flow's work once more."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from entrepot.cli.opening import Opened, clean, login_name, opened
from entrepot.cli.output import Cell, Column, Style, local, note, paper, say_json
from entrepot.kernel.ctx import Row
from entrepot.kernel.errors import WrongSetting

DONE, REFUSED = 0, 5
WAIT_STEP_S = 1.0
STATE_WORDS: Mapping[str, tuple[str, Style]] = {
    "running": ("running", Style.GOOD),
    "paused": ("paused", Style.BAD),
    "emptying": ("emptying the queue", Style.WARN),
}
MODE_WORDS = {"observe": "observes: nothing is sent", "advise": "advises: a person releases", "act": "acts"}


def list_(*, json: bool = False) -> int:
    """Every flow with its state, its mode, and the proof of what is in it.

    Parameters
    ----------
    json
        One JSON document on stdout.
    """
    from entrepot.flows import flow_desk

    with opened() as house:
        plan, now = house.plan, house.clock.now()
        with house.db.transaction() as conn:
            rows = flow_desk.listed(conn, plan)
    if json:
        say_json({"business_now": now, "flows": [_document(row) for row in rows]})
        return DONE
    titles = (Column("Flow"), Column("State"), Column("Mode"), Column("In flight", right=True), Column("Parked", right=True),
              Column("Replay"), Column("Why"))  # fmt: skip
    paper().table(titles, [_line(row) for row in rows])
    return DONE


def _document(row: Row) -> dict[str, Any]:
    names = ("name", "state", "mode", "changed_by", "reason", "changed_at", "until_at", "owner", "in_plan", "replay")
    return {**{name: row[name] for name in names}, "proof": row["proof"].as_dict()}


def _line(row: Row) -> tuple[Any, ...]:
    proof = row["proof"]
    until = f", until {local(row['until_at'])}" if row["until_at"] else ""
    why = f"{row['reason']}, by {row['changed_by']}{until}" if row["state"] != "running" else ""
    parked = proof.messages.get("parked", 0) + proof.effects.get("parked", 0)
    mode = MODE_WORDS[row["mode"]] if row["in_plan"] else "not in the plan"
    state = Cell(*STATE_WORDS[row["state"]])
    return row["name"], state, mode, str(proof.in_flight), str(parked), row["replay"], why


def pause(flow: str, /, *, until: str, reason: str = "", by: str = "", json: bool = False) -> int:
    """Stop a flow without losing anything: arrivals are kept, nothing is decided or sent.

    Exit code 5 when the blueprint does not let it be paused, or not for so long.

    Parameters
    ----------
    flow
        Its name.
    until
        Its promised end: a length of time such as 2h, or a moment such as 2026-03-09T14:00+01:00.
    reason
        Why; it is shown to whoever is paged.
    by
        Who decides; else the login name.
    json
        One JSON document on stdout.
    """
    return _hold("pause", flow, until, reason, by, json=json, wait=0)


def empty(flow: str, /, *, until: str, reason: str = "", by: str = "", wait: int = 0, json: bool = False) -> int:
    """Let what is in go out and nothing new in; then the flow is paused, with the proof that nothing is left.

    Exit code 5 when the blueprint does not let it be paused, or not for so long.

    Parameters
    ----------
    flow
        Its name.
    until
        Its promised end: a length of time such as 2h, or a moment such as 2026-03-09T14:00+01:00.
    reason
        Why; it is shown to whoever is paged.
    by
        Who decides; else the login name.
    wait
        Wait so many seconds at most for the queue to be empty, then print the proof as it is.
    json
        One JSON document on stdout.
    """
    return _hold("empty", flow, until, reason, by, json=json, wait=max(0, wait))


def resume(flow: str, /, *, reason: str = "", by: str = "", json: bool = False) -> int:
    """Let a flow run again; what waited is worked off, the closest deadlines first.

    Parameters
    ----------
    flow
        Its name.
    reason
        Why.
    by
        Who decides; else the login name.
    json
        One JSON document on stdout.
    """
    from entrepot.flows import flow_desk

    reason, by = _signed(reason, by)
    with opened() as house:
        row = flow_desk.resume(house.ctx, house.plan, clean(flow), by, reason)
        proof = flow_desk.proof(house.ctx, row["name"])
    return _said(row, proof.as_dict(), json=json)


def _hold(verb: str, flow: str, until: str, reason: str, by: str, *, json: bool, wait: int) -> int:
    from entrepot.engine.flows import FlowRefused, FlowState
    from entrepot.flows import flow_desk

    reason, by = _signed(reason, by)
    act = {"pause": flow_desk.pause, "empty": flow_desk.empty}[verb]
    with opened() as house:
        end = moment(until, house.clock.now(), ahead=True)
        try:
            row = act(house.ctx, house.plan, clean(flow), by, reason, end)
        except FlowRefused as error:
            note(error.message)
            return REFUSED
        waited = 0.0
        while waited < wait and _state(house, row["name"]) != FlowState.PAUSED:
            house.clock.sleep(WAIT_STEP_S)
            waited += WAIT_STEP_S
        row = {**row, "state": _state(house, row["name"])}
        proof = flow_desk.proof(house.ctx, row["name"])
    return _said(row, proof.as_dict(), json=json)


def _state(house: Opened, flow: str) -> str:
    from entrepot.engine import flows

    with house.db.transaction() as conn:
        return str(flows.flow(conn, flow)["state"])


def _said(row: Row, proof: dict[str, Any], *, json: bool) -> int:
    """The flow as it is now, and the proof: counts by state, and how many are still in flight."""
    if json:
        names = ("name", "state", "changed_by", "reason", "changed_at", "until_at", "owner")
        say_json({**{name: row[name] for name in names}, "proof": proof})
        return DONE
    until = f" until {local(row['until_at'])}" if row["until_at"] and row["state"] != "running" else ""
    page = paper()
    page.line(row["name"], Cell(*STATE_WORDS[row["state"]]), until)
    for what in ("messages", "effects"):
        counts = ", ".join(f"{n} {state}" for state, n in proof[what].items()) or "none"
        page.line(f"{'Messages' if what == 'messages' else 'Outgoing actions'}: {counts}", indent=1)
    page.line(f"In flight: {proof['in_flight']}", indent=1)
    return DONE


def replay(
    flow: str,
    /,
    *,
    since: str,
    mapping: str = "",
    reason: str = "",
    by: str = "",
    reviewed: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """A flow's work since some moment, once more under the plan in force; what is done is never done again.

    A replay that was cut off is carried on. Exit code 5 when the blueprint says never, or its review is missing.

    Parameters
    ----------
    flow
        Its name.
    since
        A length of time back such as 2h, or a moment such as 2026-03-09T14:00+01:00.
    mapping
        Only what this mapping changes.
    reason
        Why; it stays with the replay.
    by
        Who decides; else the login name.
    reviewed
        The digest that --dry-run showed: you have seen what will be done. Needed where the blueprint says with-review.
    dry_run
        Say per record what would happen, and change nothing. Needs no reason.
    json
        One JSON document on stdout.
    """
    from entrepot.cli import plan_pages
    from entrepot.flows.replay import ReplayAsked, ReplayRefused, plan_replay, run_replay

    with opened() as house:
        plan, now = house.plan, house.clock.now()
        asked = ReplayAsked(clean(flow), moment(since, now, ahead=False), _mapping(plan.mappings, mapping))
        if dry_run:
            with house.db.transaction() as conn:
                planned = plan_replay(conn, plan, asked)
            code = REFUSED if planned.rule == "never" else DONE
            if json:
                say_json(plan_pages.replay_document(planned))
            else:
                plan_pages.replay_page(paper(), planned)
            return code
        reason, by = _signed(reason, by)
        try:
            done = run_replay(house.ctx, plan, asked, by=by, reason=reason, reviewed=clean(reviewed))
        except ReplayRefused as error:
            note(error.message)
            return REFUSED
        rows = _results(house, done.replay_id)
    if json:
        say_json({"replay": done.replay_id, "ended": done.ended, "states": done.states, "rows": rows})
        return DONE
    titles = (Column("Record"), Column("Result"), Column("What became of it"))
    paper().table(titles, [(row["name"], row["state"], row["result"] or row["why"]) for row in rows])
    words = "it is over" if done.ended else "some rows could not be had; the same command carries on"
    paper().line(
        f"Replay {done.replay_id}: {', '.join(f'{n} {s}' for s, n in done.states.items()) or 'nothing'}; {words}."
    )
    return DONE


def _results(house: Opened, replay_id: str) -> list[Row]:
    from entrepot.change import replay_store
    from entrepot.change.replaying import ROWS_MAX

    names = ("number", "what", "record_id", "name", "verdict", "why", "state", "result")
    with house.db.transaction() as conn:
        return [{name: row[name] for name in names} for row in replay_store.rows_of(conn, replay_id, ROWS_MAX)]


def _mapping(known: Mapping[str, object], name: str) -> str:
    wanted = clean(name)
    if wanted and wanted not in known:
        raise WrongSetting(f"--mapping {wanted}: the plan has {', '.join(sorted(known)) or 'no mapping'}")
    return wanted


def moment(text: str, now: datetime, *, ahead: bool) -> datetime:
    """A length of time from now, or a moment with its zone. Errors: WrongSetting."""
    from entrepot.blueprint.units import parse_duration

    words = clean(text)
    try:
        span = parse_duration(words)
        return now + span if ahead else now - span
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(words)
    except ValueError as error:
        raise WrongSetting(
            f"“{words}” is no length of time such as 2h, and no moment such as 2026-03-09T14:00Z"
        ) from error
    if at.tzinfo is None:
        raise WrongSetting(f"“{words}” names no zone: write 2026-03-09T14:00Z or 2026-03-09T14:00+01:00")
    return at.astimezone(UTC)


def _signed(reason: str, by: str) -> tuple[str, str]:
    reason, by = clean(reason), clean(by) or login_name()
    if not reason:
        raise WrongSetting("say why: --reason TEXT stays with the flow")
    return reason, by
