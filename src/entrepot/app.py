"""The one place where parts are chosen and joined. Tests and the simulator call `build` with other parts."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from entrepot.blueprint.model import MANUAL, Plan, System
from entrepot.blueprint.references import resolve
from entrepot.bulk.arrival import lane as feed_lane
from entrepot.bulk.arrival.lane import Arrivals
from entrepot.bulk.following import refused_arrival
from entrepot.cases import service as cases
from entrepot.cases.channels import Channels
from entrepot.cases.model import CaseAsked, Notifier
from entrepot.change.mapping import speaks
from entrepot.change.service import in_force
from entrepot.connectors import registry
from entrepot.connectors.port import Access, Connector, ProblemCode, Secret
from entrepot.connectors.sqs import QUEUE_URL, host_of
from entrepot.engine import flows as flow_control
from entrepot.engine import periodic
from entrepot.engine.room import Hooks, Room, Work
from entrepot.flows import events_queue
from entrepot.flows.channels import SalesChannels
from entrepot.flows.charging import Charged, Charging, DebitConfirmed, Released
from entrepot.flows.corrections import OPEN_THREAD, REPLY_THREAD, Corrections, Told
from entrepot.flows.events_queue import EventQueues
from entrepot.flows.feed_publication import OPERATION_BY_LANE, FeedImported, FeedPublication
from entrepot.flows.feed_returns import RowsReturned
from entrepot.flows.guarded import Guarded
from entrepot.flows.hints import Hints
from entrepot.flows.in_request import SENDERS, InRequest
from entrepot.flows.incident_dispute import GatewayNews
from entrepot.flows.listing_offer import ListingOffer
from entrepot.flows.mapped import Noting
from entrepot.flows.offer_desk import OfferDesk
from entrepot.flows.offer_lane import OfferLane
from entrepot.flows.offer_publication import OfferPublication
from entrepot.flows.offer_shelf import PUBLISH, Shown
from entrepot.flows.order_acceptance import OrderAcceptance
from entrepot.flows.order_creation import OrderCreation, OrdersCreated
from entrepot.flows.own_offers import OwnOffers
from entrepot.flows.parts import Parts
from entrepot.flows.payout import PayoutConfirmed, Payouts
from entrepot.flows.reassertion import UPDATE, Reasserted
from entrepot.flows.record_writes import KINDS
from entrepot.flows.return_refund import Refunded, ReturnRefund
from entrepot.flows.selling import deciders_of_seller, reactions_of_seller
from entrepot.flows.settlement import Settlement
from entrepot.flows.settlement_intake import SettlementIntake
from entrepot.flows.shipment import Shipping
from entrepot.flows.sweeps import Sweeps
from entrepot.flows.tellers import Tellers
from entrepot.identity.rules import foreign_ids, other_environment, prefix_for
from entrepot.inbox.model import Message, Parked, Received, Verdict
from entrepot.inbox.service import Decider, Inbox
from entrepot.inbox.store import DECIDE_DUE_SQL, waiting
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import WrongSetting
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.service import ADVISED, Outbox, Retry, Width, one_after_another
from entrepot.outbox.store import send_due_sql

HUB = "hub"  # the account of lanes that belong to no outside system
DRAIN_FAILING, SYSTEM_DOWN = "drain-failing", "system-down"
SILENT = (ProblemCode.NOT_REACHED, ProblemCode.NO_ANSWER, ProblemCode.SYSTEM_DOWN)
CALLS_US = "storefront"
FOREIGN_NAMED_MAX = 5


@dataclass(frozen=True, slots=True)
class Hub:
    """The running hub: what a worker drains, what a door calls, what a page asks."""

    ctx: Ctx
    plan: Plan
    parts: Parts
    inbox: Inbox
    outbox: Outbox
    sweeps: Sweeps
    settlement: Settlement
    offer_lane: OfferLane
    feeds: FeedPublication
    listings: ListingOffer
    settlement_intake: SettlementIntake
    arrivals: Arrivals
    event_queues: EventQueues
    offer_desk: OfferDesk
    corrections: Corrections
    works: Mapping[str, Work]
    hooks: Hooks
    in_request: InRequest

    def room(self, database_url: str, **numbers: float) -> Room:
        """What the engine is given. `numbers`: lease_s, drain_s, look_every_s where they differ from the defaults."""
        return Room(ctx=self.ctx, works=self.works, database_url=database_url, hooks=self.hooks, **numbers)

    def backlog_full(self, account: str) -> bool:
        """More is waiting than this account may pile up: webhooks are turned away with 503 and come again."""
        bound = self.plan.account(account).backlog_max
        with self.ctx.db.transaction() as conn:
            return waiting(conn, account, bound) >= bound

    def prepare(self) -> None:
        """Bring flow and periodic rows to what the plan says. Safe to call from every process at its start."""
        with self.ctx.db.transaction() as conn:
            if not in_force(conn, self.plan.hash):
                return  # another plan came into force meanwhile: whoever runs by it prepares for it
            flow_control.ensure(conn, self.ctx, self.plan.flows)
            flow_control.set_modes(conn, {name: flow.mode for name, flow in self.plan.flows.items()})
            periodic.ensure(
                conn,
                self.ctx,
                [
                    *self.sweeps.periodic(),
                    *self.settlement.periodic(),
                    *self.offer_lane.periodic(),
                    *self.feeds.periodic(),
                    *self.listings.periodic(),
                    *self.settlement_intake.periodic(),
                    *self.arrivals.periodic(),
                    *self.event_queues.periodic(),
                ],
            )
            periodic.forget(conn, feed_lane.LOOK, sorted(self.arrivals.runs()))
            periodic.forget(conn, events_queue.NAME, [row.name for row in self.event_queues.periodic()])


def access_of(plan: Plan, account: str) -> Access:
    """How we reach one account's system; secrets are read at every use. Errors: WrongSetting for an address not given."""
    system = plan.system_of(account)
    secrets: dict[str, Secret] = {name: partial(resolve, ref) for name, ref in system.secrets.items()}
    return Access(
        account=account,
        base_url=resolve(system.url).rstrip("/"),
        secrets=secrets,
        settle_s=plan.account(account).settle_s,
    )


def addresses_of(plan: Plan) -> list[str]:
    """Where we may call: every system's address, and those its credentials name: where tokens are fetched, a queue's host."""
    found = [resolve(system.url) for system in plan.systems.values() if system.url]
    for system in plan.systems.values():
        if never_called(system):
            continue
        named = {name: resolve(ref) for name, ref in system.secrets.items() if name.endswith("_url")}
        found += [host_of(url) if name == QUEUE_URL else url for name, url in named.items()]
    return found


def document_hosts_of(plan: Plan) -> list[str]:
    """Where their answers may send us for a document, as the connectors' manifests say."""
    called = {system.connector for system in plan.systems.values() if not never_called(system)}
    return sorted({host for name in called for host in registry.manifest(name).hosts})


def never_called(system: System) -> bool:
    """What other people connect, and a storefront without an address: it asks and orders, and nothing is published to it."""
    return system.connector == MANUAL or (system.connector == CALLS_US and not system.url)


def connect_all(plan: Plan) -> dict[str, Connector]:
    """A connector for every account we call. Errors: WrongSetting names the account and what is missing."""
    found = {}
    for account in sorted(plan.accounts):
        system = plan.system_of(account)
        name = system.connector
        if never_called(system):
            continue
        found[account] = registry.connect(name, access_of(plan, account))
    return found


def build(ctx: Ctx, plan: Plan, connectors: Mapping[str, Connector], *, notifier: Notifier | None = None, width: Width = one_after_another,
          senders: Executor | None = None) -> Hub:  # fmt: skip
    """Join the parts. Everything that differs between a real process, a test and the simulator comes in here."""
    parts = Parts(plan, connectors)
    charging, payouts = Charging(parts), Payouts(parts)
    rules = parts.owners.rules
    offers, corrections, lane = OfferPublication(parts, rules), Corrections(parts, rules), OfferLane(parts, rules)
    feeds = FeedPublication(parts, rules)
    deciders = _deciders(parts, OrderAcceptance(parts, charging), payouts, offers)
    deciders["thread"] = corrections.decide_threads
    channels = SalesChannels(parts)
    tellers = Tellers(parts.owners)
    own_offers, event_queues = OwnOffers(channels, tellers), EventQueues(plan, connectors, tellers)
    shelf, hints, intake = ListingOffer(channels, own_offers), Hints(channels), SettlementIntake(channels)
    deciders |= deciders_of_seller(channels, shelf, hints)
    deciders |= {kind: Guarded(deciders[kind], kind, one, parts) for kind, one in KINDS.items()}
    if any(table.direction == "in" and speaks(table) for table in plan.mappings.values()):
        deciders = {kind: Noting(decide, parts.uses) for kind, decide in deciders.items()}
    foreign, read = foreign_records(plan, ctx.environment), partial(_read, connectors)
    inbox = Inbox(deciders, partial(_park, plan), _outgrow, foreign, read)
    outbox = Outbox(
        operations={
            (account, name): operation
            for account, connector in connectors.items()
            for name, operation in connector.operations.items()
        },
        reactions={
            **_reactions(parts, charging, payouts),
            **dict.fromkeys((OPEN_THREAD, REPLY_THREAD), RowsReturned(feeds.returns, Told(corrections))),
            **dict.fromkeys(OPERATION_BY_LANE.values(), FeedImported(parts)),
            **reactions_of_seller(channels),
        },
        trouble=partial(_trouble, plan),
        retry_of=partial(_retry, plan),
        width=width,
        key_prefix=prefix_for(plan.identifiers, ctx.environment),
    )
    sweeps = Sweeps(plan, connectors)
    hooks = Hooks(
        on_failing=partial(_failing, plan),
        on_recovered=_recovered,
        on_flow_overdue=partial(_overdue, plan),
    )
    sender = notifier or Channels()
    settlement = Settlement(parts)
    arrivals = Arrivals(plan, refused=partial(refused_arrival, plan))
    works = Room.works_by_purpose(
        Work("send-urgent", "urgent", send_due_sql("urgent"), lambda c, lease: outbox.drain(c, lease, "urgent")),
        Work("decide", "urgent", DECIDE_DUE_SQL, inbox.drain),
        Work("watch", "urgent", cases.WATCH_DUE_SQL, lambda c, lease: cases.drain_watch(c, lease, plan)),
        Work("notify", "normal", cases.NOTIFY_DUE_SQL, lambda c, lease: cases.drain_notify(c, lease, plan, sender)),
        Work("send-normal", "normal", send_due_sql("normal"), lambda c, lease: outbox.drain(c, lease, "normal")),
        lane.work,
        feeds.work,
        hints.work,
        shelf.work,
        arrivals.work,
        event_queues.work(hooks),
        periodic.sweep(
            {
                **sweeps.runs(),
                **settlement.runs(),
                **lane.runs(),
                **feeds.runs(),
                **shelf.runs(),
                **intake.runs(),
                **arrivals.runs(),
            },
            hooks,
            apart=[events_queue.NAME],
        ),
        flow_control.flow_watch(hooks),
    )
    return Hub(
        ctx,
        plan,
        parts,
        inbox,
        outbox,
        sweeps,
        settlement,
        lane,
        feeds,
        shelf,
        intake,
        arrivals,
        event_queues,
        OfferDesk(parts, rules),
        corrections,
        works,
        hooks,
        InRequest(ctx, parts, inbox, outbox, senders or ThreadPoolExecutor(SENDERS, "request")),
    )


def _deciders(
    parts: Parts, acceptance: OrderAcceptance, payouts: Payouts, offers: OfferPublication
) -> dict[str, Decider]:
    """By kind of message, in the order in which kinds depend on each other."""
    returns, settlement = ReturnRefund(parts), Settlement(parts)

    def shops(ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> Sequence[Verdict]:
        """A seller's state concerns his payouts and his offers."""
        offers.decide_sellers(ctx, conn, messages)
        return payouts.decide_shops(ctx, conn, messages)

    return {
        "basket": OrderCreation(parts).decide_baskets,
        "order": acceptance.decide_orders,
        "debit": acceptance.decide_debits,
        "refund": returns.decide_refunds,
        "return": returns.decide_returns,
        "shipment": Shipping(parts).decide_shipments,
        "payment-event": GatewayNews(parts, payouts).decide_events,
        "cycle": settlement.decide_cycles,
        "transaction": settlement.decide_lines,
        "gateway-settlement": settlement.decide_reports,
        "shop": shops,
        "offer-detail": offers.decide_details,
        "offer": offers.decide_offers,
    }


def _reactions(parts: Parts, charging: Charging, payouts: Payouts) -> dict[str, Reaction]:
    return {
        "mirakl.create-orders": OrdersCreated(parts),
        "gateway.capture": Charged(charging),
        "gateway.release": Released(charging),
        "mirakl.confirm-debit": DebitConfirmed(),
        "gateway.refund": Refunded(parts),
        "mirakl.confirm-payout": PayoutConfirmed(payouts),
        PUBLISH: Shown(parts),
        UPDATE: Reasserted(),
    }


def _read(connectors: Mapping[str, Connector], account: str, body: bytes) -> Sequence[Received]:
    """The records of a webhook that was kept sealed."""
    connector = connectors.get(account)
    if connector is None or connector.webhook is None:
        raise WrongSetting(f"the plan names no system any more that reads the webhooks of {account}", account=account)
    return connector.webhook.split(body)


def _retry(plan: Plan, flow: str) -> Retry:
    retry = plan.flow(flow).retry
    return Retry(retry.first.total_seconds(), retry.max.total_seconds())


# ── what cannot be decided or done becomes a case ────────────────────────────────────────────────────────────


def _park(plan: Plan, ctx: Ctx, conn: Conn, parked: Sequence[tuple[Message, Parked]]) -> None:
    asked = [
        CaseAsked(
            mode=why.mode,
            account=message.account,
            object="message" if not why.object_id else why.object,
            object_id=why.object_id or message.id,
            root=message.root,
            cause=why.cause,
            name=why.name,
            money_minor=why.money_minor,
            currency=why.currency,
            message_id=message.id,
            flow=message.flow,
            seller=why.seller,
            cause_key=why.cause_key,
        )
        for message, why in parked
    ]
    cases.open_cases(conn, ctx, plan, asked)


def foreign_records(plan: Plan, environment: str) -> Callable[[Message], Parked | None]:
    """What refuses a record of another environment at intake, by the plan's identifiers: it is never joined."""

    def foreign(message: Message) -> Parked | None:
        if not any(rule.environment_prefix for rule in plan.identifiers.values()):
            return None
        root_id = message.root.partition(":")[2]
        named = [
            (n, v) for n, v in (("id", message.external_id), ("root", root_id)) if other_environment(v, environment)
        ]
        found = [*named, *foreign_ids(plan.identifiers, environment, message.body)]
        if not found:
            return None
        said = ", ".join(f"{name} {value}" for name, value in found[:FOREIGN_NAMED_MAX])
        cause = f"it belongs to another environment than {environment}: {said}; nothing of it was joined or applied"
        return Parked("record-unjoined", cause, f"{message.kind} {message.external_id}", cause_key="other-environment")

    return foreign


def _outgrow(ctx: Ctx, conn: Conn, outgrown: Sequence[tuple[str, str, str]]) -> None:
    cases.close_many(conn, ctx, outgrown, "a later message about this was understood")


def _trouble(plan: Plan, ctx: Ctx, conn: Conn, effect: Effect, mode: str, cause: str) -> None:
    money = effect.payload.get("amount_minor", 0)
    cases.open_cases(
        conn,
        ctx,
        plan,
        [
            CaseAsked(
                mode=mode,
                account=effect.account,
                object="effect",
                object_id=effect.id,
                root=effect.root,
                name=effect.key,
                cause=f"{effect.operation} ({effect.key}): {cause}",
                money_minor=int(money),
                currency=str(effect.payload.get("currency", "EUR")),
                effect_id=effect.id,
                flow=effect.flow,
                seller=str(effect.payload.get("seller") or effect.payload.get("shop_id") or ""),
                cause_key=effect.operation if mode == ADVISED else f"{effect.operation}:{mode}",
            )
        ],
    )


def _lane_name(row: Row) -> str:
    return f"{row['account']}/{row['name'] if 'name' in row else row['purpose']}"


def _failing(plan: Plan, ctx: Ctx, conn: Conn, row: Row) -> None:
    """A sweep that cannot reach its system speaks of the system; anything else of our own lane."""
    down = any(f": {code}: " in (row["last_error"] or "") for code in SILENT)
    cases.open_cases(
        conn,
        ctx,
        plan,
        [
            CaseAsked(
                mode=SYSTEM_DOWN if down else DRAIN_FAILING,
                account=row["account"],
                object="lane",
                object_id=_lane_name(row),
                cause=f"{row['failures']} times in a row: {row['last_error']}",
                flow=row.get("flow", ""),
            )
        ],
    )


def _recovered(ctx: Ctx, conn: Conn, row: Row) -> None:
    gone = [(mode, "lane", _lane_name(row), "it works again") for mode in (DRAIN_FAILING, SYSTEM_DOWN)]
    cases.close_each(conn, ctx, gone)


def _overdue(plan: Plan, ctx: Ctx, conn: Conn, row: Row) -> None:
    cases.open_cases(
        conn,
        ctx,
        plan,
        [
            CaseAsked(
                mode="flow-paused-too-long",
                account=HUB,
                object="flow",
                object_id=row["name"],
                cause=f"{row['name']} is {row['state']} since {row['changed_at']:%Y-%m-%d %H:%M} UTC by {row['changed_by']}: {row['reason']}",
                flow=row["name"],
            )
        ],
    )
