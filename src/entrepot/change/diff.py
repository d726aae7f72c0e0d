"""What differs between two plans, by path, in the plan's own words. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from entrepot.blueprint.load import SECTIONS
from entrepot.blueprint.model import Plan

Path = tuple[str, ...]
NOT_SAID = object()
SECRET_WORDS = ("key", "secret", "password", "token")


@dataclass(frozen=True, slots=True)
class Difference:
    """One path whose word is another. Nothing said before or after: None. `same_meaning`: 60m for 1h changes nothing."""

    path: Path
    before: Any
    after: Any
    added: bool = False
    removed: bool = False
    same_meaning: bool = False

    @property
    def dotted(self) -> str:
        return ".".join(self.path)

    @property
    def section(self) -> str:
        return self.path[0]

    @property
    def entry(self) -> str:
        """Which entry of its section: the flow, the team, the mapping."""
        return self.path[1] if len(self.path) > 1 else ""

    @property
    def words(self) -> str:
        if self.added:
            return f"+ {self.dotted}: {said(self.after)}"
        if self.removed:
            return f"- {self.dotted}: {said(self.before)}"
        return f"~ {self.dotted}: {said(self.before)} → {said(self.after)}"


def said(value: Any) -> str:
    """A value as one would write it in one line."""
    match value:
        case None:
            return "(nothing)"
        case bool():
            return "true" if value else "false"
        case Mapping():
            return "{" + ", ".join(f"{key}: {said(one)}" for key, one in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(said(one) for one in value) + "]"
        case _:
            return str(value)


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], plans: tuple[Plan, Plan] | None = None
) -> list[Difference]:
    """Every path that differs, section by section, by name: a database keeps no order of keys.

    `plans`: both as typed, so that what is only spelt otherwise is told from what changes, and what is not said shows its
    default.
    """
    found = sorted(_walk(before, after, ()), key=lambda one: (_place(one.section), one.path))
    return [_weighed(one, *plans) for one in found] if plans else found


def _place(section: str) -> int:
    return list(SECTIONS).index(section) if section in SECTIONS else len(SECTIONS)


def _walk(before: Mapping[str, Any], after: Mapping[str, Any], path: Path) -> Iterator[Difference]:
    for key in [*after, *(key for key in before if key not in after)]:
        here = (*path, str(key))
        old, new = before.get(key, NOT_SAID), after.get(key, NOT_SAID)
        if old is NOT_SAID:
            yield Difference(here, None, new, added=True)
        elif new is NOT_SAID:
            yield Difference(here, old, None, removed=True)
        elif isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _walk(old, new, here)
        elif old != new:
            yield Difference(here, old, new)


def _weighed(one: Difference, before: Plan, after: Plan) -> Difference:
    """With what is not said filled in by its default, and marked when both mean the same."""
    old, new = typed(before, one.path), typed(after, one.path)
    same = old is not NOT_SAID and new is not NOT_SAID and old == new
    plain_old = one.before if not one.added else _default(old)
    plain_new = one.after if not one.removed else _default(new)
    if one.added and plain_old is not None:
        return Difference(one.path, plain_old, one.after, same_meaning=same)
    if one.removed and plain_new is not None:
        return Difference(one.path, one.before, plain_new, same_meaning=same)
    return Difference(one.path, one.before, one.after, one.added, one.removed, same)


def _default(value: Any) -> Any:
    """A default one would write down: a word or a number; a whole entry is not."""
    return value if isinstance(value, str | int | bool) else None


def typed(plan: Plan, path: Path) -> Any:
    """The typed value at a path of the content, NOT_SAID when there is none."""
    here: Any = plan
    for part in path:
        if isinstance(here, BaseModel):
            fields = type(here).model_fields
            name = next((key for key, field in fields.items() if (field.alias or key) == part), None)
            if name is None:
                return NOT_SAID
            here = getattr(here, name)
        elif isinstance(here, Mapping) and part in here:
            here = here[part]
        else:
            return NOT_SAID
    return here
