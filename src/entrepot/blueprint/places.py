"""Where the rules of a plan stand in its files: `ownership.yaml:41:7`, from the path that a record carries."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from entrepot.blueprint.files import examined
from entrepot.blueprint.finding import Path as Where
from entrepot.blueprint.tree import Document


@dataclass(frozen=True, slots=True)
class Places:
    """Of one plan. Called with a path such as `ownership.offer.fields.price[0]`; empty where nothing of that name stands."""

    document: Document

    def __call__(self, rule: str) -> str:
        path = path_of(self.document.data, rule)
        if path is None:
            return ""
        at = self.document.position(path)
        return f"{at.file}:{at}" if at.file else str(at)


def places_of(files: Mapping[str, str]) -> Places:
    """Of a plan that stands in these texts."""
    return Places(examined(files).document)


def path_of(data: Any, rule: str) -> Where | None:
    """A rule's path in the plan's data. Names may hold dots: the longest that fits is taken."""
    name, _, index = rule.removesuffix("]").partition("[") if rule.endswith("]") else (rule, "", "")
    path: list[str | int] = []
    while name and isinstance(data, dict):
        key = max((k for k in data if name == k or name.startswith(f"{k}.")), key=len, default=None)
        if key is None:
            return None
        path.append(key)
        data, name = data[key], name[len(key) + 1 :]
    if name or not path or (index not in ("", "0") and not isinstance(data, list)):
        return None  # one rule may stand alone; it is the first
    return (*path, int(index)) if isinstance(data, list) and index else tuple(path)
