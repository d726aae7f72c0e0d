"""From the user's file to a plan that can come into force, and from the database back to a plan."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from entrepot.blueprint.load import DEFAULT, loads, of_content
from entrepot.blueprint.model import Plan
from entrepot.blueprint.read import read
from entrepot.change.model import Source, Version
from entrepot.kernel.errors import WrongSetting


def read_source(path: Path | str | None = None) -> Source:
    """Read and check a blueprint; without a path, the default one that ships.

    Errors: WrongSetting when it cannot be read, WrongBlueprint with everything found.
    """
    file = Path(path) if path is not None else DEFAULT
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"the blueprint {file} cannot be read: {error}") from error
    return source_of(text, file.name)


def source_of(text: str, name: str = "entrepot.yaml") -> Source:
    """As `read_source`, from text."""
    plan = loads(text, name)
    content: Mapping[str, Any] = read(text, name).data
    return Source(plan, {name: text}, content)


def plan_of(version: Version) -> Plan:
    """A plan that was checked when it came into force; today's linter is not asked again.

    Errors: WrongSetting when this Entrepot no longer understands it.
    """
    return of_content(version.content, next(iter(version.files), "entrepot.yaml"))
