"""Builds the selling company's world: five channels, one back office, people, and what will go wrong, all from one seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Literal, TypeVar

from entrepot.sandbox import amazon, back_office, channelengine, ebay, mirakl, walmart
from entrepot.sandbox.amazon.notifications import Destination, Subscription
from entrepot.sandbox.control import Control, Steering
from entrepot.sandbox.core import Clock, Outbound, World
from entrepot.sandbox.errands import Errands, Pace
from entrepot.sandbox.furniture import CATEGORIES
from entrepot.sandbox.mirakl import Mirakl, Shopfront
from entrepot.sandbox.selling import assortment
from entrepot.sandbox.selling.assortment import Ware
from entrepot.sandbox.selling.director import Director, Steered
from entrepot.sandbox.selling.homeward import GoingBack
from entrepot.sandbox.selling.merchants import Merchants, Move, found_at_fault, found_in_order
from entrepot.sandbox.selling.mishaps import Faults, planned
from entrepot.sandbox.selling.shoppers import Errand, Habits, Shoppers, Then
from entrepot.sandbox.selling.shops import AtChannelEngine, AtEbay, AtMirakl, MiraklShop, Shop

AMAZON, WALMART, EBAY, CHANNELENGINE = "amazon", "walmart", "ebay", "channelengine"
MIRAKL_SHOP, BACK_OFFICE = "mirakl-shop", "back_office"
SHOPS: Final = (AMAZON, WALMART, EBAY, CHANNELENGINE, MIRAKL_SHOP)
SYSTEMS: Final = (*SHOPS, BACK_OFFICE, "control")
ACCOUNTS: Final[Mapping[str, str]] = {
    AMAZON: "amazon-de/main",
    WALMART: "walmart-us/main",
    EBAY: "ebay-de/main",
    CHANNELENGINE: "channelengine/main",
    MIRAKL_SHOP: "mirakl-shop/main",
    BACK_OFFICE: "backoffice/main",
}
SHOP_ID: Final = 2001
AMAZON_EVENTS: Final = (
    "ORDER_CHANGE",
    "FEED_PROCESSING_FINISHED",
    "LISTINGS_ITEM_STATUS_CHANGE",
    "LISTINGS_ITEM_ISSUES_CHANGE",
)
RANDOM_FAULT_RATE: Final = 0.03
T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """Everything about this world that is worth changing.

    Shape: `accounts` names each system's account at the hub; `settings` replaces fields of a system's own settings, by system.
    `finish` "stop" shuts the doors after the last planned buyer. `scripted`: the first buyers of each channel do what is told
    in SCRIPT, and the company's people what is told in `_moves`. `amazon_events`: the seller has subscribed his queue to Amazon's
    events before the story begins, as he has at eBay and Walmart (somebody must then read it). `returns_by_rule`: the channels agree to returns for the
    seller. Every `stock_list_every` the back office writes its full stock list.
    """

    span: timedelta = timedelta(hours=12)
    pace: Pace = field(default_factory=Pace)
    habits: Habits = field(default_factory=Habits)
    finish: Literal["never", "stop"] = "never"
    scripted: bool = True
    accounts: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    amazon_events: bool = False
    returns_by_rule: bool = True
    return_patience: timedelta = timedelta(days=4)
    stock_list_every: timedelta = timedelta(hours=1)
    clearing: timedelta = timedelta(hours=8)
    random_fault_rate: float = RANDOM_FAULT_RATE


@dataclass(frozen=True)
class Stage:
    """The world and direct access to who lives in it."""

    world: World
    shops: Mapping[str, Shop]
    amazon: amazon.Amazon
    walmart: walmart.Walmart
    ebay: ebay.Ebay
    channelengine: channelengine.ChannelEngine
    mirakl: Mirakl
    shopfront: Shopfront
    back_office: back_office.BackOffice
    shoppers: Shoppers
    merchants: Merchants
    homeward: GoingBack
    director: Director
    wares: Sequence[Ware]


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
    beside: Steering | None = None,
) -> Stage:
    """Everything mounted (SYSTEMS), and hold of everybody. `world`: one that stands already; `beside`: who is steered there together with us."""
    chosen = options or Options()
    world = world or World(clock, seed, outbound)
    for fault in planned(faults, world.stream("selling/faults"), chosen.random_fault_rate):
        world.faults.add(fault)
    wares = assortment.wares(world.stream("selling/wares"))
    systems = _systems(world, machine_clock, hub_url, chosen, wares)
    shops = _shops(systems, _accounts(chosen))
    errands = Errands(world)
    back = GoingBack(errands, systems.desk, chosen.pace, chosen.return_patience, chosen.returns_by_rule)
    script = SCRIPT if chosen.scripted else {}
    shoppers = Shoppers(
        errands,
        list(shops.values()),
        [ware.sku for ware in wares if ware.sku != assortment.SCARCE],  # who wants that one says so
        back,
        chosen.pace,
        chosen.habits,
        script,
    )
    merchants = Merchants(errands, systems.desk)
    director = Director(errands, list(shops.values()), systems.desk, shoppers, back, merchants, chosen.clearing)
    _mount(world, systems)
    world.mount("control", Control(world, Steered(director, beside)))
    _open(world, shops, shoppers, merchants, director, chosen, orders)
    return Stage(
        world,
        shops,
        systems.amazon,
        systems.walmart,
        systems.ebay,
        systems.channelengine,
        systems.mirakl,
        systems.front,
        systems.desk,
        shoppers,
        merchants,
        back,
        director,
        wares,
    )


def _accounts(chosen: Options) -> Mapping[str, str]:
    return {**ACCOUNTS, **chosen.accounts}


# -- the systems -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Systems:
    amazon: amazon.Amazon
    walmart: walmart.Walmart
    ebay: ebay.Ebay
    channelengine: channelengine.ChannelEngine
    mirakl: Mirakl
    front: Shopfront
    desk: back_office.BackOffice


def _systems(world: World, machine_clock: Clock, hub_url: str, chosen: Options, wares: Sequence[Ware]) -> _Systems:
    accounts = _accounts(chosen)
    hurried = _hurried(chosen.pace)

    def settings(name: str, standard: T) -> T:
        """The standard, at this world's pace, and as the options want it."""
        fields = {**hurried.get(name, {}), **chosen.settings.get(name, {})}
        return replace(standard, **fields)  # type: ignore[type-var]

    of_amazon = amazon.Amazon(
        world, machine_clock, hub_url, settings(AMAZON, amazon.Settings(account=accounts[AMAZON]))
    )
    of_walmart = walmart.Walmart(
        world, machine_clock, hub_url, settings(WALMART, walmart.Settings(account=accounts[WALMART]))
    )
    of_ebay = ebay.Ebay(world, machine_clock, hub_url, settings(EBAY, ebay.Settings(account=accounts[EBAY])))
    of_engine = channelengine.ChannelEngine(
        world,
        machine_clock,
        hub_url,
        settings(CHANNELENGINE, channelengine.Settings(account=accounts[CHANNELENGINE])),
    )
    shops = (mirakl.ShopSeed(SHOP_ID, assortment.BRAND), mirakl.ShopSeed(SHOP_ID + 1, "Quay Traders"))
    place = mirakl.Settings(shops=shops, categories=CATEGORIES, platform_name="Mirakl shop")
    of_mirakl = Mirakl(world, machine_clock, None, settings(MIRAKL_SHOP, place))
    delivered = timedelta(seconds=sum(chosen.pace.deliver) / 2)
    front = Shopfront(of_mirakl, SHOP_ID, deliver_after=delivered)
    desk = back_office.BackOffice(
        world,
        machine_clock,
        hub_url,
        settings(BACK_OFFICE, back_office.Settings(name=BACK_OFFICE, account=accounts[BACK_OFFICE])),
    )
    if chosen.amazon_events:
        subscribed(of_amazon)
    of_amazon.portal.seed(assortment.at_amazon(wares))
    of_walmart.portal.seed(assortment.at_walmart(wares))
    of_ebay.portal.seed(assortment.at_ebay(wares))
    of_engine.portal.seed(assortment.at_channelengine(wares))
    front.seed(assortment.at_mirakl(wares))
    desk.portal.seed(assortment.in_back_office(wares, accounts[WALMART]))
    return _Systems(of_amazon, of_walmart, of_ebay, of_engine, of_mirakl, front, desk)


def subscribed(of_amazon: amazon.Amazon) -> None:
    """Amazon's events go to the seller's queue."""
    world, notifications = of_amazon.platform.world, of_amazon.notifications
    queue = Destination(world.uuid(), "seller-notifications", of_amazon.settings.queue_arn)
    notifications.destinations[queue.destination_id] = queue
    for kind in AMAZON_EVENTS:
        notifications.subscriptions[kind] = Subscription(world.uuid(), kind, "1.0", queue.destination_id, None)


def _hurried(pace: Pace) -> dict[str, dict[str, Any]]:
    """Settings by which what takes weeks in reality is over within days, and goes with the pace of the people.

    What we have to do by when stays as the channels publish it.
    """
    road = timedelta(seconds=sum(pace.deliver) / 2)
    decide_s, ship_s = pace.decide, pace.ship
    return {
        AMAZON: {
            "transit_days": 1,
            "afn_ship_delay": timedelta(seconds=ship_s[1]),
            "deferral": timedelta(hours=6),
            "settlement_period": None,  # the director closes it
        },
        WALMART: {
            "in_transit": road,
            "wfs_ships_after": timedelta(seconds=ship_s[1]),
            "return_in_transit": road,
        },
        EBAY: {
            "channel_ships_after": timedelta(seconds=ship_s[1]),
            "funds_delay": timedelta(hours=6),
            "dispute_review": timedelta(seconds=pace.bank_decides[0]),
        },
        CHANNELENGINE: {},
        MIRAKL_SHOP: {"acceptance_window": timedelta(hours=24)},
        BACK_OFFICE: {
            "lists_seeded_products": False,  # every channel lists them already
            "pick_after_s": (float(decide_s[0]), 2.0 * decide_s[1]),
            "pick_takes_s": (float(ship_s[0]) / 2, float(ship_s[1]) / 2),
            "second_parcel_after_s": (float(pace.second_parcel[0]), float(pace.second_parcel[1])),
            "inspect_after_s": (float(pace.accept_return[0]), float(pace.accept_return[1])),
        },
    }


def _shops(systems: _Systems, accounts: Mapping[str, str]) -> dict[str, Shop]:
    shops = (
        Shop(
            AMAZON,
            accounts[AMAZON],
            systems.amazon.settings.market.currency,
            systems.amazon.portal,
            systems.amazon.books,
            by_channel="amazon",
            return_reason="CR-UNWANTED_ITEM",
        ),
        Shop(
            WALMART,
            accounts[WALMART],
            systems.walmart.settings.currency,
            systems.walmart.portal,
            systems.walmart.books,
            by_channel="marketplace",
            return_reason="CHANGED_MIND",
            takes_pending=False,
        ),
        Shop(
            EBAY,
            accounts[EBAY],
            systems.ebay.settings.currency,
            systems.ebay.portal,
            systems.ebay.books,
            by_channel="channel",
            return_reason="NO_LONGER_NEED_ITEM",
            homeward=AtEbay(systems.ebay),
            takes_disputes=True,
            gives_up=False,
        ),
        Shop(
            CHANNELENGINE,
            accounts[CHANNELENGINE],
            systems.channelengine.settings.currency,
            systems.channelengine.portal,
            systems.channelengine.books,
            by_channel="channel",
            return_reason="WRONG_SIZE",
            homeward=AtChannelEngine(systems.channelengine.portal),
        ),
        Shop(
            MIRAKL_SHOP,
            accounts[MIRAKL_SHOP],
            "EUR",
            systems.front,
            systems.front.books,
            by_channel="operator",
            return_reason="CHANGED_MIND",
            homeward=AtMirakl(systems.mirakl),
        ),
    )
    return {shop.name: shop for shop in shops}


def _mount(world: World, systems: _Systems) -> None:
    world.mount(AMAZON, systems.amazon)
    world.mount(WALMART, systems.walmart)
    world.mount(EBAY, systems.ebay)
    world.mount(CHANNELENGINE, systems.channelengine)
    world.mount(MIRAKL_SHOP, MiraklShop(systems.mirakl, systems.front))
    world.mount(BACK_OFFICE, systems.desk)


# -- what certainly happens ----------------------------------------------------------------------------------------


SCRIPT: Final[Mapping[tuple[str, int], Errand]] = {
    (AMAZON, 1): Errand(2, pending=True),
    (AMAZON, 2): Errand(by_channel=True),
    (AMAZON, 3): Errand(then=Then.ASKS_TO_CANCEL),
    (AMAZON, 4): Errand(pieces=2, then=Then.RETURNS),
    (WALMART, 1): Errand(pieces=3),
    (WALMART, 2): Errand(by_channel=True),
    (WALMART, 3): Errand(2, then=Then.ASKS_TO_CANCEL),
    (WALMART, 4): Errand(then=Then.RETURNS),
    (EBAY, 1): Errand(then=Then.DISPUTES),
    (EBAY, 2): Errand(2, then=Then.RETURNS),
    (EBAY, 3): Errand(then=Then.ASKS_TO_CANCEL),
    (CHANNELENGINE, 1): Errand(3, pieces=1, then=Then.RETURNS),
    (CHANNELENGINE, 2): Errand(by_channel=True),
    (CHANNELENGINE, 3): Errand(pieces=2, then=Then.IS_REFUNDED),
    (MIRAKL_SHOP, 1): Errand(2, then=Then.RETURNS),
    (MIRAKL_SHOP, 2): Errand(pending=True),
    (MIRAKL_SHOP, 3): Errand(then=Then.IS_REFUNDED),
    **{(name, 5): Errand(pieces=1, sku=assortment.SCARCE) for name in SHOPS},
}
"""Five channels want the scarce article; there are three of it."""


def _moves(merchants: Merchants, shops: Mapping[str, Shop], span: timedelta) -> list[Move]:
    at = shops[AMAZON]
    return [
        Move("the common price rises", span * 0.15, merchants.dearer(assortment.DEARER, 10)),
        Move("Amazon finds a title at fault", span * 0.25, found_at_fault(at, assortment.SUPPRESSED)),
        Move("sold over the counter", span * 0.35, merchants.sold_over_the_counter(assortment.SOLD_OUT)),
        Move("goods arrive", span * 0.45, merchants.restocked(assortment.RESTOCKED, 25)),
        Move("a better title", span * 0.5, merchants.rewritten(assortment.REWRITTEN, "Linen sheet, stonewashed")),
        Move(
            "the price in dollars rises",
            span * 0.55,
            merchants.dearer(assortment.DEARER_IN_US, 8, shops[WALMART].account),
        ),
        Move("Amazon finds nothing at fault any more", span * 0.65, found_in_order(at, assortment.SUPPRESSED)),
        Move("what was sold out is back", span * 0.8, merchants.restocked(assortment.SOLD_OUT, 12)),
    ]


def _open(
    world: World,
    shops: Mapping[str, Shop],
    shoppers: Shoppers,
    merchants: Merchants,
    director: Director,
    chosen: Options,
    orders: int,
) -> None:
    shoppers.open_doors(orders, chosen.span)
    merchants.list_stock_every(chosen.stock_list_every)
    if chosen.scripted:
        merchants.plan(_moves(merchants, shops, chosen.span))
    if chosen.finish == "stop":

        def finish() -> None:
            director.finish({})

        world.at(world.clock() + chosen.span + timedelta(seconds=1), finish)
