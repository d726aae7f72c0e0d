"""The reference pages, written from what they describe: `python -m entrepot.cli.docs docs`.

A test writes them anew and compares: what is public and not in them, or in them and gone, fails.
"""

import argparse
import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from inspect import getdoc, getsource
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import msgspec
from cyclopts import App
from fastapi import FastAPI
from fastapi.routing import APIRoute

from entrepot.blueprint.entries import PARTIES
from entrepot.blueprint.lint.catalogue import CODES, FAMILIES
from entrepot.blueprint.lint.catalogue import page as code_page
from entrepot.blueprint.lint.samples import base_text
from entrepot.blueprint.load import load
from entrepot.blueprint.model import FailureMode, Plan
from entrepot.blueprint.templates import FIRST, files_of
from entrepot.bulk.arrival import keeping
from entrepot.cli import plan_page
from entrepot.cli.main import app
from entrepot.flows.checkout_check import CheckoutBody
from entrepot.flows.order_creation import BasketBody
from entrepot.kernel.clock import SystemClock
from entrepot.kernel.ctx import Ctx
from entrepot.process import Settings
from entrepot.trade.stock.events import PriceTold, StockTold
from entrepot.web import doors, feeds_door

FLAGS = ("--help", "-h", "--version")

EXIT_CODES = {
    0: "done",
    1: "it did not work; the line on stderr says why",
    2: "a wrong option, setting, file or version; one line says which",
    3: "something was found that is wrong (`doctor`, checks)",
    4: "the database, or the installation, cannot be reached now",
    5: "refused: the blueprint does not allow this verb, pause or replay here",
}

SETTINGS = {
    "database_url": "Address of a PostgreSQL (15 or newer) somebody else runs. Empty: our own server is started.",
    "home": "Folder of our own server and of everything else that is kept. Root: the system's state folder; others: the user's.",
    "cluster": "Name of our own server in that folder.",
    "blueprint": "The blueprint file. None: the one that ships.",
    "host": "Where the console and the webhook doors listen; this machine only, for there is no login yet.",
    "port": "The port of the console and the webhook doors.",
    "workers": "How many worker processes are started.",
    "urgent_threads": "Threads of each worker for what cannot wait: deciding, charging, acknowledging.",
    "normal_threads": "Threads of each worker for everything else that is small.",
    "bulk_threads": "Threads of each worker for files.",
    "lease_s": "Seconds after which the queue of a worker that was killed or frozen is taken over.",
    "send_width": "How many outgoing actions of one account are sent side by side.",
    "log_level": "How much is logged: DEBUG, INFO, WARNING, ERROR.",
}


# --- commands ------------------------------------------------------------------------------------------------------


def commands(parent: App, chain: Sequence[str] = ("entrepot",)) -> Iterator[tuple[tuple[str, ...], App]]:
    """Every command with its words, groups before what is in them."""
    for name in sorted(name for name in parent if name not in FLAGS):
        child, words = parent[name], (*chain, name)
        yield words, child
        yield from commands(child, words)


def cli_page() -> str:
    lines = ["# Commands", "", app.help, "", *_common(), ""]
    for words, command in commands(app):
        lines += [f"{'#' * len(words)} {' '.join(words)}", "", command.help, ""]
        if command.default_command is not None:
            lines += [*_usage(command), ""]
    lines += [
        "## Exit codes",
        "",
        *table(("code", "meaning"), ((str(c), words) for c, words in EXIT_CODES.items())),
        "",
    ]
    lines += [
        "## Settings",
        "",
        "Environment variables. What the references of a blueprint name (`env:NAME`) comes on top.",
        "",
    ]
    lines += table(("variable", "default", "meaning"), _settings())
    return _page(lines)


def _common() -> list[str]:
    return [
        "Commands that read or decide talk to `ENTREPOT_DATABASE_URL`; else to the demo that runs on this machine; else to"
        " our own server when it runs. They start none: with nothing to talk to they end with exit code 4.",
        "",
        "`--json` prints one document on stdout: times in UTC, money as an amount with its currency. What is said beside"
        " the answer goes to stderr. Decisions need `--reason`; `--dry-run` shows what one would do.",
    ]


def _usage(command: App) -> list[str]:
    rows = []
    for argument in command.assemble_argument_collection(default_parameter=app.default_parameter, parse_docstring=True):
        default = argument.field_info.default
        shown = (
            "required"
            if argument.required
            else ""
            if default in (None, "", False) or _empty(default)
            else f"`{default}`"
        )
        rows.append((f"`{argument.name}`{_values(argument)}", shown, argument.parameter.help or ""))
    return table(("option", "default", "meaning"), rows) if rows else ["No options."]


def _empty(default: object) -> bool:
    return getattr(default, "__name__", "") == "_empty"


def _values(argument: Any) -> str:
    """The words an option takes, when they are few."""
    words = [word for word in argument.get_choices() or () if word]
    return f" {' / '.join(words)}" if words else ""


def _settings() -> Iterator[tuple[str, str, str]]:
    for name, described in Settings.model_fields.items():
        default = "" if described.default in (None, "") else f"`{described.default}`"
        yield f"`ENTREPOT_{name.upper()}`", default, SETTINGS[name]


# --- failure modes -------------------------------------------------------------------------------------------------


def failure_page() -> str:
    """Every failure mode of the blueprint that ships; it is also the runbook."""
    return _failures("Failure modes", load(), "of the blueprint that ships")


def selling_failure_page() -> str:
    """Every failure mode of the plan `entrepot init --model syndication` writes."""
    with TemporaryDirectory() as folder:
        for name, text in files_of("syndication").items():
            (Path(folder) / name).write_text(text, "utf-8")
        plan = load(Path(folder) / FIRST)
    return _failures(
        "Failure modes where you are the seller", plan, "of the plan `entrepot init --model syndication` writes"
    )


def _failures(title: str, plan: Plan, whose: str) -> str:
    lines = [f"# {title}", "", *_failure_intro(whose), ""]
    modes = sorted(plan.failures.values(), key=lambda mode: (mode.flow == "any", mode.flow, mode.name))
    rows = ((f"[{m.name}](#{m.name})", m.flow, m.kind, m.owner, _hours(m.within)) for m in modes)
    lines += table(("mode", "flow", "kind", "owner", "decided within"), rows)
    for mode in modes:
        lines += ["", f"## {mode.name}", "", *_failure(plan, mode)]
    return _page(lines)


def _failure_intro(whose: str) -> list[str]:
    return [
        f"What may go wrong, whose it is, and what to do: the failure modes {whose}. A failure opens a"
        " case of its mode; the same failure again is counted on it. Times are working time of the owner. Names in braces"
        " are filled in when a case is opened.",
        "",
        "A business case is a refusal or a disagreement; a system case is a fault of a machine. They never share a list.",
    ]


def _failure(plan: Plan, mode: FailureMode) -> list[str]:
    owner = plan.team(mode.owner)
    heard = [f"{share} % {team}" for share, team in plan.steps(mode.name)]
    heard.append(f"100 % {owner.escalates_to or owner.name}")
    facts: dict[str, str] = {
        "What it means": mode.effect,
        "Why": mode.cause,
        "Owner": f"{owner.name} ({owner.hours.text}); a {mode.kind} case of flow {mode.flow}",
        "Who corrects it": _parties(mode),
        "Decided within": _hours(mode.within),
        "Verbs": ", ".join(mode.may),
        "Other actions": ", ".join(mode.actions),
        "Who hears of it, by time used up": ", ".join(heard),
        "When its promise is broken": f"it goes on as [{mode.when_missed}](#{mode.when_missed})"
        if mode.when_missed
        else "",
    }
    lines = [f"- **{name}:** {words}" for name, words in facts.items() if words]
    return [*lines, "", *(f"{number}. {step}" for number, step in enumerate(mode.recovery, 1))]


def _hours(time: timedelta) -> str:
    return f"{time.total_seconds() / 3600:g} h"


def _parties(mode: FailureMode) -> str:
    asked = f"{' and '.join(mode.requests)} may ask for it" if mode.requests else ""
    return "; ".join(part for part in (mode.corrects or "", asked) if part)


# --- the linter ----------------------------------------------------------------------------------------------------


def linter_page() -> str:
    """Every code of `entrepot check`."""
    lines = ["# What the linter says", "", *_linter_intro(), ""]
    rows = ((f"[{c.code}](#{c.code.lower()})", str(c.severity), c.title) for c in CODES.values())
    lines += table(("code", "severity", "title"), rows)
    for family, title in FAMILIES.items():
        lines += ["", f"## {title}"]
        for code in (code for code in CODES.values() if code.code[1] == family):
            lines += ["", f"### {code.code}", "", f"**{code.title}.**", "", *code_page(code)]
    lines += [
        "",
        "## The base plan",
        "",
        "What the samples are laid over.",
        "",
        "```yaml",
        *base_text().rstrip().split("\n"),
        "```",
    ]
    return _page(lines)


def _linter_intro() -> list[str]:
    return [
        "`entrepot check` reads a plan as a compiler reads a program: one line per finding, with file, line, column, a stable"
        " code, the place in the plan, what is wrong and how to mend it. `entrepot check --explain E304` prints one section of"
        " this page. Codes are never used again for something else.",
        "",
        "An **error** (E) stops a start, a **warning** (W) works and will hurt, a **note** (N) is only said. The first digit"
        " is the family. `--json` prints one document; the exit code is 3 when there is an error.",
        "",
        "Samples are laid over the small plan at the end of this page: groups of keys are joined, everything else is replaced,"
        " and a key with nothing behind it takes the base plan's away. `# <--` marks the line at which the finding stands.",
    ]


# --- API -----------------------------------------------------------------------------------------------------------

BODIES: Mapping[str, Sequence[type[msgspec.Struct]]] = {
    "/api/v1/checkout/check": [CheckoutBody],
    "/api/v1/baskets": [BasketBody],
    doors.EVENTS: [StockTold, PriceTold],
}
WEBHOOKS = (
    "POST",
    "/hooks/{system}",
    "A webhook of one of our systems: verified, kept whole, answered with the id of its envelope. What it says is read by the drain, within a second or two.",
)
FEED_KEY = "`Authorization: Bearer` with the `key` of one of the plan's feeds: that seller's, or one for every seller of the account."
AUTHENTICATION = {
    "/hooks/{system}": "A signature of the system's webhook secret (Standard Webhooks).",
    doors.EVENTS: "A signature of the system's webhook secret (Standard Webhooks); a system whose stock and prices are facts: the back office.",
    "/api/v1/checkout/check": "`Authorization: Bearer` with the storefront's key.",
    "/api/v1/baskets": "`Authorization: Bearer` with the storefront's key, and an `Idempotency-Key`.",
    **dict.fromkeys((path.replace(":path", "") for path in (feeds_door.FEEDS, feeds_door.FEED)), FEED_KEY),
}


def api_page() -> str:
    lines = ["# API", "", *_api_intro(), ""]
    for method, path, words in routes():
        lines += [f"## {method} {path}", "", words, ""]
        lines += [AUTHENTICATION.get(path, "Open to everybody who can reach the port."), ""]
        if path in BODIES:
            lines += [line for body in BODIES[path] for line in (*_body(body), "")]
    lines += ["## Problems", "", "`type` is stable; `detail` is for people and may change.", ""]
    return _page([*lines, *table(("status", "type", "detail"), problems())])


def _api_intro() -> list[str]:
    return [
        "The doors machines knock at. The description for programs is at `/api/v1/openapi.json`. Bodies are JSON of at most"
        f" {doors.BODY_MAX // 1024 // 1024} MB, sellers' files of at most {keeping.size_words(keeping.FILE_MAX)}; amounts"
        " are whole minor units beside an ISO 4217 code; times are RFC 3339 with an offset. A 2xx is said after the commit;"
        " a 503 with `Retry-After` means that nothing was kept.",
    ]


def web() -> FastAPI:
    """The doors as the web process makes them. While routes are made nothing is asked of the parts but the clock."""
    return doors.create_doors(no_doors())


def no_doors() -> doors.Doors:
    """Doors behind which nobody lives."""
    nothing: Any = None
    ctx = Ctx(nothing, SystemClock(), nothing, nothing)
    return doors.Doors(ctx, {}, nothing, "", str, cast(Callable[[str], bool], bool))


def routes() -> list[tuple[str, str, str]]:
    """Method, path and purpose of every door: the webhooks', which stands before the routes, then the API's."""
    made = web()
    found = [route for route in made.routes if isinstance(route, APIRoute)]
    return [
        WEBHOOKS,
        *(
            (method, _shown(route), getdoc(route.endpoint) or "Alive: the process answers.")
            for route in found
            for method in sorted(route.methods or ())
        ),
    ]


def _shown(route: APIRoute) -> str:
    """As its description for programs names it; the webhooks' own challenge keeps its longer name beside theirs."""
    return route.path if route.path.startswith(doors.HOOKS) else route.path_format


def _body(body: type[msgspec.Struct]) -> list[str]:
    """Its fields; one of several kinds says which it is."""
    config = body.__struct_config__
    kind = [(f"`{config.tag_field}`", f"`{config.tag}`", "yes")] if config.tag_field else []
    return table(("field", "type", "needed"), [*kind, *_fields(body, "")])


def _fields(body: type[msgspec.Struct], lead: str) -> Iterator[tuple[str, str, str]]:
    for field in msgspec.structs.fields(body):
        kind = msgspec.inspect.type_info(field.type)
        yield f"`{lead}{field.encode_name}`", _kind(kind), "yes" if field.required else "no"
        inner = kind.item_type if isinstance(kind, msgspec.inspect.ListType) else kind
        if isinstance(inner, msgspec.inspect.StructType):
            mark = "[]." if inner is not kind else "."
            yield from _fields(inner.cls, f"{lead}{field.encode_name}{mark}")


def _kind(kind: msgspec.inspect.Type) -> str:
    match kind:
        case msgspec.inspect.Metadata():
            return _kind(kind.type)
        case msgspec.inspect.IntType():
            least, most = kind.ge if kind.ge is not None else kind.gt, kind.le
            low = f" from {least if kind.gt is None else least + 1}" if least is not None else ""
            return f"whole number{low}{f' to {most}' if most is not None else ''}"
        case msgspec.inspect.StrType():
            return "text"
        case msgspec.inspect.DateTimeType():
            return "time"
        case msgspec.inspect.ListType():
            return f"list of {kind.min_length or 0} to {kind.max_length}" if kind.max_length else "list"
        case msgspec.inspect.UnionType():
            return " or ".join(_kind(one) for one in kind.types)
        case msgspec.inspect.NoneType():
            return "null"
        case _:
            return "object"


def problems() -> list[tuple[str, str, str]]:
    """Every problem the doors answer with, read from their source."""
    found = set()
    for call in (one for module in (doors, feeds_door) for one in ast.walk(ast.parse(getsource(module)))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "problem":
            status, type_, detail = call.args
            word = (
                f"`{_text(type_)}`" if isinstance(type_, ast.Constant) else "the error's own, such as `database-away`"
            )
            found.add((ast.unparse(status), word, _words(detail)))
    return sorted(found)


def _words(detail: ast.expr) -> str:
    """The words of a message; what is filled in when it is said becomes an ellipsis."""
    if isinstance(detail, ast.Constant | ast.JoinedStr):
        parts = detail.values if isinstance(detail, ast.JoinedStr) else [detail]
        return "".join(_text(part) for part in parts)
    return "what is wrong, and where"


def _text(part: ast.expr) -> str:
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "…"


# --- the plan -------------------------------------------------------------------------------------------------------


def blueprint_page() -> str:
    """Every key of a plan: what it means, what may stand there, what counts when it is left out."""
    lines = ["# The blueprint", "", *_blueprint_intro()]
    for part in plan_page.parts():
        words = plan_page.purpose(part)
        lines += ["", f"## {part.__name__}", "", *([words, ""] if words else [])]
        lines += table(("key", "what may stand there", "left out", "meaning"), plan_page.rows(part))
    return _page(lines)


def _blueprint_intro() -> list[str]:
    return [
        "A plan is YAML: one file, or a first file that names others under `include`. An entry is named by its key. The whole of it, for each"
        " model and commented, is written by `entrepot init`; `entrepot check` says what is wrong with one, `entrepot workshop export` makes a"
        " workbook of it.",
        "",
        "Durations are `30s`, `10m`, `48h`, `7d`; percentages `12.5%`; working hours `Mon-Fri 08-18 Europe/Paris` or `24/7`; references"
        " `env:NAME` or `file:/path`. A party is one of "
        + ", ".join(f"`{party}`" for party in PARTIES)
        + "; an actor is a party, or one"
        " system of it: `erp@erp-eu`.",
    ]


# --- pages ---------------------------------------------------------------------------------------------------------

PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "failure-modes.md": failure_page,
    "failure-modes-selling.md": selling_failure_page,
    "blueprint.md": blueprint_page,
    "linter.md": linter_page,
    "api.md": api_page,
}


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [titles, ["---"] * len(titles), *rows]
    return [
        f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in row)} |" for row in lines
    ]


def _page(lines: Sequence[str]) -> str:
    note = "<!-- Written by `python -m entrepot.cli.docs docs`; change what it describes, not this page. -->"
    return "\n".join([lines[0], "", note, *lines[1:]]).rstrip() + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m entrepot.cli.docs", description="Write the reference pages.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, written in PAGES.items():
        (folder / name).write_text(written(), "utf-8")
        print(folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
