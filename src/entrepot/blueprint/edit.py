"""Change values of a plan where they stand: everything else, comments, order and layout, stays as it was, to the byte.

Positions come from the YAML parser; the text between them is replaced. What was asked for is read back: a text that does not then
say exactly that is not returned.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

from entrepot.blueprint.files import document_of
from entrepot.blueprint.finding import Path
from entrepot.kernel.errors import WrongSetting


class _Gone:
    def __repr__(self) -> str:
        return "GONE"


GONE: Final = _Gone()  # as a value: take the entry away
Changes = Mapping[Path, Any]

_INDENT = 2
_PLAIN = re.compile(r"[^\W_][\w./()%+'’–—…;“” -]*", re.UNICODE)
_OTHER_THAN_TEXT = re.compile(r"[-+]?[\d_]+|0[xob]\w+|true|false|yes|no|on|off|null|y|n|~", re.IGNORECASE)
LINE_MAX = 140


@dataclass(frozen=True, slots=True)
class _Splice:
    start: int
    end: int
    text: str


def patched(text: str, changes: Changes, name: str = "entrepot.yaml") -> str:
    """The text with these paths set. Shape: a path that is not there yet is added at the end of what holds it.

    Errors: WrongSetting when it cannot be changed in place (an anchor that several places share, a list without that index).
    """
    wanted = changed_data(document_of(text, name).data, changes)
    left = sorted(changes, key=_order)
    while left:
        text, left = _round(text, left, changes, name)
    if document_of(text, name).data != wanted:
        raise WrongSetting(f"{name} cannot be changed in place: it repeats a part by an anchor; write that part out")
    return text


def patched_files(files: Mapping[str, str], changes: Changes) -> dict[str, str]:
    """Each change in the file that holds its entry, or its section; in the first file when none does."""
    by_file: dict[str, dict[Path, Any]] = {}
    for path, value in changes.items():
        by_file.setdefault(_home(path, files), {})[path] = value
    return {name: patched(text, by_file[name], name) if name in by_file else text for name, text in files.items()}


def _home(path: Path, files: Mapping[str, str]) -> str:
    """Reads no more than it must: a section stands in one file, unless it was spread over several."""
    section = re.compile(rf"""^["']?{re.escape(str(path[0]))}["']?\s*:""", re.MULTILINE)
    able = [name for name, text in files.items() if section.search(text)]
    if len(able) > 1:
        data = {name: document_of(files[name], name).data for name in able}
        able = [name for name in able if _at(data[name], path[:2]) is not GONE] or able
    return able[0] if able else next(iter(files))


def changed_data(data: Any, changes: Changes) -> Any:
    """Plain data with the same changes, for comparison; the given one stays as it is."""
    new = json.loads(json.dumps(data)) if data is not None else {}
    for path in sorted(changes, key=_order):
        holder = new
        for part in path[:-1]:
            holder = holder.setdefault(part, {}) if isinstance(holder, dict) else holder[part]
        if changes[path] is GONE:
            del holder[path[-1]]
        else:
            holder[path[-1]] = json.loads(json.dumps(changes[path]))
    return new


def _order(path: Path) -> tuple[str, ...]:
    return tuple(f"{part:06}" if isinstance(part, int) else str(part) for part in path)


def _at(data: Any, path: Path) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return GONE
    return data


# --- one change ----------------------------------------------------------------------------------------------------


def _round(text: str, paths: Sequence[Path], changes: Changes, name: str) -> tuple[str, list[Path]]:
    """Everything that one reading of the text allows, and what must wait for the next: one key more or less per group and round."""
    from ruamel.yaml import YAML

    root = YAML(typ="rt").compose(StringIO(text))
    splices: list[_Splice] = []
    grown: set[int] = set()
    later = []
    for path in paths:
        steps = list(_walk(root, path))
        whole = len(steps) == len(path)
        holder = steps[-1][2] if whole else steps[-1][1] if steps else root
        moves = not whole or changes[path] is GONE
        splice = _splice(text, steps, holder, path, changes[path], name)
        if (moves and id(holder) in grown) or any(s.start < splice.end and splice.start < s.end for s in splices):
            later.append(path)
            continue
        if moves:
            grown.add(id(holder))
        splices.append(splice)
    for splice in sorted(splices, key=lambda s: s.start, reverse=True):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text, later


def _splice(text: str, steps: "Sequence[Step]", holder: Any, path: Path, value: Any, name: str) -> _Splice:
    if value is GONE:
        return _removed(text, steps, path, name)
    if len(steps) == len(path):
        return _replaced(text, steps[-1], value)
    return _added(text, holder, path[len(steps) :], value, name)


Step = tuple[Any, Any, Any]  # the key's node (None in a list), the value's node, what holds both


def _walk(node: Any, path: Path) -> Iterator[Step]:
    """The nodes along a path, as far as it is there."""
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    for part in path:
        if isinstance(node, MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                return
            yield found[0], found[1], node
            node = found[1]
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            yield None, node.value[part], node
            node = node.value[part]
        else:
            return


def _replaced(text: str, step: Step, value: Any) -> _Splice:
    """A value over lines is written over lines again."""
    key, node, _ = step
    if key is None or not _is_block(node):
        return _Splice(node.start_mark.index, _end(text, node), flow(value))
    start = key.end_mark.index + 1  # behind the colon
    return _Splice(
        start, _end(text, node), _entry_value(value, key.start_mark.column, over_lines=isinstance(value, list))
    )


def _added(text: str, holder: Any, rest: Path, value: Any, name: str) -> _Splice:
    from ruamel.yaml.nodes import MappingNode

    for part in reversed(rest[1:]):
        value = {part: value}
    if not isinstance(holder, MappingNode):
        raise WrongSetting(f"{name}: “{rest[0]}” cannot be added: what should hold it is no group of keys")
    key = scalar(str(rest[0]))
    if holder.flow_style or not holder.value:
        end = holder.end_mark.index - 1
        lead = ", " if holder.value else ""
        at = _end(text, holder.value[-1][1]) if holder.value else end
        return _Splice(at, end if not holder.value else at, f"{lead}{key}: {flow(value)}")
    column = holder.value[0][0].start_mark.column
    at = _line_end(text, _end(text, holder.value[-1][1]))
    return _Splice(at, at, f"\n{' ' * column}{key}:{_entry_value(value, column)}")


def _removed(text: str, steps: Sequence[Step], path: Path, name: str) -> _Splice:
    if len(steps) != len(path) or steps[-1][0] is None:
        raise WrongSetting(f"{name}: “{path[-1]}” cannot be taken away: there is no such key")
    key, node, holder = steps[-1]
    start, end = key.start_mark.index, _end(text, node)
    if holder.flow_style:
        after = re.compile(r"\s*,\s*").match(text, end)
        before = re.compile(r",\s*$").search(text[:start])
        if after:
            return _Splice(start, after.end(), "")
        return _Splice(before.start() if before else start, end, "")
    if len(holder.value) == 1:  # nothing would be left: the group stays, empty
        return _Splice(start, end, "{}")
    return _Splice(text.rfind("\n", 0, start) + 1, _line_end(text, end) + 1, "")


# --- where a node ends ---------------------------------------------------------------------------------------------


def _is_block(node: Any) -> bool:
    """A group or list written over lines, or a text of several lines."""
    from ruamel.yaml.nodes import ScalarNode

    if isinstance(node, ScalarNode):
        return node.style in ("|", ">")
    return not node.flow_style


def _end(text: str, node: Any) -> int:
    """Behind the last sign of a node; a block's own mark lies behind the comments that follow it."""
    from ruamel.yaml.nodes import MappingNode, ScalarNode

    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        return _lines_end(text, node.start_mark.index)
    if isinstance(node, ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(text, last[1] if isinstance(node, MappingNode) else last)


def _lines_end(text: str, start: int) -> int:
    """The end of a text over lines: of its last line that is indented as the first."""
    end, indent = _line_end(text, start), 0
    for found in re.finditer(r"\n( *)(\S?)[^\n]*", text[end:]):
        indent = indent or (len(found[1]) if found[2] else 0)
        if found[2] and len(found[1]) < indent:
            break
        if found[2]:
            last = found.end()
    return end + (last if indent else 0)


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return found if found >= 0 else len(text)


# --- values as text ------------------------------------------------------------------------------------------------


def _entry_value(value: Any, column: int, over_lines: bool = False) -> str:
    """What follows `key:`: on its line when it is short, else over lines below it."""
    line = f" {flow(value)}"
    short = len(line) + column <= LINE_MAX and not _texts(value) if isinstance(value, list | dict) else True
    if not value or (short and not over_lines):
        return line
    lead = "\n" + " " * (column + _INDENT)
    if isinstance(value, dict):
        return "".join(f"{lead}{scalar(str(key))}:{_entry_value(one, column + _INDENT)}" for key, one in value.items())
    return "".join(f"{lead}- {flow(one)}" for one in value)


def _texts(value: Any) -> bool:
    """A list of sentences, or a group with one in it, reads better over lines."""
    parts = value.values() if isinstance(value, dict) else value
    return any(
        (isinstance(one, str) and one.count(" ") >= 3) or (isinstance(one, list | dict) and _texts(one))
        for one in parts
    )


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(key))}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(flow(one) for one in value)}]"
    return scalar(value)


def scalar(value: Any) -> str:
    """A plain word where YAML reads it back as the same text, else in quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    plain = _PLAIN.fullmatch(text) and text == text.strip() and not _OTHER_THAN_TEXT.fullmatch(text)
    return text if plain else json.dumps(text, ensure_ascii=False)
