"""From a file to a Plan: read with positions, check every part.

A wrong file is refused with `entrepot.yaml:41:7 where: what is wrong, what to write instead`, one line per finding.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from entrepot.blueprint.checks import check
from entrepot.blueprint.model import Plan
from entrepot.blueprint.read import Document, Position, read
from entrepot.blueprint.read import Path as Where
from entrepot.kernel.errors import WrongSetting

DEFAULT = Path(__file__).parent / "default" / "entrepot.yaml"
SECTIONS = (
    "systems", "accounts", "sellers", "teams", "calendars", "identifiers", "ownership", "mappings", "flows", "failures", "questions",
)  # fmt: skip
HASH_DIGITS = 16
FINDINGS_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a blueprint, where it stands, and what to write instead."""

    file: str
    position: Position
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.position} {self.path}: {self.message}"


class WrongBlueprint(WrongSetting):
    """A blueprint the hub will not run by; `fields["findings"]` holds everything found, in the order of the file."""

    code = "wrong-blueprint"


def load(path: Path | str | None = None) -> Plan:
    """Read a blueprint; without a path, the default one that ships.

    Errors: WrongSetting when it cannot be read, WrongBlueprint with everything found.
    """
    file = Path(path) if path is not None else DEFAULT
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"the blueprint {file} cannot be read: {error}") from error
    return loads(text, file.name)


def loads(text: str, name: str = "entrepot.yaml") -> Plan:
    """As `load`, from text."""
    document = read(text, name)
    data = document.data
    if not isinstance(data, dict):
        raise _wrong([Finding(name, Position(1, 1), "blueprint", f"must hold the sections {', '.join(SECTIONS)}")])
    named = [Finding(name, document.position(path, key=True), _dotted(path), why) for path, why in _own_names(data)]
    try:
        plan = Plan.model_validate({**_with_names(data), "file": name, "hash": content_hash(data)})
    except ValidationError as error:
        raise _wrong(named + [_finding(document, name, detail) for detail in error.errors(include_url=False)]) from None
    broken = [Finding(name, document.position(flaw.path), _dotted(flaw.path), flaw.message) for flaw in check(plan)]
    if named or broken:
        raise _wrong(named + broken)
    return plan


def of_content(data: Mapping[str, Any], name: str = "entrepot.yaml") -> Plan:
    """A plan from content that was checked before, such as one that was in force: its shape is read, nothing is linted.

    Errors: WrongSetting when this version does not understand the content.
    """
    try:
        return Plan.model_validate({**_with_names(data), "file": name, "hash": content_hash(data)})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = _dotted(tuple(first["loc"]))
        raise WrongSetting(f"{name} was written for another version: {where}: {_message(first)}") from error


def content_hash(data: Any) -> str:
    """Of the content alone: order of keys, comments and layout do not count."""
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:HASH_DIGITS]


def _wrong(findings: list[Finding]) -> WrongBlueprint:
    ordered = sorted(findings, key=lambda f: (f.position.line, f.position.column))
    shown = "\n".join(str(f) for f in ordered[:FINDINGS_SHOWN_MAX])
    more = len(ordered) - FINDINGS_SHOWN_MAX
    return WrongBlueprint(shown + (f"\n… and {more} more" if more > 0 else ""), findings=ordered)


def _with_names(data: Mapping[str, Any]) -> dict[str, Any]:
    """Every entry of every section learns its own name."""
    named: dict[str, Any] = {k: v for k, v in data.items() if k not in ("file", "hash")}
    for section in SECTIONS:
        entries = data.get(section)
        if isinstance(entries, dict):
            named[section] = {k: {**v, "name": k} if isinstance(v, dict) else v for k, v in entries.items()}
    return named


def _own_names(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """Keys that the loader fills in by itself and nobody may write."""
    for key in ("file", "hash"):
        if key in data:
            yield (key,), "is not a section; remove it"
    for section in SECTIONS:
        entries = data.get(section)
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and "name" in entry:
                yield (section, name, "name"), "an entry is named by its key; remove this line"


def _finding(document: Document, name: str, detail: ErrorDetails) -> Finding:
    path: Where = tuple(part for part in detail["loc"] if part != "[key]")
    kind = detail["type"]
    if kind == "extra_forbidden":
        return Finding(name, document.position(path, key=True), _dotted(path), f"is not a known key{_instead(path)}")
    at = document.position(path, key=kind == "missing")
    return Finding(name, at, _dotted(path), _message(detail))


def _message(detail: ErrorDetails) -> str:
    """What is wrong and what to write instead, in people's words."""
    got, context = detail.get("input"), detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return "is missing; every entry of this kind needs it"
        case "value_error":
            return re.sub("^Value error, ", "", detail["msg"])
        case "literal_error" | "enum":
            return f"“{got}” is not known here; write one of {context.get('expected', '')}"
        case "too_short" | "string_too_short":
            return "is empty; write at least one entry"
        case "model_type" | "dict_type" | "mapping_type":
            return f"“{_short(got)}” should be a group of keys"
        case "tuple_type" | "list_type":
            return f"“{_short(got)}” should be a list: write [{_short(got)}]"
        case _:
            return f"“{_short(got)}”: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _instead(path: Where) -> str:
    """The known key that comes nearest to an unknown one, and all keys when none does."""
    model = _model_at(path[:-1])
    known = sorted((field.alias or key) for key, field in model.model_fields.items()) if model else []
    known = [key for key in known if key not in ("name", "file", "hash")]
    near = difflib.get_close_matches(str(path[-1]), known, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; known are {', '.join(known)}" if known else ""


def _model_at(path: Where) -> type[BaseModel] | None:
    """Which part of the model describes what stands at a path."""
    current: Any = Plan
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = next((f for k, f in current.model_fields.items() if (f.alias or k) == part), None)
            current = field.annotation if field else None
        else:
            current = next(iter(get_args(current)[-1:]), None)
        if get_origin(current) in (Union, UnionType):
            current = next((a for a in get_args(current) if isinstance(a, type) and issubclass(a, BaseModel)), None)
    if get_origin(current) is tuple:
        current = get_args(current)[0]
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _dotted(path: Where) -> str:
    return ".".join(str(part) for part in path) or "blueprint"
