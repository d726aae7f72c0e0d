"""E5xx: can a record of one system be found in the other, in production apart from the sandbox, and in the bank's report?"""

from collections.abc import Iterable, Mapping

from entrepot.blueprint.entries import PARTIES
from entrepot.blueprint.lint.look import Flaw, Flaws, Look, listed
from entrepot.blueprint.model import Flow
from entrepot.blueprint.owning import OBJECTS

# Which words of ours a flow has translated on their way out, by the field a mapping names.
ASKED_OUT: Mapping[str, tuple[str, ...]] = {
    "order-creation": ("shipping_type",),
    "listing-content": ("category",),
    "fulfilment-confirm": ("carrier",),
}
_ORDERS = (
    "basket",
    "leg",
    "line",
    "line-routing",
    "shipment",
    "return",
    "refund",
    "seller-refund",
    "dispute",
    "chargeback",
    "incident",
)
_OFFERS = ("seller-catalog", "offer", "listing", "stock-pool", "line")
_MONEY = (*_ORDERS, "rate-agreement", "commission", "statement", "settlement", "payout", "tax-document")

# Through which objects' identifiers two systems may be joined: those that carry each other's.
RELATED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_MONEY, _MONEY),
    **dict.fromkeys(_ORDERS, _ORDERS),
    **dict.fromkeys(_OFFERS, _OFFERS),
    "line": (*_ORDERS, *_OFFERS),
    "seller": ("seller", "rate-agreement", "payout"),
}
GIVEN_AWAY = ("basket", "leg", "refund")  # ids of ours that other systems keep
BANKED = ("statement", "settlement", "commission", "payout", "refund", "seller-refund", "dispute", "chargeback")


def check(look: Look) -> Flaws:
    for name, rule in look.plan.identifiers.items():
        here = ("identifiers", name)
        if name not in OBJECTS:
            dangling = look.dangling(name, here, "object", OBJECTS)
            yield Flaw("E505", here, dangling.message, dangling.fix)
        for key in rule.join:
            if not look.has("systems", key) and not look.is_actor(key):
                dangling = look.dangling(key, (*here, key), "system or party", [*look.names["systems"], *PARTIES])
                yield Flaw("E504", (*here, key), dangling.message, dangling.fix)
        if len(rule.join) < 2:
            yield Flaw("E506", here, "an identifier that only one system knows joins nothing")
        if name in GIVEN_AWAY and not rule.environment_prefix:
            yield Flaw(
                "E502",
                here,
                "an id of the sandbox could be taken for one of production",
                "add environment_prefix: true",
            )
    if "identifiers" not in look.unknown:
        for flow in look.plan.flows.values():
            yield from _flow(look, flow)
    yield from _mappings(look)


def _flow(look: Look, flow: Flow) -> Flaws:
    here = ("flows", flow.name)
    rule = look.plan.identifiers.get(flow.object)
    unread = look.has("identifiers", flow.object) and rule is None
    ends = look.ends(flow)
    if flow.object not in OBJECTS or unread:
        return
    apart = _apart(look, flow.object, ends) if len(ends) > 1 else []
    if apart:
        words = f"nothing joins a {flow.object} of {ends[0]} to one of {listed(apart, 'or')}"
        yield Flaw(
            "E501", (*here, "to"), words, f"add under identifiers: {flow.object}: {{{ends[0]}: …, {apart[0]}: …}}"
        )
    if flow.object in BANKED and rule is not None and not rule.financial:
        yield Flaw(
            "E503",
            ("identifiers", flow.object),
            f"flow {flow.name} moves money, and nothing says by what its reports are matched",
            "add financial: true",
        )


def _apart(look: Look, of: str, ends: tuple[str, ...]) -> list[str]:
    """The systems that no chain of identifiers leads to from the first one."""
    groups = [_named(look, rule.join) for name in RELATED.get(of, (of,)) if (rule := look.plan.identifiers.get(name))]
    reached = {ends[0]}
    while True:
        further = {name for group in groups if group & reached for name in group} - reached
        if not further:
            return [end for end in ends if end not in reached]
        reached |= further


def _named(look: Look, join: Iterable[str]) -> frozenset[str]:
    return frozenset(system for word in join for system in look.systems_of(word))


def _mappings(look: Look) -> Flaws:
    for name, table in look.plan.mappings.items():
        here = ("mappings", name)
        yield from look.refer("flows", table.flow, (*here, "flow"))
        yield from look.refer("systems", table.system, (*here, "system"))
        flow = look.plan.flows.get(table.flow)
        if flow is not None and look.has("systems", table.system) and table.system not in look.ends(flow):
            yield Flaw(
                "W501",
                (*here, "system"),
                f"flow {flow.name} does not touch {table.system}, so these words are never met",
            )
        asked = ASKED_OUT.get(table.flow)
        if asked is not None and table.direction == "out" and table.field not in asked:
            yield Flaw(
                "W502",
                (*here, "field"),
                f"flow {table.flow} has no “{table.field}” translated on its way out",
                f"write {listed(asked, 'or')}",
            )
