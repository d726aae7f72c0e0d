"""Where we are the seller, joined: who decides each kind of message, and what each verb leads to."""

from entrepot.connectors.verbs import Verb
from entrepot.flows.channel_returns import (
    CancellationAnswered,
    ChannelReturns,
    DisputeAnswered,
    RefundBooked,
    StillToCancel,
    TakenBack,
)
from entrepot.flows.channels import BOOK_REFUND, CANCEL_IMPORT, IMPORT, SalesChannels
from entrepot.flows.fulfilment_confirm import FulfilmentConfirm, ShipmentConfirmed
from entrepot.flows.hints import Hints
from entrepot.flows.listing_content import BatchTaken, ListingContent, ListingSubmitted
from entrepot.flows.listing_offer import ListingOffer, OfferTold
from entrepot.flows.order_intake import Acknowledged, HandedOver, OrderIntake
from entrepot.flows.settlement_intake import SettlementIntake
from entrepot.inbox.service import Decider
from entrepot.outbox.port import Reaction


def deciders_of_seller(channels: SalesChannels, listings: ListingOffer, hints: Hints) -> dict[str, Decider]:
    """By kind of message, where we are the seller."""
    returns, content, money = (
        ChannelReturns(channels),
        ListingContent(channels, listings.offers),
        SettlementIntake(channels),
    )
    return {
        "hint": hints.decide_hints,
        "stock": listings.decide_told,
        "price": listings.decide_told,
        "channel-order": OrderIntake(channels).decide_orders,
        "parcel": FulfilmentConfirm(channels).decide_parcels,
        "cannot-deliver": returns.decide_undeliverable,
        "channel-return": returns.decide_returns,
        "goods-back": returns.decide_goods_back,
        "channel-refund": returns.decide_refunds,
        "cancellation": returns.decide_cancellations,
        "dispute": returns.decide_disputes,
        "listing": content.decide_listings,
        "submission": content.decide_submissions,
        "product": content.decide_products,
        "account-health": content.decide_health,
        "channel-statement": money.decide_statements,
        "channel-statement-line": money.decide_lines,
    }


def reactions_of_seller(channels: SalesChannels) -> dict[str, Reaction]:
    """What each verb leads to, under the name of the operation that does it on each channel."""
    by_verb: dict[Verb, Reaction] = {
        Verb.ACKNOWLEDGE: Acknowledged(channels),
        Verb.SHIP: BatchTaken(channels, ShipmentConfirmed(channels)),
        Verb.CANCEL: BatchTaken(channels, StillToCancel(channels)),
        Verb.REFUND: BatchTaken(channels),
        Verb.SET_PRICE: OfferTold(channels, "price"),
        Verb.SET_STOCK: OfferTold(channels, "stock"),
        Verb.SUBMIT_LISTING: ListingSubmitted(channels),
        Verb.END_LISTING: BatchTaken(channels),
        Verb.ANSWER_DISPUTE: DisputeAnswered(channels),
        Verb.ANSWER_CANCELLATION: CancellationAnswered(channels),
    }
    named = {
        operation: by_verb[Verb(verb)]
        for account in channels.accounts
        for verb, operation in channels.manifest(account).verbs.items()
        if Verb(verb) in by_verb
    }
    back_office = {IMPORT: HandedOver(channels), CANCEL_IMPORT: TakenBack(channels), BOOK_REFUND: RefundBooked(channels)}  # fmt: skip
    return {**named, **back_office}
