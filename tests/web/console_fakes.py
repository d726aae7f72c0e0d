"""A hub of made-up records for the console's own tests: enough of each page to show every kind of row."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from fastapi import FastAPI
from web.channel_fakes import ChannelRecords, FakeDisputes
from web.feed_fakes import FakeFeeds, FeedRecords
from web.measure_fakes import MeasureRecords
from web.offer_fakes import FakeAnswers, FakeOffers, OfferRecords

from entrepot.blueprint.draw.risks import Experience, Seen
from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.cases.model import Preview, VerbDone, VerbRefused
from entrepot.cases.patch import applied
from entrepot.cases.questions import Answered, NotAsked
from entrepot.engine.flows import Proof
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import OwnerDecides
from entrepot.kernel.http import HttpAnswer, HttpRequest
from entrepot.kernel.ids import Ids
from entrepot.kernel.money import Money
from entrepot.web import words
from entrepot.web.app import create_app
from entrepot.web.ports import NO_WISH, Deed, Verb, Wish
from entrepot.web.views import (
    ActionDetail,
    ActionRow,
    AttemptRow,
    BasketDetail,
    BasketFilter,
    BasketPage,
    BasketRow,
    CaseDetail,
    CaseFilter,
    CasePage,
    CaseRow,
    Confirmation,
    DiffLine,
    Document,
    FindView,
    FlowRow,
    FlowsView,
    Found,
    HiddenRuleRow,
    JoinsView,
    KnownAs,
    LegMark,
    LegView,
    LineView,
    Link,
    Measure,
    MemberRow,
    MessageDetail,
    MessageRow,
    Parcel,
    PlanChangeDetail,
    PlanChangeRow,
    PlanView,
    Promise,
    QuestionRow,
    QuestionsView,
    RefundView,
    StatementDetail,
    StatementFilter,
    StatementLineRow,
    StatementPage,
    StatementRow,
    Step,
    StepState,
    TimelineEntry,
    TodayView,
    Tone,
    VarianceCause,
    VarianceRow,
    WaterfallStep,
    Week,
)  # fmt: skip

_plan = cache(load)
NOW = datetime(2026, 11, 23, 14, 2, 11, tzinfo=UTC)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def ahead(**span: float) -> datetime:
    return NOW + timedelta(**span)


MADE_UP = (
    ("Seller order refused", "The buyer’s basket is incomplete; the other two seller orders go on.", "Seller Nordlys refused 1 of 3 seller orders: out of stock.", "customer-care", "leg-refused", "business", 41270, 46, "Seller order C-88411-C"),
    ("Acknowledgement at risk", "1 order worth 190.40 EUR will be cancelled by the marketplace at 15:14.", "The seller has not decided every line.", "supplier-operations", "ack-at-risk", "business", 19040, 72, "Seller order C-88413-A"),
    ("Commission rate differs", "We were charged 318.40 EUR more than agreed.", "Statement says 12.5 %, the agreement 12.0 %.", "finance-operations", "commission-differs", "business", 31840, 4320, "Statement CYC-4711"),
    ("Refund not in the books", "The buyer has the money back; our books do not show it.", "Cleared at the marketplace, absent in the ledger after 24 h.", "finance-operations", "refund-not-posted", "business", 8900, -38, "Refund RF-30408"),
    ("Unclear result of a charge", "Nobody knows whether the buyer was charged; nothing more is sent for this basket.", "The gateway did not answer in time; two read-backs found nothing.", "on-call", "unknown-outcome", "system", 12900, 9, "Outgoing action capture:C-88420"),
    ("Message not recognised", "This order is parked; its neighbours went on.", "Unknown word “ON_ICE” in field order_state.", "commerce-architect", "unrecognised-word", "system", 0, 300, "Message C-88422-A"),
    ("Duplicate order, other content", "None yet: the second version is held for review.", "The same order id arrived twice with different prices.", "on-call", "duplicate-other-content", "business", 5400, 900, "Seller order C-88407-B"),
)  # fmt: skip


def case_rows() -> tuple[CaseRow, ...]:
    rows = [
        CaseRow(
            id=f"case_{at:02d}", number=1040 + at, title=title, effect=effect, cause=cause, owner=owner,
            state=words.state(words.CASE, "working" if at == 2 else "open"), kind=kind, mode=mode, account="mirakl-fr/operator",
            subject=subject, money=eur(minor) if minor else None, count=1 + at % 3, opened_at=ago(hours=3 + at),
            due_at=ahead(minutes=minutes), members=1 if at == 5 else 0, members_seen=2 if at == 5 else 0, assignee="Grace" if at == 2 else "",
        )
        for at, (title, effect, cause, owner, mode, kind, minor, minutes, subject) in enumerate(MADE_UP * 2)
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (row.due_at, row.id)))


PAYLOAD = '{\n  "order_id": "C-88411-C",\n  "order_lines": [\n    {\n      "id": "C-88411-C-1",\n      "accepted": false,\n      "quantity": 1,\n      "reason": "OUT_OF_STOCK <script>alert(1)</script>"\n    }\n  ]\n}'


def timeline() -> tuple[TimelineEntry, ...]:
    return (
        TimelineEntry(
            ago(hours=3, minutes=9),
            "Order received from the marketplace",
            "mirakl-fr",
            Tone.GOOD,
            "3 sellers, 5 lines",
            Link("msg", "/messages/msg_1"),
        ),
        TimelineEntry(ago(hours=3, minutes=8), "Split into 3 seller orders", "hub", Tone.GOOD),
        TimelineEntry(ago(hours=2), "Seller order C refused", "Nordlys", Tone.BAD, "409 OUT_OF_STOCK, attempt 3 of 5"),
        TimelineEntry(ago(hours=2), "Case opened", "hub", Tone.WARN),
        TimelineEntry(ago(minutes=31), "Alert sent", "hub", Tone.INFO, "to customer-care by mail"),
    )


def promise(minutes: int, state: str = "due") -> Promise:
    return Promise(
        "Seller accepts or refuses",
        "C-88413-A",
        "/orders/bas_1",
        "supplier-operations",
        words.state(words.PROMISE, state),
        ago(hours=4),
        ahead(minutes=minutes),
        ahead(minutes=minutes - 60),
        None if state in ("due", "warned", "escalated") else ago(minutes=5),
        eur(19040),
    )


def plan_rows() -> tuple[PlanChangeRow, ...]:
    def row(seq: int, kind: str, hash_: str, before: str, reason: str, **age: float) -> PlanChangeRow:
        state = words.state(words.PLAN_CHANGE, kind)
        return PlanChangeRow(seq, state, hash_, before, "Mari Holm", reason, ago(**age), seq == 3, 480 * seq)

    return (
        row(3, "rollback", "9fb8624db0b3ef91", "04c1a6e2f7d93b58", "Express went out as standard", hours=1),
        row(2, "apply", "04c1a6e2f7d93b58", "9fb8624db0b3ef91", "Carrier contract of March", hours=9),
        row(1, "first", "9fb8624db0b3ef91", "", "The first start: the file is the plan", days=30),
    )


def flow_rows() -> tuple[FlowRow, ...]:
    def row(name: str, state: str = "running", **more: Any) -> FlowRow:
        base = FlowRow(
            name,
            words.flow_word(name),
            words.state(words.FLOW, state),
            state == "running",
            "event",
            "near-real-time",
            "marketplace-lead",
            "hub",
            "",
            ago(days=2),
            None,
            0,
            None,
            0,
            0,
            0,
            0,
            ago(seconds=40),
            "",
        )
        return replace(base, **more)

    return (
        row("order-acceptance", waiting_in=12, oldest_in_at=ago(seconds=8), waiting_out=3, cases=2),
        row("return-refund", unclear=1, parked=1, cases=1, mode=words.state(words.MODE, "advise")),
        row(
            "settlement",
            "paused",
            reason="Gateway migration",
            changed_by="Mari Lind",
            until_at=ahead(hours=2),
            pattern="scheduled-job",
            latency="finance-close",
            waiting_in=310,
            oldest_in_at=ago(hours=1),
        ),
        row("shipment", last_error="429 from the marketplace, waits 60 s"),
    )


def statement_row(at: int = 1, differs: bool = True) -> StatementRow:
    return StatementRow(
        id=f"stm_{at}", account="mirakl-fr/operator", author="marketplace", external_id=f"CYC-47{at:02d}", version=1, seller="Nordlys",
        voucher=f"V-2026-{at:03d}", period_from=ago(days=10), period_to=ago(days=1), state=words.state(words.STATEMENT, "explained"),
        paid=eur(4100640), theirs=eur(4100640), ours=eur(4173720), difference=eur(-73080) if differs else eur(0), undecided=eur(0 if at % 2 else -1240), lines=362,
    )  # fmt: skip


def leg(
    order_id: str,
    seller: str,
    state: str,
    theirs: str,
    steps: tuple[Step, ...],
    promises: tuple[Promise, ...] = (),
    refunded: bool = False,
) -> LegView:
    refunds = (
        RefundView("RF-30408", "seller", words.state(words.REFUND, "cleared"), eur(8900), "Damaged on arrival", ago(hours=20), (
            Confirmation("Marketplace", ahead(hours=4), ago(hours=19)), Confirmation("Payment gateway", ahead(hours=4), ago(hours=18)), Confirmation("Our books", ago(minutes=38), None),
        )),
    )  # fmt: skip
    return LegView(
        id=f"leg_{order_id}", order_id=order_id, their_name="Mirakl order", seller=seller, state=words.state(words.LEG, state, theirs), steps=steps,
        promises=promises, money=(("Ordered", eur(19040)), ("Accepted", eur(19040)), ("Charged", eur(19040)), ("Refunded", eur(8900 if refunded else 0)), ("Commission", eur(-2285))),
        lines=(LineView(f"{order_id}-1", "NL-4410-BLK", "Floor lamp, black", 2, 2, 0, 1, 0, eur(15900), eur(490), eur(0), eur(1908), "SHIPPING"), LineView(f"{order_id}-2", "NL-1020", "Bulb E27", 3, 2, 1, 2, 0, eur(2150), eur(500), eur(8900 if refunded else 0), eur(377), "SHIPPED")),
        parcels=(Parcel("PostNord", "PN123456789NO", words.state(words.PARCEL, "handed-over"), ago(hours=5)),) if refunded else (), refunds=refunds if refunded else (),
        returns=(("RT-551", words.state(words.RETURN, "received"), "Damaged"),) if refunded else (),
    )  # fmt: skip


def basket_detail() -> BasketDetail:
    done = (
        Step("Ordered", StepState.DONE, ago(hours=30)),
        Step("Accepted", StepState.DONE, ago(hours=28)),
        Step("Charged", StepState.DONE, ago(hours=27)),
        Step("Shipped", StepState.DONE, ago(hours=22)),
        Step("Delivered", StepState.NOW),
        Step("Settled", StepState.AHEAD),
    )
    waiting = (
        Step("Ordered", StepState.DONE, ago(hours=30)),
        Step("Accepted", StepState.NOW, None, ahead(minutes=72)),
        Step("Charged", StepState.AHEAD),
        Step("Shipped", StepState.AHEAD),
        Step("Delivered", StepState.AHEAD),
        Step("Settled", StepState.AHEAD),
    )
    refused = (Step("Ordered", StepState.DONE, ago(hours=30)), Step("Refused", StepState.FAILED, ago(hours=2)))
    return BasketDetail(
        id="bas_1", commercial_id="C-88411", account="mirakl-fr/operator", state=words.state(words.BASKET, "open"), placed_at=ago(hours=30), source="storefront",
        money=(("Ordered", eur(57120)), ("Authorised", eur(57120)), ("Charged", eur(19040)), ("Released", eur(19040)), ("Refunded", eur(8900)), ("Still held", eur(19040))),
        authorisation_expires_at=ahead(days=5),
        legs=(leg("C-88411-A", "Nordlys", "shipped", "SHIPPED", done, (promise(-200, "met"),), True), leg("C-88411-B", "Fjell & Fjord", "awaiting-acceptance", "WAITING_ACCEPTANCE", waiting, (promise(72, "warned"),)), leg("C-88411-C", "Nordlys", "refused", "REFUSED", refused)),
        cases=case_rows()[:2], messages=(MessageRow("msg_1", "order", "C-88411-A", "mirakl-fr/operator", ago(hours=30), words.state(words.MESSAGE, "decided"), 2, ""), MessageRow("msg_2", "order", "C-88422-A", "mirakl-fr/operator", ago(hours=1), words.state(words.MESSAGE, "parked"), 1, "Unknown word “ON_ICE” in field order_state")),
        actions=(action_row(), replace(action_row(), id="eff_2", state=words.state(words.ACTION, "unknown"), done_at=None, note="No answer in time")), timeline=timeline(),
    )  # fmt: skip


def action_row() -> ActionRow:
    return ActionRow(
        "eff_1",
        "Gateway: capture",
        "gateway",
        "capture:C-88411-A",
        words.state(words.ACTION, "done"),
        ago(hours=27),
        ago(hours=27),
        2,
        "",
    )


def attempts() -> tuple[AttemptRow, ...]:
    return (
        AttemptRow(
            1, "send", ago(minutes=50), words.state(words.ATTEMPT, "later"), "429 Too Many Requests, Retry-After 60"
        ),
        AttemptRow(2, "send", ago(minutes=49), words.state(words.ATTEMPT, "unknown"), "no answer within 8 s"),
        AttemptRow(3, "read-back", ago(minutes=48), words.state(words.ATTEMPT, "not-there"), "404"),
    )


def members() -> tuple[MemberRow, ...]:
    return (
        MemberRow("Seller order C-88422-A", "/orders/bas_1#leg-C-88411-C", "Unknown word “ON_ICE”", eur(12900), 2, ago(hours=3)),
        MemberRow("Message C-88423-A", "", "Unknown word “ON_ICE”", None, 1, ago(hours=4), ago(minutes=9), "a later message about this was understood"),
    )  # fmt: skip


class FakeReader(OfferRecords, ChannelRecords, FeedRecords, MeasureRecords):
    """Answers every question of the console from the records above."""

    def open_case_count(self) -> int:
        return len(case_rows())

    def today(self, now: datetime) -> TodayView:
        return TodayView(
            measures=(
                Measure("Seller orders past their warning", "7", "orders", "of 41 undecided", "/orders?leg=awaiting-acceptance", Tone.BAD, (eur(190400),), (1, 2, 1, 3, 2, 4, 3, 6, 7)),
                Measure("Open cases", "14", "cases", "2 overdue", "/cases", Tone.WARN, (), (9, 8, 6, 7, 5, 4, 5, 6)),
                Measure("Refunds not confirmed by all", "1", "refund", "oldest 20 h", "/cases?mode=refund-not-posted", Tone.WARN, (eur(8900),)),
                Measure("Settlement differences not explained", "0", "lines", "4 of 31 statements differ", "/settlement?show=differs", Tone.GOOD, (eur(0), Money(12500, "JPY"))),
            ),
            cases=case_rows()[:10], promises=(promise(12, "escalated"), promise(72, "warned"), promise(600)), flows=flow_rows()[2:3],
            owners=(("customer-care", 2, 0), ("finance-operations", 4, 1), ("on-call", 0, 4)), faults=case_rows()[3:5], week=Week((eur(190400),), (eur(31840),), (eur(4200), Money(900, "JPY"))),
        )  # fmt: skip

    def cases(self, wanted: CaseFilter, now: datetime) -> CasePage:
        rows = tuple(
            row
            for row in case_rows()
            if (not wanted.owner or row.owner == wanted.owner) and (not wanted.kind or row.kind == wanted.kind)
        )
        rows = () if wanted.show == "resolved" else rows
        return CasePage(
            wanted,
            rows,
            len(rows),
            False,
            "" if wanted.after else "more",
            tuple(sorted({row.owner for row in case_rows()})),
            ("gateway", "mirakl-fr/operator"),
            *(sum(row.kind == kind for row in case_rows()) for kind in ("business", "system")),
        )

    def every_case(self, wanted: CaseFilter, now: datetime) -> Iterator[CaseRow]:
        yield from self.cases(wanted, now).rows

    def case_row(self, case_id: str) -> CaseRow | None:
        return next((row for row in case_rows() if row.id == case_id), None)

    def case(self, case_id: str) -> CaseDetail | None:
        row = next((row for row in case_rows() if row.id == case_id), None)
        if row is None:
            return None
        verbs = (
            (Verb.RETRY, Verb.REPAIR, Verb.SUPPRESS, Verb.ESCALATE)
            if row.kind == "system"
            else (Verb.REPAIR, Verb.ESCALATE, Verb.SUPPRESS)
        )
        return CaseDetail(
            row=row, flow="order-acceptance", runbook="Split basket, one seller order refused",
            steps=("Read why the seller refused.", "Ask the buyer whether the rest may ship alone.", "If not: cancel the other seller orders before they ship.", "Tell the seller’s contact to correct the stock."),
            verbs=verbs, corrects="seller", requests=("operator", "customer-care"), escalates_at=ahead(minutes=20), escalates_to="marketplace-lead", timeline=timeline(),
            document=Document("What they sent", PAYLOAD), diff_title="What changed between the versions", diff=(DiffLine(" ", '  "quantity": 1,'), DiffLine("-", '  "accepted": true'), DiffLine("+", '  "accepted": false')),
            attempts=attempts(), curl="curl -X PUT 'http://127.0.0.1:8410/api/orders/C-88411-C/accept' -H 'Authorization: $MIRAKL_FR_KEY' --data '{}'",
            related=(Link("Basket C-88411", "/orders/bas_1", "Basket"), Link("C-88411-C", "/orders/bas_1#leg-C-88411-C", "Seller order"), Link("capture:C-88411-A", "/actions/eff_1", "Outgoing action")), facts=(("Flow", "Order acceptance"),), editable=PAYLOAD, system="mirakl-fr",
            members=members() if row.members_seen else (), questions=tuple(q for q in (self.question(7),) if q and row.members_seen),
        )  # fmt: skip

    def baskets(self, wanted: BasketFilter) -> BasketPage:
        legs = tuple(LegMark(view.order_id, view.seller, view.state) for view in basket_detail().legs)
        rows = tuple(
            BasketRow(
                f"bas_{at}",
                f"C-884{at:02d}",
                "mirakl-fr/operator",
                ago(hours=at),
                words.state(words.BASKET, "open" if at < 4 else "closed"),
                eur(57120 + at),
                eur(19040),
                legs[: 1 + at % 3],
                at % 2,
                ahead(minutes=70) if at < 4 else None,
                "Seller accepts or refuses",
            )
            for at in range(1, 9)
        )
        return BasketPage(wanted, rows, "more", ("mirakl-fr/operator",))

    def basket(self, basket_id: str) -> BasketDetail | None:
        return replace(basket_detail(), id=basket_id) if basket_id.startswith("bas_") else None

    def message(self, message_id: str) -> MessageDetail | None:
        row = basket_detail().messages[1]
        return (
            MessageDetail(
                row,
                "order-acceptance",
                Link("Basket C-88411", "/orders/bas_1"),
                "webhook",
                "/hooks/mirakl-fr",
                {"content-type": "application/json", "webhook-id": "01J"},
                Document("Body", PAYLOAD),
                Document("Envelope", PAYLOAD),
                case_rows()[:1],
            )
            if message_id.startswith("msg_")
            else None
        )

    def action(self, effect_id: str) -> ActionDetail | None:
        return (
            ActionDetail(
                action_row(),
                "order-acceptance",
                Link("Basket C-88411", "/orders/bas_1"),
                ahead(hours=3),
                Document("What is sent", PAYLOAD),
                Document("Their answer", '{"id": "cap_1"}'),
                attempts(),
                "curl -X POST …",
                (),
            )
            if effect_id.startswith("eff_")
            else None
        )

    def statements(self, wanted: StatementFilter) -> StatementPage:
        return StatementPage(
            wanted,
            tuple(statement_row(at, differs=bool(at % 3)) for at in range(1, 7)),
            "",
            ("gateway", "mirakl-fr/operator"),
        )

    def statement(self, statement_id: str, line_filter: str, after: str) -> StatementDetail | None:
        if not statement_id.startswith("stm_"):
            return None
        steps = (
            ("Sales", 4821000, 4821000),
            ("Shipping", 96000, 96000),
            ("Commission", -578500, -546660),
            ("Tax on commission", -115700, -109332),
            ("Refunds", -120400, -98950),
            ("Fees", -1760, 0),
        )
        theirs, ours = sum(step[1] for step in steps), sum(step[2] for step in steps)
        return StatementDetail(
            row=replace(statement_row(), paid=eur(theirs), theirs=eur(theirs), ours=eur(ours), difference=eur(theirs - ours)),
            waterfall=(*(WaterfallStep(word, eur(a), eur(b)) for word, a, b in steps), WaterfallStep("Payout", eur(theirs), eur(ours), True)),
            causes=(VarianceCause("Commission rate differs", 38, eur(-38208), "finance-operations", words.state(words.VARIANCE, "open")), VarianceCause("Not in our books", 4, eur(-21450), "finance-operations", words.state(words.VARIANCE, "accepted")), VarianceCause("Unknown fee", 1, eur(-1760), "finance-operations", words.state(words.VARIANCE, "open"))),
            variances=(VarianceRow("Commission rate differs", "C-88411-A", eur(-2500), eur(-2400), eur(-100), "finance-operations", "12.5 % of 200.00 EUR charged, 12.0 % agreed since 1 October.", words.state(words.VARIANCE, "open"), ""),),
            lines=tuple(StatementLineRow(at, f"TL-{at}", "COMMISSION_FEE", "Commission", "C-88411-A", "", eur(-2500), ago(days=2), words.state(words.LINE_MATCH, ("matched", "variance", "open")[at % 3]), "Rate agreement" if at % 3 == 0 else "") for at in range(1, 12)),
            line_filter=line_filter, next_after="" if after else "11", payout=("V-2026-001", words.state(words.PAYOUT, "confirmed"), "tr_88"),
        )  # fmt: skip

    def flows(self) -> FlowsView:
        return FlowsView(flow_rows())

    def plan(self) -> PlanView:
        return PlanView("entrepot.yaml", (("systems", 3), ("flows", 9), ("failures", 35)), plan_rows())

    def plan_change(self, seq: int) -> PlanChangeDetail | None:
        lines = (DiffLine("-", "flows.capture.retry.window: 24h"), DiffLine("+", "flows.capture.retry.window: 12h"))
        found = [row for row in plan_rows() if row.seq == seq]
        return PlanChangeDetail(found[0], lines if found[0].before else ()) if found else None

    def find(self, query: str) -> FindView:
        if query == "C-88411-A":
            return FindView(query, (Found("Seller order", "C-88411-A", "", "/orders/bas_1#leg-C-88411-A"),))
        if query.startswith("C-"):
            return FindView(
                query,
                (
                    Found("Basket", "C-88411", "mirakl-fr/operator", "/orders/bas_1"),
                    Found("Case", "1042", "Commission rate differs", "/cases/case_02"),
                ),
            )
        return FindView(query, ())

    def seen(self, now: datetime) -> Seen:
        """Two modes of the plan with experience, the others without."""
        return Seen(90, {
            "leg-refused": Experience(26, 2.0, 31, timedelta(hours=3, minutes=20), 8, 2, (eur(41270),), (eur(310400), Money(900, "JPY"))),
            "unknown-outcome": Experience(9, 0.7, 9, timedelta(minutes=50), 44, 1, (eur(12900),), (eur(99000),), 2, (eur(4200),)),
        })  # fmt: skip

    def joins(self, query: str) -> JoinsView:
        if query.startswith("C-"):
            ids = (("Commercial id", "C-88411", "mirakl-fr/operator"), ("Authorisation id", "auth_1", "gateway/main"))
            return JoinsView(
                query, (KnownAs("Basket", "C-88411", "/orders/bas_1", ids), KnownAs("Seller", "2001", "", ()))
            )
        return JoinsView(query)

    def questions(self, now: datetime) -> QuestionsView:
        rows = tuple(row for number in (7, 8, 9) if (row := self.question(number)))
        links = tuple(
            Link(str(number), f"/cases/case_{number - 1040:02d}", "Case") for number in (1046, 1044, 1042, 1041)
        )
        rule = HiddenRuleRow("Repair of message not recognised", "set /order_state", 4, ("Ada", "Grace"), links, "Make it a mapping of the plan.", "commerce-architect", ago(hours=3))  # fmt: skip
        return QuestionsView(rows, (rule,))

    def question(self, number: int) -> QuestionRow | None:
        state = {7: "raised", 8: "decided", 9: "in-blueprint"}.get(number)
        if state is None:
            return None
        decided = {"decision": "The seller, by his feed.", "decided_by": "Grace"} if state != "raised" else {}
        return QuestionRow(
            number, "Who owns the price of a bundle?", "offer.price", words.state(words.QUESTION, state), "Ada", "supplier-operations",
            ahead(days=3), ago(days=2), **decided, in_plan="0123456789abcdef" if number == 9 else "",
            case=Link("Case 1041", "/cases/case_01", "Case"), undecided=state == "raised", decided=state == "decided",
        )  # fmt: skip


@dataclass
class FakeDesk:
    """Keeps what was asked of it; refuses the verb that `refuses` names."""

    calls: list[tuple[str, ...]] = field(default_factory=list)
    patches: list[Any] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    refuses: str = ""

    def preview(self, case_id: str, verb: Verb, wish: Wish = NO_WISH) -> Preview:
        patch = wish.patch
        if verb == self.refuses:
            return Preview(case_id, verb.value, False, "it is done already: there is nothing to retry")
        if verb is Verb.REPAIR:
            before = json.loads(PAYLOAD)
            return Preview(
                case_id,
                verb.value,
                True,
                "the message gives way to the repaired one",
                (),
                before,
                applied(before, patch or {}),
            )
        sends = ("gateway.capture to gateway/main, key capture:C-88411-A",) if verb is Verb.RETRY else ()
        says = {
            Verb.RETRY: "the same request is sent again, with the same key",
            Verb.SUPPRESS: "the case ends here, the record stays as it is",
        }
        return Preview(
            case_id,
            verb.value,
            True,
            says.get(verb, "the case goes to marketplace-lead"),
            sends,
            None,
            json.loads(PAYLOAD) if sends else None,
        )

    def act(self, case_id: str, verb: Verb, by: str, reason: str, wish: Wish = NO_WISH) -> VerbDone | VerbRefused:
        if verb == self.refuses:
            return VerbRefused(case_id, "The other side has already shipped.")
        self.calls.append((verb.value, case_id, by, reason))
        self.patches.append(wish.patch)
        self.wishes.append(wish)
        return VerbDone(case_id, 1041, verb.value, f"Done: {verb.value}.")

    def handle(
        self, case_id: str, deed: Deed, by: str, to: str, text: str, *, team: str = ""
    ) -> VerbDone | VerbRefused:
        if deed == self.refuses:
            return VerbRefused(case_id, "case 1041 is supplier-operations's")
        self.calls.append((deed.value, case_id, by, to, text, team))
        return VerbDone(case_id, 1041, deed.value, f"Done: {deed.value}.")

    def ask(self, case_id: str, ask: str, about: str, by: str, *, team: str = "") -> Answered | NotAsked:
        if self.refuses == "question":
            return NotAsked("it was asked already")
        self.calls.append(("question", case_id, by, about, ask, team))
        return Answered(7, "Question 7 is raised.")

    def decide_planned(self, name: str, by: str, decision: str) -> Answered | NotAsked:
        self.calls.append(("decide-planned", name, by, decision))
        return Answered(8, "Question 8 is decided.") if decision else NotAsked("say what")

    def decide(self, number: int, by: str, decision: str, in_plan: str) -> Answered | NotAsked:
        if self.refuses == "decide":
            return NotAsked("no plan of that hash has run here")
        self.calls.append(("decide", str(number), by, decision, in_plan))
        return Answered(number, f"Question {number} is decided.")

    def pause(self, flow: str, by: str, reason: str, until: datetime) -> None:
        if self.refuses == "pause":
            raise OwnerDecides("the blueprint does not let it be paused")
        self.calls.append(("pause", flow, by, f"{reason} until {until:%H:%M}"))

    def empty(self, flow: str, by: str, reason: str, until: datetime) -> None:
        if self.refuses == "empty":
            raise OwnerDecides("the blueprint does not let it be paused")
        self.calls.append(("empty", flow, by, f"{reason} until {until:%H:%M}"))

    def proof(self, flow: str) -> Proof:
        return Proof({"decided": 40}, {"done": 12})

    def resume(self, flow: str, by: str, reason: str) -> None:
        self.calls.append(("resume", flow, by, reason))


class NoDatabase:
    def transaction(self) -> AbstractContextManager[Conn]:
        raise AssertionError("these tests read from memory")


class NoHttp:
    def send(self, request: HttpRequest) -> HttpAnswer:
        raise AssertionError("the console sends nothing itself")


@dataclass
class FakeHub:
    """What `create_app` is given."""

    environment: str = "sandbox"
    plan: Plan = field(default_factory=_plan)

    def __post_init__(self) -> None:
        ids = Ids(lambda: 0)
        self.ctx = Ctx(db=NoDatabase(), clock=ManualClock(NOW), ids=ids, http=NoHttp(), environment=self.environment)


def console(
    desk: FakeDesk | None = None,
    environment: str = "sandbox",
    *,
    plan: Plan | None = None,
    offers: FakeOffers | None = None,
    answers: FakeAnswers | None = None,
    disputes: FakeDisputes | None = None,
    feeds: FakeFeeds | None = None,
) -> FastAPI:
    """The console over made-up records."""
    desk = desk or FakeDesk()
    return create_app(
        FakeHub(environment, plan or _plan()),
        reader=FakeReader(),
        cases=desk,
        flows=desk,
        offers=offers or FakeOffers(),
        answers=answers or FakeAnswers(),
        disputes=disputes or FakeDisputes(),
        feeds=feeds or FakeFeeds(),
    )
