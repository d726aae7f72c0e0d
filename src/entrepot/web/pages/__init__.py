"""One module per page of the console."""

from entrepot.web.pages import (
    cases,
    corrections,
    find,
    flows,
    identifiers,
    maps,
    offers,
    orders,
    ownership,
    preferences,
    risks,
    runbooks,
    settlement,
    today,
)

PLAN = (ownership, maps, runbooks, identifiers, risks)
ROUTERS = tuple(
    module.router for module in (today, cases, orders, offers, corrections, settlement, flows, find, preferences, *PLAN)
)
