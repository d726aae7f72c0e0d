"""The gateway joined to one account: wire, operations, settlements, webhook door."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from entrepot.connectors import manifest as manifests
from entrepot.connectors.bearer import open_wire
from entrepot.connectors.exchange import Call, problem_of
from entrepot.connectors.payment import events, settlements
from entrepot.connectors.payment.operations import SHAPES
from entrepot.connectors.port import Access, Connector, Forged, Problem, Received, Verified, Webhook
from entrepot.connectors.reading import NOT_JSON, Unreadable, canonical, unreadable_record
from entrepot.connectors.webhooks import StandardWebhooks
from entrepot.connectors.writes import bound
from entrepot.kernel.ctx import Ctx

PACKAGE = "entrepot.connectors.payment"
MANIFEST = manifests.load(PACKAGE)
SECRET, OLD_SECRET = "webhook_secret", "webhook_secret_old"


@dataclass(frozen=True, slots=True)
class GatewayWebhook:
    door: StandardWebhooks

    def verify(self, machine: datetime, headers: Mapping[str, str], body: bytes) -> Verified | Forged:
        return self.door.verify(machine, headers, body)

    def split(self, body: bytes) -> tuple[Received, ...]:
        try:
            return (events.split_event(canonical(body), 0),)
        except (Unreadable, *NOT_JSON):
            return (unreadable_record(body, events.KIND, events.FLOW_OF_UNKNOWN_TOPIC, 0),)


def connect(access: Access) -> Connector:
    """Bind the gateway to an account. Errors: WrongSetting without a key."""
    wire = open_wire(access, "key")
    row = MANIFEST.sources["settlements"]
    limit = MANIFEST.limit(access, row.code, row.code)

    def check(ctx: Ctx) -> Problem | None:
        """The key is let in; asking for a reference nobody used changes nothing."""
        answer, _ = wire.call(ctx, "", Call("GET", "/v1/operations", (("reference", "check"),)))
        return problem_of(answer)

    return Connector(
        name=MANIFEST.name,
        account=access.account,
        operations=bound(MANIFEST, wire, access, SHAPES),
        sources={"settlements": settlements.Settlements(row, wire, limit, access.account)},
        lookups={},
        translators={events.KIND: events.payment_event, settlements.KIND: settlements.settlement},
        check=check,
        webhook=_webhook(access),
        width=MANIFEST.width,
    )


def _webhook(access: Access) -> Webhook | None:
    """The door, when the account declares a secret for it."""
    row = MANIFEST.webhook
    if row is None or SECRET not in access.secrets:
        return None
    return GatewayWebhook(StandardWebhooks(access.secrets[SECRET], row.tolerance_s, access.secrets.get(OLD_SECRET)))
