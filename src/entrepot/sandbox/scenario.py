"""Builds a world: the marketplace's sellers and offers, the people, and what will go wrong, all from one seed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final, Literal

from entrepot.sandbox.baskets import Choose
from entrepot.sandbox.buyers import Buyers, Habits
from entrepot.sandbox.channel_manager import ChannelManager
from entrepot.sandbox.control import Control
from entrepot.sandbox.core import Clock, Outbound, World
from entrepot.sandbox.director import Director
from entrepot.sandbox.errands import Errands, Pace
from entrepot.sandbox.faults import Fault, random_faults
from entrepot.sandbox.filers import Filers, FileSent
from entrepot.sandbox.furniture import CATEGORIES, A, B, C, D, E, F, customers, offer_id, offers, shops
from entrepot.sandbox.gateway import Gateway, Terms
from entrepot.sandbox.gateway.webhooks import WebhookSender
from entrepot.sandbox.mirakl import Mirakl, Portal, Settings
from entrepot.sandbox.mirakl.state import Offer, Order
from entrepot.sandbox.sellers import Answer, Script, Sellers, Temper
from entrepot.sandbox.shopkeepers import Reply, Shopkeepers, Slip
from entrepot.sandbox.storefront import Shopping, Storefront
from entrepot.sandbox.treasury import Treasury

Faults = Literal["none", "demo", "random"]

GATEWAY_WEBHOOK_PATH: Final = "/hooks/gateway"
GATEWAY_WEBHOOK_SECRET: Final = "whsec_c2FuZGJveC1nYXRld2F5LXdlYmhvb2tzLXNlY3JldCE="
RANDOM_FAULT_RATE: Final = 0.05


@dataclass(frozen=True)
class Options:
    """Everything about a world that is worth changing.

    Shape: `finish` "stop" shuts the doors after the last planned basket, "close-books" also closes the books then.
    `extra_currencies` adds one shop each that sells in that currency. `planted_money_faults` charges one commission
    at a wrong rate, issues a manual credit and charges a subscription. `bouncing` names shops whose bank sends the
    payout back. `shipping_methods`: the shop's words for ways of shipping, of which each buyer chooses one; none: he is
    not asked. `feed_folder`: where a seller puts his files; none: nobody sends any. `bank_operator_share` pays
    what is left at the gateway to the operator's bank when the books close.
    """

    span: timedelta = timedelta(hours=12)
    pace: Pace = field(default_factory=Pace)
    finish: Literal["never", "stop", "close-books"] = "never"
    acceptance_window: timedelta = timedelta(hours=48)
    payment_workflow: str = "PAY_ON_ACCEPTANCE"
    basket_prefix: str | None = None
    extra_currencies: tuple[str, ...] = ()
    planted_money_faults: bool = False
    scripted_events: bool = True
    bouncing: frozenset[int] = frozenset()
    bank_operator_share: bool = False
    terms: Terms = field(default_factory=Terms)
    habits: Habits = field(default_factory=Habits)
    random_fault_rate: float = RANDOM_FAULT_RATE
    shipping_methods: tuple[str, ...] = ()
    feed_folder: Path | None = None


@dataclass(frozen=True)
class Stage:
    """A world and direct access to who lives in it, for tests and simulators that call in process."""

    world: World
    mirakl: Mirakl
    portal: Portal
    gateway: Gateway
    storefront: Storefront
    sellers: Sellers
    buyers: Buyers
    treasury: Treasury
    director: Director
    shopkeepers: Shopkeepers
    channel_manager: ChannelManager
    filers: Filers


def stage(
    clock: Clock,
    machine_clock: Clock,
    seed: int,
    hub_url: str,
    *,
    orders: int,
    faults: Faults,
    outbound: Outbound | None,
    options: Options | None = None,
    world: World | None = None,
) -> Stage:
    """Everything mounted (“mirakl”, “gateway”, “storefront”, “control”), and hold of everybody. `world`: one that stands already."""
    chosen = options or Options()
    world = world or World(clock, seed, outbound)
    for fault in planned_faults(faults, world.stream("faults"), chosen.random_fault_rate):
        world.faults.add(fault)
    prefix = chosen.basket_prefix or f"C{clock():%y%m%d}"
    furniture = platform_settings(world.stream("catalogue"), chosen)
    mirakl = Mirakl(world, machine_clock=machine_clock, hub_url=hub_url, settings=furniture)
    sender = WebhookSender(
        world,
        machine_clock,
        system="gateway",
        base_url=hub_url,
        path=GATEWAY_WEBHOOK_PATH,
        secret=GATEWAY_WEBHOOK_SECRET,
    )
    gateway = Gateway(world, sender.publish, chosen.terms)
    people = _people(world, mirakl.portal, gateway, chosen, prefix, hub_url, orders)
    director = Director(
        people.errands,
        mirakl.portal,
        gateway,
        people.storefront,
        people.treasury,
        sender.undelivered,
        {
            "sellers": people.sellers.books,
            "buyers": people.buyers.books,
            "treasury": people.treasury.books,
            "shopkeepers": people.shopkeepers.books,
            "channel_manager": people.channel_manager.books,
            "filers": people.filers.books,
        },
        bank_operator_share=chosen.bank_operator_share,
    )
    world.mount("mirakl", mirakl)
    world.mount("gateway", gateway)
    world.mount("storefront", people.storefront)
    world.mount("control", Control(world, director))
    _open(world, mirakl.portal, people.storefront, director, chosen)
    return Stage(
        world,
        mirakl,
        mirakl.portal,
        gateway,
        people.storefront,
        people.sellers,
        people.buyers,
        people.treasury,
        director,
        people.shopkeepers,
        people.channel_manager,
        people.filers,
    )


@dataclass(frozen=True)
class _People:
    errands: Errands
    storefront: Storefront
    sellers: Sellers
    buyers: Buyers
    treasury: Treasury
    shopkeepers: Shopkeepers
    channel_manager: ChannelManager
    filers: Filers


def _people(
    world: World, portal: Portal, gateway: Gateway, chosen: Options, prefix: str, hub_url: str, orders: int
) -> _People:
    errands = Errands(world)
    scripted = chosen.scripted_events
    shopping = Shopping(
        hub_url=hub_url,
        orders=orders,
        span=chosen.span,
        basket_prefix=prefix,
        customers=customers(world.stream("customers")),
        currencies={"EUR": 8, **dict.fromkeys(chosen.extra_currencies, 1)},
        scripted=SCRIPTED_BASKETS if scripted else {},
        shipping_methods=chosen.shipping_methods,
    )
    habits = chosen.habits
    if scripted:
        habits = replace(
            habits,
            returning=habits.returning | {f"{prefix}-00001"},
            disputing=habits.disputing | {f"{prefix}-00004"},
        )
    sellers = Sellers(errands, portal, chosen.pace, TEMPERS, scripts(prefix) if scripted else [])
    filers = Filers(
        errands, portal, chosen.pace, chosen.feed_folder, files_sent(portal, chosen.span) if scripted else []
    )
    return _People(
        errands=errands,
        storefront=Storefront(errands, portal, gateway, shopping),
        sellers=sellers,
        buyers=Buyers(errands, portal, gateway, sellers, chosen.pace, habits),
        treasury=Treasury(errands, portal, gateway, chosen.pace, chosen.bouncing),
        shopkeepers=Shopkeepers(errands, portal, chosen.pace, slips(chosen.span) if scripted else [], filers.answers),
        channel_manager=ChannelManager(errands, portal, chosen.pace, CHANNEL_MANAGED, Settings().key_of_shop(E)),
        filers=filers,
    )


def _open(world: World, portal: Portal, storefront: Storefront, director: Director, chosen: Options) -> None:
    storefront.open_doors()
    start = world.clock()

    def finish() -> None:
        director.finish({"close_books": chosen.finish == "close-books"})

    def give_credit() -> None:
        portal.manual_document(D, "MANUAL_CREDIT", 1_250, "Late parcel")

    def charge_subscription() -> None:
        portal.subscription(E, 3_900)

    if chosen.finish != "never":
        world.at(start + chosen.span + timedelta(seconds=1), finish)
    if chosen.planted_money_faults:
        world.at(start + timedelta(hours=1), give_credit)
        world.at(start + timedelta(hours=2), charge_subscription)


def platform_settings(rng: Random, chosen: Options) -> Settings:
    sellers = shops(chosen.extra_currencies)
    return Settings(
        shops=sellers,
        categories=CATEGORIES,
        offers=tuple(offer for shop in sellers for offer in offers(rng, shop)),
        acceptance_window=chosen.acceptance_window,
        payment_workflow=chosen.payment_workflow,
        commission_faults={5: 13_500} if chosen.planted_money_faults else {},
    )


# -- what certainly happens ----------------------------------------------------------------------------------------


def _from_shops(**wanted: int) -> Choose:
    """A basket with so many articles of each named shop."""
    counts = {"ABCDEF".index(letter) + A: count for letter, count in wanted.items()}

    def choose(rng: Random, on_sale: Sequence[Offer]) -> list[tuple[Offer, int]]:
        chosen = []
        for shop_id, count in counts.items():
            theirs = [offer for offer in on_sale if offer.shop_id == shop_id]
            chosen += [(offer, rng.randint(1, 2)) for offer in rng.sample(theirs, min(count, len(theirs)))]
        return chosen

    return choose


SCRIPTED_BASKETS: Final[dict[int, Choose]] = {
    1: _from_shops(A=1, B=1),
    2: _from_shops(C=2, D=1),
    3: _from_shops(A=1, F=1),
    4: _from_shops(E=1),
}

TEMPERS: Final = {
    A: Temper(),
    B: Temper(refuses=6),
    C: Temper(refuses_one_line=10),
    D: Temper(ships_in_parts=30),
    E: Temper(refuses_return=20),
    F: Temper(refuses=2, refuses_one_line=5, finds_return_damaged=30),
}


def scripts(prefix: str) -> list[Script]:
    """B refuses its leg of the first basket; C refuses one line of the second; F never answers the third."""

    def leg_of(number: int, shop_id: int, order: Order) -> bool:
        return order.commercial_id == f"{prefix}-{number:05d}" and order.shop_id == shop_id

    return [
        Script("A accepts", lambda order: leg_of(1, A, order), Answer.ACCEPTS),
        Script("B refuses", lambda order: leg_of(1, B, order), Answer.REFUSES),
        Script("C refuses one line", lambda order: leg_of(2, C, order), Answer.REFUSES_ONE_LINE),
        Script("F says nothing", lambda order: leg_of(3, F, order), Answer.SAYS_NOTHING),
        Script("E accepts", lambda order: leg_of(4, E, order), Answer.ACCEPTS),
    ]


CHANNEL_MANAGED: Final = offer_id(E, 5)
CATEGORY_DISPUTED: Final = offer_id(B, 4)  # what the operator of a story overrides


def slips(span: timedelta) -> list[Slip]:
    """A types a price far too low and mends it when asked, D does and says nothing, C does and stands by it."""
    return [
        Slip("A's price is too low", span / 5, offer_id(A, 3), {"price_minor": 199}),
        Slip("D's price is too low", span / 4, offer_id(D, 3), {"price_minor": 149}, Reply.SAYS_NOTHING),
        Slip("C's price is too low", span / 3, offer_id(C, 3), {"price_minor": 99}, Reply.DECLINES),
    ]


FED: Final = offer_id(F, 2)  # the offer whose price is mistyped in a file


def files_sent(portal: Portal, span: timedelta) -> list[FileSent]:
    """F raises four prices by a file and types a letter into one of them."""
    changed = {one: portal.offer(one).price_minor + 150 for one in (offer_id(F, position) for position in range(4))}
    typed = f"{changed[FED] // 100}.O5"
    return [FileSent("F's file", span / 8, F, changed, {FED: typed})]


# -- what goes wrong -----------------------------------------------------------------------------------------------


DEMO_FAULTS: Final = (
    Fault("mirakl", "OR11", 2, "429", 5),
    Fault("mirakl", "PA01", 1, "429", 5),
    Fault("gateway", "capture", 1, "503"),
    Fault("gateway", "capture", 3, "timeout-after"),
    Fault("mirakl", "PA02", 1, "timeout-before"),
    Fault("mirakl", "OR11", 6, "unknown-enum", "order_state"),
    Fault("mirakl", "OR11", 9, "truncated"),
    Fault("mirakl", "webhook:order.updated", 3, "lost"),
    Fault("mirakl", "webhook:order.updated", 6, "duplicate"),
    Fault("mirakl", "webhook:order.updated", 9, "out-of-order"),
    Fault("storefront", "create-basket", 2, "timeout-after"),
)


def planned_faults(kind: Faults, rng: Random, rate: float) -> list[Fault]:
    match kind:
        case "none":
            return []
        case "demo":
            return list(DEMO_FAULTS)
        case "random":
            return [*random_faults(rng, rate), *_random_gateway_webhook_faults(rng, rate)]


def _random_gateway_webhook_faults(rng: Random, rate: float) -> list[Fault]:
    """Any of its webhooks may come twice, late or changed; lost are only those whose fact a call's answer has told."""
    chosen = []
    for topic in ("capture.succeeded", "refund.succeeded", "transfer.paid", "settlement.closed"):
        told = topic in ("capture.succeeded", "refund.succeeded")
        for kind in ("duplicate", "out-of-order", "dup-other-content", *(("lost",) if told else ())):
            hit, nth = rng.random() < rate, rng.randint(1, 8)
            if hit:
                chosen.append(Fault("gateway", f"webhook:{topic}", nth, kind))
    return chosen
