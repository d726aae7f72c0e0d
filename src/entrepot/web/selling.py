"""Where the plan sells, and what the channels themselves publish about it: which accounts, which rules, which limits."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from entrepot.blueprint.model import Plan
from entrepot.connectors.facts import manifests
from entrepot.connectors.manifest import LimitRow, Manifest
from entrepot.flows.duties import rule_of
from entrepot.web.format import link_to

NAMES = {
    "amazon": "Amazon",
    "walmart": "Walmart",
    "ebay": "eBay",
    "channelengine": "ChannelEngine",
    "mirakl-seller": "Mirakl shop",
    "manual": "Looked after by people",
}


def sold_on(plan: Plan) -> tuple[str, ...]:
    """Accounts on which we are the seller; of one that only people look after as well, nothing is known but its plan."""
    return tuple(sorted(name for name, one in plan.accounts.items() if one.model == "syndication"))


def manifest_of(plan: Plan, account: str) -> Manifest | None:
    return manifests().get(plan.system_of(account).connector)


def channel_word(plan: Plan, account: str) -> str:
    connector = plan.system_of(account).connector
    return NAMES.get(connector, connector)


def limits_of(plan: Plan, account: str) -> dict[str, LimitRow]:
    """Rates at which the channel acts, by measure; of its own words only one that holds in every market."""
    found = manifest_of(plan, account)
    return dict(found.limits) if found else {}


def penalty_of(plan: Plan, account: str, kind: str, placed_at: datetime, market: str) -> str:
    """What happens when such an obligation of an order is missed, by the rule of the day it was placed; '' when nobody published one."""
    found = manifest_of(plan, account)
    if found is None:
        return ""
    placed_on = placed_at.astimezone(ZoneInfo(plan.system_of(account).timezone)).date()
    rule = rule_of(found.obligations, kind, placed_on, market)
    return rule.penalty if rule else ""


def account_in(rest: str, accounts: Sequence[str]) -> tuple[str, str] | None:
    """Account and what follows it, of an address in which both may hold slashes; None when it begins with no such account."""
    account = max((name for name in accounts if rest == name or rest.startswith(f"{name}/")), key=len, default="")
    return (account, rest[len(account) + 1 :]) if account else None


def channel_link(account: str) -> str:
    return link_to("channels", *account.split("/"))


def listing_link(account: str, sku: str) -> str:
    return link_to("listings", *account.split("/"), sku)
