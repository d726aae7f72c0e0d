"""Words for people: the cases of a statement, and the rows that keep each difference."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from entrepot.cases.model import CaseAsked
from entrepot.kernel.ctx import Ctx, Row
from entrepot.kernel.money import Money
from entrepot.money.settlement.arithmetic import Balance
from entrepot.money.settlement.causes import Difference
from entrepot.money.settlement.intake import root_of
from entrepot.money.settlement.policy import EXPLANATIONS_SHOWN, Policy
from entrepot.money.settlement.states import VarianceState

VARIANCE_MODE, UNBALANCED_MODE, MISSING_MODE = "settlement-variance", "statement-unbalanced", "statement-missing"

Gone = tuple[str, str, str, str]  # mode, object, object id, because


def name_of(statement: Row) -> str:
    version = f", version {statement['version']}" if statement["version"] > 1 else ""
    return f"statement {statement['external_id']}{version}"


def object_id_of(statement_id: str, cause: str) -> str:
    """What a settlement-variance case is about; decisions.about reads it."""
    return f"{statement_id}:{cause}"


# -- ids and rows of variances -----------------------------------------------------------------------------------------


def imbalance_id(statement: Row) -> str:
    return f"var_{statement['id']}"


def posting_id(journal_id: str, number: int) -> str:
    """A posting that no line lists; one per posting and statement, told apart behind a `~`."""
    return f"var_{journal_id}_{number}"


def id_of(statement: Row, difference: Difference) -> str:
    """Named after what it is about, so that nothing is flagged twice."""
    if difference.line is not None:
        return f"var_{difference.line.id}"
    posting = difference.ours[0]
    return f"{posting_id(posting.journal_id, posting.number)}~{statement['id']}"


def variance_row(ctx: Ctx, statement: Row, difference: Difference, id_: str) -> Row:
    about: Any = difference.line or (difference.ours[0] if difference.ours else None)
    return {
        "id": id_,
        "statement_id": statement["id"],
        "line_id": difference.line.id if difference.line else None,
        "cause": str(difference.cause),
        "owner": difference.owner,
        "seller_id": statement["seller_id"],
        "order_id": about.order_id if about else "",
        "order_line_id": about.order_line_id if about else "",
        "theirs_minor": difference.theirs_minor,
        "ours_minor": difference.ours_minor,
        "amount_minor": difference.amount_minor,
        "currency": difference.currency,
        "explanation": difference.explanation,
        "state": str(VarianceState.OPEN),
        "found_at": ctx.clock.now(),
        "plan_hash": ctx.plan_hash,
    }


# -- cases -------------------------------------------------------------------------------------------------------------


def variance_cases(statement: Row, variances: Sequence[Row], policy: Policy) -> list[CaseAsked]:
    """One case for each cause: thirty-eight lines with another rate are one question, not thirty-eight."""
    by_cause: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in variances:
        by_cause[row["cause"], row["currency"]].append(row)
    cases = []
    for (cause, currency), rows in sorted(by_cause.items()):
        if sum(abs(row["amount_minor"]) for row in rows) >= policy.case_from_minor:
            words = f"{cause.replace('-', ' ')}, {len(rows)} in {name_of(statement)}: {rows[0]['explanation']}"
            cases.append(case(statement, VARIANCE_MODE, object_id_of(statement["id"], cause), words, rows, currency))
    return cases


def imbalance_case(statement: Row, verdict: Balance, row: Row) -> CaseAsked:
    mode = MISSING_MODE if verdict is Balance.NO_LINES else UNBALANCED_MODE
    return case(statement, mode, statement["id"], row["explanation"], [row], statement["currency"])


def case(statement: Row, mode: str, object_id: str, words: str, variances: Sequence[Row], currency: str) -> CaseAsked:
    return CaseAsked(
        mode=mode,
        account=statement["account"],
        object="statement",
        object_id=object_id,
        name=statement["external_id"],
        root=root_of(statement),
        values={"words": words, "statement": statement["external_id"], "seller": statement["seller_id"]},
        money_minor=sum(abs(row["amount_minor"]) for row in variances),
        currency=currency,
        details={
            "statement": statement["external_id"],
            "version": statement["version"],
            "seller": statement["seller_id"],
            "theirs_less_ours": Money(sum(row["amount_minor"] for row in variances), currency).text,
            "explanations": [row["explanation"] for row in variances[:EXPLANATIONS_SHOWN]],
            "lines": len(variances),
        },
        seller=statement["seller_id"],
        cause_key=object_id.partition(":")[2],
    )
