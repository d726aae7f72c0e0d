"""A plan in several files as one text: what the first file includes, in its order, each with sections of its own."""

import re
from pathlib import Path

_INCLUDE = re.compile(r"^include:\n(?:[ ]+- \S+.*\n?|\s*#.*\n)+", re.MULTILINE)
_NAME = re.compile(r"^\s+- (\S+)", re.MULTILINE)


def included(text: str) -> list[str]:
    """The names of the files that a first file's text includes, in order."""
    found = _INCLUDE.search(text)
    return _NAME.findall(found[0]) if found else []


def whole(path: Path) -> str:
    """The plan as one text, comments and all. A file without `include` is its own whole."""
    text = path.read_text("utf-8")
    parts = [(path.parent / name).read_text("utf-8") for name in included(text)]
    return "\n".join([_INCLUDE.sub("", text), *parts])
