"""Corrections: a seller is asked for better values once per cause, by the channel he is reached by, and his answer is acted upon.

Ownership collects what is to be asked; when a digest is due it goes out by the first of the seller's channels: a conversation at
the marketplace, a mail with single-use links, a file with error columns. A channel that does not take it gives way to the next; when
there is none, a person must reach him. That he answers is a promise with a deadline. What he answers in the conversation is heard
by the next look at it: DECLINE becomes a case; anything else is a promise at most, and the corrected value itself closes the request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.blueprint.references import resolve
from entrepot.cases.letters import Letter, plan_letter, redact
from entrepot.cases.model import Promise
from entrepot.flows import correction_words as words
from entrepot.flows.consequences import Consequences
from entrepot.flows.feed_returns import CAUSE as ROWS
from entrepot.flows.feed_returns import FeedReturns
from entrepot.flows.offer_judgement import PROMISE, UNANSWERED, OfferJudgement, unanswered
from entrepot.flows.offer_shelf import FLOW
from entrepot.flows.parts import Parts
from entrepot.flows.reassertion import Reassertion
from entrepot.inbox.model import Decided, Message, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.outcome import Refused
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.store import Intent, effects_by_key, plan_effects
from entrepot.ownership import service as ownership
from entrepot.ownership.compile import RuleSet
from entrepot.ownership.model import Value
from entrepot.ownership.service import Answered, Digest, DigestDue
from entrepot.trade.offer.store import known
from entrepot.trade.seller import conversations as told
from entrepot.trade.seller.model import ConversationSeen
from entrepot.trade.seller.store import sellers

THREAD, MAIL, FILE, BY_HAND = "mirakl-thread", "mail-digest", "returned-file", "case"
OPEN_THREAD, REPLY_THREAD = "mirakl.open-thread", "mirakl.reply-thread"
PUBLIC_URL = "env:ENTREPOT_PUBLIC_URL"  # where people outside reach the hub; not set: mails carry no links
ANSWERS = "/answers"
NOT_DELIVERED = ("refused", "parked", "void")


@dataclass(frozen=True, slots=True)
class Corrections:
    parts: Parts
    rules: RuleSet

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, ctx: Ctx, conn: Conn, account: str) -> int:
        """Send what is due to be told; returns how many digests were dealt with."""
        letters = told.letters_settled(conn, account)
        for row in letters:
            self._letter(ctx, conn, row)
        dues = ownership.due_digests(conn, ctx, self.parts.plan, account)
        for due in dues:
            self._tell(ctx, conn, due)
        return len(dues) + len(letters)

    def _tell(self, ctx: Ctx, conn: Conn, due: DigestDue) -> None:
        if due.digest_id is not None:
            self._give_up(ctx, conn, due.digest_id)
        digest = ownership.take_digest(conn, ctx, self.parts.plan, due)
        if digest is None:
            return
        if not digest.lines:
            ownership.delivered(conn, ctx, digest.id, "nothing was left to ask")
            return
        self._promise(ctx, conn, digest)
        self._send(ctx, conn, digest)

    def _give_up(self, ctx: Ctx, conn: Conn, digest_id: str) -> None:
        """A conversation that was asked for and will not come: the next channel is taken at once."""
        key, digest = f"ask:{digest_id}", ownership.digest_row(conn, digest_id)
        if digest is None or digest["channel"] != THREAD:
            return
        effect = effects_by_key(conn, [key]).get(key)
        if effect is not None and effect["state"] in NOT_DELIVERED:
            self.not_delivered(ctx, conn, digest_id, effect["note"] or effect["state"])

    def _send(self, ctx: Ctx, conn: Conn, digest: Digest) -> None:
        match digest.channel:
            case "mirakl-thread":
                plan_effects(conn, ctx, [self._thread(ctx, conn, digest)])
            case "mail-digest" if self._mail_of(digest.seller):
                self._mail(ctx, conn, digest)
            case "returned-file":
                self._file(ctx, conn, digest)
            case other:
                self.not_delivered(ctx, conn, digest.id, f"there is no way to reach the seller by {other}")

    def _thread(self, ctx: Ctx, conn: Conn, digest: Digest) -> Intent:
        """A conversation of its own per seller and cause; a later request goes into the same one."""
        offers = self._offers(conn, digest)
        payload: dict[str, Any] = {
            "shop_id": digest.seller,
            "body": words.body(digest, offers, self._zone(digest.account)),
            "reference": digest.id,
            "file_name": words.FILE_NAME,
            "file_text": words.returned_file(digest, offers),
            "seller": digest.seller,
            "cause": digest.cause.value,
        }
        known_one = told.conversation(conn, digest.account, digest.seller, digest.cause.value)
        if known_one is not None:
            payload["thread_id"] = known_one["thread_id"]
        else:
            ids = [line.object_id for line in digest.lines]
            payload |= {"subject": words.subject(digest), "offer_ids": ids, "asked_at": ctx.clock.now().isoformat()}
        return Intent(
            key=f"ask:{digest.id}",
            account=digest.account,
            operation=REPLY_THREAD if known_one is not None else OPEN_THREAD,
            root=f"seller:{digest.seller}",
            flow=FLOW,
            payload=payload,
            window_s=self.parts.window_s(FLOW),
        )

    def _mail(self, ctx: Ctx, conn: Conn, digest: Digest) -> None:
        links = public_url()
        text = words.body(
            digest, self._offers(conn, digest), self._zone(digest.account), f"{links}{ANSWERS}" if links else ""
        )
        letter = Letter(f"digest:{digest.id}", f"seller-{digest.seller}", self._mail_of(digest.seller), words.subject(digest), text)  # fmt: skip
        plan_letter(conn, ctx, letter)

    def _file(self, ctx: Ctx, conn: Conn, digest: Digest) -> None:
        content = words.returned_file(digest, self._offers(conn, digest))
        told.keep_file(conn, digest.id, digest.account, digest.seller, words.FILE_NAME, content, ctx.clock.now())
        ownership.delivered(conn, ctx, digest.id, "a file waits for the seller")

    def _letter(self, ctx: Ctx, conn: Conn, row: Row) -> None:
        """A mail that went out, or was given up."""
        if row["state"] == "sent":
            ownership.delivered(conn, ctx, row["digest_id"])
            redact(conn, row["key"])
        else:
            self.not_delivered(ctx, conn, row["digest_id"], row["last_error"] or "the mail could not be sent")

    def not_delivered(self, ctx: Ctx, conn: Conn, digest_id: str, why: str) -> None:
        """The next channel; when there is none, a person must reach the seller."""
        if ownership.undelivered(conn, ctx, self.parts.plan, digest_id, why) is not None:
            return
        row = ownership.digest_row(conn, digest_id)
        if row is not None and row["state"] == "undelivered":
            asked = ownership.requests_in(conn, digest_id)
            cases = unanswered(conn, asked, f"nobody could tell the seller: {why}")
            Consequences(cases=cases).flush(ctx, conn, self.parts.plan)

    def _promise(self, ctx: Ctx, conn: Conn, digest: Digest) -> None:
        """He answers in time; the same digest again promises nothing new."""
        then = Consequences()
        known_one = sellers(conn, digest.account, [digest.seller]).get(digest.seller)
        then.promises.append(
            Promise(
                kind=PROMISE,
                flow=FLOW,
                account=digest.account,
                object="correction",
                object_id=digest.id,
                name=known_one["name"] if known_one else digest.seller,
                root=f"seller:{digest.seller}",
                mode=UNANSWERED,
                owner="",
                starts_at=ctx.clock.now(),
                due_at=min(line.answer_by for line in digest.lines),
                seller=digest.seller,
                cause_key=digest.cause.value,
            )
        )
        then.flush(ctx, conn, self.parts.plan)

    # ── hearing ──────────────────────────────────────────────────────────────────────────────────────────────

    def decide_threads(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        """What sellers wrote in the conversations in which they were asked; other conversations are none of ours."""
        account, read = messages[0].account, [self.parts.read(m) for m in messages]
        seen = [one for one in read if isinstance(one, ConversationSeen)]
        ours = told.conversations(conn, account, [one.conversation_id for one in seen])
        for one in sorted(seen, key=lambda c: c.updated_at):
            row = ours.get(one.conversation_id)
            if row is None:
                continue
            fresh = [
                said
                for said in one.said
                if said.by_seller and (row["heard_until"] is None or said.at > row["heard_until"])
            ]
            if fresh:
                reply = next((said for said in fresh if words.declines(said.body)), fresh[-1])
                self._heard(ctx, conn, account, one.seller_id, row["cause"], reply.body)
                told.heard(conn, account, one.conversation_id, fresh[-1].at)
                row["heard_until"] = fresh[-1].at
        return [one if isinstance(one, Parked) else Decided() for one in read]

    def _heard(self, ctx: Ctx, conn: Conn, account: str, seller: str, cause: str, reply: str) -> None:
        """One reply is for everything he was asked about this cause."""
        yes = not words.declines(reply)
        if cause == ROWS and not yes:
            FeedReturns(self.parts).said_no(ctx, conn, account, seller, words.clipped(reply))
        for correction_id in ownership.open_requests(conn, account, seller, cause):
            self.answer(ctx, conn, correction_id, accepted=yes, said=words.clipped(reply), by=f"seller {seller}")

    def answer(
        self, ctx: Ctx, conn: Conn, which: str, *, accepted: bool, said: str = "", value: Value = None, by: str = ""
    ) -> Answered:
        """The owner's answer by link, by conversation or through a person, and all that follows. Errors: as ownership.answer."""
        given = ownership.answer(conn, ctx, self.parts.plan, self.rules, which, accepted=accepted, words=said, value=value, by=by)  # fmt: skip
        judgement = OfferJudgement(self.parts)
        then = judgement.follow(ctx, conn, given.judged)
        if given.changed:
            row = ownership.asked(conn, [given.correction_id])[given.correction_id]
            then.kept += judgement.answered(ctx, conn, [row["digest_id"]] if row["digest_id"] else [])
            if not accepted:
                then.cases += unanswered(conn, [row], f"the seller says no: {said or 'without a word'}")
            elif value is not None:  # the marketplace still shows what was refused
                key = f"assert:{row['account']}:{row['object_id']}:{row['field']}:{given.correction_id}"
                then.intents += Reassertion(self.parts).assert_field(ctx, conn, row["account"], row["object_id"], row["field"], key)  # fmt: skip
        then.flush(ctx, conn, self.parts.plan)
        return given

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────

    def _offers(self, conn: Conn, digest: Digest) -> Mapping[str, Any]:
        return known(conn, digest.account, [line.object_id for line in digest.lines])

    def _zone(self, account: str) -> str:
        return self.parts.plan.system_of(account).timezone

    def _mail_of(self, seller: str) -> str:
        return self.parts.plan.seller(seller).mail


@dataclass(frozen=True, slots=True)
class Told(Reaction):
    """mirakl.open-thread and mirakl.reply-thread: the seller has it in his conversation, or he has to be reached otherwise."""

    corrections: Corrections

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        digest_id, payload = str(effect.payload["reference"]), effect.payload
        told.keep_conversation(
            conn, effect.account, payload["seller"], payload["cause"], str(receipt["thread_id"]), digest_id, ctx.clock.now()
        )  # fmt: skip
        ownership.delivered(conn, ctx, digest_id)

    def refused(self, ctx: Ctx, conn: Conn, effect: Effect, refusal: Refused) -> bool:
        self.corrections.not_delivered(ctx, conn, str(effect.payload["reference"]), f"{refusal.code}: {refusal.words}")
        return True


def public_url() -> str:
    """Where people outside reach the hub; empty when nobody has said it."""
    try:
        return resolve(PUBLIC_URL).rstrip("/")
    except WrongSetting:
        return ""
