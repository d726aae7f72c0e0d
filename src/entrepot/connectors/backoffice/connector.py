"""The back office joined to one account: wire, operations, sources, webhook door, queue of events."""

from entrepot.connectors import manifest as manifests
from entrepot.connectors.backoffice.lists import ChangeList
from entrepot.connectors.backoffice.operations import SHAPES
from entrepot.connectors.backoffice.records import Records
from entrepot.connectors.backoffice.translate import TRANSLATORS
from entrepot.connectors.backoffice.webhook import BackOfficeWebhook
from entrepot.connectors.bearer import Wire, open_wire
from entrepot.connectors.exchange import Call, problem_of
from entrepot.connectors.port import Access, Connector, EventQueue, Problem, Source, Webhook
from entrepot.connectors.sqs import NEEDED, QUEUE_URL, SqsQueue
from entrepot.connectors.webhooks import StandardWebhooks
from entrepot.connectors.writes import bound
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting

PACKAGE = "entrepot.connectors.backoffice"
MANIFEST = manifests.load(PACKAGE)
SECRET, OLD_SECRET = "webhook_secret", "webhook_secret_old"
KIND_BY_SOURCE = {
    "parcels": "parcel",
    "cancellations": "cannot-deliver",
    "returns": "goods-back",
    "stock": "stock",
    "prices": "price",
    "products": "product",
}


def connect(access: Access) -> Connector:
    """Bind the back office to an account. Errors: WrongSetting without a key."""
    wire, records = open_wire(access, "key"), Records(MANIFEST.flows)

    def check(ctx: Ctx) -> Problem | None:
        """The key is let in; asking for the version changes nothing."""
        answer, _ = wire.call(ctx, "", Call("GET", "/version"))
        return problem_of(answer)

    return Connector(
        name=MANIFEST.name,
        account=access.account,
        operations=bound(MANIFEST, wire, access, SHAPES),
        sources=_sources(access, wire, records),
        lookups={},
        translators=TRANSLATORS,
        check=check,
        webhook=_webhook(access, records),
        width=MANIFEST.width,
        events=_events(access),
    )


def _sources(access: Access, wire: Wire, records: Records) -> dict[str, Source]:
    return {
        name: ChangeList(name, KIND_BY_SOURCE[name], row, wire, records, MANIFEST.limit(access, row.code, row.code))
        for name, row in MANIFEST.sources.items()
    }


def _events(access: Access) -> EventQueue | None:
    """The queue, when the account declares one. Errors: WrongSetting for one that is declared by half."""
    row = MANIFEST.events
    if row is None or QUEUE_URL not in access.secrets:
        return None
    for name in NEEDED:
        if name not in access.secrets:
            raise WrongSetting(f"account {access.account} declares a queue, and no “{name}”", account=access.account)
    return EventQueue(SqsQueue(access, row.hidden_s), row.flow, row.every_s)


def _webhook(access: Access, records: Records) -> Webhook | None:
    """The door, when the account declares a secret for it."""
    row = MANIFEST.webhook
    if row is None or SECRET not in access.secrets:
        return None
    door = StandardWebhooks(access.secrets[SECRET], row.tolerance_s, access.secrets.get(OLD_SECRET))
    return BackOfficeWebhook(door, records)
