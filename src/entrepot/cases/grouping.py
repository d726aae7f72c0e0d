"""Which failures share one case: the same cause of many objects is said once, with a count and a list. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases import rules
from entrepot.cases.model import CaseAsked
from entrepot.cases.states import OBJECT

NAME_MAX = 200  # of a group's key in an index; a longer one ends in its digest


def group_of(plan: Plan, asked: CaseAsked) -> str:
    """What the mode groups by. A failure that does not say its seller or its cause stands alone: nothing is guessed."""
    per = plan.failure(asked.mode).one_case_per
    said = {"account": asked.account, "seller": asked.seller, "cause": asked.cause_key}
    return per if said.get(per) else OBJECT


def key_of(plan: Plan, asked: CaseAsked) -> tuple[str, str, str]:
    """The (mode, object, object id) of the case this failure belongs to."""
    match group_of(plan, asked):
        case "account":
            return (asked.mode, "account", asked.account)
        case "seller":
            return (asked.mode, "seller", _short(f"{asked.account}:{asked.seller}"))
        case "cause":
            return (asked.mode, "cause", _short(f"{asked.account}:{asked.cause_key}"))
    return asked.key


def _short(name: str) -> str:
    if len(name) <= NAME_MAX:
        return name
    return f"{name[: NAME_MAX - 33]}~{blake2b(name.encode(), digest_size=16).hexdigest()}"


def about_group(asked: CaseAsked, first: str, members: int, money_minor: int) -> CaseAsked:
    """The words of a group: one of its members by name, how many there are, and their money together."""
    others = " and others" if members > 1 else ""  # how many stands beside: it falls while they heal
    values: Mapping[str, Any] = {**asked.values, "count": members, "object_id": f"{first}{others}"}
    return replace(asked, values=values, money_minor=money_minor)


def title_of(asked: CaseAsked, group: str) -> str:
    """`Unknown word: order:state:ON_ICE`: a group is named by what its members have in common."""
    what = {"account": asked.account, "seller": f"seller {asked.seller}", "cause": asked.cause_key}.get(
        group, f"{rules.said(asked.object)} {asked.name or asked.object_id}"
    )
    return f"{asked.mode.replace('-', ' ').capitalize()}: {what}"
