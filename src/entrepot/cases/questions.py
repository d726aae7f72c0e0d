"""Ownership questions: something nobody owns yet. Raised from a case or at the desk, decided by somebody, then in the plan."""

from collections.abc import Callable
from dataclasses import dataclass

from entrepot.blueprint.model import Plan, Question
from entrepot.cases import queries, question_store, rules
from entrepot.cases.alerts import AlertAsked, plan_alerts
from entrepot.cases.authority import ANYBODY
from entrepot.cases.files import event
from entrepot.cases.states import QUESTION_MOVES, QuestionState
from entrepot.cases.store import insert_events
from entrepot.kernel.ctx import Conn, Ctx, Row

WORKING_DAYS = 5  # of the team that asks; then the architect hears that nobody decides
ARCHITECT = "commerce-architect"
THE_PLAN = "the plan"  # who asks what stands in `questions:`
TEXT_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as somebody raises it. `case`: the number or id it comes from. `about`: an object, or a field of one."""

    ask: str
    about: str = ""
    case: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    number: int
    words: str


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Nothing changed, and why."""

    why: str


Verdict = Answered | NotAsked


def raise_question(ctx: Ctx, plan: Plan, asked: Asked, by: str, *, team: str = ANYBODY) -> Verdict:
    """Keep a question. Asked by a team, or by the owner of the case, or else by the architect himself."""
    if not by.strip():
        return NotAsked("say who asks: the name stays with the question")
    if not asked.ask.strip():
        return NotAsked("say what nobody owns, as a question")
    if team and team not in plan.teams:
        return NotAsked(f"there is no team “{team}”; it is one of {', '.join(sorted(plan.teams))}")
    with ctx.db.transaction() as conn:
        case = queries.find_case(conn, asked.case) if asked.case else None
        if asked.case and case is None:
            return NotAsked(f"there is no case {asked.case}")
        row = _row(ctx, plan, asked, by.strip(), team, case)
        if not row["about"]:
            return NotAsked("say what it is about: an object such as offer, or a field such as offer.price")
        number = question_store.insert(conn, row)
        if number is None:
            return NotAsked(f"case {asked.case} has asked about {row['about']} already")
        if case is not None:
            insert_events(conn, [event(ctx, case["id"], "question", by.strip(), row["ask"], {"question": number})])
        ctx.point("question.before-commit")
    by_when = rules.local_text(row["due_at"], plan.team(row["raised_team"]).hours.zone)
    return Answered(
        number, f"Question {number} is raised. If nobody decides by {by_when}, {architect(plan)} hears of it."
    )


def _row(ctx: Ctx, plan: Plan, asked: Asked, by: str, team: str, case: Row | None) -> Row:
    now = ctx.clock.now()
    asker = team or (case["owner"] if case and case["owner"] in plan.teams else architect(plan))
    return {
        "id": ctx.ids.new("qst"),
        "ask": rules.clipped(asked.ask.strip(), TEXT_MAX),
        "about": rules.clipped(asked.about.strip() or (case["object"] if case else ""), TEXT_MAX),
        "account": asked.account or (case["account"] if case else ""),
        "case_id": case["id"] if case else None,
        "raised_by": by,
        "raised_team": asker,
        "raised_at": now,
        "due_at": rules.working_days_after(plan.team(asker).hours, now, WORKING_DAYS),
        "plan_hash": ctx.plan_hash,
    }


def architect(plan: Plan) -> str:
    """Who hears of what nobody decides: the commerce architect, or where a plan has none, the end of the line."""
    if ARCHITECT in plan.teams:
        return ARCHITECT
    return next(name for name, team in sorted(plan.teams.items()) if team.escalates_to is None)


def decide(ctx: Ctx, plan: Plan, number: int, by: str, decision: str) -> Verdict:
    """Somebody says who owns it. It stays open until a plan holds the decision."""
    if not by.strip() or not decision.strip():
        return NotAsked("say who decides, and what: both stay with the question")
    changes = {
        "decided_by": by.strip(),
        "decision": rules.clipped(decision.strip(), TEXT_MAX),
        "decided_at": ctx.clock.now(),
    }
    words = f"Question {number} is decided. Write it into the plan, then: question decide {number} --in-plan HASH."
    return _move(ctx, number, QuestionState.DECIDED, changes, by.strip(), words)


@dataclass(frozen=True, slots=True)
class Planned:
    """A question that the plan in force asks itself. `row`: what was recorded of it; None: nobody has answered."""

    question: Question
    row: Row | None = None

    @property
    def state(self) -> QuestionState:
        return QuestionState(self.row["state"]) if self.row else QuestionState.RAISED


def planned(conn: Conn, plan: Plan) -> list[Planned]:
    """The plan's own questions, those that nobody has answered first."""
    rows = question_store.named(conn, sorted(plan.questions))
    found = [Planned(question, rows.get(name)) for name, question in plan.questions.items()]
    return sorted(found, key=lambda one: (list(QuestionState).index(one.state), one.question.name))


def decide_planned(ctx: Ctx, plan: Plan, name: str, by: str, decision: str) -> Verdict:
    """Answer a question of the plan: it is recorded with its decision, and stays open until a plan holds that."""
    question = plan.questions.get(name)
    if question is None:
        known = ", ".join(sorted(plan.questions)) or "none"
        return NotAsked(f"the plan asks no question “{name}”; it asks: {known}")
    if not by.strip() or not decision.strip():
        return NotAsked("say who decides, and what: both stay with the question")
    now = ctx.clock.now()
    asked = Asked(question.ask, question.about)
    row = _row(ctx, plan, asked, THE_PLAN, question.owner, None) | {"plan_name": name}
    row |= {"state": QuestionState.DECIDED.value, "decided_by": by.strip(), "decided_at": now}
    row |= {"decision": rules.clipped(decision.strip(), TEXT_MAX)}
    with ctx.db.transaction() as conn:
        number = question_store.insert(conn, row)
        if number is None:
            known_one = question_store.named(conn, [name])[name]
            return NotAsked(f"it is decided already, by {known_one['decided_by']}: {known_one['decision']}")
        ctx.point("question.before-commit")
    return Answered(
        number,
        f"Question {number} is decided. Write it into the plan at {question.about} and take {name} out of its questions, "
        f"then: question decide {number} --in-plan HASH.",
    )


def in_plan(ctx: Ctx, plan: Plan, number: int, by: str, plan_hash: str) -> Verdict:
    """The decision stands in a plan: its hash is named by hand, and must be of a plan this installation runs or has run."""
    if not by.strip():
        return NotAsked("say who closes it: the name stays with the question")
    changes = {"in_plan": plan_hash, "closed_at": ctx.clock.now(), "closed_by": by.strip()}
    words = f"Question {number} is in the plan {plan_hash}."

    def refuse(conn: Conn) -> str:
        if plan_hash == plan.hash or question_store.plan_has_run(conn, plan_hash):
            return ""
        return f"no plan of the hash {plan_hash} has run here; the one in force is {plan.hash}"

    return _move(ctx, number, QuestionState.IN_BLUEPRINT, changes, by.strip(), words, refuse)


def _nothing(conn: Conn) -> str:
    return ""


def _move(
    ctx: Ctx,
    number: int,
    to: QuestionState,
    changes: Row,
    by: str,
    words: str,
    refuse: Callable[[Conn], str] = _nothing,
) -> Verdict:
    with ctx.db.transaction() as conn:
        row = question_store.for_update(conn, number)
        if row is None:
            return NotAsked(f"there is no question {number}")
        if to not in QUESTION_MOVES[QuestionState(row["state"])]:
            first = "decide it first" if row["state"] == QuestionState.RAISED else f"it is {row['state']} already"
            return NotAsked(f"question {number} cannot become {to}: {first}")
        if why := refuse(conn):
            return NotAsked(why)
        question_store.change(conn, row["id"], {**changes, "state": to.value})
        if row["case_id"]:
            said = {"question": number, "state": to.value}
            reason = changes.get("decision") or words
            insert_events(conn, [event(ctx, row["case_id"], "question", by, reason, said)])
        ctx.point("question.before-commit")
    return Answered(number, words)


def watch(conn: Conn, ctx: Ctx, plan: Plan, limit: int) -> int:
    """One batch of questions nobody decided in time: the architect hears of each, once."""
    now = ctx.clock.now()
    rows = question_store.undecided(conn, now, limit)
    if rows:
        plan_alerts(conn, ctx, plan, [_alert(ctx, plan, row) for row in rows])
        question_store.set_told(conn, [row["id"] for row in rows], now)
    return len(rows)


def _alert(ctx: Ctx, plan: Plan, row: Row) -> AlertAsked:
    text = rules.clipped(
        f"[{ctx.environment}] question {row['number']} is not decided: {row['ask']}", rules.SUBJECT_MAX
    )
    body = "\n".join(
        [
            row["ask"],
            "",
            f"About: {row['about']}",
            f"Asked by {row['raised_by']} ({row['raised_team']}), {rules.local_text(row['raised_at'], 'UTC')}",
            f"Nobody has decided it in {WORKING_DAYS} working days.",
            f"Next: entrepot question decide {row['number']} --decision '…'",
        ]
    )
    return AlertAsked(f"question:{row['id']}", architect(plan), text, body, row["case_id"])
