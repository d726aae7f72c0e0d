"""Console, API and webhook doors joined over one hub. Apart from process.py, so that a worker does not load the web."""

from functools import partial

from fastapi import FastAPI

from entrepot.app import Hub
from entrepot.blueprint.references import resolve
from entrepot.web.app import create_app
from entrepot.web.doors import Doors, create_doors


def doors_of(hub: Hub) -> Doors:
    """Which machines may knock, and how they prove who they are."""
    return Doors(
        ctx=hub.ctx,
        webhooks={
            hub.plan.account(account).system: (account, connector.webhook)
            for account, connector in hub.parts.connectors.items()
            if connector.webhook is not None
        },
        storefront=hub.in_request,
        storefront_account=hub.parts.storefront,
        storefront_key=partial(resolve, hub.plan.system_of(hub.parts.storefront).secrets["key"]),
        backlog_full=hub.backlog_full,
    )


def site(hub: Hub) -> FastAPI:
    """Console, API and webhook doors as one application: machines' routes first, pages behind them."""
    app = create_doors(doors_of(hub))
    app.mount("/", create_app(hub))
    return app
