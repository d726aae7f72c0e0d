"""connector new, list, show: a new channel from the shipped texts; what the connectors there are can do, in plain words."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from entrepot.blueprint.entries import Party
from entrepot.cli.output import Column, Paper, paper, say_json
from entrepot.cli.scaffolding import REGISTRY, Auth, Scaffold, written
from entrepot.connectors.facts import manifest, manifests

if TYPE_CHECKING:
    from entrepot.connectors.manifest import CredentialField, Manifest, ObligationRow, OperationRow

DONE = 0
HERE = Path()


def new(
    name: str,
    /,
    *,
    dir: Path = HERE,
    party: Party = "marketplace",
    auth: Auth = "bearer",
    register: bool = False,
    json: bool = False,
) -> int:
    """Write a small, whole connector and its tests: one source (orders), one verb (ship). Nothing is overwritten.

    It passes its tests at once, against a little channel that is simulated beside them; docs/write-a-connector.md goes on from there.

    Parameters
    ----------
    name
        How a plan will name it: small letters and digits, words joined by “-”, such as harbour-market.
    dir
        The checkout it is written into; else the folder you are in.
    party
        What the system behind it is to you.
    auth
        The way in: bearer, a key in the Authorization header; key, one in a header of its own; oauth, client credentials.
    register
        Add it to the registry as well, so that a plan may name it.
    json
        One JSON document on stdout.
    """
    from entrepot.kernel.clock import SystemClock

    scaffold = Scaffold(dir, name, party, auth, SystemClock().now().date().isoformat())
    paths = written(scaffold, register)
    if json:
        lines = [line.strip() for line in scaffold.registry_lines]
        say_json({"name": name, "files": [str(path) for path in paths], "registry": lines, "registered": register})
        return DONE
    page = paper()
    for folder in scaffold.folders:
        page.line(f"{folder}/: {', '.join(path.name for path in paths if path.parent == folder)}")
    page.line(
        f"{REGISTRY}: two lines added" if register else f"Register it in {REGISTRY} (or say --register next time):"
    )
    for line in scaffold.registry_lines if not register else ():
        page.line(line.strip(), indent=2)
    page.line(f"Its tests: python -m pytest {scaffold.folders[1]}. How to go on: docs/write-a-connector.md")
    return DONE


def list_(*, json: bool = False) -> int:
    """The connectors there are: who is behind them, what they can do, and when their facts were checked.

    Parameters
    ----------
    json
        One JSON document on stdout.
    """
    found = sorted(manifests().values(), key=lambda one: one.name)
    if json:
        say_json({"connectors": [_summary(one) for one in found]})
        return DONE
    columns = [
        Column("Name", keeps=True),
        Column("Party", keeps=True),
        Column("Models"),
        Column("Obligations", right=True),
        Column("Limits", right=True),
        Column("Checked on", keeps=True),
        Column("Verbs"),
    ]
    paper().table(columns, (_row(one) for one in found))
    return DONE


def _row(one: "Manifest") -> list[str]:
    counts = [str(len(one.obligations)), str(len(one.limits))]
    return [one.name, one.party, ", ".join(one.models), *counts, one.checked_on, ", ".join(one.verbs) or "none"]


def _summary(one: "Manifest") -> dict[str, Any]:
    return {
        "name": one.name,
        "party": one.party,
        "models": one.models,
        "verbs": one.verbs,
        "obligations": len(one.obligations),
        "limits": len(one.limits),
        "checked_on": one.checked_on,
    }


def show(name: str, /, *, json: bool = False) -> int:
    """One connector's manifest in plain words: what it reads and does, what it needs, what the channel demands of us.

    Parameters
    ----------
    name
        The connector's name, as a plan names it.
    json
        One JSON document on stdout: the whole manifest.
    """
    from entrepot.kernel.errors import WrongSetting

    if name not in manifests():
        raise WrongSetting(f"there is no connector “{name}”; there are {', '.join(sorted(manifests()))}")
    found = manifest(name)
    if json:
        say_json(msgspec.to_builtins(found))
    else:
        _page(paper(), found)
    return DONE


def _page(page: Paper, one: "Manifest") -> None:
    page.line(f"{one.name}: {one.party}, for {' and '.join(one.models)}; facts checked on {one.checked_on}")
    page.line(
        f"Can be joined by {', '.join(one.patterns)}; up to {one.width} orders or other roots are sent side by side"
    )
    page.heading("What it needs to get in")
    for name, field in one.credentials.items():
        page.line(f"{name}: {field.label} ({_asked(field)})", indent=1)
    page.heading("What it reads")
    for name, source in one.sources.items():
        page.line(f"{name}: {source.code}, every {_span(source.every_s)}, for {source.flow}", indent=1)
    if one.events:
        queue = f"events: a queue ({one.events.code}), every {_span(one.events.every_s)}, for {one.events.flow}"
        page.line(f"{queue}; where the credentials name one", indent=1)
    page.heading("What it does")
    verb_of = {operation: verb for verb, operation in one.verbs.items()}
    for name, row in one.operations.items():
        later = row.batch and not row.together_code
        page.line(f"{verb_of.get(name, name)}: {row.code}; {_protected(row.money, row.partner_key, later)}", indent=1)
        if row.together > 1:
            page.line(_together(row), indent=2)
        page.line(_looked(row.read_back, row.settle_s), indent=2)
    _demands(page, one)
    page.heading("How often it may be called")
    for code, ceilings in one.ceilings.items():
        page.line(f"{code}: {' and '.join(f'{row.calls} in {_span(row.per_s)}' for row in ceilings)}", indent=1)
    if not one.ceilings:
        page.line("nothing is published: what they say when it is too much is kept to", indent=1)


def _demands(page: Paper, one: "Manifest") -> None:
    page.heading("What they demand of us")
    for duty in one.obligations:
        page.line(f"{duty.kind}, {_due(duty)}", indent=1)
        page.line(f"else: {duty.penalty}", indent=2)
        page.line(f"source: {duty.source} ({duty.checked_on})", indent=2)
    for name, deadline in one.deadlines.items():
        page.line(f"{name}, within {_span(deadline.within_s)}", indent=1)
        page.line(f"source: {deadline.source}", indent=2)
    if not one.obligations and not one.deadlines:
        page.line("nothing that is published", indent=1)
    page.heading("What they measure")
    for name, limit in one.limits.items():
        where = f" ({', '.join(limit.markets)})" if limit.markets else ""
        page.line(f"{name} {'above' if limit.above else 'below'} {limit.rate * 100:g} %{where}", indent=1)
        page.line(f"then: {limit.consequence}", indent=2)
        page.line(f"source: {limit.source}", indent=2)
    if not one.limits:
        page.line("nothing that is published", indent=1)


def _due(duty: "ObligationRow") -> str:
    """`per order within 4h of placed, DE only, since 2025-01-01`."""
    limits = [
        f"in {', '.join(duty.markets)} only" if duty.markets else "",
        f"orders since {duty.since}" if duty.since > "2000-01-01" else "",
        f"orders before {duty.until}" if duty.until < "9999-12-31" else "",
        f"when {duty.after} was missed" if duty.after else "",
    ]
    when = f"by {duty.starts} itself" if duty.within == "0h" else f"within {duty.within} from {duty.starts}"
    return ", ".join([f"per {duty.per} {when}", *filter(None, limits)])


def _asked(field: "CredentialField") -> str:
    where = "needed" if field.required else f"needed with {field.once}" if field.once else "if there is one"
    return f"{where}{', secret' if field.sensitive else ''}"


def _together(row: "OperationRow") -> str:
    """How many of them go in one call."""
    if not row.together_code:
        return f"up to {row.together} in one call"
    return f"from {row.together_from} on, up to {row.together} in one {row.together_code}, answered later, item by item"


def _protected(money: bool, partner_key: bool, batch: bool) -> str:
    words = ["money moves" if money else "no money moves"]
    words.append("they know our key, so that twice is once" if partner_key else "they know no key of ours")
    return ", ".join([*words, *(["answered later, item by item"] if batch else [])])


def _looked(read_back: bool, settle_s: float) -> str:
    return f"a look shows what was done after {_span(settle_s)}" if read_back else "there is no way to look"


def _span(seconds: float) -> str:
    from datetime import timedelta

    from entrepot.cli.output import span

    return span(timedelta(seconds=seconds))
