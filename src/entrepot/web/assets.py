"""The console's static files: their names change with their content, so that browsers may keep them for ever."""

import hashlib
from functools import cache
from pathlib import Path

from lucide import lucide_icon
from markupsafe import Markup
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from entrepot.kernel.errors import WrongSetting

STATIC = Path(__file__).parent / "static"
REQUIRED = (
    "vendor/tabler/dist/css/tabler.min.css",
    "vendor/inter/wght.css",
    "vendor/htmx/dist/htmx.min.js",
    "vendor/echarts/dist/echarts.common.min.js",
)
KEEP = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"


class KeptFiles(StaticFiles):
    """Static files; one asked for by version may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = KEEP if b"v=" in scope["query_string"] else REVALIDATE
        return response


def static_files() -> KeptFiles:
    """Errors: WrongSetting when the browser assets were never fetched."""
    missing = [name for name in REQUIRED if not (STATIC / name).is_file()]
    if missing:
        raise WrongSetting(
            f"the console's browser assets are not installed ({missing[0]} is missing): run `make setup`",
            missing=missing,
        )
    return KeptFiles(directory=STATIC)


@cache
def asset(name: str) -> str:
    """The address of one static file, with its content's digest."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


@cache
def icon(name: str, size: int = 18) -> Markup:
    """A Lucide icon, hidden from screen readers: the word beside it says what it means."""
    svg = str(lucide_icon(name, width=size, height=size))
    hidden = svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
    return Markup(hidden)  # noqa: S704  our own icon set, named by our own templates
