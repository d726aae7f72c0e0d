"""One module per page of the console."""

from entrepot.web.pages import cases, find, flows, handling, orders, preferences, questions, settlement, today

ROUTERS = tuple(
    module.router for module in (today, handling, cases, questions, orders, settlement, flows, find, preferences)
)
