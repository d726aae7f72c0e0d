"""The sellers' offers: prices typed wrong during the day, and what each seller does when the operator writes about it.

They know nothing of the hub: they read their conversations and click in the marketplace's back office.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from entrepot.sandbox.errands import Errands, Pace
from entrepot.sandbox.mirakl import Portal
from entrepot.sandbox.mirakl.conversation import SHOP, Thread

CORRECTED: Final = "Thank you, this was a typing error. It is corrected."
DECLINED: Final = "DECLINE: this is our price and it stands."


class Reply(StrEnum):
    """What a seller does when he is asked to correct an offer."""

    CORRECTS = "corrects"
    DECLINES = "declines"
    SAYS_NOTHING = "says-nothing"


@dataclass(frozen=True)
class Slip:
    """One edit that somebody will regret: `after` so long, one offer gets other values."""

    name: str
    after: timedelta
    offer_id: int
    values: dict[str, Any]
    reply: Reply = Reply.CORRECTS


@dataclass
class _Made:
    """A slip that happened. `before`: what the seller puts back."""

    slip: Slip
    sku: str
    shop_id: int
    before: dict[str, Any]
    over: bool = False


@dataclass
class KeeperBooks:
    slips: list[dict[str, Any]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)


class Shopkeepers:
    """All sellers, as far as they look after their offers."""

    def __init__(
        self,
        errands: Errands,
        portal: Portal,
        pace: Pace,
        slips: Sequence[Slip],
        others: Callable[[Thread], bool] = lambda thread: False,
    ) -> None:
        """`others`: whether somebody else in the shop answers a conversation."""
        self._errands = errands
        self._world = errands.world
        self._portal = portal
        self._pace = pace
        self._others = others
        self._made: list[_Made] = []
        self._read: dict[str, int] = {}  # messages of a conversation that somebody is answering or has answered
        self.records = KeeperBooks()
        portal.subscribe(self._hear)
        for slip in slips:
            self.plan(slip)

    def plan(self, slip: Slip) -> None:
        """One more slip, so long from now."""
        self._errands.later("slips", slip.after, lambda: self._slip(slip))

    def books(self) -> dict[str, Any]:
        return {"slips": self.records.slips, "replies": self.records.replies}

    # -- slipping ----------------------------------------------------------------------------------------------------

    def _slip(self, slip: Slip) -> None:
        offer = self._portal.offer(slip.offer_id)
        before = {name: getattr(offer, name) for name in slip.values}
        if not any(made.slip is slip for made in self._made):
            self._made.append(_Made(slip, offer.shop_sku, offer.shop_id, before))
        self._portal.revise_offer(slip.offer_id, **slip.values)
        self.records.slips.append({"name": slip.name, "offer_id": str(slip.offer_id), "before": before, **slip.values})

    # -- being asked -------------------------------------------------------------------------------------------------

    def _hear(self, topic: str, subject: str) -> None:
        if topic != "thread.updated":
            return
        thread = self._portal.thread(subject)
        if self._others(thread) or thread.messages[-1].by == SHOP or self._read.get(subject, 0) >= len(thread.messages):
            return
        self._read[subject] = len(thread.messages)
        said = thread.messages[-1]
        rng = self._world.stream(f"keeper/{thread.shop_id}/{len(self._read)}/{len(thread.messages)}")
        self._errands.within("corrections", self._pace.read_thread, rng, lambda: self._answer(thread, said.body))

    def _answer(self, thread: Thread, body: str) -> None:
        """Each offer named in the message is dealt with as that seller does; one reply for all."""
        asked = [made for made in self._made if made.shop_id == thread.shop_id and not made.over and made.sku in body]
        replies = {made.slip.reply for made in asked}
        for made in asked:
            if made.slip.reply is Reply.CORRECTS:
                self._portal.revise_offer(made.slip.offer_id, **made.before)
            made.over = made.slip.reply is not Reply.SAYS_NOTHING
            self._note(thread, made.slip.name, made.slip.reply)
        if not asked:
            self._note(thread, "", Reply.DECLINES)
        if Reply.DECLINES in replies or not asked:
            self._portal.reply(thread.thread_id, DECLINED)
        elif Reply.CORRECTS in replies:
            self._portal.reply(thread.thread_id, CORRECTED)

    def _note(self, thread: Thread, slip: str, reply: Reply) -> None:
        self.records.replies.append({"thread_id": thread.thread_id, "slip": slip, "reply": reply.value})
