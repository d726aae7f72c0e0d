"""The shipped plan as one text, for tests that change a word of it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from entrepot.blueprint.files import read_files
from entrepot.blueprint.load import DEFAULT, load
from entrepot.blueprint.model import Plan
from entrepot.change.model import Source
from entrepot.change.source import source_of
from entrepot.proof.plans import write_plan
from entrepot.proof.world import Model


def whole(path: Path = DEFAULT) -> str:
    """All files behind each other; the list of what is included left out."""
    return "\n".join(
        re.sub(r"^include:\n(?:  - .*\n)+", "", text, flags=re.MULTILINE) for text in read_files(path).values()
    )


def changed_plan(model: Model, folder: Path, changes: Mapping[str, Sequence[tuple[str, str]]]) -> Plan:
    """A shipped plan with words changed in some of its files, read as a person's own."""
    first = write_plan(model, folder)
    for name, pairs in changes.items():
        text = (folder / name).read_text("utf-8")
        for old, new in pairs:
            assert old in text, f"{name} has no “{old}”"
            text = text.replace(old, new, 1)
        (folder / name).write_text(text, "utf-8")
    return load(first)


def source(text: str) -> Source:
    """A plan that stands in one text, as somebody would apply it."""
    return source_of({"entrepot.yaml": text})
