"""The route map: in which order a plan is built and proved. Three slices, each item with its owner and its proof.

1. The thin vertical slice: the systems, and the flows somebody waits for or has been promised something by, from the
   basket to the payout. 2. Realistic exceptions: what comes back or is disputed, what runs by the day, and every failure
   mode. 3. Release and rollback: what must have been rehearsed before real money moves.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from entrepot.blueprint.draw.actors import ends_of, touching
from entrepot.blueprint.draw.svg import LINE_PX, Sheet, wrapped
from entrepot.blueprint.draw.table import Table
from entrepot.blueprint.draw.words import listed, mode_word, plain, span_word
from entrepot.blueprint.model import ANY_FLOW, FailureMode, Flow, Plan, Rehearsal

SLICES: Mapping[int, str] = {
    1: "Thin vertical slice",
    2: "Realistic exceptions",
    3: "Release and rollback",
}
LEAD: Mapping[int, str] = {
    1: "one seller, one article, one order, paid out",
    2: "what comes back, what is late, what fails",
    3: "rehearsed before real money moves",
}
EXCEPTIONS = frozenset({"return", "refund", "seller-refund", "dispute", "chargeback", "incident"})
SOMEBODY_WAITS = ("checkout-blocking", "near-real-time")
LATENCIES = ("checkout-blocking", "near-real-time", "same-day-operational", "next-cycle-enrichment", "finance-close")
NOT_YET = "not rehearsed yet"


@dataclass(frozen=True, slots=True)
class Item:
    slice: int
    number: int
    kind: str  # system, flow, failure, rehearsal, stage
    what: str
    about: str  # the entry of the plan it comes from
    owner: str
    after: tuple[str, ...]  # what must stand before it
    proof: str
    done: bool = False


def route(plan: Plan) -> tuple[Item, ...]:
    first = [*_systems(plan), *_flow_items(plan, 1, _first(plan))]
    rest = [flow for flow in plan.flows.values() if flow not in _first(plan)]
    second = [*_flow_items(plan, 2, rest), *_failures(plan)]
    numbered = [*first, *second, *_release(plan)]
    count = {1: 0, 2: 0, 3: 0}
    items = []
    for made in numbered:
        count[made.slice] += 1
        items.append(Item(made.slice, count[made.slice], made.kind, made.what, made.about, made.owner, made.after, made.proof, made.done))  # fmt: skip
    return tuple(items)


def table(items: Sequence[Item]) -> Table:
    columns = ("Slice", "Number", "Kind", "What", "Entry of the plan", "Owner", "After", "What proves it", "Done")
    rows = (
        (f"{i.slice} {SLICES[i.slice]}", f"{i.slice}.{i.number}", i.kind, i.what, i.about, i.owner, listed(i.after, ""), i.proof, "yes" if i.done else "no")
        for i in items
    )  # fmt: skip
    return Table("Route map", columns, tuple(rows))


def drawing(items: Sequence[Item]) -> Sheet:
    sheet = Sheet("route", "Route map", f"{len(items)} steps in three slices. The same is in the table below it.")
    sheet.text(16, 30, "Route map", "head")
    sheet.text(16, 50, "each card: what is built, whose it is, what proves it", "quiet")
    width, gap, bottom = 420, 20, 0
    for at, (number, title) in enumerate(SLICES.items()):
        x = 16 + at * (width + gap)
        sheet.text(x, 88, f"{number}  {title}", "strong", room=width)
        sheet.text(x, 106, LEAD[number], "quiet", room=width)
        y = 120
        for item in items:
            if item.slice == number:
                y = _card(sheet, x, y, width, item) + 8
        bottom = max(bottom, y)
    sheet.width, sheet.height = 16 * 2 + 3 * width + 2 * gap, bottom + 16
    return sheet


def _card(sheet: Sheet, x: int, y: int, width: int, item: Item) -> int:
    lines = wrapped(f"Proof: {item.proof}", width - 60, 12, 2)
    height = 14 + LINE_PX * (1 + len(lines)) + LINE_PX
    sheet.box(x, y, width, height, "card")
    sheet.text(x + 12, y + 22, f"{item.slice}.{item.number}", "label")
    sheet.text(x + 48, y + 22, item.what, "strong", room=width - 90)
    sheet.shape(x + width - 24, y + 12, "good" if item.done else "idle")
    after = f" · after {listed(item.after)}" if item.after else ""
    sheet.text(x + 48, y + 22 + LINE_PX, f"{plain(item.owner)}{after}", "quiet", room=width - 60)
    for at, words in enumerate(lines):
        sheet.text(x + 48, y + 22 + LINE_PX * (2 + at), words, "quiet")
    return y + height


# --- slice 1 -------------------------------------------------------------------------------------------------------


def _first(plan: Plan) -> list[Flow]:
    """Flows somebody waits for, or was promised something by, with what they are a part of; exceptions come later."""
    wanted = {
        flow.name
        for flow in plan.flows.values()
        if flow.object not in EXCEPTIONS and (flow.latency in SOMEBODY_WAITS or flow.deadline is not None)
    }
    wholes = [plan.flows[name].part_of for name in wanted]
    wanted |= {whole for whole in wholes if whole is not None and whole in plan.flows}
    return [flow for flow in plan.flows.values() if flow.name in wanted]


def _systems(plan: Plan) -> Iterator[Item]:
    for system in plan.systems.values():
        flows = [flow.name for flow, reads, writes in touching(plan, system.name) if reads or writes]
        owner = next((plan.flows[name].pause.owner for name in flows), "")
        proof = "one record comes in and one answer goes out under our own key" if flows else "no flow uses it yet"
        yield Item(1, 0, "system", f"Connect {system.name}", f"systems.{system.name}", owner, (), proof)


def _flow_items(plan: Plan, slice_: int, flows: Sequence[Flow]) -> Iterator[Item]:
    """In building order: what others are part of, then by how soon somebody waits, then by how many systems it needs."""
    done: set[str] = set()
    waiting = sorted(flows, key=lambda flow: (LATENCIES.index(flow.latency), len(flow.to), flow.name))
    while waiting:
        ready = [flow for flow in waiting if flow.part_of in done or flow.part_of not in {w.name for w in waiting}]
        flow = (ready or waiting)[0]
        waiting.remove(flow)
        done.add(flow.name)
        systems = [end for name in (*flow.sources, *flow.to) for end in ends_of(plan, name)]
        after = tuple(dict.fromkeys([*([flow.part_of] if flow.part_of else []), *systems]))
        yield Item(slice_, 0, "flow", plain(flow.name), f"flows.{flow.name}", flow.pause.owner, after, _flow_proof(flow))  # fmt: skip


def _flow_proof(flow: Flow) -> str:
    said = []
    if flow.deadline:
        said.append(f"{plain(flow.deadline.obligation).lower()} within {span_word(flow.deadline.within)}")
    if flow.idempotency:
        said.append(f"the same {' + '.join(flow.idempotency)} twice is done once")
    if flow.reconcile_after:
        said.append(f"{listed([plain(what).lower() for what in flow.reconcile_after])} agree on both sides")
    if flow.confirmations:
        said.append(f"confirmed by {listed(tuple(flow.confirmations))}")
    return "; ".join(said) or "its answer arrives in time, also while a system is away"


# --- slice 2 -------------------------------------------------------------------------------------------------------


def _failures(plan: Plan) -> Iterator[Item]:
    """Business refusals before faults of machines, in the order of their flows."""
    order = {name: at for at, name in enumerate(plan.flows)}
    modes = sorted(plan.failures.values(), key=lambda f: (f.kind != "business", order.get(f.flow, len(order)), f.name))
    for mode in modes:
        after = () if mode.flow == ANY_FLOW else (mode.flow,)
        yield Item(2, 0, "failure", mode_word(mode.name), f"failures.{mode.name}", mode.owner, after, _failure_proof(mode))  # fmt: skip


def _failure_proof(mode: FailureMode) -> str:
    verbs = listed([str(verb) for verb in mode.may])
    return f"brought about on purpose, its case is decided within {span_word(mode.within)} by {verbs}"


# --- slice 3 -------------------------------------------------------------------------------------------------------


def _release(plan: Plan) -> Iterator[Item]:
    for flow in plan.flows.values():
        for what, words in _to_rehearse(flow):
            found = _latest(plan, flow.name, what)
            proof = f"rehearsed on {found.on} by {found.by}" if found else NOT_YET
            yield Item(3, 0, "rehearsal", f"{words}: {plain(flow.name)}", f"flows.{flow.name}", flow.pause.owner, (flow.name,), proof, found is not None)  # fmt: skip
    for flow in plan.flows.values():
        criteria = listed(flow.criteria, "criteria are not written yet")
        yield Item(3, 0, "stage", f"Out of hypercare: {plain(flow.name)}", f"flows.{flow.name}.stage", flow.pause.owner, (flow.name,),
                   f"{criteria}; a person signs", flow.stage == "stable")  # fmt: skip


def _to_rehearse(flow: Flow) -> Iterator[tuple[str, str]]:
    """A part of another flow is rolled back with it."""
    if flow.pause.allowed:
        yield "empty-and-pause", "Empty and pause"
    if flow.replay != "never":
        yield "replay", "Replay"
    if flow.part_of is None:
        yield "rollback", "Roll back"


def _latest(plan: Plan, flow: str, what: str) -> Rehearsal | None:
    found = [r for r in plan.launch.rehearsals if (r.flow, r.what) == (flow, what)]
    return max(found, key=lambda r: r.on, default=None)
