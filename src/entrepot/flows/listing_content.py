"""listing-content: a product of the PIM becomes a listing on each channel: submitted under a number, worked off as a batch, answered item by item,
and live only when the channel shows it. What it finds wrong goes to whoever owns the attribute, with its name.

Also what channels tell of listings by themselves, of batches of any kind, and of the health of our account.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.cases.model import CaseAsked
from entrepot.change.mapping import Missing
from entrepot.connectors.verbs import SubmitListing, Verb
from entrepot.flows.channels import SalesChannels
from entrepot.flows.consequences import Consequences
from entrepot.flows.listing_offer import LISTING, listing_id, took, turned_down
from entrepot.flows.own_offers import OwnOffers
from entrepot.inbox.model import Decided, Ignored, Message, NotYet, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.outcome import Refused, Unrecognised
from entrepot.outbox.port import Effect, Reaction
from entrepot.trade.catalog.model import ProductSeen
from entrepot.trade.listing import store
from entrepot.trade.listing.model import HealthSeen, Issue, ItemResult, ListingSeen, SubmissionSeen
from entrepot.trade.listing.states import ListingState, SubmissionState
from entrepot.trade.stock import store as stock

FLOW, OFFER_FLOW = "listing-content", "listing-offer"
SUPPRESSED, MISSING_ATTRIBUTE, REJECTED, AT_RISK = "listing-suppressed", "attribute-missing", "offer-rejected", "account-at-risk"  # fmt: skip
ISSUES = (SUPPRESSED, MISSING_ATTRIBUTE, REJECTED)
NEAR = 0.8  # of a channel's limit: then it is time to act
OFFER_KEYS = ("price", "stock")


@dataclass(frozen=True, slots=True)
class ListingContent:
    channels: SalesChannels
    offers: OwnOffers

    # ── a product is submitted ───────────────────────────────────────────────────────────────────────────────

    def decide_products(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        then, verdicts = Consequences(), list[Verdict]()
        for message in messages:
            seen = self.channels.parts.read(message)
            verdicts.append(seen if isinstance(seen, Parked) else self._product(ctx, conn, then, message, seen))
        then.flush(ctx, conn, self.channels.parts.plan)
        return verdicts

    def _product(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, seen: ProductSeen) -> Verdict:
        prices, rest = stock.prices(conn, [seen.sku]), stock.available(conn, [seen.sku]).get(seen.sku)
        for account in self._sold_on():
            price = self.offers.price_told(prices, seen.sku, account)
            if price is None or not self.offers.tellers.counts(price.told_by, account):
                return NotYet(f"nobody has said yet what {seen.sku} costs on {account}", name=seen.sku)
            category = self.channels.parts.outgoing(FLOW, account, "category", seen.category)
            if isinstance(category, Missing):
                then.cases.append(self._no_category(account, seen))
                continue
            quantity = max((rest[0] if rest else 0) - self.channels.parts.account(account).buffer, 0)
            payload = SubmitListing(
                sku=seen.sku, revision=seen.revision, category=category.word, title=seen.title, gtin=seen.gtin, price_minor=price.price_minor, currency=price.currency,
                quantity=quantity, attributes=dict(seen.attributes), brand=seen.brand, description=seen.description, images=list(seen.images),
            )  # fmt: skip
            store.requested(conn, ctx, account, seen.sku, category.word, seen.revision)
            key = f"listing:{account}:{seen.sku}:{seen.revision}"
            root = f"listing:{seen.sku}"
            then.intents += self.channels.intent(account, Verb.SUBMIT_LISTING, payload, key=key, root=root, flow=FLOW, message_id=message.id)  # fmt: skip
        return Decided()

    def _sold_on(self) -> list[str]:
        """SalesChannels that the plan sends products to, and that can be asked to list one."""
        plan = self.channels.parts.plan
        to = set(plan.flow(FLOW).to)
        chosen = [name for name in self.channels.accounts if plan.account(name).system in to or plan.system_of(name).party in to]  # fmt: skip
        return [name for name in chosen if self.channels.does(name, Verb.SUBMIT_LISTING)]

    def _no_category(self, account: str, seen: ProductSeen) -> CaseAsked:
        cause = f"{seen.sku}: our category “{seen.category}” has no place on {account}"
        return self._case("category-unknown", account, seen.sku, cause, seen.category, FLOW)

    # ── what channels show ───────────────────────────────────────────────────────────────────────────────────

    def decide_listings(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        account, then = messages[0].account, Consequences()
        read = [self.channels.parts.read(m) for m in messages]
        seen: list[ListingSeen] = [r for r in read if isinstance(r, ListingSeen) and not isinstance(r.state, Unrecognised)]  # fmt: skip
        known = store.listings(conn, account, sorted({one.sku for one in seen}))
        store.keep_seen(conn, ctx, account, seen)
        store.ask_restock(conn, ctx, {one.sku for one in seen if _to_be_worked_out(known.get(one.sku))})
        for one in seen:
            self._judge(then, account, one)
        then.flush(ctx, conn, self.channels.parts.plan)
        return [_verdict(one) for one in read]

    def _judge(self, then: Consequences, account: str, seen: ListingSeen) -> None:
        errors = [issue for issue in seen.issues if issue.severity == "error"]
        bad: dict[str, Issue] = {}
        if seen.state is ListingState.SUPPRESSED:
            bad[SUPPRESSED] = errors[0] if errors else Issue("", f"it is {seen.their_state}, and nobody says why")
        elif seen.state is ListingState.ISSUE:
            for issue in errors or [Issue("", f"it is {seen.their_state}, and nobody says why")]:
                bad.setdefault(MISSING_ATTRIBUTE if issue.attribute else REJECTED, issue)
        for mode in ISSUES:
            if mode in bad:
                issue = bad[mode]
                words = f"{issue.message} ({issue.code})" if issue.code else issue.message
                about = f"{issue.attribute}: " if issue.attribute else ""
                cause = f"{seen.sku}: {about}{words}"
                then.cases.append(self._case(mode, account, seen.sku, cause, f"{issue.code}:{issue.attribute}", OFFER_FLOW))  # fmt: skip
            elif mode != REJECTED or seen.state is ListingState.LIVE:
                then.gone.append((self.channels.mode(mode), LISTING, listing_id(account, seen.sku), f"it is {seen.their_state} now"))  # fmt: skip

    # ── batches ──────────────────────────────────────────────────────────────────────────────────────────────

    def decide_submissions(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        then, verdicts = Consequences(), list[Verdict]()
        for message in messages:
            seen = self.channels.parts.read(message)
            if isinstance(seen, Parked):
                verdicts.append(seen)
            elif isinstance(seen.state, Unrecognised):
                verdicts.append(_verdict(seen))
            else:
                verdicts.append(self._submission(ctx, conn, then, message, seen))
        then.flush(ctx, conn, self.channels.parts.plan)
        return verdicts

    def _submission(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, seen: SubmissionSeen) -> Verdict:
        account = message.account
        known = store.submission(conn, account, seen.submission_id)
        if known is None:
            return self._strange(conn, account, seen.submission_id)
        store.move_submission(conn, ctx, account, seen)
        if known["ended_at"] is not None or seen.state not in (SubmissionState.DONE, SubmissionState.FAILED):
            return Decided()
        self._answered(ctx, conn, then, account, known, seen)
        return Decided()

    def _strange(self, conn: Conn, account: str, submission_id: str) -> Verdict:
        """A batch without a receipt of ours. Before it can be listed, what made it stands as `sending`: so it is ours only while something is unclear."""
        batches = [name for name, row in self.channels.manifest(account).operations.items() if row.batch]
        if store.receipt_awaited(conn, account, batches):
            why = f"submission {submission_id} is not one of ours, or its receipt is still to come"
            return NotYet(why, "gap-found", name=submission_id)
        return Ignored(
            f"nobody here waits for submission {submission_id}: another tool or environment of this account made it, or a look has settled ours"
        )

    def _answered(self, ctx: Ctx, conn: Conn, then: Consequences, account: str, known: Row, seen: SubmissionSeen) -> None:  # fmt: skip
        """The third level: what became of each thing that this batch carried."""
        bad = [one for one in seen.results if not one.accepted]
        if seen.state is SubmissionState.FAILED and not bad:
            bad = [ItemResult("", False, seen.their_state, "the batch failed as a whole")]
        parts = store.parts_of(conn, account, seen.submission_id) or [known]
        for part, refused in _by_part(parts, bad):
            self._part_answered(ctx, conn, then, account, part, refused)

    def _part_answered(self, ctx: Ctx, conn: Conn, then: Consequences, account: str, part: Row, bad: Sequence[ItemResult]) -> None:  # fmt: skip
        sku, lane = _sku(part), part["effect_key"].partition(":")[0]
        if lane in OFFER_KEYS and sku and not bad:
            took(conn, ctx, self.channels, account, sku, part["effect_key"])
        elif sku and not bad:
            store.ask_restock(conn, ctx, {sku})
        for one in bad:
            refusal = Refused(one.code or "rejected", one.message, one.attribute or None)
            if sku and lane in OFFER_KEYS:
                then.cases.append(turned_down(self.channels, account, sku, refusal, part["effect_id"]))
            elif sku:
                mode = MISSING_ATTRIBUTE if one.attribute else REJECTED
                cause = f"{sku}: {one.attribute + ': ' if one.attribute else ''}{one.message} ({one.code})"
                then.cases.append(self._case(mode, account, sku, cause, f"{one.code}:{one.attribute}", FLOW))
            else:
                then.cases.append(self._effect_refused(account, part, refusal))

    def _effect_refused(self, account: str, known: Row, refusal: Refused) -> CaseAsked:
        """A cancellation, a refund or a confirmation that was taken as a batch, and refused as an item."""
        cause = f"{known['operation']} ({known['effect_key']}): {refusal.words} ({refusal.code})"
        return CaseAsked(mode="effect-refused", account=account, object="effect", object_id=known["effect_id"] or known["effect_key"], name=known["effect_key"],
                         root=known["root"] or "", cause=cause, effect_id=known["effect_id"], cause_key=refusal.code)  # fmt: skip

    # ── the health of our account ────────────────────────────────────────────────────────────────────────────

    def decide_health(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        then, verdicts = Consequences(), list[Verdict]()
        for message in messages:
            seen = self.channels.parts.read(message)
            if not isinstance(seen, Parked):
                self._health(conn, then, message.account, seen)
            verdicts.append(seen if isinstance(seen, Parked) else Decided())
        then.flush(ctx, conn, self.channels.parts.plan)
        return verdicts

    def _health(self, conn: Conn, then: Consequences, account: str, seen: HealthSeen) -> None:
        limits = self.channels.manifest(account).limits
        named = Counter(one.name for one in seen.measures)
        rows = []
        for one in {(one.name, one.their_name): one for one in seen.measures}.values():
            measure = one.name if named[one.name] == 1 else f"{one.name}: {one.their_name}"  # a quota of each call, say
            published = limits.get(one.name)
            limit = one.limit if one.limit is not None else published.rate if published else None
            above = published.above if published else one.above
            rows.append({"account": account, "measure": measure, "their_name": one.their_name, "rate": one.rate, "limit_rate": limit, "above": above,
                         "standing": seen.standing, "measured_at": seen.measured_at})  # fmt: skip
            object_id, mode = f"{account}:{measure}", self.channels.mode(AT_RISK)
            if limit is not None and near(one.rate, limit, above=above):
                told = published.consequence if published else seen.standing
                cause = f"{one.their_name} is {one.rate:.2%}; the channel's limit is {limit:.2%}: {told}"
                then.cases.append(CaseAsked(mode=mode, account=account, object="measure", object_id=object_id, name=one.their_name, cause=cause, cause_key=one.name,
                                            flow=OFFER_FLOW, values={"words": cause}))  # fmt: skip
            else:
                then.gone.append((mode, "measure", object_id, f"{one.their_name} is {one.rate:.2%} again"))
        store.keep_health(conn, rows)

    def _case(self, mode: str, account: str, sku: str, cause: str, cause_key: str, flow: str) -> CaseAsked:
        return CaseAsked(mode=self.channels.mode(mode), account=account, object=LISTING, object_id=listing_id(account, sku), name=sku, root=f"listing:{sku}",
                         cause=cause, cause_key=cause_key, flow=flow, values={"words": cause})  # fmt: skip


def _sku(part: Row) -> str:
    return str((part["payload"] or {}).get("sku", ""))


def _by_part(parts: Sequence[Row], bad: Sequence[ItemResult]) -> Iterator[tuple[Row, list[ItemResult]]]:
    """Each thing of a batch with what was refused of it. A refusal that names none of them is told of all that are not named."""
    names = [{part["effect_key"], _sku(part)} - {""} for part in parts]
    known = set().union(*names)
    of_all = [one for one in bad if one.key not in known]
    for part, own in zip(parts, names, strict=True):
        named = [one for one in bad if one.key in own]
        yield part, (named + of_all if len(parts) == 1 else named or of_all)


def near(rate: float, limit: float, *, above: bool) -> bool:
    """A measure is so close to its limit, or beyond, that it is time to act. `above`: too much is bad; else too little is."""
    return rate >= limit * NEAR if above else rate <= limit + (1 - limit) * (1 - NEAR) / 4


def _to_be_worked_out(known: Row | None) -> bool:
    return known is None or (known["wanted_price_minor"] is None and known["wanted_quantity"] is None)


def _verdict(read: Any) -> Verdict:
    if isinstance(read, Parked):
        return read
    if isinstance(read.state, Unrecognised):
        word = read.state
        return Parked("unknown-word", f"“{word.word}” in {word.field} is a word we do not know", cause_key=f"{word.field}:{word.word}")  # fmt: skip
    return Decided()


@dataclass(frozen=True, slots=True)
class ListingSubmitted(Reaction):
    """A channel took a product: the first of three levels."""

    channels: SalesChannels

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        """Only the newest revision of a product is still wanted."""
        sku = str(effect.payload["sku"])
        row = store.listings(conn, effect.account, [sku]).get(sku)
        return effect if row is None or row["revision"] == effect.payload["revision"] else None

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        store.submitted(conn, effect.account, str(effect.payload["sku"]), ctx.clock.now())
        if batch := receipt.get("submission_id"):
            store.take_submission(conn, ctx, effect.account, str(batch), effect.operation, effect.key)

    def refused(self, ctx: Ctx, conn: Conn, effect: Effect, refusal: Refused) -> bool:
        sku = str(effect.payload["sku"])
        mode = MISSING_ATTRIBUTE if refusal.field else REJECTED
        about = f"{refusal.field}: " if refusal.field else ""
        then = Consequences()
        then.cases.append(
            CaseAsked(mode=self.channels.mode(mode), account=effect.account, object=LISTING, object_id=listing_id(effect.account, sku), name=sku,
                      root=effect.root, cause=f"{sku}: {about}{refusal.words} ({refusal.code})", cause_key=f"{refusal.code}:{refusal.field or ''}",
                      effect_id=effect.id, flow=FLOW, values={"words": refusal.words})
        )  # fmt: skip
        then.flush(ctx, conn, self.channels.parts.plan)
        return True


@dataclass(frozen=True, slots=True)
class BatchTaken(Reaction):
    """Another write that a channel works off as a batch (a cancellation, a refund): its item's answer comes later."""

    channels: SalesChannels
    then: Reaction | None = None

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        return self.then.wanted(ctx, conn, effect) if self.then else effect

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        if batch := receipt.get("submission_id"):  # taken is not done: its item's answer is still to come
            store.take_submission(conn, ctx, effect.account, str(batch), effect.operation, effect.key)
        elif self.then:
            self.then.done(ctx, conn, effect, receipt)

    def refused(self, ctx: Ctx, conn: Conn, effect: Effect, refusal: Refused) -> bool:
        return self.then.refused(ctx, conn, effect, refusal) if self.then else False
