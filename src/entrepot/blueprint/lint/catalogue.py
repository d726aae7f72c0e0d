"""Every code there is, by its name, and its page."""

from collections.abc import Mapping

from entrepot.blueprint.lint.code import Code
from entrepot.blueprint.lint.pages import failures, flows, identifiers, launch, ownership, reading, systems

PAGES = (reading, systems, ownership, flows, failures, identifiers, launch)
CODES: Mapping[str, Code] = {code.code: code for page in PAGES for code in page.CODES}
FAMILIES: Mapping[str, str] = {page.CODES[0].code[1]: page.FAMILY for page in PAGES}


def page(code: Code) -> list[str]:
    """A code's page as Markdown, without its heading."""
    needs = {
        "connectors": " It needs the connectors' manifests.",
        "flows": " It needs to know which flows this version runs.",
    }
    return [
        f"A {code.severity}. {code.why}{needs.get(code.knowing, '')}"
        if code.severity != "error"
        else f"An error. {code.why}{needs.get(code.knowing, '')}",
        "",
        "This fails:",
        "",
        *_fenced(code.fails),
        "",
        "This passes:",
        "",
        *_fenced(code.passes),
        "",
        f"**Fix:** {code.fix}.",
    ]


def _fenced(sample: str) -> list[str]:
    return ["```yaml", *sample.strip("\n").split("\n"), "```"]
