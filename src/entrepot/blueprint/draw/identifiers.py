"""The identifier map: by which of its fields each system knows an object, and so how records are joined."""

from collections.abc import Iterator
from dataclasses import dataclass

from entrepot.blueprint.draw.grid import Column, grid
from entrepot.blueprint.draw.svg import Sheet
from entrepot.blueprint.draw.table import Table
from entrepot.blueprint.draw.words import object_word
from entrepot.blueprint.entries import PARTIES
from entrepot.blueprint.model import Plan
from entrepot.blueprint.owning import IdentifierRule

NOT_JOINED = "–"


@dataclass(frozen=True, slots=True)
class JoinRow:
    object: str
    word: str
    fields: tuple[str, ...]  # one per column; empty: not known there
    financial: bool
    prefixed: bool


def columns(plan: Plan) -> tuple[str, ...]:
    """Systems first, in the plan's order, then what is no system of ours."""
    named = {name for rule in plan.identifiers.values() for name in rule.join}
    systems = [name for name in plan.systems if name in named]
    parties = [party for party in PARTIES if party in named and party not in systems]
    return (*systems, *parties, *sorted(named - set(systems) - set(parties)))


def rows(plan: Plan) -> tuple[JoinRow, ...]:
    shown = columns(plan)
    return tuple(_row(rule, shown) for rule in plan.identifiers.values())


def table(plan: Plan) -> Table:
    heads = ("Object", *columns(plan), "Money is matched by it", "Sandbox ids carry a prefix")
    found = ((r.object, *r.fields, _yes(r.financial), _yes(r.prefixed)) for r in rows(plan))
    return Table("Identifier map", heads, tuple(found))


def drawing(plan: Plan) -> Sheet:
    shown, found = columns(plan), rows(plan)
    sheet = Sheet(
        "identifiers",
        "Identifier map",
        f"{len(found)} objects and the field by which each of {len(shown)} systems and parties knows them.",
    )
    sheet.text(16, 30, "Identifier map", "head")
    words = "by which field each system knows an object" if found else "the plan joins nothing yet"
    sheet.text(16, 50, words, "quiet")
    heads = [Column("Object", 180), *(Column(name, 170) for name in shown), Column("Notes", 230)]
    grid(sheet, 70, heads, [(r.word, *(f or NOT_JOINED for f in r.fields), ", ".join(_notes(r))) for r in found])
    return sheet


def _row(rule: IdentifierRule, shown: tuple[str, ...]) -> JoinRow:
    fields = tuple(rule.join.get(name, "") for name in shown)
    return JoinRow(rule.name, object_word(rule.name), fields, rule.financial, rule.environment_prefix)


def _notes(row: JoinRow) -> Iterator[str]:
    if row.financial:
        yield "money is matched by it"
    if row.prefixed:
        yield "sandbox ids carry a prefix"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
