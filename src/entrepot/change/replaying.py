"""What a replay does with each record, decided before anything is touched. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

import msgspec

from entrepot.change.mapping import Missing

ROWS_MAX = 10_000  # of one replay; more than that is a shorter --since
DIGEST_DIGITS = 12


class Verdict(StrEnum):
    """What becomes of one record."""

    SEND = "send"  # planned again, with the plan's content
    DECIDE = "decide"  # the message is read again
    SKIP = "skip"  # nothing to do, and why
    REVIEW = "review"  # a person looks: the other side has other content already


@dataclass(frozen=True, slots=True)
class Judged:
    """One record of a replay. `before`, `after`: content, when it changes."""

    what: str  # effect | message
    record_id: str
    name: str
    verdict: Verdict
    why: str
    before: Any = None
    after: Any = None


Content = Mapping[str, Any] | Missing | None  # None: the content does not depend on the plan


def judge_effect(
    *,
    record_id: str,
    key: str,
    state: str,
    attempts: int,
    note: str,
    payload: Mapping[str, Any],
    now: Content,
    money_gone: bool = False,
) -> Judged:
    """An outgoing action against what the plan in force would say in its place.

    `money_gone`: after its refusal the buyer's money was given back; doing it now would leave it unpaid.
    """

    def judged(verdict: Verdict, why: str, *, changes: bool = False) -> Judged:
        both = (payload, now) if changes else (None, None)
        return Judged("effect", record_id, key, verdict, why, *both)

    other = now is not None and not isinstance(now, Missing) and dict(now) != dict(payload)
    if state == "done":
        if other:
            return judged(Verdict.REVIEW, "done already, and they got other content than this plan gives", changes=True)
        if isinstance(now, Missing):
            return judged(Verdict.REVIEW, f"done already with a word this plan does not know: {now.words}")
        return judged(Verdict.SKIP, "done already, with the same content")
    if state in ("sending", "unknown"):
        if other or isinstance(now, Missing):
            return judged(
                Verdict.REVIEW, "its result is not known yet, and this plan gives other content", changes=other
            )
        return judged(Verdict.SKIP, "its result is not known yet: it is read back, never sent again blindly")
    if state == "void":
        return judged(Verdict.SKIP, "was taken back" + (f": {note}" if note else ""))
    if state == "observed":
        return judged(Verdict.SKIP, "was only observed: nothing of it is ours to send")
    if isinstance(now, Missing):
        return judged(Verdict.REVIEW, f"this plan does not know its word: {now.words}")
    if state == "refused" and money_gone:
        return judged(
            Verdict.REVIEW, "was refused, and the buyer's money was given back: a new basket is needed", changes=other
        )
    if other:
        how = (
            "never left the house: gets this plan's content"
            if not attempts
            else "gives way to a new one with this plan's content"
        )
        return judged(Verdict.SEND, how, changes=True)
    if state in ("planned", "advised"):
        return judged(Verdict.SKIP, "waits already, with the same content")
    return judged(Verdict.SEND, f"is {state}: sent again with the same content and key")


def judge_message(*, record_id: str, name: str, state: str, note: str, words: Sequence[tuple[str, str, str]]) -> Judged:
    """A message that was parked, or decided with words that the plan reads otherwise now (their word, then, now)."""
    if state == "parked":
        return Judged("message", record_id, name, Verdict.DECIDE, f"is parked ({note}): read again under this plan")
    if state == "decided" and words:
        said = "; ".join(f"“{theirs}” was read as {then}, and is {now} now" for theirs, then, now in words)
        return Judged("message", record_id, name, Verdict.REVIEW, f"decided already: {said}")
    return Judged("message", record_id, name, Verdict.SKIP, f"is {state} already; nothing is decided twice")


def digest_of(rows: Sequence[Judged]) -> str:
    """What a person has seen, in a few letters: another plan of the same replay has another digest."""
    told = [(row.what, row.record_id, row.verdict.value, row.after) for row in rows]
    return sha256(msgspec.json.encode(told, order="sorted")).hexdigest()[:DIGEST_DIGITS]


def counted(rows: Sequence[Judged]) -> dict[str, int]:
    return {verdict.value: sum(row.verdict is verdict for row in rows) for verdict in Verdict}
