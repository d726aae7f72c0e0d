"""Mirakl joined to one account: wire, sources, lookups, operations, webhook door."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from entrepot.connectors import manifest as manifests
from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.manifest import Manifest
from entrepot.connectors.mirakl import offers, shapes, threads, translate
from entrepot.connectors.mirakl.asking import order_path
from entrepot.connectors.mirakl.lists import ListSpec, OffsetList, SeekList, unreadable
from entrepot.connectors.mirakl.operations import operations
from entrepot.connectors.mirakl.records import Records
from entrepot.connectors.mirakl.webhook import MiraklWebhook
from entrepot.connectors.mirakl.wire import Wire, open_wire
from entrepot.connectors.port import Access, Connector, Limit, Page, Problem, Received, Source, Translator
from entrepot.connectors.reading import Unreadable, instant, typed
from entrepot.connectors.webhooks import StandardWebhooks
from entrepot.kernel.ctx import Ctx

PACKAGE = "entrepot.connectors.mirakl"
MANIFEST = manifests.load(PACKAGE)
SECRET, OLD_SECRET = "webhook_secret", "webhook_secret_old"


def by_creation(record: Received) -> datetime | None:
    """Billing cycles are filtered by the day they were made."""
    try:
        return instant(typed(record.body, shapes.CycleHead).date_created, "$.date_created")
    except Unreadable:
        return None


def _lists(rows: Mapping[str, manifests.SourceRow]) -> tuple[list[ListSpec], list[ListSpec]]:
    """Lists by offset, lists by token."""
    by_offset = [
        ListSpec("orders", "order", "/api/orders", rows["orders"], ("orders",), "start_update_date"),
        ListSpec("debits", "debit", "/api/payment/debit", rows["debits"], ("orders", "order")),
        ListSpec("refunds", "refund", "/api/payment/refund", rows["refunds"], ("orders", "order")),
        ListSpec("shops", "shop", "/api/shops", rows["shops"], ("shops",), "updated_since"),
        ListSpec("offer-details", offers.DETAIL_KIND, "/api/offers", rows["offer-details"], ("offers",)),
    ]
    log = "/api/sellerpayment/transactions_logs"
    by_token = [
        ListSpec("returns", "return", "/api/returns", rows["returns"], ("data",), "return_last_updated_from"),
        ListSpec("shipments", "shipment", "/api/shipments", rows["shipments"], ("data",), "last_updated_from"),
        ListSpec(
            "cycles", "cycle", "/api/seller-billing-cycles", rows["cycles"], ("data",), "start_date", mark=by_creation
        ),
        ListSpec("transactions", "transaction", log, rows["transactions"], ("data",), "last_updated_from"),
        ListSpec(
            "threads",
            threads.KIND,
            "/api/inbox/threads",
            rows["threads"],
            ("data",),
            "updated_since",
            query=(("with_messages", "true"),),
        ),
    ]
    return by_offset, by_token


def _sources(manifest: Manifest, wire: Wire, records: Records, access: Access) -> dict[str, Source]:
    def limit(name: str) -> Limit | None:
        code = manifest.sources[name].code
        return manifest.limit(access, code, code)

    by_offset, by_token = _lists(manifest.sources)
    lists = {s.name: OffsetList(s, wire, records, limit(s.name)) for s in by_offset}
    details = offers.DetailList(lists.pop("offer-details"))
    sources: dict[str, Source] = {**lists, details.name: details}
    sources |= {s.name: SeekList(s, wire, records, limit(s.name)) for s in by_token}
    return sources | {"offers": offers.OfferExport(manifest.sources["offers"], wire, limit("offers"))}


@dataclass(frozen=True, slots=True)
class OneOrder:
    """OR12: one order, for when a webhook spoke of it and the list has not."""

    wire: Wire
    records: Records
    limit: Limit | None

    def one(self, ctx: Ctx, external_id: str) -> Page:
        answer, _ = self.wire.call(ctx, "front", Call("GET", order_path(external_id)))
        if not isinstance(answer, Good):
            return Page("OR12", {}, b"", problem=problem_of(answer))
        body, headers = answer.response.body, answer.response.headers
        try:
            typed(body, shapes.OrderHead)
        except Unreadable as error:
            return Page("OR12", headers, body, problem=unreadable(error))
        return Page("OR12", headers, body, self.records.split_one("order", msgspec.Raw(body)))


def connect(access: Access) -> Connector:
    """Bind Mirakl to an account. Errors: WrongSetting when a role has no way in."""
    wire, records = open_wire(access), Records(MANIFEST.flows, access.account)

    def check(ctx: Ctx) -> Problem | None:
        """Both roles are let in (V01)."""
        for role in wire.credentials:
            answer, _ = wire.call(ctx, role, Call("GET", "/api/version"))
            problem = problem_of(answer)
            if problem is not None:
                return problem
        return None

    translators: dict[str, Translator] = {
        **translate.TRANSLATORS,
        offers.KIND: offers.offer,
        offers.DETAIL_KIND: offers.offer_detail,
        threads.KIND: threads.thread,
    }
    return Connector(
        name=MANIFEST.name,
        account=access.account,
        operations=operations(MANIFEST, wire, access),
        sources=_sources(MANIFEST, wire, records, access),
        lookups={"order": OneOrder(wire, records, MANIFEST.limit(access, "OR12", "OR12"))},
        translators=translators,
        check=check,
        webhook=_webhook(access, records),
        width=MANIFEST.width,
    )


def _webhook(access: Access, records: Records) -> MiraklWebhook | None:
    """The door, when the account declares a secret for it."""
    row = MANIFEST.webhook
    if row is None or SECRET not in access.secrets:
        return None
    door = StandardWebhooks(access.secrets[SECRET], row.tolerance_s, access.secrets.get(OLD_SECRET))
    return MiraklWebhook(door, records)
