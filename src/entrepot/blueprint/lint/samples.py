"""Laying a code's sample over the base plan: mappings are joined, everything else is replaced, a key with nothing behind it is taken away.

Lines that say what YAML cannot: `# file: NAME` begins another file of the sample, `# saved as: CODEC` names its encoding,
and `# again: N` repeats the line before it.
"""

import re
from importlib.resources import files
from pathlib import Path

from entrepot.blueprint.gather import MAIN, gather, gather_text
from entrepot.blueprint.lint.facts import NOTHING, Facts
from entrepot.blueprint.load import Examined, judged
from entrepot.blueprint.parse import Budget
from entrepot.blueprint.tree import Document, Node

BASE = "base.yaml"
_FILE = re.compile(r"^# file: (\S+)\n", re.MULTILINE)
_CODEC = re.compile(r"^# saved as: (\S+)\n", re.MULTILINE)
_AGAIN = re.compile(r"^(.*\n)# again: (\d+)\n", re.MULTILINE)


def base_text() -> str:
    return files("entrepot.blueprint.lint").joinpath(BASE).read_text("utf-8")


def written(sample: str, folder: Path) -> None:
    """Put a sample's files on the disk."""
    first, *others = _FILE.split(sample.lstrip("\n"))
    pairs = [(MAIN, first), *zip(others[::2], others[1::2], strict=True)]
    for name, text in pairs:
        codec = _CODEC.search(text)
        whole = _AGAIN.sub(lambda again: again[1] * int(again[2]), _CODEC.sub("", text))
        if name != MAIN or whole.strip() or len(pairs) == 1:
            (folder / name).write_bytes(whole.encode(codec[1] if codec else "utf-8"))


def sampled(sample: str, folder: Path, facts: Facts = NOTHING, runs: frozenset[str] | None = None) -> Examined:
    """What the linter says of the base plan with a sample laid over it; `folder` is empty and may be written to."""
    written(sample, folder)
    budget, under = Budget(), Budget()
    over = gather(folder, budget)
    base = gather_text(base_text(), BASE, under)
    assert not under.found
    if over.document.root.mapping:  # else nothing of it could be read, and nothing is laid over anything
        over = type(over)(over.name, Document(laid(base.document.root, over.document.root)), over.files)
    return judged(over, budget, facts, runs)


def laid(base: Node, over: Node) -> Node:
    """One tree over the other; the positions of what is laid over are those of its file."""
    if base.mapping is None or over.mapping is None:
        return over
    pairs, keys = dict(base.mapping), dict(base.keys)
    for name, child in over.mapping.items():
        if child.value is None and not child.broken:
            pairs.pop(name, None)
            continue
        pairs[name], keys[name] = laid(pairs[name], child) if name in pairs else child, over.keys[name]
    return Node(pairs, over.at, keys, base.weight + over.weight, over.broken)
