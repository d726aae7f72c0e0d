"""What can stand round a write where no key protects it: a look before it is sent again, a look after it was refused."""

from dataclasses import dataclass

from entrepot.connectors.exchange import CREDENTIALS_REFUSED
from entrepot.connectors.port import Detail, Limit, Operation, OutgoingEffect
from entrepot.connectors.writes import WRONG_PAYLOAD
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.outcome import Done, Later, NotThere, Outcome, ReadBack, Refused, Unknown

LOOKED_AT_MAX = 300


@dataclass(frozen=True, slots=True)
class Around:
    """A write with something before or after it; otherwise it is that write."""

    write: Operation

    @property
    def name(self) -> str:
        return self.write.name

    @property
    def settle_s(self) -> float:
        return self.write.settle_s

    @property
    def partner_key(self) -> bool:
        return self.write.partner_key

    @property
    def money(self) -> bool:
        return self.write.money

    @property
    def limit(self) -> Limit | None:
        return self.write.limit

    @property
    def can_read_back(self) -> bool:
        return self.write.can_read_back

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        return self.write.send(ctx, effect)

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        return self.write.read_back(ctx, effect)


@dataclass(frozen=True, slots=True)
class LookFirst(Around):
    """Nothing is sent a second time before a look has shown that it is not there."""

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        if effect.attempts <= 1:
            return self.write.send(ctx, effect)
        found, looked = self.write.read_back(ctx, effect)
        match found:
            case NotThere():
                outcome, detail = self.write.send(ctx, effect)
                return outcome, detail | {"look": looked}
            case Unknown(why):
                return Later(f"not sent again: a look was not possible ({why})"), looked
            case Done() | Refused():
                return found, looked


@dataclass(frozen=True, slots=True)
class LookAfter(Around):
    """Refused, perhaps because it is so already. What the look saw stands behind their words."""

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        outcome, detail = self.write.send(ctx, effect)
        if not isinstance(outcome, Refused) or outcome.code in (WRONG_PAYLOAD, CREDENTIALS_REFUSED):
            return outcome, detail
        found, looked = self.write.read_back(ctx, effect)
        detail = detail | {"look": looked}
        match found:
            case Done():
                return found, detail
            case Unknown(why):
                return Unknown(f"they say “{outcome.words}”, and a look was not possible: {why}"), detail
            case NotThere(seen):
                told = f"{outcome.words} ({seen})" if seen else outcome.words
                return Refused(outcome.code, told[: len(outcome.words) + LOOKED_AT_MAX], outcome.field), detail
            case Refused():
                return found, detail
