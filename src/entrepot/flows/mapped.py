"""Reading messages with the plan's tables: a word the connector does not know is read as the word the plan gives for it.

The connector reads first, and says which word it does not know, and where. Only then is the table asked, and the record
is read again with the other word in the same place. Their own word stays what people see beside ours.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import msgspec

from entrepot.blueprint.model import Plan
from entrepot.change.mapping import Changed, Kept, Missing, Use, look_up, tables
from entrepot.change.store import record_uses
from entrepot.connectors.port import Malformed, Seen, Translator
from entrepot.inbox.model import Decided, Message, Verdict
from entrepot.inbox.service import Decider
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.outcome import Unrecognised

WORDS_MAX = 20  # of one record, each read in its turn


@dataclass(frozen=True, slots=True)
class Tables:
    """The plan's tables for one flow and system, theirs to ours."""

    plan: Plan
    flow: str
    system: str

    @property
    def any(self) -> bool:
        return next(tables(self.plan, flow=self.flow, system=self.system, direction="in"), None) is not None

    def look_up(self, field: str, word: str) -> Changed | Kept | Missing:
        return look_up(self.plan, flow=self.flow, system=self.system, direction="in", field=field, word=word)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One word of theirs that was read as another."""

    mapping: str
    field: str
    theirs: str
    ours: str


@dataclass(frozen=True, slots=True)
class ReadMapped:
    seen: Seen | Malformed | Unrecognised | Missing
    changed: tuple[Exchanged, ...] = ()


def read_mapped(translator: Translator, body: bytes, by: Tables) -> ReadMapped:
    """Translate with the plan's tables; each unknown word is exchanged once, wherever its field says it."""
    first = seen = translator(body)
    changed: list[Exchanged] = []
    for _ in range(WORDS_MAX):
        unknown = next(unknown_words(seen), None)
        if unknown is None:
            return ReadMapped(_in_their_words(first, seen), tuple(changed))
        found = by.look_up(unknown.field, unknown.word)
        if isinstance(found, Missing):
            return ReadMapped(found)
        exchanged = _exchanged(body, unknown, found) if isinstance(found, Changed) else body
        if not isinstance(found, Changed) or exchanged == body:
            return ReadMapped(seen)  # nobody knows it: an unknown word, as without tables
        changed.append(Exchanged(found.mapping, unknown.field, unknown.word, found.word))
        body, seen = exchanged, translator(exchanged)
    return ReadMapped(seen)


def unknown_words(seen: Any) -> Iterator[Unrecognised]:
    """Every word of a record that the connector did not know."""
    if isinstance(seen, Unrecognised):
        yield seen
    elif is_dataclass(seen) and not isinstance(seen, type | Malformed):
        for value in (getattr(seen, field.name) for field in fields(seen)):
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, Unrecognised) or is_dataclass(one):
                    yield from unknown_words(one)


def _exchanged(body: bytes, unknown: Unrecognised, found: Changed) -> bytes:
    """The record with another word wherever a member of that name says the unknown one."""
    name = unknown.field.rpartition(".")[2]

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: found.word if k == name and v == unknown.word else walk(v) for k, v in value.items()}
        return [walk(one) for one in value] if isinstance(value, list) else value

    return msgspec.json.encode(walk(_DECODER.decode(body)))


_DECODER = msgspec.json.Decoder(float_hook=lambda digits: msgspec.Raw(digits.encode()))  # amounts keep their digits


def _in_their_words(first: Any, seen: Any) -> Any:
    """What was read, with their own words where both readings are of one shape."""
    if seen is first or type(seen) is not type(first) or not is_dataclass(seen) or isinstance(seen, type):
        return seen
    names = {field.name for field in fields(seen)}
    more: dict[str, Any] = {"their_state": first.their_state} if "their_state" in names else {}
    if "lines" in names and isinstance(seen.lines, tuple):  # type: ignore[attr-defined]  # named by the line above
        more["lines"] = tuple(map(_in_their_words, first.lines, seen.lines))  # type: ignore[attr-defined]
    return replace(seen, **more)


# ── what was changed is kept ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Noting:
    """A decider whose use of the tables is recorded, set-based, in the transaction that decided."""

    decide: Decider
    uses: Callable[[Message], list[Use]]

    def __call__(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> Sequence[Verdict]:
        verdicts = self.decide(ctx, conn, messages)
        decided = [m for m, verdict in zip(messages, verdicts, strict=True) if isinstance(verdict, Decided)]
        record_uses(conn, ctx, [use for message in decided for use in self.uses(message)])
        return verdicts
