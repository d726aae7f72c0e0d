"""From the user's files to a plan that can come into force, and from the database back to a plan."""

from collections.abc import Mapping
from pathlib import Path

from entrepot.blueprint.files import examined, read_files
from entrepot.blueprint.finding import Severity, WrongBlueprint
from entrepot.blueprint.lint.facts import NOTHING, Facts
from entrepot.blueprint.load import DEFAULT, of_content
from entrepot.blueprint.model import Plan
from entrepot.change.model import Source, Version


def read_source(path: Path | str | None = None, facts: Facts = NOTHING) -> Source:
    """Read and check a blueprint; without a path, the default one that ships.

    Errors: WrongSetting when it cannot be read, WrongBlueprint with everything found.
    """
    return source_of(read_files(Path(path) if path is not None else DEFAULT), facts)


def source_of(files: Mapping[str, str], facts: Facts = NOTHING) -> Source:
    """As `read_source`, from texts by file name, the first one first."""
    looked = examined(files, facts)
    if looked.plan is None:
        raise WrongBlueprint.of([f for f in looked.findings if f.severity is Severity.ERROR])
    return Source(looked.plan, dict(files), looked.document.data)


def plan_of(version: Version) -> Plan:
    """A plan that was checked when it came into force; today's linter is not asked again.

    Errors: WrongSetting when this Entrepot no longer understands it.
    """
    return of_content(version.content, next(iter(version.files), "entrepot.yaml"))
