"""E3xx: is each movement's pattern, speed, deadline and retry right for what it moves, and can the other side do it?"""

from datetime import timedelta

from entrepot.blueprint.finding import Path
from entrepot.blueprint.lint.look import Flaw, Flaws, Look, circles, listed
from entrepot.blueprint.model import Capture, Flow
from entrepot.blueprint.units import duration_text

MONEY = ("settlement", "statement", "commission", "payout")
SELLING = ("offer", "listing", "listing-status", "stock-pool", "price", "stock")
INTAKE = ("basket", "leg")
BATCH = ("scheduled-job", "file")
FAST = ("near-real-time", "checkout-blocking")
CHARGED_LATER = (Capture.ON_SHIPMENT, Capture.ON_DELIVERY)
RETRY_SHARE_MAX = 0.75  # of the deadline; the rest is a person's


def check(look: Look) -> Flaws:
    for name, flow in look.plan.flows.items():
        here = ("flows", name)
        yield from _names(look, here, flow)
        yield from _pattern(here, flow)
        yield from _can(look, here, flow)
        yield from _times(look, here, flow)
        yield from _writes(look, here, flow)
    yield from _circles(look)
    yield from _authorisations(look)
    if look.runs is not None:
        for name in look.plan.flows:
            if name not in look.runs:
                yield Flaw(
                    "N301",
                    ("flows", name),
                    "this version of the hub does not run this flow: it is planned, drawn and owned only",
                )


def _names(look: Look, here: Path, flow: Flow) -> Flaws:
    yield from look.refer("flows", flow.part_of, (*here, "part_of"))
    yield from look.refer("teams", flow.pause.owner, (*here, "pause", "owner"))
    for i, mode in enumerate(flow.failures):
        yield from look.refer("failures", mode, (*here, "failures", i))
    if flow.deadline:
        yield from look.refer("calendars", flow.deadline.calendar, (*here, "deadline", "calendar"))
    yield from _sources(look, (*here, "from"), flow)
    for i, word in enumerate(flow.to):
        yield from _end(look, (*here, "to", i), word)


def _sources(look: Look, where: Path, flow: Flow) -> Flaws:
    """`from` is one word, or a list of them."""
    alone = not isinstance(look.raw(where), list)
    for i, word in enumerate(flow.sources):
        here = where if alone else (*where, i)
        yield from _end(look, here, word)
        if word in flow.sources[:i]:
            yield Flaw("E316", here, f"{word} stands there twice")


def _end(look: Look, where: Path, word: str) -> Flaws:
    """A system by name, or an actor that at least one system stands for."""
    party, _, name = word.partition("@")
    if look.has("systems", word) or look.systems_of(word):
        return
    if name and name in look.plan.systems and look.is_actor(word):
        theirs = look.plan.systems[name].party
        yield Flaw("E213", where, f"{name} is a system of {theirs}, not of {party}", f"write {theirs}@{name}")
    elif name or not look.is_actor(word):
        yield from look.refer("systems", name if name and look.is_actor(word) else word, where)
    else:
        yield Flaw("E313", where, f"no system stands for the {word}")


def _pattern(here: Path, flow: Flow) -> Flaws:
    where = (*here, "pattern")
    closes = flow.object in MONEY or flow.latency == "finance-close"
    if closes and (flow.pattern not in BATCH or flow.latency != "finance-close"):
        words = f"{flow.object} closes by cycle, and does not move by {flow.pattern} in {flow.latency}"
        yield Flaw("E301", where if flow.pattern not in BATCH else (*here, "latency"), words)
    content = flow.name.endswith("-content")
    if flow.object in SELLING and not content and not closes and flow.latency not in FAST:
        yield Flaw(
            "E302",
            (*here, "latency"),
            f"{flow.object} that is {flow.latency} sells what is no longer there, at the old price",
        )
    if flow.pattern == "event" and flow.also is None:
        yield Flaw("E307", where, "events get lost, and nothing finds the ones that did")
    if flow.latency == "checkout-blocking" and flow.pattern != "direct-api":
        yield Flaw("E315", where, f"a buyer waits, and {flow.pattern} answers when it likes")
    if flow.latency == "near-real-time" and flow.pattern in BATCH and not closes and flow.also is None:
        yield Flaw("W301", where, f"{flow.pattern} alone is as slow as its interval, and this flow promises minutes")


def _can(look: Look, here: Path, flow: Flow) -> Flaws:
    """The pattern against what the connectors at both ends can do."""
    for key, pattern in (("pattern", flow.pattern), ("also", flow.also)):
        known = [found for end in look.ends(flow) if (found := look.connector(end)) is not None]
        able = [one for one in known if not one.patterns or pattern in one.patterns]
        if pattern and known and len(known) == len(look.ends(flow)) and not able:
            can = sorted(frozenset().union(*(one.patterns for one in known)))
            names = listed(dict.fromkeys(one.name for one in known))
            yield Flaw("E308", (*here, key), f"{names} cannot do {pattern}", f"write {listed(can, 'or')}")
    if flow.deadline is None:
        return
    for end in look.ends(flow):
        found = look.connector(end)
        published_s = found.deadlines_s.get(flow.deadline.obligation) if found else None
        own = any(flow.deadline.obligation in account.obligations for account in look.accounts_of(end))
        if published_s is not None and not own and flow.deadline.within.total_seconds() > published_s:
            published = duration_text(timedelta(seconds=published_s))
            words = f"{end} gives {published} to {flow.deadline.obligation}, this promise {duration_text(flow.deadline.within)}"
            yield Flaw("E314", (*here, "deadline", "within"), words, f"write {published} or less")


def _times(look: Look, here: Path, flow: Flow) -> Flaws:
    promise, retry = flow.deadline, flow.retry
    if not retry.first <= retry.max <= retry.window:
        yield Flaw("E311", (*here, "retry"), "the first wait, the longest wait and the window do not grow")
    if promise is None:
        if flow.object in INTAKE and flow.latency in FAST and flow.part_of is None:
            yield Flaw("E303", here, "orders come in, and nobody promises until when they are answered")
        return
    where = (*here, "retry", "window")
    ours, theirs = duration_text(retry.window), duration_text(promise.within)
    if retry.window >= promise.within:
        yield Flaw("E304", where, f"{ours} of retries leave a person no time before the deadline of {theirs}")
    elif retry.window > promise.within * RETRY_SHARE_MAX:
        yield Flaw("W302", where, f"{ours} of retries leave a person less than a quarter of the deadline of {theirs}")
    within = (*here, "deadline", "within")
    if (promise.working_days or look.in_days(within)) and promise.calendar is None:
        yield Flaw("E306", within, f"{look.raw(within)} are days, and nobody says which of them count")
    if flow.pause.allowed and flow.pause.max > promise.within:
        yield Flaw(
            "W601",
            (*here, "pause", "max"),
            f"a pause of {duration_text(flow.pause.max)} outlives the deadline of {theirs}",
        )


def _writes(look: Look, here: Path, flow: Flow) -> Flaws:
    """Whoever writes must be able to do it again: with a key of ours, and with theirs or by looking."""
    sources, targets = look.sources(flow), look.targets(flow)
    written = [name for name in targets if name not in sources or len(targets) > 1]
    if not flow.idempotency:
        if look.targets(flow):
            yield Flaw(
                "E305",
                here,
                f"it writes to {listed(look.targets(flow))} and has no key that makes it the same write again",
            )
        return
    for name in written:
        facts = look.connector(name)
        blind = (
            [op for op, can in sorted(facts.writes.items()) if not can.partner_key and not can.read_back]
            if facts
            else []
        )
        if blind:
            words = (
                f"{listed(blind)} at {name} can neither be sent twice nor looked up: an unclear answer stays unclear"
            )
            yield Flaw("E305", (*here, "to"), words, "route this flow over a connector that can look")


def _circles(look: Look) -> Flaws:
    for chain in circles({name: flow.part_of for name, flow in look.plan.flows.items()}):
        yield Flaw("E312", ("flows", chain[0], "part_of"), f"flows are part of each other: {' → '.join(chain)}")


def _authorisations(look: Look) -> Flaws:
    """What the buyer's bank holds must still be held when the money is taken."""
    for name, flow in look.plan.flows.items():
        life = flow.deadline
        if life is None or life.starts != "authorised":
            continue
        for account_name, account in look.markets.items():
            if account.system not in look.ends(flow) or account.model != "operator":
                continue
            needed = account.acceptance_window + _until_charged(look, account.capture)
            if needed > life.within:
                words = f"{account_name} may take {duration_text(needed)} until it charges, and the authorisation lives {duration_text(life.within)}"
                yield Flaw("E310", ("flows", name, "deadline", "within"), words)


def _until_charged(look: Look, capture: Capture) -> timedelta:
    """Shipping time, where the buyer is charged after it."""
    if capture not in CHARGED_LATER:
        return timedelta(0)
    ships = [
        flow.deadline.within
        for flow in look.plan.flows.values()
        if flow.deadline and flow.deadline.obligation == "ship"
    ]
    return max(ships, default=timedelta(0))
