"""Measures of offers: the figures are insight's, the words, marks and ways to the records behind them are ours."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from entrepot.blueprint.model import Plan
from entrepot.insight.offers import (
    Age,
    Handed,
    OfferMeasures,
    Oversell,
    Oversold,
    Reason,
    ToLive,
    offer_measures,
    shown_within,
)
from entrepot.kernel.ctx import Conn
from entrepot.web import format as show
from entrepot.web import words
from entrepot.web.format import link_to
from entrepot.web.selling import channel_link
from entrepot.web.store.common import page_of
from entrepot.web.views import Link, Measure, State, Tone
from entrepot.web.views.measures import (
    PERIODS,
    AgeRow,
    HandedRow,
    LiveRow,
    MeasuresView,
    OversoldRow,
    ReasonRow,
)

SELLERS_SHOWN, REASONS_SHOWN = 50, 30
OURSELVES = "we ourselves"
NOTHING = "–"
KINDS = {"stock": "Article"}  # of what cases are about, where the list has another word


def view(conn: Conn, plan: Plan, period: str, now: datetime) -> MeasuresView:
    found = offer_measures(conn, plan, now, PERIODS[period][1])
    return told(plan, period, found, [page_of(conn, one.object, one.object_id) for one in found.oversold.last])


def told(plan: Plan, period: str, found: OfferMeasures, about: Sequence[Link | None]) -> MeasuresView:
    """`about`: the pages of what was oversold, where it has one."""
    return MeasuresView(
        period=period,
        tiles=(_rejected(found), _stale(found), _live(found), _oversold(found.oversold)),
        handed=tuple(_handed(one) for one in found.handed[:SELLERS_SHOWN]),
        handed_more=max(0, len(found.handed) - SELLERS_SHOWN),
        reasons=tuple(_reason(one) for one in found.reasons[:REASONS_SHOWN]),
        ages=tuple(_age(one) for one in found.ages),
        live=tuple(_to_live(one) for one in found.to_live),
        shown_within=shown_within(plan),
        oversold=tuple(_oversell(one, page) for one, page in zip(found.oversold.last, about, strict=True)),
        oversold_cases=found.oversold.cases,
        empty=found.empty,
    )


# ── the four figures ─────────────────────────────────────────────────────────────────────────────────────────


def _rejected(found: OfferMeasures) -> Measure:
    rows, bad = sum(one.handed_in for one in found.handed), sum(one.rejected for one in found.handed)
    sellers = sum(1 for one in found.handed if one.rejected and one.seller)
    if not rows:
        return _nothing("Rows rejected", "no file came in this time", "#rejected")
    note = f"{show.count(bad)} of {show.count(rows)} handed in" + (f" · {_many(sellers, 'seller')}" if sellers else "")
    return Measure("Rows rejected", show.percent(bad / rows), "", note, "#rejected", Tone.WARN if bad else Tone.GOOD)


def _stale(found: OfferMeasures) -> Measure:
    limited = [one for one in found.ages if one.limit is not None]
    if not limited:
        return _nothing("Older than allowed", "nothing with an age in the plan", "#ages")
    share = sum(one.stale_share * one.about for one in limited) / sum(one.about for one in limited)
    beyond = sum(1 for one in limited if _is_beyond(one))
    note = f"of {show.count(sum(one.about for one in limited))} · " + (
        f"p95 beyond in {beyond} of {len(limited)}" if beyond else "p95 within what the plan allows"
    )
    tone = Tone.BAD if beyond else Tone.WARN if share else Tone.GOOD
    return Measure("Older than allowed", show.percent(share), "", note, "#ages", tone)


def _live(found: OfferMeasures) -> Measure:
    measured = [one for one in found.to_live if one.p95 is not None]
    late, unseen = (sum(getattr(one, name) for one in found.to_live) for name in ("late", "unseen"))
    word = "From change to live, p95"
    if not measured and not unseen:
        return _nothing(word, "no change became live in this time", "#live")
    slowest = max((one.p95 for one in measured if one.p95 is not None), default=None)
    bad = late or any(_is_slow(one) for one in measured)
    note = f"{show.count(unseen)} not live yet" + (f", {show.count(late)} too long" if late else "")
    return Measure(word, show.span(slowest) if slowest is not None else NOTHING, "", note, "#live", Tone.BAD if bad else Tone.WARN if unseen else Tone.GOOD)  # fmt: skip


def _oversold(found: Oversold) -> Measure:
    note = f"{found.open} of {_many(found.cases, 'case')} open" if found.cases else "target 0"
    unit, tone = "order" if found.times == 1 else "orders", Tone.BAD if found.times else Tone.GOOD
    return Measure("Orders without stock", show.count(found.times), unit, note, "#oversold", tone)


def _nothing(word: str, note: str, href: str) -> Measure:
    return Measure(word, NOTHING, "", note, href, Tone.IDLE)


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _handed(one: Handed) -> HandedRow:
    return HandedRow(
        who=_who(one.account, one.seller),
        account=one.account,
        files=one.files,
        unit="file" if one.seller else "submission",
        handed_in=one.handed_in,
        by_us=one.by_us,
        by_them=one.by_them,
        rate=one.rate,
        cases=one.cases,
        case=Link(f"case {one.case_number}", link_to("cases", one.case_id), "Case") if one.case_id else None,
    )


def _who(account: str, seller: str) -> Link:
    """His files; our own submissions."""
    if not seller:
        return Link(OURSELVES, _at(channel_link(account), show="submissions"))
    return Link(seller, _at("/feeds", account=account, seller=seller))


def _reason(one: Reason) -> ReasonRow:
    by = words.WITNESS.get(one.by, one.by)
    field = words.offer_field(one.field) if one.field else ""
    mostly = _who(one.account, one.mostly)
    return ReasonRow(field, words.plain(one.code), by, one.rows, one.open, one.corrected, one.sellers, one.such_as, mostly)  # fmt: skip


def _age(one: Age) -> AgeRow:
    fed = one.kind == "fed"
    return AgeRow(
        name=one.name or "told before names were kept",
        of="offers of sellers’ files" if fed else "our stock, as they tell it",
        count=one.about,
        sample=one.seen if one.seen < one.about else 0,
        p50=one.p50,
        p95=one.p95,
        stale_share=one.stale_share if one.limit is not None else None,
        state=_age_state(one),
        href=_at("/feeds", account=one.name) if fed else _at("/cases", mode="stock-stale"),
    )


def _is_beyond(one: Age) -> bool:
    return one.limit is not None and one.p95 > one.limit


def _age_state(one: Age) -> State:
    if one.limit is None:
        return State("No age in the plan", Tone.IDLE)
    if _is_beyond(one):
        return State(f"Beyond {show.span(one.limit)}", Tone.BAD)
    return State(f"Some beyond {show.span(one.limit)}", Tone.WARN) if one.stale else State(f"Within {show.span(one.limit)}", Tone.GOOD)  # fmt: skip


def _to_live(one: ToLive) -> LiveRow:
    fed = one.kind == "fed"
    return LiveRow(
        account=one.account,
        what="shown by the marketplace" if fed else "taken by the channel",
        changes=one.changes,
        p50=one.p50,
        p95=one.p95,
        unseen=one.unseen,
        late=one.late,
        waiting=one.waiting,
        state=_live_state(one),
        href=_at("/cases", mode="offer-not-live") if fed else _at(channel_link(one.account), show="listings", state="other"),
    )  # fmt: skip


def _is_slow(one: ToLive) -> bool:
    return one.limit is not None and one.p95 is not None and one.p95 > one.limit


def _live_state(one: ToLive) -> State:
    if one.limit is not None and (one.late or _is_slow(one)):
        return State(f"Beyond {show.span(one.limit)}", Tone.BAD)
    if one.unseen:
        return State("Some not live", Tone.WARN)
    if one.p95 is None:
        return State("On its way" if one.waiting else "Nothing changed", Tone.INFO if one.waiting else Tone.IDLE)
    return State(f"Within {show.span(one.limit)}" if one.limit else "All as wanted", Tone.GOOD)


def _oversell(one: Oversell, about: Link | None) -> OversoldRow:
    order = Link(one.order[1], f"{link_to('orders', one.order[0])}#leg-{one.order[1]}", words.OBJECT["leg"]) if one.order else None  # fmt: skip
    return OversoldRow(
        case=Link(str(one.number), link_to("cases", one.case_id), "Case"),
        state=words.state(words.CASE, one.state),
        about=Link(about.text, about.href, KINDS.get(one.object, about.kind)) if about else Link(one.name or one.object_id, "", ""),
        cause=words.sentence(one.cause),
        times=one.times,
        opened_at=one.opened_at,
        order=order,
    )  # fmt: skip


def _many(number: int, word: str) -> str:
    return f"{show.count(number)} {word}{'' if number == 1 else 's'}"


def _at(path: str, **params: str) -> str:
    return f"{path}?{urlencode(params)}"
