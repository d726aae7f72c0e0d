"""What flows ask about a channel where we are the seller: its verbs, its words for ids, its rules, and who takes its orders in our house."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from entrepot.blueprint.model import Calendar
from entrepot.connectors.facts import manifest
from entrepot.connectors.manifest import Manifest, ObligationRow
from entrepot.connectors.verbs import Verb
from entrepot.flows.parts import Parts
from entrepot.outbox.store import Intent

TOLD_BY_CHANNEL = "channel-"  # in a plan of both models, failure modes that each tells in words of its own
IMPORT, CANCEL_IMPORT, BOOK_REFUND = "backoffice.import-order", "backoffice.cancel-order", "backoffice.book-refund"


def number_of(account: str, order_id: str) -> str:
    """Our own number of a channel order: by it the back office knows it."""
    return f"{account}:{order_id}"


def order_of(number: str) -> tuple[str, str]:
    """Account and the channel's order id."""
    account, _, order_id = number.partition(":")
    return account, order_id


@dataclass(frozen=True)
class SalesChannels:
    parts: Parts

    @cached_property
    def accounts(self) -> tuple[str, ...]:
        """Accounts on which we sell, and for which there is a connector."""
        plan = self.parts.plan
        selling = (name for name, one in plan.accounts.items() if one.model == "syndication")
        return tuple(sorted(name for name in selling if name in self.parts.connectors))

    @cached_property
    def back_office(self) -> str | None:
        """The account that takes our orders; None: people do, outside of us."""
        found = sorted(name for name in self.parts.connectors if self.manifest(name).name == "backoffice")
        return found[0] if found else None

    def manifest(self, account: str) -> Manifest:
        return manifest(self.parts.plan.system_of(account).connector)

    def rules(self, account: str) -> Sequence[ObligationRow]:
        return self.manifest(account).obligations

    def scheme(self, account: str, object_: str) -> str:
        """By which of its ids the channel knows an object."""
        return self.manifest(account).joins.get(object_, f"{object_}_id")

    def zone(self, account: str) -> str:
        return self.parts.plan.system_of(account).timezone

    def calendar(self, account: str) -> Calendar | None:
        name = self.parts.account(account).calendar
        return self.parts.plan.calendars.get(name) if name else None

    def mode(self, name: str) -> str:
        """The failure mode of the seller's side; in a plan of both models it has the channel's name."""
        named = TOLD_BY_CHANNEL + name
        return named if named in self.parts.plan.failures else name

    def does(self, account: str, verb: Verb) -> str | None:
        """The operation behind a verb; None: this channel has no such duty, or cannot be asked for it."""
        return self.manifest(account).verbs.get(verb) if account in self.parts.connectors else None

    def intent(
        self,
        account: str,
        verb: Verb,
        payload: msgspec.Struct,
        *,
        key: str,
        root: str,
        flow: str,
        queue: str = "normal",
        after_key: str | None = None,
        message_id: str | None = None,
    ) -> list[Intent]:
        """One promise to the channel, or none where it has no such verb."""
        operation = self.does(account, verb)
        if operation is None:
            return []
        return [self._intent(account, operation, builtins_of(payload), key, root, flow, queue, after_key, message_id)]

    def ask_back_office(
        self,
        operation: str,
        payload: Mapping[str, Any],
        *,
        key: str,
        root: str,
        flow: str,
        after_key: str | None = None,
        message_id: str | None = None,
    ) -> list[Intent]:
        if self.back_office is None:
            return []
        return [self._intent(self.back_office, operation, payload, key, root, flow, "urgent", after_key, message_id)]

    def _intent(
        self,
        account: str,
        operation: str,
        payload: Mapping[str, Any],
        key: str,
        root: str,
        flow: str,
        queue: str,
        after_key: str | None,
        message_id: str | None,
    ) -> Intent:
        return Intent(
            key=key,
            account=account,
            operation=operation,
            root=root,
            flow=flow,
            queue=queue,
            payload=payload,
            window_s=self.parts.window_s(flow),
            after_key=after_key,
            message_id=message_id,
        )


def builtins_of(payload: msgspec.Struct) -> dict[str, Any]:
    """A verb's payload as it is kept with the promise."""
    plain = msgspec.to_builtins(payload)
    assert isinstance(plain, dict)
    return plain
