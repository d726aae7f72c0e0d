"""Degraded-service cards: for each system, what happens when it does not answer, and what may be done about it."""

from collections.abc import Iterator
from dataclasses import dataclass

from entrepot.blueprint.draw.actors import touching
from entrepot.blueprint.draw.grid import Column, grid
from entrepot.blueprint.draw.svg import Sheet, wrapped
from entrepot.blueprint.draw.table import Table
from entrepot.blueprint.draw.words import listed, party_word, plain, span_word
from entrepot.blueprint.model import Flow, Plan, Storefront, System

STOREFRONT = "storefront"  # the key under `degraded` that says what the shop goes on doing
REPLAY_WORDS = {
    "safe": "may be replayed",
    "with-review": "replayed after a look at the plan",
    "never": "never replayed",
}


@dataclass(frozen=True, slots=True)
class Duty:
    """One flow while the system is away. `pause`: for how long and by whom, or that it may not be paused."""

    flow: str
    word: str
    way: str  # reads from it, writes to it
    meanwhile: str
    pause: str
    emptied: str
    replay: str
    reconcile: str
    promise: str
    owner: str


@dataclass(frozen=True, slots=True)
class Card:
    """`continues`, `stops`: of the storefront, over all flows of the system."""

    system: str
    party: str
    connector: str
    duties: tuple[Duty, ...]
    continues: tuple[str, ...]
    stops: tuple[str, ...]


def card(plan: Plan, system: str) -> Card:
    found = plan.system(system)
    touched = list(touching(plan, system))
    shops = [flow.degraded[STOREFRONT] for flow, _, _ in touched if STOREFRONT in flow.degraded]
    says = [shop for shop in shops if isinstance(shop, Storefront)]
    return Card(
        system=system,
        party=party_word(found.party),
        connector=found.connector,
        duties=tuple(_duty(flow, found, reads, writes) for flow, reads, writes in touched),
        continues=_both(shop.continues for shop in says),
        stops=_both(shop.stops for shop in says),
    )


def table(found: Card) -> Table:
    columns = ("Flow", "Way", "Meanwhile", "Pause", "Emptying the queue", "Replay", "Reconciled afterwards", "Promise that goes on counting", "Owner")  # fmt: skip
    rows = (
        (d.flow, d.way, d.meanwhile, d.pause, d.emptied, d.replay, d.reconcile, d.promise, d.owner)
        for d in found.duties
    )
    return Table(f"When {found.system} does not answer", columns, tuple(rows))


def drawing(found: Card) -> Sheet:
    sheet = Sheet(
        "card",
        f"When {found.system} does not answer",
        f"{len(found.duties)} flows of {found.system}: what happens meanwhile, who may pause them, what is checked afterwards.",
    )
    sheet.text(16, 30, sheet.title, "head")
    sheet.text(16, 50, f"{found.party} · {found.connector}", "quiet")
    y = 78
    for lead, words in (
        ("The storefront goes on with", listed(found.continues, "what it does not need this system for")),
        ("The storefront stops", listed(found.stops, "nothing")),
    ):
        sheet.text(16, y, lead, "label")
        for at, line in enumerate(wrapped(words, 900)):
            sheet.text(230, y + at * 18, line, "text")
        y += 26
    columns = (Column("Flow", 170), Column("Way", 120), Column("Meanwhile", 220), Column("Pause", 230), Column("Replay", 180), Column("Reconciled afterwards", 190),
               Column("Owner", 160))  # fmt: skip
    rows = [(d.word, d.way, d.meanwhile, d.pause, d.replay, d.reconcile, plain(d.owner)) for d in found.duties]
    grid(sheet, y, columns, rows)
    return sheet


def _duty(flow: Flow, system: System, reads: bool, writes: bool) -> Duty:
    promise = flow.deadline
    return Duty(
        flow=flow.name,
        word=plain(flow.name),
        way=" and ".join(_ways(reads, writes)) or "depends on it",
        meanwhile=_meanwhile(flow, system.name),
        pause=f"up to {span_word(flow.pause.max)}, by {plain(flow.pause.owner)}"
        if flow.pause.allowed
        else "may not be paused",
        emptied="first empty the queue, then pause" if flow.pause.allowed else "never: somebody waits for its answer",
        replay=REPLAY_WORDS[flow.replay],
        reconcile=listed([plain(what).lower() for what in flow.reconcile_after], "nothing"),
        promise=f"{plain(promise.obligation)} within {span_word(promise.within)}" if promise else "none",
        owner=flow.pause.owner,
    )


def _ways(reads: bool, writes: bool) -> Iterator[str]:
    if reads:
        yield "reads from it"
    if writes:
        yield "writes to it"


def _meanwhile(flow: Flow, system: str) -> str:
    """What the plan says for this system; a flow that says nothing keeps what it has until the retry window ends."""
    said = flow.degraded.get(system)
    if isinstance(said, str):
        return plain(said)
    return f"Kept and tried again for {span_word(flow.retry.window)}"


def _both(lists: Iterator[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(plain(word).lower() for words in lists for word in words))
