"""Ownership questions and hidden rules, in people's words."""

from collections.abc import Sequence
from datetime import datetime

from entrepot.blueprint.model import Plan
from entrepot.cases import hidden, question_store, questions
from entrepot.cases.hidden import HiddenRule
from entrepot.cases.states import QuestionState
from entrepot.kernel.ctx import Conn, Row
from entrepot.web import words
from entrepot.web.views import HiddenRuleRow, Link, PlannedQuestion, QuestionRow, QuestionsView


def view(conn: Conn, plan: Plan, now: datetime) -> QuestionsView:
    rules = hidden.hidden_rules(conn, now)
    ids = _case_ids(conn, [number for rule in rules for number in rule.cases])
    rows = tuple(question(row) for row in question_store.listed(conn))
    return QuestionsView(rows, tuple(_rule(rule, ids) for rule in rules), planned(conn, plan))


def planned(conn: Conn, plan: Plan) -> tuple[PlannedQuestion, ...]:
    """What the plan in force asks itself, with what was answered."""
    return tuple(_planned(one) for one in questions.planned(conn, plan))


def _planned(one: questions.Planned) -> PlannedQuestion:
    asked, row = one.question, one.row or {}
    return PlannedQuestion(
        name=asked.name,
        ask=asked.ask,
        about=asked.about,
        owner=asked.owner,
        state=words.state(words.QUESTION, one.state.value),
        undecided=one.row is None,
        number=row.get("number", 0),
        decision=row.get("decision") or "",
        decided_by=row.get("decided_by") or "",
    )


def of_case(conn: Conn, case_id: str) -> tuple[QuestionRow, ...]:
    return tuple(question(row) for row in question_store.of_case(conn, case_id))


def one(conn: Conn, number: int) -> QuestionRow | None:
    row = question_store.find(conn, number)
    return question(row) if row else None


def question(row: Row) -> QuestionRow:
    link = Link(f"Case {row['case_number']}", f"/cases/{row['case_id']}", "Case") if row["case_id"] else None
    return QuestionRow(
        number=row["number"],
        ask=row["ask"],
        about=row["about"],
        state=words.state(words.QUESTION, row["state"]),
        asked_by=row["raised_by"],
        team=row["raised_team"],
        due_at=row["due_at"],
        raised_at=row["raised_at"],
        decision=row["decision"] or "",
        decided_by=row["decided_by"] or "",
        in_plan=row["in_plan"] or "",
        case=link,
        undecided=row["state"] == QuestionState.RAISED,
        decided=row["state"] == QuestionState.DECIDED,
    )


def _case_ids(conn: Conn, numbers: Sequence[int]) -> dict[int, str]:
    rows = conn.execute("SELECT number, id FROM case_file WHERE number = ANY(%s) ORDER BY number", (list(numbers),))
    return {row["number"]: row["id"] for row in rows.fetchall()}


def _rule(rule: HiddenRule, ids: dict[int, str]) -> HiddenRuleRow:
    return HiddenRuleRow(
        what=f"{rule.verb.capitalize()} of {words.mode_word(rule.mode).lower()}",
        shape=rule.shape,
        count=rule.count,
        people=rule.people,
        cases=tuple(Link(str(number), f"/cases/{ids[number]}", "Case") for number in rule.cases),
        advice=rule.advice,
        owner=rule.owner,
        last_at=rule.last_at,
    )
