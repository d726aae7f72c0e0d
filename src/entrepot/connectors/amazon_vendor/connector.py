"""A vendor of Amazon joined to one account: wire, source, lookup, operations."""

from collections.abc import Mapping

from entrepot.connectors import manifest as manifests
from entrepot.connectors.amazon.lists import stamp
from entrepot.connectors.amazon.records import ORDER, Records
from entrepot.connectors.amazon_vendor.orders import OneOrder, order, orders
from entrepot.connectors.amazon_vendor.wire import ORDERS, RESTRICTED, open_wire
from entrepot.connectors.amazon_vendor.writes import Acknowledge, Refuse, Ship
from entrepot.connectors.exchange import Call, problem_of
from entrepot.connectors.port import Access, Connector, Limit, Operation, Problem, Translator
from entrepot.connectors.verbs import AcknowledgeOrder, CancelLines, ShipParcel
from entrepot.kernel.ctx import Ctx

PACKAGE = "entrepot.connectors.amazon_vendor"
MANIFEST = manifests.load(PACKAGE)
TRANSLATORS: Mapping[str, Translator] = {ORDER: order}


def connect(access: Access) -> Connector:
    """Bind a vendor's account. Errors: WrongSetting names what it does not declare."""
    wire, records, rows = open_wire(access), Records(MANIFEST.flows, access.account), MANIFEST.operations

    def limit(code: str) -> Limit | None:
        return MANIFEST.limit(access, code, code)

    def settle_s(name: str) -> float:
        return rows[name].settle_s if access.settle_s is None else access.settle_s

    def check(ctx: Ctx) -> Problem | None:
        """Are we let in, to what is restricted too?"""
        now = stamp(ctx.clock.now())
        query = (("createdAfter", now), ("createdBefore", now), ("limit", "1"), ("includeDetails", "false"))
        return problem_of(wire.call(ctx, RESTRICTED, Call("GET", ORDERS, query))[0])

    take, give_up, ship = "amazon-vendor.acknowledge", "amazon-vendor.cancel", "amazon-vendor.ship"
    answers, parcels = limit(rows[take].code), limit(rows[ship].code)
    operations: dict[str, Operation] = {
        take: Acknowledge(take, rows[take], wire, answers, settle_s(take), AcknowledgeOrder),
        give_up: Refuse(give_up, rows[give_up], wire, answers, settle_s(give_up), CancelLines),
        ship: Ship(ship, rows[ship], wire, parcels, settle_s(ship), ShipParcel),
    }
    return Connector(
        name=MANIFEST.name,
        account=access.account,
        operations=operations,
        sources={"orders": orders(MANIFEST.sources["orders"], wire, records, limit("getOrders"))},
        lookups={"order": OneOrder(wire, records, limit("getOrder"))},
        translators=TRANSLATORS,
        check=check,
        width=MANIFEST.width,
    )
