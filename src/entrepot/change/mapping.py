"""Words between us and a system, by the plan's tables. Pure: a word in, a word out, or why there is none."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from entrepot.blueprint.model import Plan
from entrepot.blueprint.owning import Mapped

MISSING = "mapping-missing"


@dataclass(frozen=True, slots=True)
class Kept:
    """It goes on as it is. `unlisted`: the table that speaks of such words, and not of this one."""

    word: str
    unlisted: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Changed:
    """A table gives another word. `word`: what stands there from now on."""

    word: str
    mapping: str
    was: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The table must know every word, and does not know this one: a person's."""

    mapping: str
    word: str

    @property
    def words(self) -> str:
        return f"“{self.word}” is not in the mapping {self.mapping}; add it there and apply the plan"


Looked = Kept | Changed | Missing


@dataclass(frozen=True, slots=True)
class Use:
    """A word that a mapping changed, on its way into the records."""

    mapping: str
    flow: str
    field: str
    direction: str
    theirs: str
    ours: str
    message_id: str
    object: str
    object_id: str
    effect_key: str = ""


def speaks(table: Mapped) -> bool:
    """An empty table that keeps every word as it is costs nobody a look."""
    return bool(table.values) or table.otherwise == "park"


def tables(plan: Plan, *, flow: str, system: str, direction: str) -> Iterator[Mapped]:
    for table in plan.mappings.values():
        if (table.flow, table.system, table.direction) == (flow, system, direction) and speaks(table):
            yield table


def look_up(plan: Plan, *, flow: str, system: str, direction: str, field: str, word: str) -> Looked:
    """What a word becomes. Several tables of one field: the first that knows it."""
    strict = unlisted = ""
    for table in tables(plan, flow=flow, system=system, direction=direction):
        if table.field != field:
            continue
        found = table.values.get(word)
        if found is not None:
            return Kept(word) if found == word else Changed(found, table.name, word)
        if table.otherwise == "park":
            strict = strict or table.name
        unlisted = unlisted or table.name
    return Missing(strict, word) if strict else Kept(word, unlisted)
