"""The ownership matrix: who may do what to which object, and to each of its fields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from entrepot.blueprint.draw.grid import Column, Marks, grid
from entrepot.blueprint.draw.svg import Sheet, width_of
from entrepot.blueprint.draw.table import Table
from entrepot.blueprint.draw.words import fallback_word, listed, object_word, party_word, plain, span_word
from entrepot.blueprint.entries import PARTIES
from entrepot.blueprint.model import Plan
from entrepot.blueprint.owning import EVERY_FIELD, OBJECTS, FieldRule, ObjectRule

RIGHTS: Mapping[str, str] = {
    "create": "C",
    "update": "U",
    "hold": "H",
    "override": "O",
    "correct": "K",
    "request": "R",
    "consume": "S",
}
MEANING: Mapping[str, str] = {
    "create": "brings it into being",
    "update": "owns the value",
    "hold": "makes it not sellable, value untouched",
    "override": "lays another value over it, with an end",
    "correct": "corrects bad data",
    "request": "may only ask for a correction",
    "consume": "sees it",
}
CHANNELS: Mapping[str, str] = {
    "feed": "what a feed brings",
    "api": "what our API is asked",
    "console": "what a person enters here",
    "observed": "what others write at the other side",
}
UNDECIDED = "nobody yet"


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One field rule as people read it. `path`: where it stands in the plan."""

    field: str
    where: str
    rights: Mapping[str, tuple[str, ...]]
    between: str  # what decides between two who may update
    path: str


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One object with the rights each party has on it or on any field of it."""

    name: str
    word: str
    about: str
    rule: ObjectRule | None  # none: the plan does not say who owns it
    rights: Mapping[str, tuple[str, ...]]  # by party


def objects(plan: Plan) -> tuple[ObjectRow, ...]:
    """What must be owned, whether the plan says so or not; then what else the plan owns."""
    names = [*OBJECTS, *(name for name in plan.ownership if name not in OBJECTS)]
    return tuple(_object(plan, name) for name in names)


def object_row(plan: Plan, name: str) -> ObjectRow | None:
    return next((row for row in objects(plan) if row.name == name), None)


def parties(plan: Plan) -> tuple[str, ...]:
    """Those that have any right, in the plan's usual order."""
    named = {party for row in objects(plan) for party in row.rights}
    return tuple(party for party in PARTIES if party in named)


def field_rules(rule: ObjectRule) -> tuple[RuleRow, ...]:
    """Every rule of every field, in the order in which they are tried."""
    return tuple(
        _rule_row(rule, field, at, found) for field, rules in rule.fields.items() for at, found in enumerate(rules)
    )


def facts(rule: ObjectRule) -> tuple[tuple[str, str], ...]:
    """What holds for the whole object, as pairs to read."""
    found = [
        ("Source of truth", party_word(rule.source_of_truth) if rule.source_of_truth else UNDECIDED),
        ("Brought into being by", listed([party_word(a) for a in rule.create], UNDECIDED)),
        ("Seen by", listed([party_word(a) for a in rule.consume], "nobody")),
        ("Exceptions go to", plain(rule.exceptions) if rule.exceptions else UNDECIDED),
        ("When the source is silent", fallback_word(rule.fallback)),
        ("Refused before it counts", _checked(rule, "before")),
        ("Noticed afterwards, held and asked for", _checked(rule, "after")),
        ("Our value is put back", f"{rule.reassert_per_day} times a day at most, then it is a case"),
    ]
    if rule.holds_max:
        found.append(("A hold lasts", f"{span_word(rule.holds_max)} at most"))
    if rule.overrides:
        percent = rule.overrides.second_person_above_percent
        found.append(
            ("An override lasts", f"{span_word(rule.overrides.max)} at most; above {percent} % a second person")
        )
    return tuple(found)


def _checked(rule: ObjectRule, when: str) -> str:
    return listed([CHANNELS[channel] for channel, held in rule.enforcement if held == when], "nothing")


def table(plan: Plan) -> Table:
    """Objects and their fields, one row each; a cell names the rights of one party in words."""
    shown = parties(plan)
    columns = ("Object", "Field", "Where", "Source of truth", *shown, "Between two updaters", "Exceptions", "Place")
    return Table("Ownership matrix", columns, tuple(_table_rows(plan, shown)))


def drawing(plan: Plan) -> Sheet:
    rows, shown = objects(plan), parties(plan)
    undecided = sum(1 for row in rows if row.rule is None)
    sheet = Sheet(
        "ownership",
        "Ownership matrix",
        f"{len(rows)} objects and {len(shown)} parties; {undecided} objects have no owner yet. The same is in the table below it.",
    )
    sheet.text(16, 30, "Ownership matrix", "head")
    legend = [f"{RIGHTS[right]} {right}: {MEANING[right]}" for right in RIGHTS]
    sheet.text(16, 50, " · ".join(legend[:4]), "quiet")
    sheet.text(16, 68, " · ".join(legend[4:]), "quiet")
    width = {party: _width(party, rows) for party in shown}
    columns = [
        Column("Object", 190),
        Column("Source of truth", 150),
        *(Column(party_word(party), width[party]) for party in shown),
        Column("Exceptions go to", 190),
    ]
    grid(sheet, 86, columns, [_drawn(row, shown) for row in rows])
    sheet.width = max(sheet.width, 900)
    return sheet


def _width(party: str, rows: tuple[ObjectRow, ...]) -> int:
    """Room for the party's name and for as many marks as it has on any object."""
    marks = max((len(row.rights.get(party, ())) for row in rows), default=0)
    return max(22 * marks + 16, int(width_of(party_word(party), 12)) + 22)


def _drawn(row: ObjectRow, shown: tuple[str, ...]) -> list[str | Marks]:
    source = row.rule.source_of_truth if row.rule else None
    letters = [Marks(tuple(RIGHTS[right] for right in row.rights.get(party, ()))) for party in shown]
    return [
        row.word,
        party_word(source) if source else UNDECIDED,
        *letters,
        plain(row.rule.exceptions) if row.rule and row.rule.exceptions else UNDECIDED,
    ]


def _object(plan: Plan, name: str) -> ObjectRow:
    rule = plan.ownership.get(name)
    return ObjectRow(name, object_word(name), OBJECTS.get(name, ""), rule, _rights(rule) if rule else {})


def _rights(rule: ObjectRule) -> dict[str, tuple[str, ...]]:
    """By party; several systems of one party count as one."""
    held: dict[str, set[str]] = {}
    for right, actors in _held(rule):
        for actor in actors:
            held.setdefault(actor.partition("@")[0], set()).add(right)
    return {party: tuple(right for right in RIGHTS if right in rights) for party, rights in sorted(held.items())}


def _held(rule: ObjectRule) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "create", rule.create
    yield "consume", rule.consume
    for rules in rule.fields.values():
        for found in rules:
            yield from _field_rights(found).items()


def _field_rights(rule: FieldRule) -> dict[str, tuple[str, ...]]:
    rights = {
        "update": rule.update,
        "hold": rule.hold,
        "override": rule.override,
        "correct": rule.correct,
        "request": rule.request,
    }
    return {right: actors for right, actors in rights.items() if actors}


def _rule_row(rule: ObjectRule, field: str, at: int, found: FieldRule) -> RuleRow:
    between = ""
    if found.precedence:
        between = " before ".join(party_word(actor) for actor in found.precedence)
    elif found.combine:
        between = {"all-of": "all of them", "any-of": "any of them"}.get(found.combine, f"the {found.combine}")
    return RuleRow(
        field="every other field" if field == EVERY_FIELD else field,
        where=listed([f"{plain(name).lower()} {value}" for name, value in found.where.named.items()], ""),
        rights=_field_rights(found),
        between=between,
        path=f"ownership.{rule.name}.fields.{field}[{at}]",
    )


def _table_rows(plan: Plan, shown: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for row in objects(plan):
        if row.rule is None:
            yield (row.name, "", "", UNDECIDED, *("" for _ in shown), "", UNDECIDED, "")
            continue
        source, exceptions = row.rule.source_of_truth or UNDECIDED, row.rule.exceptions or UNDECIDED
        whole = {
            party: " ".join(r for r in rights if r in ("create", "consume")) for party, rights in row.rights.items()
        }
        cells = (whole.get(party, "") for party in shown)
        yield (row.name, "the whole", "", source, *cells, "", exceptions, f"ownership.{row.name}")
        for found in field_rules(row.rule):
            cells = (_rights_of(found, party) for party in shown)
            yield (row.name, found.field, found.where, source, *cells, found.between, exceptions, found.path)


def _rights_of(rule: RuleRow, party: str) -> str:
    """`update, correct`; an actor at one system is named with it."""
    said = []
    for right, actors in rule.rights.items():
        at = [actor.partition("@")[2] for actor in actors if actor.partition("@")[0] == party]
        if at:
            named = listed([system for system in at if system], "")
            said.append(f"{right} ({named})" if named else right)
    return ", ".join(said)
