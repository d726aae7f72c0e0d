"""The same connectors over real HTTP on loopback: what holds in process holds on the wire."""

from collections.abc import Iterator

import pytest
from connectors.ebay.shop import Shop
from connectors.ebay.stories import buy
from connectors.market import Market, make_ctx

from entrepot.connectors.port import Access, ProblemCode
from entrepot.connectors.registry import connect
from entrepot.kernel.outcome import Done, Later, Unknown
from entrepot.outbox.http import OutboundHttp
from entrepot.sandbox.http import serve


@pytest.fixture
def served() -> Iterator[Market]:
    market = Market()
    with serve(market.world, {"mirakl": 0, "gateway": 0}, hang_s=0.3, ticking=False) as servers:
        urls = {"mirakl": servers.url("mirakl"), "gateway": servers.url("gateway")}
        http = OutboundHttp(list(urls.values()), loopback=True)
        market.reach(urls, http)
        yield market
        http.close()


def test_a_basket_is_bought_charged_and_shipped_over_http(served: Market) -> None:
    order_a, order_b = served.buy((101, 2), (201, 1))
    served.pay(order_a)
    assert set(served.sweep("orders").ids) == {order_a, order_b}
    payload = {"authorisation_id": served.authorise(), "amount_minor": 4_698, "currency": "EUR", "reference": "C-001"}
    outcome, detail = served.send("gateway.capture", payload, "capture:C-001")
    assert isinstance(outcome, Done), detail
    assert isinstance(served.send("mirakl.ship", {"order_id": order_a})[0], Done)
    assert served.state(order_a) == "SHIPPED"


@pytest.mark.parametrize("kind", ["timeout-before", "timeout-after", "503", "html", "truncated"])
def test_trouble_on_the_wire_is_unclear_for_writes(served: Market, kind: str) -> None:
    basket = {"basket": served.basket((101, 1), commercial_id="C-7")}
    served.trouble("OR01", kind)
    assert isinstance(served.send("mirakl.create-orders", basket)[0], Unknown)
    found, _ = served.look("mirakl.create-orders", basket)
    assert isinstance(found, Done) is (kind in ("timeout-after", "truncated"))


def test_too_many_calls_over_http_say_how_long_to_wait(served: Market) -> None:
    served.trouble("OR01", "429", 12)
    outcome, _ = served.send("mirakl.create-orders", {"basket": served.basket((101, 1))})
    assert isinstance(outcome, Later)
    assert outcome.after_s == 12


def test_a_page_cut_on_the_wire_is_no_page(served: Market) -> None:
    served.buy((101, 1))
    served.trouble("OR11", "truncated")
    problem = served.sweep("orders").problem
    assert problem is not None
    assert problem.code in (ProblemCode.UNREADABLE, ProblemCode.NO_ANSWER)


def test_ebay_reads_our_signature_off_the_wire_as_it_was_sent() -> None:
    shop = Shop()
    order_id = buy(shop)
    with serve(shop.world, {"ebay": 0}, hang_s=0.3, ticking=False) as servers:
        http = OutboundHttp([servers.url("ebay")], loopback=True)
        ebay = connect("ebay", Access(shop.account, servers.url("ebay"), shop.access.secrets))
        effect = shop.effect("ebay.refund", "refund", shop.money_back(order_id))
        outcome, detail = ebay.operations["ebay.refund"].send(make_ctx(http, shop.clock), effect)
        http.close()
    assert isinstance(outcome, Done), detail
    assert len(shop.books()["refunds"]) == 1
