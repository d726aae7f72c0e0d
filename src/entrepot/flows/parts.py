"""What every flow is given: the plan, and the connectors bound to our accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from entrepot.blueprint.model import Account, Plan
from entrepot.change.mapping import MISSING, Kept, Looked, Missing, Use, look_up
from entrepot.connectors.port import Connector, Malformed, Seen
from entrepot.flows.mapped import Tables, read_mapped
from entrepot.flows.owners import Owners
from entrepot.identity.rules import JoinMap, join_map
from entrepot.inbox.model import Message, Parked
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.outcome import Unrecognised
from entrepot.money.commission.model import Base, RateAgreement


@dataclass(frozen=True)
class Parts:
    plan: Plan
    connectors: Mapping[str, Connector]  # by account

    def read(self, message: Message) -> Seen | Parked:
        """Translate a message; what cannot be read is parked with its owner, never raised.

        A word the connector does not know is looked up in the plan's tables and read as the word that stands there.
        """
        translator = self.connectors[message.account].translators.get(message.kind)
        if translator is None:
            return Parked("malformed-message", f"{message.account} has no reader for “{message.kind}”")
        tables = self.incoming(message)
        seen = read_mapped(translator, message.body, tables).seen if tables else translator(message.body)
        if isinstance(seen, Missing):
            return Parked(MISSING, f"{message.kind} {message.external_id}: {seen.words}")
        if isinstance(seen, Malformed):
            return Parked(
                "malformed-message",
                f"{message.kind} {message.external_id}: {seen.what} at {seen.where}",
                cause_key=f"{message.kind}:{seen.where}",
            )
        if isinstance(seen, Unrecognised):
            return Parked(
                "unknown-word",
                f"{message.kind} {message.external_id}: “{seen.word}” in {seen.field} is a word we do not know",
                cause_key=f"{message.kind}:{seen.field}:{seen.word}",
            )
        return seen

    @cached_property
    def owners(self) -> Owners:
        """Whose word each message is, and what its sender may write."""
        return Owners(self.plan)

    @cached_property
    def join_map(self) -> JoinMap:
        return join_map(self.plan)

    def sought(self, account: str, scheme: str, value: str) -> str:
        """What was looked for and where, by the plan's join map."""
        return self.join_map.sought(account, scheme, value)

    def incoming(self, message: Message) -> Tables | None:
        """The plan's tables for what comes by this message; None when there are none, which is the usual."""
        asked = (message.flow, message.account)
        if asked not in self._incoming:  # asked of every message; the plan does not change under us
            found = Tables(self.plan, message.flow, self.plan.account(message.account).system)
            self._incoming[asked] = found if found.any else None
        return self._incoming[asked]

    @cached_property
    def _incoming(self) -> dict[tuple[str, str], Tables | None]:
        return {}

    def uses(self, message: Message) -> list[Use]:
        """What tables changed when this message was read."""
        tables = self.incoming(message)
        translator = self.connectors[message.account].translators.get(message.kind) if tables else None
        if tables is None or translator is None:
            return []
        return [
            Use(
                mapping=one.mapping,
                flow=message.flow,
                field=one.field,
                direction="in",
                theirs=one.theirs,
                ours=one.ours,
                message_id=message.id,
                object=message.kind,
                object_id=message.external_id,
            )
            for one in read_mapped(translator, message.body, tables).changed
        ]

    def outgoing(self, flow: str, account: str, field: str, word: str) -> Looked:
        """Our word as the account's system wants to hear it; nothing said stays nothing."""
        if not word:
            return Kept(word)
        system = self.plan.account(account).system
        return look_up(self.plan, flow=flow, system=system, direction="out", field=field, word=word)

    def account(self, name: str) -> Account:
        return self.plan.account(name)

    @property
    def gateway(self) -> str:
        """The account that charges buyers."""
        return self._account_of("payment")

    @property
    def marketplace(self) -> str:
        """The account of the marketplace whose operator we are."""
        return self._account_of("marketplace")

    @property
    def storefront(self) -> str:
        """The account of the shop front that hands us baskets."""
        return self._account_of("commerce")

    @property
    def has_storefront(self) -> bool:
        return bool(self._accounts_of("commerce"))

    def _accounts_of(self, party: str) -> list[str]:
        return sorted(
            name
            for name, account in self.plan.accounts.items()
            if self.plan.system_of(name).party == party and account.model != "syndication"
        )

    def _account_of(self, party: str) -> str:
        found = self._accounts_of(party)
        if not found:
            raise WrongSetting(f"{self.plan.file} has no account on a system of party “{party}”", party=party)
        return found[0]

    def window_s(self, flow: str) -> float:
        return self.plan.flow(flow).retry.window.total_seconds()

    def agreement(self, account: str) -> RateAgreement | None:
        rates = self.plan.account(account).commission
        if rates is None:
            return None
        return RateAgreement(
            default_rate_per_100k=rates.default,
            rate_by_category=rates.categories,
            tax_rate_per_100k=rates.tax,
            base=Base(rates.base),
            rounding=rates.rounding,
            returned_on_refund=rates.returned_on_refund,
        )
