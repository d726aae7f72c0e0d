"""Every entry by itself: does it have the keys and values its kind needs? A broken entry hides none of its neighbours."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from entrepot.blueprint.finding import Findings, Path, Position, short
from entrepot.blueprint.model import Plan
from entrepot.blueprint.tree import Document, Node, plain

OURS = ("file", "hash")  # filled in by the loader
SLIPS_PER_ENTRY_MAX = 50


def _kind(annotation: Any) -> type[BaseModel]:
    found: type[BaseModel] = get_args(annotation)[-1] if get_args(annotation) else annotation
    return found


_FIELDS = {key: field for key, field in Plan.model_fields.items() if key not in OURS}
SECTIONS: Mapping[str, type[BaseModel]] = {k: _kind(f.annotation) for k, f in _FIELDS.items() if get_args(f.annotation)}
ALONE: Mapping[str, type[BaseModel]] = {
    k: _kind(f.annotation) for k, f in _FIELDS.items() if not get_args(f.annotation)
}
NEEDED = tuple(key for key, field in _FIELDS.items() if field.is_required())


@dataclass(frozen=True)
class Shaped:
    """The entries that are what they should be. `broken`: names that stand in the plan and could not be read.

    `unknown`: sections of which nobody can tell what stands in them.
    """

    entries: Mapping[str, Any]
    broken: Mapping[str, frozenset[str]]
    unknown: frozenset[str]


def shaped(document: Document, found: Findings) -> Shaped:
    """Validate section by section and entry by entry; everything wrong becomes a finding."""
    root = document.root.mapping or {}
    entries: dict[str, Any] = {}
    broken: dict[str, frozenset[str]] = {}
    unknown = set()
    for key, node in root.items():
        if key in ALONE:
            one = _entry(ALONE[key], None, node, (key,), document, found)
            entries |= {key: one} if one is not None else {}
        elif key not in SECTIONS:
            _unknown_section(key, document, found)
        elif node.mapping is None and node.value is not None:
            unknown.add(key)
            if not node.broken:
                found.add(
                    "E016",
                    node.at,
                    (key,),
                    f"“{short(plain(node))}” should be a group of entries, each with its name",
                    f"write {key}: and the entries below it",
                )
        else:
            entries[key], broken[key] = _section(key, node, document, found)
            unknown |= {key} if node.broken else set()
    for key in NEEDED:
        if key not in root:
            unknown.add(key)  # one word about it is enough
            found.add(
                "E015", document.root.at, (key,), "is missing; a plan needs this section", f"add {key}: and its entries"
            )
    return Shaped({**{key: {} for key in SECTIONS}, **entries}, broken, frozenset(unknown))


def _unknown_section(key: str, document: Document, found: Findings) -> None:
    at = document.key((key,))
    if key in OURS:
        found.add("E023", at, (key,), "is not a section; the loader fills it in", "remove it")
        return
    near = close(key, [*SECTIONS, *ALONE, "include"], found)
    fix = f"did you mean {near}?" if near else f"sections are {', '.join([*SECTIONS, *ALONE])}"
    found.add("E014", at, (key,), "is not a known section", fix)


def _section(key: str, node: Node, document: Document, found: Findings) -> tuple[dict[str, Any], frozenset[str]]:
    good: dict[str, Any] = {}
    bad = set()
    for name, entry in (node.mapping or {}).items():
        read = _entry(SECTIONS[key], name, entry, (key, name), document, found)
        if read is None:
            bad.add(name)
        else:
            good[name] = read
    return good, frozenset(bad)


def _entry(
    model: type[BaseModel], name: str | None, node: Node, path: Path, document: Document, found: Findings
) -> BaseModel | None:
    if node.broken or (any(told.code == "E009" for told in found) and _holds_broken(node)):
        return None
    if node.mapping is None:
        if not found.full:
            found.add(
                "E016", node.at, path, f"“{short(plain(node))}” should be a group of keys", "write its keys below it"
            )
        return None
    data = plain(node)
    own = {}
    if name is not None:
        if "name" in data:
            found.add("E023", node.keys["name"], (*path, "name"), "an entry is named by its key", "remove this line")
        own = {"name": name}
    try:
        return model.model_validate({**data, **own})
    except ValidationError as error:
        for detail in islice(error.errors(include_url=False), SLIPS_PER_ENTRY_MAX):
            if found.full:
                break
            _slip(model, path, detail, document, found)
        return None


def _holds_broken(node: Node) -> bool:
    inside = node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else ()
    return node.broken or any(_holds_broken(child) for child in inside)


def _slip(model: type[BaseModel], entry: Path, detail: ErrorDetails, document: Document, found: Findings) -> None:
    inside = tuple(part for part in detail["loc"] if part != "[key]")
    kind = detail["type"]
    path = (*entry, *_standing(document, entry, inside))
    if kind == "extra_forbidden":
        known = _known_keys(model, inside[:-1])
        near = close(str(inside[-1]), known, found)
        fix = f"did you mean {near}?" if near else f"known are {', '.join(known)}"
        found.add("E014", document.key(path), path, "is not a known key", fix)
    elif kind == "missing":
        found.add(
            "E015", document.position(path), path, "is missing; every entry of this kind needs it", f"add {path[-1]}:"
        )
    else:
        message, fix = _said(detail)
        if not any(told.position == _value_at(document, path) and told.code == "E016" for told in found[-3:]):
            found.add("E016", _value_at(document, path), path, message, fix)


def _value_at(document: Document, path: Path) -> Position:
    node = document.node(path)
    return node.at if node is not None and node.mapping is None else document.position(path)


def _standing(document: Document, entry: Path, inside: Path) -> Path:
    """The part of a location that stands in the file: validators put steps of their own in between."""
    path: Path = ()
    for part in inside[:-1]:
        if document.node((*entry, *path, part)) is not None:
            path = (*path, part)
    last = inside[-1:]
    if (
        last
        and document.node((*entry, *path, *last)) is None
        and (not isinstance(last[0], str) or not re.fullmatch(r"[a-z_]+", last[0]))
    ):
        return path
    return (*path, *last)


def _said(detail: ErrorDetails) -> tuple[str, str]:
    """What is wrong, and what to write instead, in people's words."""
    got, context = short(detail.get("input")), detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            message = re.sub("^Value error, ", "", detail["msg"])
            wrong, _, fix = message.partition(": write ")
            return (wrong, f"write {fix}") if fix else (message, "write what this key takes")
        case "literal_error" | "enum":
            return f"“{got}” is not known here", f"write one of {context.get('expected', '')}"
        case "too_short" | "string_too_short":
            return "is empty", "write at least one entry"
        case "model_type" | "dict_type" | "mapping_type":
            return f"“{got}” should be a group of keys", "write its keys below it"
        case "tuple_type" | "list_type":
            return f"“{got}” should be a list", f"write [{got}]"
        case _:
            return f"“{got}”: {detail['msg'][:1].lower()}{detail['msg'][1:]}", "write a value of that kind"


def close(word: str, known: "list[str] | tuple[str, ...]", found: Findings | None = None) -> str:
    """The known word that comes nearest; nothing when none does."""
    if found is not None and len(found) > 200:  # comparing is slow, and nobody reads so many hints
        return ""
    return next(iter(get_close_matches(word[:60], known, n=1)), "")


def _known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """Which keys may stand at a path inside an entry."""
    found = _model_at(model, path)
    keys = sorted((field.alias or key) for key, field in found.model_fields.items()) if found else []
    return [key for key in keys if key not in ("name", *OURS)]


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    current: Any = model
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = next((f for k, f in current.model_fields.items() if (f.alias or k) == part), None)
            current = field.annotation if field else None
        else:
            current = (
                next(_models(current), None) if not isinstance(part, str) else next(iter(get_args(current)[-1:]), None)
            )
        current = next(_models(current), current)
    return next(_models(current), None)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside an annotation: `X | None`, `tuple[X, ...]`, `Annotated[X, …]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, tuple):
        for inside in get_args(annotation):
            yield from _models(inside)
