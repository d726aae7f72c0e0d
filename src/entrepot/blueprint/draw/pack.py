"""All drawings of a plan as files: each as SVG, Markdown and CSV, and one page that leads to them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from entrepot.blueprint.draw import architecture, cards, identifiers, ownership, risks, route
from entrepot.blueprint.draw.risks import Seen
from entrepot.blueprint.draw.svg import Sheet
from entrepot.blueprint.draw.table import Table, in_markdown, to_csv, to_markdown
from entrepot.blueprint.draw.words import NO_DATA
from entrepot.blueprint.model import Plan

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Part:
    """One subject. `path`: without an ending, relative to the folder. `more`: tables the page shows besides."""

    path: str
    title: str
    lead: str
    sheet: Sheet
    table: Table
    more: tuple[Table, ...] = ()


def files(plan: Plan, seen: Seen | None = None) -> dict[str, str]:
    """Path → content, the index last. The same plan and experience make the same bytes.

    Errors: CannotDraw, DrawingTooLong.
    """
    parts = list(_parts(plan, seen))
    made: dict[str, str] = {}
    for part in parts:
        made[f"{part.path}.svg"] = part.sheet.as_a_file()
        made[f"{part.path}.md"] = _page(part)
        made[f"{part.path}.csv"] = to_csv(part.table)
    made["index.md"] = _index(plan, parts, seen)
    return made


def _parts(plan: Plan, seen: Seen | None) -> Iterator[Part]:
    items, register = route.route(plan), risks.register(plan, seen)
    yield Part("architecture", "Architecture map", "Systems by party, and every flow between them with its pattern, its latency and its owner.",
               architecture.architecture(plan), architecture.table(plan), (architecture.systems_table(plan),))  # fmt: skip
    yield Part("route", "Route map", "In which order the plan is built and proved: a thin vertical slice, realistic exceptions, release and rollback.",
               route.drawing(items), route.table(items))  # fmt: skip
    yield Part("risks", "Risk register", f"Every failure mode with how often it comes, what it costs, whose it is and what holds it: {_since(seen)}.",
               risks.drawing(register, seen), risks.table(register, seen))  # fmt: skip
    yield Part("ownership", "Ownership matrix", "Who may create, update, hold, override, correct, only ask for, and see each object and each of its fields.",
               ownership.drawing(plan), ownership.table(plan))  # fmt: skip
    yield Part("identifiers", "Identifier map", "By which of its fields each system knows an object.",
               identifiers.drawing(plan), identifiers.table(plan))  # fmt: skip
    names: set[str] = set()
    for system in plan.systems:
        card = cards.card(plan, system)
        yield Part(f"systems/{_file_name(system, names)}", f"When {system} does not answer", _shop(card), cards.drawing(card), cards.table(card))  # fmt: skip


def _since(seen: Seen | None) -> str:
    return f"as seen in the last {seen.days} days" if seen else NO_DATA


def _shop(card: cards.Card) -> str:
    goes_on = ", ".join(card.continues) or "what it does not need this system for"
    return f"The storefront goes on with: {goes_on}. It stops: {', '.join(card.stops) or 'nothing'}."


def _file_name(system: str, taken: set[str]) -> str:
    """A name any file system takes; two systems never share one."""
    base = _UNSAFE.sub("-", system).strip(".-") or "system"
    name, number = base, 1
    while name.lower() in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name.lower())
    return name


def _page(part: Part) -> str:
    file = part.path.rpartition("/")[2]
    lines = [f"# {in_markdown(part.title)}", "", in_markdown(part.lead), "", f"![{in_markdown(part.title)}]({file}.svg)", "", f"[as CSV]({file}.csv)", ""]  # fmt: skip
    lines += to_markdown(part.table)
    for table in part.more:
        lines += ["", f"## {in_markdown(table.title)}", "", *to_markdown(table)]
    return "\n".join(lines) + "\n"


def _index(plan: Plan, parts: list[Part], seen: Seen | None) -> str:
    lines = ["# What the plan says, drawn", "", f"Plan `{plan.hash}` ({plan.environment}). Figures of failures: {_since(seen)}.", ""]  # fmt: skip
    lines += ["| subject | page | drawing | table |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {in_markdown(p.title)} | [read]({p.path}.md) | [SVG]({p.path}.svg) | [CSV]({p.path}.csv) |" for p in parts
    ]
    return "\n".join(lines) + "\n"
