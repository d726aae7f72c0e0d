"""The shipped plan as one text, for tests that change a word of it."""

import re
from pathlib import Path

from entrepot.blueprint.files import read_files
from entrepot.blueprint.load import DEFAULT
from entrepot.change.model import Source
from entrepot.change.source import source_of


def whole(path: Path = DEFAULT) -> str:
    """All files behind each other; the list of what is included left out."""
    return "\n".join(
        re.sub(r"^include:\n(?:  - .*\n)+", "", text, flags=re.MULTILINE) for text in read_files(path).values()
    )


def source(text: str) -> Source:
    """A plan that stands in one text, as somebody would apply it."""
    return source_of({"entrepot.yaml": text})
