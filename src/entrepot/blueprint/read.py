"""YAML with positions: plain data, and where in the file each value and each key stands."""

from dataclasses import dataclass
from io import StringIO
from typing import Any

from entrepot.kernel.errors import WrongSetting

FILE_BYTES_MAX = 4_000_000
DEPTH_MAX = 40
NODES_MAX = 200_000  # aliases repeat what they name: a small file can say a great deal

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """One-based, as editors count."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data (dict, list, str, int, float, bool, None) and positions by path."""

    data: Any
    values: dict[Path, Position]
    keys: dict[Path, Position]

    def position(self, path: Path, key: bool = False) -> Position:
        """Where a path stands, or the nearest thing above it that stands anywhere."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Position(1, 1))


def read(text: str, name: str) -> Document:
    """Parse one YAML document. Errors: WrongSetting with the position of what is not YAML or is written twice."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > FILE_BYTES_MAX:
        raise WrongSetting(f"{name}: a blueprint file holds at most {FILE_BYTES_MAX:,} characters; split it")
    try:
        node = YAML(typ="rt").compose(StringIO(text))
        document = Document(None, {}, {})
        return Document(_plain(node, (), document, name), document.values, document.keys)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise WrongSetting(f"{name}:{where} this is not YAML: {error.problem or error.context}") from error
    except YAMLError as error:
        raise WrongSetting(f"{name}:1:1 this is not YAML: {error}") from error


def _plain(node: Any, path: Path, document: Document, name: str) -> Any:
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    if node is None:
        return None
    document.values[path] = Position(node.start_mark.line + 1, node.start_mark.column + 1)
    if len(document.values) > NODES_MAX:
        raise WrongSetting(
            f"{name}:{document.values[path]} more than {NODES_MAX:,} entries, aliases counted as often as they are used"
        )
    if len(path) > DEPTH_MAX:
        raise WrongSetting(f"{name}:{document.values[path]} nested deeper than {DEPTH_MAX} levels")
    if isinstance(node, MappingNode):
        return _mapping(node, path, document, name)
    if isinstance(node, SequenceNode):
        return [_plain(item, (*path, i), document, name) for i, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: Any, path: Path, document: Document, name: str) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key_node, value_node in node.value:
        at = Position(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        key = str(key_node.value)
        if not isinstance(key_node.value, str):
            raise WrongSetting(f"{name}:{at} a key must be a plain word")
        if key in plain:
            raise WrongSetting(f"{name}:{at} “{key}” is written twice; the first is at {document.keys[(*path, key)]}")
        document.keys[(*path, key)] = at
        plain[key] = _plain(value_node, (*path, key), document, name)
    return plain


def _scalar(node: Any) -> Any:
    """Only what a blueprint needs: text, whole numbers, true, false, nothing. The rest stays as it was written."""
    text = str(node.value)
    kind = str(node.tag).rpartition(":")[2]
    if node.style is not None and node.style in "'\"|>":
        return text
    if kind == "bool":
        return text.lower() in ("true", "yes", "on")
    if kind == "null":
        return None
    if kind == "int" and text.lstrip("-+").isdecimal():
        return int(text)
    return text
