"""One module per page of the console."""

from entrepot.web.pages import (
    cases,
    channels,
    corrections,
    disputes,
    feed_mapping,
    feeds,
    find,
    flows,
    handling,
    identifiers,
    listings,
    maps,
    measures,
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

DAY = (
    today,
    handling,
    cases,
    questions,
    orders,
    channels,
    listings,
    disputes,
    offers,
    corrections,
    feed_mapping,
    feeds,
    measures,
    settlement,
    flows,
    find,
    preferences,
)
PLAN = (plan, ownership, maps, runbooks, identifiers, risks)
ROUTERS = tuple(module.router for module in (*DAY, *PLAN))
