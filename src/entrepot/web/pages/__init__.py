"""One module per page of the console."""

from entrepot.web.pages import cases, find, flows, orders, plan, preferences, settlement, today

ROUTERS = tuple(module.router for module in (today, cases, orders, settlement, flows, plan, find, preferences))
