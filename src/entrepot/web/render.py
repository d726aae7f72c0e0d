"""Pages and fragments: one address answers both a browser that wants the page and htmx that wants one region of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from entrepot.blueprint.draw import words as draw_words
from entrepot.kernel.money import Money
from entrepot.web import format as show
from entrepot.web import words
from entrepot.web.assets import asset, icon
from entrepot.web.guard import CSRF_COOKIE, FormToken
from entrepot.web.views import LINES_COUNTED_MAX

TEMPLATES = Path(__file__).parent / "templates"
THEMES = ("light", "dark")
ZONE_COOKIE, THEME_COOKIE, NOTICE_COOKIE = "entrepot_zone", "entrepot_theme", "entrepot_notice"
TEAM_COOKIE = "entrepot_team"
DEFAULT_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the page, and how."""

    name: str
    visit: str  # the cookie the form token is bound to
    is_new: bool
    zone: ZoneInfo
    zone_is_chosen: bool
    theme: str  # light, dark, or empty: as the system
    notice: str
    team: str = ""  # he decides for; empty: the local operator, who may all there is


class Renderer:
    """Turns views into HTML."""

    def __init__(self, token: FormToken, environment: str, teams: Sequence[str] = (), *, sells: bool = False) -> None:
        self._token = token
        self._teams = tuple(teams)
        self._sells = sells
        self._environment = environment
        self._jinja = jinja()

    def page(
        self,
        request: Request,
        template: str,
        view: Mapping[str, Any],
        *,
        now: datetime,
        fragments: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> HTMLResponse:
        """Render the page, or the fragment whose element htmx names as its target."""
        visitor: Visitor = request.state.visitor
        wanted = (fragments or {}).get(target_of(request))
        html = self._jinja.get_template(wanted or template).render(
            **{"teams": self._teams, **view},  # a form may name them its own way
            now=now,
            visitor=visitor,
            environment=self._environment,
            csrf=self._token.of(visitor.visit),
            path=request.url.path,
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            sells=self._sells,
            open_cases=None if wanted else request.state.open_cases(),
        )
        response = HTMLResponse(html, status_code=status)
        response.headers["cache-control"] = "no-store"
        response.headers["vary"] = "HX-Request, HX-Target"
        if visitor.is_new:
            response.set_cookie(CSRF_COOKIE, visitor.visit, httponly=True, samesite="strict", path="/")
        if visitor.notice and not wanted:
            response.delete_cookie(NOTICE_COOKIE, path="/")
        return response


def target_of(request: Request) -> str:
    """The id of the element htmx will fill; empty for a whole page.  htmx 4 sends `tag#id`."""
    if request.headers.get("hx-request") != "true" or "hx-history-restore-request" in request.headers:
        return ""
    return request.headers.get("hx-target", "").partition("#")[2]


@cache
def jinja() -> Environment:
    """The one template environment of a process: its compiled templates are shared."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(asset=asset, icon=icon, lines_counted_max=LINES_COUNTED_MAX)
    environment.filters.update(
        money=money,
        moneys=moneys,
        when=when,
        day=day,
        left=left,
        span=show.span,
        iso=show.iso,
        utc=show.utc,
        given=lambda params: {name: value for name, value in params.items() if value},
        urgency=urgency,
        query=query,
        path=lambda text: quote(str(text), safe=""),
        money_text=show.money_text,
        percent=show.percent,
        count=show.count,
        field=words.offer_field,
        sentence=words.sentence,
        team=words.plain,
        mode_word=words.mode_word,
        flow_word=words.flow_word,
        party=draw_words.party_word,
        span_word=draw_words.span_word,
        pattern=draw_words.pattern_word,
    )
    return environment


def money(value: Money) -> Markup:
    """Right-aligned digits and the currency, always both."""
    sign = " is-negative" if value.minor < 0 else ""
    return Markup('<span class="money{}">{}<span class="ccy">{}</span></span>').format(
        sign, show.amount(value), f"{show.NBSP}{value.currency}"
    )


def moneys(values: tuple[Money, ...]) -> Markup:
    return Markup(" · ").join(money(value) for value in values)


@pass_context
def when(context: Context, at: datetime) -> Markup:
    """A time in the reader's zone; the UTC it is stored as is one hover away."""
    text = show.clock_time(at, context["visitor"].zone, context["now"])
    return Markup('<time datetime="{}" title="{}">{}</time>').format(show.iso(at), show.utc(at), text)


@pass_context
def day(context: Context, at: datetime) -> str:
    return show.day(at, context["visitor"].zone)


@pass_context
def left(context: Context, due: datetime) -> str:
    return show.left(due, context["now"])


@pass_context
def urgency(context: Context, due: datetime, opened: datetime) -> tuple[str, str]:
    word, tone = show.urgency(due, context["now"], opened)
    return word, tone.value


def query(params: Mapping[str, str]) -> Markup:
    """A query string with its question mark, empty for no parameters."""
    text = urlencode(params)
    return escape(f"?{text}") if text else Markup("")
