"""A person's answer to a channel's dispute: accepted, or contested with a note. Planned once, told to the channel as `answer-dispute`.

Whoever owns the dispute's case answers; without a case, anybody of the plan's teams; either must be one whose evidence the plan takes. An answer
that was sent stands: another is taken only when the channel refused the first, or asks again. Our promise to answer is kept when the channel has
taken it, not before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from entrepot.blueprint.model import Plan
from entrepot.cases.authority import ANYBODY, Standing, standing_of
from entrepot.cases.files import event
from entrepot.cases.store import insert_events as tell_case
from entrepot.cases.store import open_of
from entrepot.connectors.facts import manifests
from entrepot.connectors.verbs import AnswerDispute, Verb
from entrepot.flows.channel_returns import FLOW, OVER
from entrepot.flows.channels import TOLD_BY_CHANNEL, builtins_of
from entrepot.flows.consequences import Consequences
from entrepot.flows.parts import Parts
from entrepot.flows.repair_rights import RepairRights
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.outbox.store import Intent, effects_by_key
from entrepot.trade.dispute import store
from entrepot.trade.order.book import Happened, root_of
from entrepot.trade.order.store import insert_events

Answer = Literal["accept", "contest"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)
TEXT_MAX = 1_000
ANSWERS_MAX = 20  # of one dispute; the channel would have closed it long before
OPENED = "chargeback-opened"
ENDED = frozenset({"refused", "void"})
WORDS = {
    "accept": "The channel is told that we accept: the buyer keeps the money.",
    "contest": "The channel is told that we contest it, with the note.",
}


@dataclass(frozen=True, slots=True)
class AnswerAsked:
    """`dispute`: our id of it, or the channel's. `note`: what the channel reads; `reason`: what stays with us."""

    dispute: str
    answer: str
    by: str
    reason: str
    note: str = ""
    team: str = ANYBODY
    account: str = ""


@dataclass(frozen=True, slots=True)
class AnswerPlanned:
    """`key`: of the outgoing action; '' when it was only tried. `state`: planned, advised or observed, as its flow works."""

    dispute_id: str
    account: str
    words: str
    key: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """Nothing changed, and why. `not_yours`: somebody else decides it."""

    dispute: str
    why: str
    not_yours: bool = False


Verdict = AnswerPlanned | NotAnswered


def answer(ctx: Ctx, plan: Plan, asked: AnswerAsked, *, dry_run: bool = False) -> Verdict:
    """One decision in one transaction: the outgoing action, an event, and a line in the case's story. Errors: Busy."""
    if why := _unsaid(asked):
        return NotAnswered(asked.dispute, why)
    with ctx.db.transaction() as conn:
        rows = store.named(conn, asked.dispute, asked.account)
        if len(rows) != 1:
            return NotAnswered(asked.dispute, _which(asked.dispute, rows))
        row, [before, number] = rows[0], _before(conn, rows[0])
        case = _case(conn, row)
        refused = _refusal(ctx, plan, row, case, before, asked)
        if refused is not None:
            return refused
        words = WORDS[asked.answer]
        if dry_run:
            return AnswerPlanned(row["dispute_id"], row["account"], words)
        intent = _intent(plan, row, asked, number)
        then = Consequences(intents=[intent])
        then.flush(ctx, conn, plan)
        state = effects_by_key(conn, [intent.key])[intent.key]["state"]
        _tell(ctx, conn, row, case, asked, intent)
        ctx.point("dispute-desk.before-commit")
    return AnswerPlanned(row["dispute_id"], row["account"], words, intent.key, state)


def _unsaid(asked: AnswerAsked) -> str:
    if asked.answer not in ANSWERS:
        return "say whether the dispute is accepted or contested"
    if not asked.by.strip():
        return "say who you are: the name stays with the answer"
    if not asked.reason.strip():
        return "say why: the reason stays with the dispute"
    if asked.answer == "contest" and not asked.note.strip():
        return "a dispute is contested with a note: what shall the channel read?"
    return f"the note is longer than {TEXT_MAX} characters" if len(asked.note) > TEXT_MAX else ""


def _which(dispute: str, rows: list[Row]) -> str:
    if not rows:
        return f"there is no dispute {dispute}"
    return f"dispute {dispute} is known at {', '.join(row['account'] for row in rows)}: say at which account"


def _key(row: Row, number: int) -> str:
    return f"answer-dispute:{row['account']}:{row['dispute_id']}:{number}"


def _before(conn: Conn, row: Row) -> tuple[str, int]:
    """The state of the answer given last ('' for none), and the number of the next one."""
    given = effects_by_key(conn, [_key(row, number) for number in range(1, ANSWERS_MAX + 1)])
    return given[_key(row, len(given))]["state"] if given else "", len(given) + 1


def _case(conn: Conn, row: Row) -> Row | None:
    """The open case of this dispute; in a plan of both models its mode has the channel's name."""
    keys = [(mode, "dispute", f"{row['account']}:{row['dispute_id']}") for mode in (OPENED, TOLD_BY_CHANNEL + OPENED)]
    return next(iter(open_of(conn, keys).values()), None)


def _refusal(ctx: Ctx, plan: Plan, row: Row, case: Row | None, before: str, asked: AnswerAsked) -> NotAnswered | None:
    name = row["dispute_id"]
    if asked.team and asked.team not in plan.teams:
        return NotAnswered(name, f"there is no team “{asked.team}”; it is one of {', '.join(sorted(plan.teams))}")
    if case is not None and standing_of(plan, case, asked.team, ctx.clock.now()) is Standing.OTHER:
        why = f"case {case['number']} of dispute {name} is {case['owner']}'s: {asked.team} may leave a note there"
        return NotAnswered(name, why, not_yours=True)
    acts_for = asked.team or (case["owner"] if case is not None else "")
    if not_his := RepairRights(plan).why_not(acts_for, "dispute", row["account"], ("evidence",)):
        return NotAnswered(name, not_his, not_yours=True)
    found = _not_now(plan, row, before)
    return NotAnswered(name, found) if found else None


def why_not(conn: Conn, plan: Plan, row: Row) -> str:
    """Why nobody may answer this dispute now, in words; '' when it waits for an answer that we can give."""
    return _not_now(plan, row, _before(conn, row)[0])


def _not_now(plan: Plan, row: Row, before: str) -> str:
    name, account = row["dispute_id"], row["account"]
    if row["state"] in OVER:
        return f"dispute {name} is {row['state']}: there is nothing to answer any more"
    if operation_of(plan, account) is None:
        return f"{account} takes no answer from us: answer dispute {name} in the channel's own console"
    if before and before not in ENDED | {"done"}:
        return f"an answer to dispute {name} is on its way already ({before})"
    if (before == "done" or row["answered_at"] is not None) and not _asked_again(row):
        return f"dispute {name} was answered; what the channel decides is awaited"
    return ""


def _asked_again(row: Row) -> bool:
    return row["state"] == "action-needed" and row["answered_at"] is not None and row["changed_at"] > row["answered_at"]


def operation_of(plan: Plan, account: str) -> str | None:
    """What answers a dispute on this channel; None where nothing of ours can."""
    if account not in plan.accounts:
        return None
    manifest = manifests().get(plan.system_of(account).connector)
    return manifest.verbs.get(Verb.ANSWER_DISPUTE) if manifest else None


def _intent(plan: Plan, row: Row, asked: AnswerAsked, number: int) -> Intent:
    operation = operation_of(plan, row["account"])
    assert operation is not None
    note = asked.note.strip()
    payload = AnswerDispute(row["dispute_id"], asked.answer, row["revision"], row["order_id"], note=note)
    return Intent(
        key=_key(row, number),
        account=row["account"],
        operation=operation,
        root=_root(row),
        flow=FLOW,
        queue="urgent",
        payload=builtins_of(payload),
        window_s=Parts(plan, {}).window_s(FLOW),
    )


def _root(row: Row) -> str:
    return root_of(row["commercial_id"]) if row["commercial_id"] else f"dispute:{row['account']}:{row['dispute_id']}"


def _tell(ctx: Ctx, conn: Conn, row: Row, case: Row | None, asked: AnswerAsked, intent: Intent) -> None:
    said: Mapping[str, Any] = {
        "answer": asked.answer,
        "note": asked.note.strip(),
        "team": asked.team,
        "key": intent.key,
    }
    object_id, by = f"{row['account']}:{row['dispute_id']}", asked.by.strip()
    told = Happened("dispute", object_id, _root(row), "dispute answered", by=by, because=asked.reason.strip()[:TEXT_MAX], detail=dict(said))  # fmt: skip
    insert_events(conn, ctx, [told])
    if case is not None:
        reason = f"{asked.answer}: {asked.reason.strip()}"[:TEXT_MAX]
        tell_case(conn, [event(ctx, case["id"], "answer", by, reason, dict(said))])
