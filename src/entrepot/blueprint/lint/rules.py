"""All families, in the order of their codes."""

from entrepot.blueprint.finding import Findings
from entrepot.blueprint.lint import failures, flows, identifiers, launch, ownership, systems
from entrepot.blueprint.lint.catalogue import CODES
from entrepot.blueprint.lint.look import Look

FAMILIES = (systems, ownership, flows, failures, identifiers, launch)


def lint(look: Look, found: Findings) -> None:
    """Add everything the rules find. A path that is not written is told where it belongs."""
    for family in FAMILIES:
        for flaw in family.check(look):
            if found.full:
                return
            found.add(
                flaw.code, look.document.position(flaw.path), flaw.path, flaw.message, flaw.fix or CODES[flaw.code].fix
            )
