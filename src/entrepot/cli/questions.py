"""question list, raise, decide, rules: what nobody owns yet, and what people decide again and again without a rule."""

from typing import Literal

from entrepot.cases import hidden, question_store
from entrepot.cases.questions import Planned, planned
from entrepot.cli.cases import DONE, FAILED, As
from entrepot.cli.opening import clean, login_name, opened
from entrepot.cli.output import Cell, Column, Paper, Style, local, paper, say_json
from entrepot.kernel.ctx import Row
from entrepot.kernel.errors import WrongSetting

NUMBER_DIGITS_MAX = 18


def list_(*, state: Literal["raised", "decided", "in-blueprint", ""] = "", json: bool = False) -> int:
    """Ownership questions, those that nobody has decided first; beside them the questions the plan asks itself.

    Parameters
    ----------
    state
        Only questions in this state.
    json
        One JSON document on stdout.
    """
    with opened() as house:
        with house.db.transaction() as conn:
            rows = question_store.listed(conn, state)
            asked = [one for one in planned(conn, house.plan) if state in ("", one.state)]
        now = house.clock.now()
    if json:
        ours = [_planned_document(one) for one in asked]
        say_json({"business_now": now, "questions": [_document(row) for row in rows], "plan_questions": ours})
    else:
        _page(paper(), rows)
        _planned_page(paper(), asked)
    return DONE


def _planned_document(one: Planned) -> dict[str, object]:
    question, row = one.question, one.row or {}
    said = {name: row.get(name) for name in ("number", "decided_by", "decision", "decided_at", "in_plan")}
    return {"name": question.name, "state": one.state.value, "ask": question.ask, "about": question.about, "owner": question.owner, **said}  # fmt: skip


def _planned_page(page: Paper, asked: list[Planned]) -> None:
    if not asked:
        return
    page.line(Cell("Asked by the plan itself", Style.STRONG))
    columns = [Column("Name", keeps=True), Column("State", keeps=True), Column("By", keeps=True), Column("About"),
               Column("Question and decision")]  # fmt: skip
    page.table(columns, (_planned_row(one) for one in asked))


def _planned_row(one: Planned) -> list[str]:
    row = one.row
    words = f"{one.question.ask} → {row['decision']} (question {row['number']})" if row else one.question.ask
    by = str(row["decided_by"]) if row else one.question.owner
    return [one.question.name, one.state.value, by, one.question.about, words]


def _document(row: Row) -> dict[str, object]:
    hidden_names = ("id", "case_id")
    return {name: value for name, value in row.items() if name not in hidden_names}


def _page(page: Paper, rows: list[Row]) -> None:
    if not rows:
        page.line("No question is open: everything has an owner, or nobody has asked.")
        return
    columns = [Column("No.", right=True), Column("State", keeps=True), Column("By", keeps=True), Column("About"),
               Column("Question and decision")]  # fmt: skip
    page.table(columns, ([str(r["number"]), r["state"], _when(r), r["about"], _words(r)] for r in rows))


def _when(row: Row) -> str:
    return f"{row['raised_team']}, due {local(row['due_at'])}" if row["state"] == "raised" else str(row["decided_by"])


def _words(row: Row) -> str:
    case = f" (case {row['case_number']})" if row["case_number"] else ""
    decided = f" → {row['decision']}" if row["decision"] else ""
    return f"{row['ask']}{case}{decided}"


def raise_(
    ask: str,
    /,
    *,
    about: str = "",
    case: str = "",
    account: str = "",
    by: str = "",
    as_team: As = "",
    json: bool = False,
) -> int:
    """Nobody owns this: ask who does. It is told to the commerce architect when nobody decides in five working days.

    Parameters
    ----------
    ask
        The question, in one sentence.
    about
        The object or field it is about, such as offer.price; else what the case is about.
    case
        The case it comes from.
    account
        The account it is about; else the case's.
    by
        Who asks; else the login name.
    as_team
        The team that asks; else the owner of the case, or the commerce architect.
    json
        One JSON document on stdout.
    """
    from entrepot.cases.questions import Asked, raise_question

    asked = Asked(clean(ask), clean(about), clean(case), clean(account))
    with opened() as house:
        verdict = raise_question(house.ctx, house.plan, asked, clean(by) or login_name(), team=clean(as_team))
    return _said(verdict, json=json)


def decide(question: str, /, *, decision: str = "", in_plan: str = "", by: str = "", json: bool = False) -> int:
    """Say who owns it; or, once a plan says so, name that plan and close the question.

    Parameters
    ----------
    question
        Its number, or the name under which the plan asks it.
    decision
        Who owns it, in one sentence: what the plan will say.
    in_plan
        Hash of the plan that holds the decision.
    by
        Who decides; else the login name.
    json
        One JSON document on stdout.
    """
    from entrepot.cases import questions

    decision, in_plan, by = clean(decision), clean(in_plan), clean(by) or login_name()
    if not decision and not in_plan:
        raise WrongSetting("say what is decided (--decision TEXT), or which plan holds it (--in-plan HASH)")
    with opened() as house:
        if clean(question) in house.plan.questions and decision and not in_plan:
            return _said(questions.decide_planned(house.ctx, house.plan, clean(question), by, decision), json=json)
        number = _number(question)
        verdict: questions.Verdict = questions.Answered(number, "")
        if decision:
            verdict = questions.decide(house.ctx, house.plan, number, by, decision)
        if in_plan and isinstance(verdict, questions.Answered):
            verdict = questions.in_plan(house.ctx, house.plan, number, by, in_plan)
    return _said(verdict, json=json)


def _number(text: str) -> int:
    text = clean(text).removeprefix("#")
    if not (text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS_MAX):
        raise WrongSetting(
            f"“{text}” is no question's number, and the plan asks none of that name; `entrepot question list` shows them"
        )
    return int(text)


def _said(verdict: object, *, json: bool) -> int:
    from entrepot.cases.questions import Answered, NotAsked

    assert isinstance(verdict, Answered | NotAsked)
    done = isinstance(verdict, Answered)
    number, words = (verdict.number, verdict.words) if isinstance(verdict, Answered) else (None, verdict.why)
    if json:
        say_json({"done": done, "question": number, "words": words})
    else:
        paper().line(Cell("" if done else "refused:", Style.BAD), words)
    return DONE if done else FAILED


def rules(*, more_than: int = hidden.REPEATED_MORE_THAN, json: bool = False) -> int:
    """Hidden rules: the same repair, or the same reason to suppress, again and again in thirty days.

    Parameters
    ----------
    more_than
        List what was decided for more cases than this.
    json
        One JSON document on stdout.
    """
    with opened() as house:
        now = house.clock.now()
        with house.db.transaction() as conn:
            found = hidden.hidden_rules(conn, now, more_than)
    if json:
        names = ("mode", "verb", "shape", "count", "people", "cases", "last_at", "owner", "advice")
        say_json({"business_now": now, "rules": [{name: getattr(rule, name) for name in names} for rule in found]})
        return DONE
    page = paper()
    if not found:
        page.line(f"Nothing was decided for more than {more_than} cases in the same way.")
    for rule in found:
        page.line(Cell(f"{rule.count} times: {rule.verb} of {rule.mode}", Style.STRONG), f"({rule.shape})")
        page.line(f"by {', '.join(rule.people)}; cases {', '.join(map(str, rule.cases))}", indent=1)
        page.line(rule.advice, indent=1)
    return DONE
