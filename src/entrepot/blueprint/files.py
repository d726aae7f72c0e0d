"""A plan in several files as one text: what the first file includes, in its order, each with sections of its own."""

import re
from collections.abc import Mapping
from pathlib import Path

_INCLUDE = re.compile(r"^include:\n(?:[ ]+- \S+.*\n?|\s*#.*\n)+", re.MULTILINE)
_NAME = re.compile(r"^\s+- (\S+)", re.MULTILINE)


def included(text: str) -> list[str]:
    """The names of the files that a first file's text includes, in order."""
    found = _INCLUDE.search(text)
    return _NAME.findall(found[0]) if found else []


def read_files(path: Path) -> dict[str, str]:
    """A plan's files by name, the first one first. A file without `include` stands alone."""
    first = path.read_text("utf-8")
    return {path.name: first} | {name: (path.parent / name).read_text("utf-8") for name in included(first)}


def one_text(files: Mapping[str, str]) -> str:
    """The plan as one text, comments and all."""
    return "\n".join(_INCLUDE.sub("", text) for text in files.values())


def whole(path: Path) -> str:
    return one_text(read_files(path))
