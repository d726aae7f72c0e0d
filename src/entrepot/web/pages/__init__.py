"""One module per page of the console."""

from entrepot.web.pages import (
    cases,
    corrections,
    find,
    flows,
    handling,
    identifiers,
    maps,
    offers,
    orders,
    ownership,
    plan,
    preferences,
    questions,
    risks,
    runbooks,
    settlement,
    today,
)

DAY = (today, handling, cases, questions, orders, offers, corrections, settlement, flows, find, preferences)
PLAN = (plan, ownership, maps, runbooks, identifiers, risks)
ROUTERS = tuple(module.router for module in (*DAY, *PLAN))
