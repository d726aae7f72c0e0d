"""Console, API and webhook doors joined over one hub. Apart from process.py, so that a worker does not load the web."""

from functools import partial

from starlette.types import ASGIApp

from entrepot.app import Hub
from entrepot.blueprint.places import Places, places_of
from entrepot.blueprint.references import resolve
from entrepot.change.store import in_force
from entrepot.connectors.registry import manifest
from entrepot.flows.tellers import Tellers
from entrepot.kernel.ctx import Ctx
from entrepot.web.app import create_app
from entrepot.web.doors import Doors, create_doors
from entrepot.web.feeds_door import FeedsDoor
from entrepot.web.webhook_door import WebhookDoor


def doors_of(hub: Hub) -> Doors:
    """Which machines may knock, and how they prove who they are. Where we only sell elsewhere there is no storefront."""
    account = hub.parts.storefront if hub.parts.has_storefront else ""
    webhooks = {
        name: (account, connector.webhook)
        for account, connector in hub.parts.connectors.items()
        if connector.webhook is not None
        for name in (hub.plan.account(account).system, account)  # one system may know several accounts of ours
    }
    return Doors(
        ctx=hub.ctx,
        webhooks=webhooks,
        storefront=hub.in_request,
        storefront_account=account,
        storefront_key=partial(resolve, hub.plan.system_of(account).secrets["key"]) if account else None,
        backlog_full=hub.backlog_full,
        feeds=FeedsDoor(hub.ctx, hub.plan, hub.arrivals.home),
        tellers={name: known for name, known in webhooks.items() if _tells(hub, known[0])},
        rights=Tellers(hub.parts.owners),
    )


def _tells(hub: Hub, account: str) -> bool:
    """Whose word on stock and prices counts: a system of which we take both as facts (a channel only shows what we tell it)."""
    return {"stock", "price"} <= manifest(hub.parts.connectors[account].name).flows.keys()


def site(hub: Hub) -> ASGIApp:
    """Console, API and webhook doors as one application: webhooks first, machines' other routes, pages behind them."""
    doors = doors_of(hub)
    app = create_doors(doors)
    app.mount("/", create_app(hub, places=places_in_force(hub.ctx)))
    return WebhookDoor(app, doors)


def places_in_force(ctx: Ctx) -> Places | None:
    """Where the rules of the plan in force stand in its files; None where no plan ever came into force (a test)."""
    with ctx.db.transaction() as conn:
        version = in_force(conn)
    return places_of(version.files) if version else None
