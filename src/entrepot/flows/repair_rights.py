"""What a person may repair: in a message or an outgoing action, the values that are his team's to correct by the plan, and no others.

A repair that makes a record readable, or says which record it speaks of, takes nothing from anybody. A value that its owner gave, and that we could read,
is changed by who may correct it; whoever may only ask is told so, with the rule and whom.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases.patch import encode
from entrepot.connectors.facts import manifests
from entrepot.connectors.port import Access, Malformed, Translator
from entrepot.connectors.registry import CONNECTORS, connect
from entrepot.connectors.verbs import Verb
from entrepot.flows.owners import Owners
from entrepot.flows.record_writes import KINDS
from entrepot.kernel.ctx import Row
from entrepot.kernel.outcome import Unrecognised
from entrepot.ownership.model import Act, NotAllowed
from entrepot.ownership.rules import listed

NOWHERE = "https://nowhere.invalid"
# Objects of messages that are decided without `KINDS`, and attributes whose name in the plan is another.
OBJECTS: Mapping[str, str] = {
    **{name: kind.object for name, kind in KINDS.items()},
    "shipment": "shipment",
    "stock": "stock-pool",
    "price": "offer",
}
FIELDS: Mapping[str, str] = {
    "their_state": "state",
    "amount_minor": "amount",
    "price_minor": "price",
    "total_minor": "amounts",
    "their_status": "status",
}
MOVES: Mapping[str, str] = {"statement": "lines"}  # of such a record everything is one field
# What is sent, by verb or operation: (object, payload key -> field).
SENT: Mapping[str, tuple[str, Mapping[str, str]]] = {
    Verb.SET_PRICE: ("offer", {"price_minor": "price", "currency": "currency"}),
    Verb.SET_STOCK: ("offer", {"quantity": "quantity"}),
    Verb.SHIP: ("shipment", {"tracking": "tracking", "carrier": "carrier", "shipped_at": "shipped-at"}),
    Verb.REFUND: ("seller-refund", {"lines": "amount"}),
    Verb.CANCEL: ("line", {"lines": "cancelled-quantity"}),
    "gateway.refund": ("refund", {"amount_minor": "amount", "currency": "amount"}),
    "gateway.capture": ("basket", {"amount_minor": "amounts", "legs": "amounts"}),
    "mirakl.confirm-refund": ("refund", {"amount_minor": "amount"}),
    "mirakl.confirm-payout": ("payout", {"amount_minor": "amount"}),
}


@dataclass(frozen=True)
class RepairRights:
    plan: Plan

    @cached_property
    def owners(self) -> Owners:
        return Owners(self.plan)

    def of_message(self, team: str, message: Row, before: Any, after: Any) -> str:
        """Why this team may not repair a message so; '' when it may."""
        object_ = OBJECTS.get(message["kind"])
        translator = self._translator(message["account"], message["kind"])
        if object_ is None or translator is None:
            return ""
        old, new = translator(encode(before)), translator(encode(after))
        if isinstance(old, Malformed | Unrecognised) or not is_dataclass(old) or not is_dataclass(new):
            return ""
        known = {one.name for one in fields(old)}  # their word beside ours says nothing more
        named = [
            name for name in known if name.removeprefix("their_") == name or name.removeprefix("their_") not in known
        ]
        names = sorted(name for name in named if _told(getattr(old, name)) and not _names_a_record(name))
        changed = [name for name in names if getattr(old, name) != getattr(new, name, None)]
        return self.why_not(team, object_, message["account"], (_field(object_, name) for name in changed))

    def of_effect(self, team: str, effect: Row, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
        """As `of_message`, of what is to be sent."""
        object_, named = SENT.get(self._verb(effect), SENT.get(effect["operation"], ("", {})))
        changed = [field for key, field in named.items() if before.get(key) != after.get(key)]
        account = str(before.get("account") or before.get("marketplace") or effect["account"])
        return self.why_not(team, object_, account, changed)

    def why_not(self, team: str, object_: str, account: str, names: Iterable[str]) -> str:
        """Why this team may neither correct nor set these fields, one sentence each; '' when it may."""
        if team not in self.plan.teams or object_ not in self.plan.ownership:
            return ""
        party, gate, scope = self.plan.team(team).party, self.owners.gate, self.owners.scope(account)
        wanted = tuple(dict.fromkeys(names))
        wrong = gate.turned_away(party, object_, wanted, scope, Act.CORRECT)
        sets = gate.turned_away(party, object_, wanted, scope)
        return "; ".join(_sentence(team, wrong[name]) for name in wanted if name in wrong and name in sets)

    def _translator(self, account: str, kind: str) -> Translator | None:
        """How the account's connector reads it; nothing is called for that, and no secret asked for."""
        if account not in self.plan.accounts:
            return None
        system = self.plan.system_of(account)
        if system.connector not in CONNECTORS:
            return None
        access = Access(account, NOWHERE, dict.fromkeys(system.secrets, str))
        return connect(system.connector, access).translators.get(kind)

    def _verb(self, effect: Row) -> str:
        if effect["account"] not in self.plan.accounts:
            return ""
        known = manifests().get(self.plan.system_of(effect["account"]).connector)
        verbs = known.verbs if known else {}
        return next((verb for verb, operation in verbs.items() if operation == effect["operation"]), "")


def _told(value: Any) -> bool:
    """Whether somebody had said it, in a word we know."""
    return value is not None and value != "" and not isinstance(value, Unrecognised)


def _names_a_record(name: str) -> bool:
    return name.endswith(("_id", "_ids")) or name in ("number", "parcel", "reference")


def _field(object_: str, name: str) -> str:
    return MOVES.get(object_) or FIELDS.get(name) or name.replace("_", "-")


def _sentence(team: str, away: NotAllowed) -> str:
    where = f" ({away.rule})" if away.rule else ""
    ask = f"; it may ask {listed(away.owners)}" if away.may_request and away.owners else ""
    return f"{team}: {away.words}{where}{ask}"
