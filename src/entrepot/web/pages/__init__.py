"""One module per page of the console."""

from entrepot.web.pages import (
    cases,
    find,
    flows,
    identifiers,
    maps,
    orders,
    ownership,
    preferences,
    risks,
    runbooks,
    settlement,
    today,
)

PLAN = (ownership, maps, runbooks, identifiers, risks)
ROUTERS = tuple(module.router for module in (today, cases, orders, settlement, flows, find, preferences, *PLAN))
