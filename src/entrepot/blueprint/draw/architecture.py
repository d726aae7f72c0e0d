"""The architecture map: systems with their parties, and every flow as a card on its arrow, from where it comes to where it goes."""

from collections.abc import Mapping
from dataclasses import dataclass

from entrepot.blueprint.draw.actors import ends_of, party_of
from entrepot.blueprint.draw.layout import Graph, Layout, Node, lay_out
from entrepot.blueprint.draw.svg import Sheet
from entrepot.blueprint.draw.table import Table
from entrepot.blueprint.draw.words import LATENCY_WORDS, listed, party_word, pattern_word, plain
from entrepot.blueprint.model import Flow, Plan

SYSTEM, FLOW = (216, 104), (316, 104)
PAD, HEAD, STEP = 12, 64, 20
MODE_WORDS = {"observe": "observes only", "advise": "advises a person", "act": "acts"}


@dataclass(frozen=True, slots=True)
class Mark:
    """What a flow or a system is like just now, and where more is said about it."""

    words: str
    tone: str = "idle"
    href: str = ""


def architecture(
    plan: Plan, flows: Mapping[str, Mark] | None = None, systems: Mapping[str, Mark] | None = None
) -> Sheet:
    """`flows`, `systems`: marks by name; without them, the plan's own words. Errors: CannotDraw, DrawingTooLong."""
    found = lay_out(_graph(plan))
    sheet = Sheet(
        "architecture",
        "Architecture map",
        f"{len(plan.systems)} systems and {len(plan.flows)} flows between them. The same is in the table below it.",
    )
    sheet.text(16, 30, "Architecture map", "head")
    sheet.text(16, 50, f"{plan.environment} · plan {plan.hash} · a card stands on the arrow of its flow", "quiet")
    for _, _, path in found.arrows:
        sheet.line(_lower(path), arrow=True)
    for end in _ends(plan):
        _system(sheet, plan, end, found, (systems or {}).get(end))
    for flow in plan.flows.values():
        _flow(sheet, flow, found, (flows or {}).get(flow.name))
    sheet.width, sheet.height = max(found.width, 480), found.height + HEAD
    return sheet


def table(plan: Plan) -> Table:
    columns = ("Flow", "Object", "From", "To", "Pattern", "Safety check", "Latency", "Mode", "Owner", "Failure modes")
    return Table("Flows", columns, tuple(_row(flow) for flow in plan.flows.values()))


def systems_table(plan: Plan) -> Table:
    columns = ("System", "Party", "Connector", "Environment", "Time zone", "Accounts")
    rows = (
        (s.name, party_word(s.party), s.connector, s.environment, s.timezone, listed(accounts_of(plan, s.name), "none"))
        for s in plan.systems.values()
    )
    return Table("Systems", columns, tuple(rows))


def accounts_of(plan: Plan, system: str) -> tuple[str, ...]:
    return tuple(
        f"{account.name} ({account.model})" if account.model else account.name
        for account in plan.accounts.values()
        if account.system == system
    )


def pattern_words(flow: Flow) -> str:
    return pattern_word(flow.pattern) + (f" + {pattern_word(flow.also).lower()}" if flow.also else "")


def _row(flow: Flow) -> tuple[str, ...]:
    return (
        flow.name,
        flow.object,
        flow.source,
        listed(flow.to, "nowhere"),
        pattern_words(flow),
        flow.also or "none",
        flow.latency,
        flow.mode,
        flow.pause.owner,
        listed(flow.failures, "none"),
    )


def _ends(plan: Plan) -> list[str]:
    """Every system, then what flows name and no system stands for."""
    named = [end for flow in plan.flows.values() for name in (*flow.sources, *flow.to) for end in ends_of(plan, name)]
    return list(dict.fromkeys([*plan.systems, *named]))


def _graph(plan: Plan) -> Graph:
    edges: list[tuple[str, str]] = []
    for flow in plan.flows.values():
        sources = dict.fromkeys(end for name in flow.sources for end in ends_of(plan, name))
        edges += [(_system_id(end), _flow_id(flow)) for end in sources]
        ends = dict.fromkeys(end for name in flow.to for end in ends_of(plan, name))
        edges += [(_flow_id(flow), _system_id(end)) for end in ends]
    nodes = [Node(_system_id(end), *SYSTEM) for end in _ends(plan)]
    nodes += [Node(_flow_id(flow), *FLOW) for flow in plan.flows.values()]
    return Graph(tuple(nodes), tuple(edges))


def _system_id(end: str) -> str:
    return f"system {end}"


def _flow_id(flow: Flow) -> str:
    return f"flow {flow.name}"


def _system(sheet: Sheet, plan: Plan, end: str, found: Layout, mark: Mark | None) -> None:
    at = found.places[_system_id(end)]
    system = plan.systems.get(end)
    room, y = at.width - 2 * PAD, at.y + HEAD
    accounts = listed(accounts_of(plan, end), "no account")
    said = mark.words if mark and mark.words else accounts if system else "an actor"
    with sheet.link(mark.href if mark else ""):
        sheet.box(at.x, y, at.width, at.height, "system" if system else "absent")
        sheet.text(at.x + PAD, y + 22, party_word(party_of(plan, end)), "label", room=room)
        sheet.text(at.x + PAD, y + 22 + STEP, end, "name", room=room)
        words = system.connector if system else "no system yet"
        sheet.text(at.x + PAD, y + 24 + 2 * STEP, words, "small", room=room)
        sheet.text(at.x + PAD, y + 24 + 3 * STEP, said, "small", room=room)


def _flow(sheet: Sheet, flow: Flow, found: Layout, mark: Mark | None) -> None:
    at = found.places[_flow_id(flow)]
    mark = mark or Mark(f"{plain(flow.stage)}, {MODE_WORDS[flow.mode]}")
    room, x, y = at.width - 2 * PAD, at.x + PAD, at.y + HEAD
    with sheet.link(mark.href):
        sheet.box(at.x, y, at.width, at.height, "card")
        sheet.text(x, y + 25, plain(flow.name), "name", room=room)
        latency = LATENCY_WORDS.get(flow.latency, flow.latency)
        sheet.text(x, y + 25 + STEP, f"{pattern_words(flow)} · {latency}", "small", room=room)
        sheet.text(x, y + 25 + 2 * STEP, f"Owner: {plain(flow.pause.owner)}", "small", room=room)
        sheet.shape(x, y + 25 + 3 * STEP - 10, mark.tone)
        sheet.text(x + 16, y + 25 + 3 * STEP, mark.words, f"tone-{mark.tone}", room=room - 16)


def _lower(path: str) -> str:
    """A path of the layout, moved below the head."""
    parts, odd = [], False
    for part in path.split():
        if part.isalpha():
            parts.append(part)
            continue
        parts.append(f"{float(part) + HEAD:.1f}" if odd else part)
        odd = not odd
    return " ".join(parts)
