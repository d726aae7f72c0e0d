"""Repairs of JSON, exact to the digit: a patch of operations (RFC 6902), or the fields to change (merge patch, RFC 7396)."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any

import jsonpatch
import jsonpointer
import msgspec

from entrepot.kernel.errors import WrongSetting

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
PATCH_BYTES_MAX = 1_000_000
OPERATIONS_MAX = 1_000
VALUED, FROM = frozenset({"add", "replace", "test"}), frozenset({"move", "copy"})
OPERATIONS = frozenset({"remove"}) | VALUED | FROM
EXAMPLE = '{"currency": "EUR"} or [{"op": "replace", "path": "/currency", "value": "EUR"}]'

Patch = Mapping[str, Any] | Sequence[Mapping[str, Any]]  # an object is a merge patch, a list is RFC 6902


class PatchRefused(WrongSetting):
    """A patch that cannot be laid over this content; every operation that fails is named with its pointer."""

    code = "patch-refused"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems), problems=tuple(problems))
        self.problems = tuple(problems)


def merged(target: Any, patch: Any) -> Any:
    """The target with the patch laid over: null removes a key, an object goes deeper, everything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def applied(target: Any, patch: Patch) -> Any:
    """The target with either kind of patch laid over it; the target stays as it was. Errors: PatchRefused, all at once."""
    if isinstance(patch, Mapping):
        return merged(target, patch)
    problems = malformed(patch)
    if problems:
        raise PatchRefused(problems)
    result = deepcopy(target)
    for number, operation in enumerate(patch, 1):
        try:
            result = _step(result, operation)
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, KeyError) as error:
            problems.append(f"{_place(number, operation)}: {_words(result, operation, error)}")
    if problems:
        raise PatchRefused(problems)
    return result


def _step(document: Any, operation: Mapping[str, Any]) -> Any:
    """One operation, in place. `test` is ours: to Python, true is 1; to JSON it is not."""
    if operation["op"] == "test":
        found = jsonpointer.resolve_pointer(document, operation["path"])
        if not same(found, operation["value"]):
            raise jsonpatch.JsonPatchTestFailed(f"there stands {_shown(found)}, not {_shown(operation['value'])}")
        return document
    return jsonpatch.JsonPatch([dict(operation)]).apply(document, in_place=True)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: numbers by value, true is not 1, the order of an object's keys does not count."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _shown(value: Any) -> str:
    text = encode(value).decode()
    return text if len(text) <= 60 else f"{text[:59]}…"


def _place(number: int, operation: Any) -> str:
    if not isinstance(operation, Mapping):
        return f"operation {number}"
    return f"operation {number} ({operation.get('op', '?')} {operation.get('path', '?')})"


def _words(document: Any, operation: Mapping[str, Any], error: Exception) -> str:
    """In our own words: the library's would quote the content."""
    if isinstance(error, jsonpatch.JsonPatchTestFailed):
        return str(error)
    if operation["path"] == "" and operation["op"] == "remove":
        return "the whole content cannot be removed; suppress the case instead"
    at = operation["path"]
    if operation["op"] in FROM and not _there(document, operation["from"]):
        at = operation["from"]
    return f"the content has no {at}"


def _there(document: Any, pointer: str) -> bool:
    try:
        jsonpointer.resolve_pointer(document, pointer)
    except jsonpointer.JsonPointerException:
        return False
    return True


def malformed(patch: Sequence[Any]) -> list[str]:
    """What is wrong with a list of operations before it meets any content."""
    if len(patch) > OPERATIONS_MAX:
        return [f"a repair holds at most {OPERATIONS_MAX:,} operations"]
    problems = [problem for number, operation in enumerate(patch, 1) for problem in _malformed(number, operation)]
    return problems if patch else ["the list of operations is empty"]


def _malformed(number: int, operation: Any) -> list[str]:
    place = _place(number, operation)
    if not isinstance(operation, Mapping):
        return [f'{place}: an operation is an object such as {{"op": "remove", "path": "/note"}}']
    op, problems = operation.get("op"), []
    if op not in OPERATIONS:
        problems.append(f"{place}: “{op}” is not one of {', '.join(sorted(OPERATIONS))}")
    if op in VALUED and "value" not in operation:
        problems.append(f"{place}: {op} needs a value")
    for name in ("path", "from") if op in FROM else ("path",):
        if why := _no_pointer(operation.get(name)):
            problems.append(f"{place}: {name} {why}")
    return problems


def _no_pointer(text: Any) -> str:
    if not isinstance(text, str):
        return "is missing: write a JSON pointer such as /order_lines/0/price"
    if text and not text.startswith("/"):
        return f"“{text}” does not begin with /"
    return f"“{text}” has a ~ that is neither ~0 nor ~1" if re.search(r"~(?![01])", text) else ""


def shape_of(patch: Patch) -> str:
    """What a repair does, without its values and without the places in lists: the same shape again is the same rule."""
    if isinstance(patch, Mapping):
        steps = [f"{'remove' if value is None else 'set'} {path}" for path, value in _leaves("", patch)]
    else:
        steps = [_shape(operation) for operation in patch if operation.get("op") != "test"]
    return "; ".join(sorted(set(steps)))


def _shape(operation: Mapping[str, Any]) -> str:
    op, path = str(operation.get("op")), _general(str(operation.get("path")))
    return f"{op} {_general(str(operation.get('from')))} to {path}" if op in FROM else f"{_said(op)} {path}"


def _said(op: str) -> str:
    return "set" if op in VALUED else op


def _general(path: str) -> str:
    return re.sub(r"/(\d+|-)(?=/|$)", "/*", path)


def _leaves(above: str, patch: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in patch.items():
        path = f"{above}/{key.replace('~', '~0').replace('/', '~1')}"
        found += _leaves(path, value) if isinstance(value, Mapping) and value else [(path, value)]
    return found


def decode(body: bytes) -> Any:
    """JSON as plain data with exact numbers; None when it is no JSON."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def encode(value: Any) -> bytes:
    return _ENCODER.encode(value)


def parse_patch(text: str) -> Patch:
    """A patch as a person wrote it. Errors: WrongSetting; a list with all its mistakes at once."""
    if len(text) > PATCH_BYTES_MAX:
        raise WrongSetting(f"a repair holds at most {PATCH_BYTES_MAX:,} characters")
    value = decode(text.encode())
    if isinstance(value, list):
        if problems := malformed(value):
            raise PatchRefused(problems)
        return value
    if not isinstance(value, dict):
        raise WrongSetting(f"a repair is a JSON object with the fields to change, or a list of operations: {EXAMPLE}")
    return value
