"""The storefront joined to one account: what we publish to it."""

from entrepot.connectors import manifest as manifests
from entrepot.connectors.bearer import open_wire
from entrepot.connectors.exchange import Call, Rejected, problem_of
from entrepot.connectors.port import Access, Connector, Problem
from entrepot.connectors.storefront.publishing import NOT_SHOWN, SHAPES
from entrepot.connectors.writes import bound
from entrepot.kernel.ctx import Ctx

PACKAGE = "entrepot.connectors.storefront"
MANIFEST = manifests.load(PACKAGE)


def connect(access: Access) -> Connector:
    """Bind the storefront to an account. Errors: WrongSetting without a key."""
    wire = open_wire(access, "publish_key")

    def check(ctx: Ctx) -> Problem | None:
        """The key is let in; asking for an offer nobody published changes nothing."""
        answer, _ = wire.call(ctx, "", Call("GET", "/offers/check"))
        if isinstance(answer, Rejected) and answer.refusal.code == NOT_SHOWN:
            return None
        return problem_of(answer)

    return Connector(
        name=MANIFEST.name,
        account=access.account,
        operations=bound(MANIFEST, wire, access, SHAPES),
        sources={},
        lookups={},
        translators={},
        check=check,
        width=MANIFEST.width,
    )
