"""Which sheets the workbook has, and which part of the plan each of their columns is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from entrepot.blueprint.entries import OWNER, PARTIES, VERBS, Latency, Pattern
from entrepot.blueprint.finding import Path
from entrepot.blueprint.owning import FALLBACKS
from entrepot.blueprint.workshop import kinds
from entrepot.blueprint.workshop.kinds import Kind

HOW_TO = "How to use"
OWNERSHIP = "Ownership"
REMOVE = "remove"
Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """`path`: below the row's entry. `words`: the vocabulary its words come from. `whole`: only of an object, not of its fields."""

    title: str
    path: tuple[str, ...]
    kind: Kind
    width: int = 16
    words: str = ""
    whole: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """`keys`: the columns that say which entry a row is about."""

    name: str
    section: str
    keys: tuple[Column, ...]
    columns: tuple[Column, ...]

    @property
    def all(self) -> tuple[Column, ...]:
        return (*self.keys, *self.columns)


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the plan as a row: its key as texts, where it stands, and what it holds."""

    key: tuple[str, ...]
    path: Path
    entry: Any

    def value(self, column: Column) -> Any:
        found = self.entry
        for part in column.path:
            found = found.get(part) if isinstance(found, dict) else None
        return found


def _rights(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, (name,), kinds.ACTORS, 20, "parties") for name in names)


SHEETS: tuple[Sheet, ...] = (
    Sheet(
        OWNERSHIP,
        "ownership",
        (
            Column("object", (), kinds.WORD, 16),
            Column("field", (), kinds.WORD, 18, hint="empty: the object as a whole; *: every field without a row of its own"),
            Column("where", (), kinds.WHERE, 24),
        ),
        (
            Column("source of truth", ("source_of_truth",), kinds.ACTOR, 16, "parties", whole=True),
            Column("create", ("create",), kinds.ACTORS, 20, "parties", whole=True),
            *_rights("update", "hold", "override", "correct", "request"),
            Column("consume", ("consume",), kinds.ACTORS, 24, "parties", whole=True),
            Column("precedence", ("precedence",), kinds.ACTORS, 18, "parties", hint="highest first; when two may update"),
            Column("combine", ("combine",), kinds.WORD, 12, "combine"),
            Column("exceptions", ("exceptions",), kinds.WORD, 22, "teams", whole=True, hint="the team that sees and decides"),
            Column("fallback", ("fallback",), kinds.TEXT, 18, "fallbacks", whole=True, hint="when the source is silent"),
            Column("holds max", ("holds_max",), kinds.DURATION, 11, whole=True),
            Column("re-assert per day", ("reassert_per_day",), kinds.NUMBER, 12, whole=True),
        ),
    ),
    Sheet(
        "Flows",
        "flows",
        (Column("flow", (), kinds.WORD, 22),),
        (
            Column("object", ("object",), kinds.WORD, 16, "objects"),
            Column("from", ("from",), kinds.ONE_OR_MORE, 20, "ends"),
            Column("to", ("to",), kinds.WORDS, 20, "ends"),
            Column("pattern", ("pattern",), kinds.WORD, 15, "patterns"),
            Column("also", ("also",), kinds.WORD, 15, "patterns", hint="the safety check that heals lost events"),
            Column("latency", ("latency",), kinds.WORD, 22, "latencies"),
            Column("mode", ("mode",), kinds.WORD, 10, "modes"),
            Column("decider", ("decider",), kinds.WORD, 14, "parties"),
            Column("promise", ("deadline", "obligation"), kinds.WORD, 20),
            Column("within", ("deadline", "within"), kinds.DURATION, 16, hint="48h, or 5 working-days with a calendar"),
            Column("starts", ("deadline", "starts"), kinds.WORD, 18),
            Column("calendar", ("deadline", "calendar"), kinds.WORD, 10, "calendars"),
            Column("retry first", ("retry", "first"), kinds.DURATION, 10),
            Column("retry max", ("retry", "max"), kinds.DURATION, 10),
            Column("retry window", ("retry", "window"), kinds.DURATION, 12, hint="ends while a person still has time"),
            Column("max age", ("freshness", "max_age"), kinds.DURATION, 10),
            Column("then", ("freshness", "then"), kinds.WORD, 16, "then"),
            Column("pause owner", ("pause", "owner"), kinds.WORD, 20, "teams"),
            Column("pause max", ("pause", "max"), kinds.DURATION, 10),
            Column("replay", ("replay",), kinds.WORD, 12, "replays"),
            Column("stage", ("stage",), kinds.WORD, 11, "stages"),
            Column("failures", ("failures",), kinds.WORDS, 50, "failures"),
        ),
    ),
    Sheet(
        "Failure modes",
        "failures",
        (Column("failure mode", (), kinds.WORD, 24),),
        (
            Column("flow", ("flow",), kinds.WORD, 20, "flows"),
            Column("kind", ("kind",), kinds.WORD, 10, "kinds"),
            Column("owner", ("owner",), kinds.WORD, 22, "teams"),
            Column("may", ("may",), kinds.WORDS, 26, "verbs", hint="the first one is the button"),
            Column("actions", ("actions",), kinds.WORDS, 26),
            Column("cause", ("cause",), kinds.TEXT, 40),
            Column("effect", ("effect",), kinds.TEXT, 50, hint="what it means for the business"),
            Column("within", ("within",), kinds.DURATION, 9, hint="working time of the owner"),
            Column("recovery", ("recovery",), kinds.LINES, 60),
            Column("escalate", ("escalate",), kinds.STEPS, 28, "heard"),
            Column("corrects", ("corrects",), kinds.WORD, 14, "parties"),
            Column("requests", ("requests",), kinds.WORDS, 20, "parties"),
            Column("alert", ("alert",), kinds.ALERT, 30, "measures"),
            Column("one case per", ("one_case_per",), kinds.WORD, 12, "per"),
            Column("when missed", ("when_missed",), kinds.WORD, 18, "failures"),
        ),
    ),
    Sheet(
        "Open questions",
        "questions",
        (Column("question", (), kinds.WORD, 28),),
        (
            Column("ask", ("ask",), kinds.TEXT, 60),
            Column("about", ("about",), kinds.TEXT, 40),
            Column("owner", ("owner",), kinds.WORD, 24, "teams"),
        ),
    ),
)  # fmt: skip


def vocabulary(data: Data) -> Mapping[str, tuple[str, ...]]:
    """The words cells are checked against, and offered as lists: the plan's own names, and the model's."""
    teams, systems = tuple(data.get("teams") or ()), tuple(data.get("systems") or ())
    return {
        "teams": teams,
        "heard": (OWNER, *teams),
        "ends": (*systems, *PARTIES),
        "flows": (*(data.get("flows") or ()), "any"),
        "failures": tuple(data.get("failures") or ()),
        "objects": tuple(data.get("ownership") or ()),
        "calendars": tuple(data.get("calendars") or ()),
        "parties": PARTIES,
        "patterns": get_args(Pattern),
        "latencies": get_args(Latency),
        "verbs": VERBS,
        "fallbacks": FALLBACKS,
        "modes": ("observe", "advise", "act"),
        "kinds": ("business", "system"),
        "combine": ("all-of", "any-of", "lowest", "highest"),
        "then": ("stop-selling", "hold-last-known"),
        "replays": ("safe", "with-review", "never"),
        "stages": ("hypercare", "stable"),
        "per": ("object", "seller", "account", "cause"),
        "measures": ("open-cases", "money-at-risk", "obligations-at-risk"),
    }


def rows_of(sheet: Sheet, data: Data) -> Iterator[Row]:
    """The plan's entries of one sheet, in the plan's order."""
    for name, entry in (data.get(sheet.section) or {}).items():
        if sheet.name != OWNERSHIP:
            yield Row((name,), (sheet.section, name), entry)
            continue
        yield Row((name, "", ""), (sheet.section, name), entry)
        for field, rules in (entry.get("fields") or {}).items():
            yield from _rules((sheet.section, name, "fields", field), name, field, rules)


def _rules(path: Path, name: str, field: str, rules: Any) -> Iterator[Row]:
    if isinstance(rules, dict):
        yield Row((name, field, kinds.WHERE.render(rules.get("where"))), path, rules)
        return
    for index, rule in enumerate(rules):
        yield Row((name, field, kinds.WHERE.render(rule.get("where"))), (*path, index), rule)
