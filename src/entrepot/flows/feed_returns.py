"""Rejected rows of a seller's file on their way back to him: one message per window with all that is new, by the channel he is reached by.

The message names row, field and value; the file that goes with it has his own columns and beside them what is wrong, so that he can
mend it there and send it as it is. A channel that does not take it gives way to the next; when there is none, a person must reach him.
That he answers is a promise with a deadline; the corrected rows in a later file keep it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.bulk import returns_store as store
from entrepot.bulk.following import FLOW, NOTICE, PROMISE
from entrepot.bulk.returning import returned_rows
from entrepot.cases import service as cases
from entrepot.cases.letters import Letter, plan_letter
from entrepot.cases.model import CaseAsked, Promise
from entrepot.flows import correction_words as words
from entrepot.flows.offer_judgement import UNANSWERED
from entrepot.flows.parts import Parts
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.outcome import Refused
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.store import Intent, plan_effects
from entrepot.ownership.windows import requesting
from entrepot.trade.seller import conversations as told
from entrepot.trade.seller.store import sellers

CAUSE = "rejected-rows"
OPEN_THREAD, REPLY_THREAD = "mirakl.open-thread", "mirakl.reply-thread"
PREFIX = "fnt"  # of a notice's id
FILE_NAME = "rejected-offers.csv"
ROWS_MAX = 10_000  # of one message; the rest goes into the next
SELLERS_AT_ONCE = 20
SUBJECT = "{count} {rows} of your offer file to correct"
HEAD = "These rows were not taken; what you sell here goes on as it was:"
TAIL = (
    "The attached file holds them in your own columns, with what is wrong beside them. Correct them there and send the file again, or"
    " correct them in your next one, by {by}. Nothing else is needed: the corrected rows close this request."
)


@dataclass(frozen=True, slots=True)
class FeedReturns:
    parts: Parts

    def tell(self, ctx: Ctx, conn: Conn, account: str) -> int:
        """Send what is due; returns how many messages were dealt with."""
        letters = store.letters_settled(conn, account)
        for row in letters:
            if row["state"] == "sent":
                self.delivered(ctx, conn, row["id"])
            else:
                self.not_delivered(ctx, conn, row["id"], row["last_error"] or "the mail could not be sent")
        due = store.tell_due(conn, account, ctx.clock.now(), SELLERS_AT_ONCE)
        for seller in due:
            self._tell(ctx, conn, account, seller)
        return len(letters) + len(due)

    def _tell(self, ctx: Ctx, conn: Conn, account: str, seller: str) -> None:
        notice_id = ctx.ids.new(PREFIX)
        rows = store.tell(conn, account, seller, notice_id, ROWS_MAX)
        if not rows:
            store.nothing_to_tell(conn, account, seller)
            return
        now, [channel, *_] = ctx.clock.now(), self._channels(seller)
        store.add_notice(conn, {"id": notice_id, "account": account, "seller": seller, "rows": len(rows), "channel": channel, "at": now})  # fmt: skip
        if store.untold(conn, account, seller):
            store.ask(conn, account, seller, tell_at=now + requesting(self.parts.plan, seller).digest_every)
        content = returned_rows(rows, *_files(conn, account, seller, rows))
        told.keep_file(conn, notice_id, account, seller, FILE_NAME, content, now)
        self._promise(ctx, conn, account, seller, notice_id)
        self._send(ctx, conn, notice_id, account, seller, channel, rows, content)

    def _send(self, ctx: Ctx, conn: Conn, notice_id: str, account: str, seller: str, channel: str, rows: Sequence[Row], content: str) -> None:  # fmt: skip
        by = ctx.clock.now() + requesting(self.parts.plan, seller).answer_within
        text = body(rows, words.local(by, self.parts.plan.system_of(account).timezone))
        match channel:
            case "mirakl-thread" if OPEN_THREAD in self.parts.connectors[account].operations:
                plan_effects(conn, ctx, [self._thread(ctx, conn, notice_id, account, seller, len(rows), text, content)])
            case "mail-digest" if mail := self.parts.plan.seller(seller).mail:
                letter = f"{text}\n\n{FILE_NAME}:\n{content}"
                plan_letter(conn, ctx, Letter(f"{store.LETTER}{notice_id}", f"seller-{seller}", mail, subject(len(rows)), letter))  # fmt: skip
            case "returned-file":
                self.delivered(ctx, conn, notice_id, "a file waits for the seller")
            case other:
                self.not_delivered(ctx, conn, notice_id, f"there is no way to reach the seller by {other}")

    def _thread(self, ctx: Ctx, conn: Conn, notice_id: str, account: str, seller: str, count: int, text: str, content: str) -> Intent:  # fmt: skip
        """One conversation per seller; what is rejected later goes into the same one."""
        known = told.conversation(conn, account, seller, CAUSE)
        payload: dict[str, Any] = {
            "shop_id": seller,
            "body": text,
            "reference": notice_id,
            "file_name": FILE_NAME,
            "file_text": content,
            "seller": seller,
            "cause": CAUSE,
        }
        if known is not None:
            payload["thread_id"] = known["thread_id"]
        else:
            payload |= {"subject": subject(count), "asked_at": ctx.clock.now().isoformat()}
        return Intent(
            key=f"return:{notice_id}",
            account=account,
            operation=REPLY_THREAD if known is not None else OPEN_THREAD,
            root=f"seller:{seller}",
            flow=FLOW,
            payload=payload,
            window_s=self.parts.window_s(FLOW),
        )

    def _promise(self, ctx: Ctx, conn: Conn, account: str, seller: str, notice_id: str) -> None:
        now, known = ctx.clock.now(), sellers(conn, account, [seller]).get(seller)
        promise = Promise(
            kind=PROMISE,
            flow=FLOW,
            account=account,
            object=NOTICE,
            object_id=notice_id,
            name=known["name"] if known else seller,
            root=f"seller:{seller}",
            mode=UNANSWERED,
            owner="",
            starts_at=now,
            due_at=now + requesting(self.parts.plan, seller).answer_within,
            seller=seller,
            cause_key=CAUSE,
        )
        cases.promise(conn, ctx, self.parts.plan, [promise])

    # ── what became of it ────────────────────────────────────────────────────────────────────────────────────

    def delivered(self, ctx: Ctx, conn: Conn, notice_id: str, words: str = "") -> None:
        """A channel took it. Twice is once."""
        row = store.notice(conn, notice_id)
        if row is not None and row["state"] == "taken":
            store.move_notice(conn, notice_id, "delivered", row["channel"], words, ctx.clock.now())
            ctx.point("returns.delivered")

    def not_delivered(self, ctx: Ctx, conn: Conn, notice_id: str, why: str) -> None:
        """The next of his channels; when there is none, a person must reach him: the file waits in the console."""
        row = store.notice(conn, notice_id)
        if row is None or row["state"] != "taken":
            return
        known = self._channels(row["seller"])
        place = known.index(row["channel"]) + 1 if row["channel"] in known else len(known)
        if place < len(known):
            store.move_notice(conn, notice_id, "taken", known[place], why, None)
            rows = store.told_in(conn, notice_id)
            content = returned_rows(rows, *_files(conn, row["account"], row["seller"], rows))
            self._send(ctx, conn, notice_id, row["account"], row["seller"], known[place], rows, content)
            return
        store.move_notice(conn, notice_id, "undelivered", row["channel"], why, None)
        cases.open_cases(conn, ctx, self.parts.plan, [_unanswered(row, f"nobody could tell the seller: {why}")])

    def said_no(self, ctx: Ctx, conn: Conn, account: str, seller: str, reply: str) -> None:
        """He will not correct them: a person decides."""
        rows = store.unanswered(conn, account, seller)
        cases.open_cases(conn, ctx, self.parts.plan, [_unanswered(row, f"the seller says no: {reply}") for row in rows])

    def _channels(self, seller: str) -> Sequence[str]:
        rule = self.parts.plan.sellers.get(seller) or self.parts.plan.sellers["*"]
        return rule.contact or ("case",)


def _unanswered(row: Row, cause: str) -> CaseAsked:
    return CaseAsked(
        mode=UNANSWERED,
        account=row["account"],
        object=NOTICE,
        object_id=row["id"],
        root=f"seller:{row['seller']}",
        name=f"{row['rows']} rejected rows of seller {row['seller']}",
        cause=cause,
        flow=FLOW,
        seller=row["seller"],
        cause_key=CAUSE,
    )


@dataclass(frozen=True, slots=True)
class RowsReturned(Reaction):
    """mirakl.open-thread and mirakl.reply-thread, where a file's rejected rows went: else whoever else writes to sellers hears it."""

    returns: FeedReturns
    others: Reaction

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        if effect.payload.get("cause") != CAUSE:
            return self.others.done(ctx, conn, effect, receipt)
        notice_id, seller = str(effect.payload["reference"]), effect.payload["seller"]
        told.keep_conversation(conn, effect.account, seller, CAUSE, str(receipt["thread_id"]), notice_id, ctx.clock.now())  # fmt: skip
        return self.returns.delivered(ctx, conn, notice_id)

    def refused(self, ctx: Ctx, conn: Conn, effect: Effect, refusal: Refused) -> bool:
        if effect.payload.get("cause") != CAUSE:
            return self.others.refused(ctx, conn, effect, refusal)
        self.returns.not_delivered(ctx, conn, str(effect.payload["reference"]), f"{refusal.code}: {refusal.words}")
        return True


def subject(count: int) -> str:
    return SUBJECT.format(count=count, rows="row" if count == 1 else "rows")


def body(rows: Sequence[Row], by: str) -> str:
    """Plain sentences; the file says the rest."""
    lines = [_line(row) for row in rows[: words.ROWS_IN_TEXT_MAX]]
    more = len(rows) - words.ROWS_IN_TEXT_MAX
    if more > 0:
        lines.append(f"- and {more} more, in the file")
    return "\n\n".join((HEAD, "\n".join(lines), TAIL.format(by=by)))


def _line(row: Row) -> str:
    named = f"- row {row['source_row']}" + (f", {row['sku']}" if row["sku"] else "")
    return f"{named}, {row['field']}: {row['message']}" if row["field"] else f"{named}: {row['message']}"


def _files(conn: Conn, account: str, seller: str, rows: Sequence[Row]) -> tuple[dict[str, Row], dict[str, Row]]:
    """The files in which these rows stood, and the offers of those of which only values are left."""
    bare = [row["sku"] for row in rows if row["line"] is None]
    return store.files(conn, sorted({row["file_id"] for row in rows})), store.offers_of(conn, account, seller, bare)
