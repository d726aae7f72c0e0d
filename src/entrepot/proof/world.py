"""The sandbox as the hub's outside world: which keys and addresses join them, in process or as a process of its own."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Final, Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from entrepot.kernel.http import HttpAnswer, HttpRequest, HttpResponse, NoAnswer
from entrepot.sandbox import amazon, back_office, channelengine, ebay, selling, walmart
from entrepot.sandbox.core import Hang, Request, World
from entrepot.sandbox.errands import Pace
from entrepot.sandbox.gateway.system import API_KEY as GATEWAY_KEY
from entrepot.sandbox.mirakl.settings import Settings as MiraklSettings
from entrepot.sandbox.scenario import GATEWAY_WEBHOOK_SECRET, Options
from entrepot.sandbox.selling import both
from entrepot.sandbox.selling.scenario import ACCOUNTS, BACK_OFFICE, SHOP_ID, SHOPS
from entrepot.sandbox.storefront import API_KEY as STOREFRONT_KEY
from entrepot.sandbox.storefront import PUBLISH_KEY

Model = Literal["operator", "syndication", "both"]

SYSTEMS = ("mirakl", "gateway", "storefront", "control")
SYSTEMS_OF: Final[Mapping[Model, tuple[str, ...]]] = {
    "operator": SYSTEMS,
    "syndication": selling.SYSTEMS,
    "both": both.SYSTEMS,
}
CHANNELS: Final[Mapping[str, str]] = {ACCOUNTS[name]: name for name in SHOPS}
"""Our account on each channel, and the channel's name among the sandbox's books."""
BACK_OFFICE_ACCOUNT: Final = ACCOUNTS[BACK_OFFICE]
QUEUE_KEY_ID, QUEUE_SECRET_KEY = "AKIDSANDBOX", "sandbox-queue-secret"
# What takes days in reality ends within a demo's day.
DISPUTE_ANSWER = timedelta(hours=12)
RETURN_REFUND = timedelta(hours=12)
ACCEPTANCE_WINDOW = timedelta(hours=12)  # the same as in the default blueprint


def environment(urls: Mapping[str, str], mail_folder: str, alert_url: str) -> dict[str, str]:
    """What the default blueprint's references point at when the sandbox is the outside world."""
    return {
        "ENTREPOT_MIRAKL_URL": urls["mirakl"],
        "ENTREPOT_MIRAKL_FRONT_KEY": "front-key",
        "ENTREPOT_MIRAKL_OPERATOR_KEY": "operator-key",
        "ENTREPOT_MIRAKL_WEBHOOK_SECRET": MiraklSettings().webhook_secret,
        "ENTREPOT_GATEWAY_URL": urls["gateway"],
        "ENTREPOT_GATEWAY_KEY": GATEWAY_KEY,
        "ENTREPOT_GATEWAY_WEBHOOK_SECRET": GATEWAY_WEBHOOK_SECRET,
        "ENTREPOT_STOREFRONT_URL": urls.get("storefront", "http://storefront.sandbox"),
        "ENTREPOT_STOREFRONT_KEY": STOREFRONT_KEY,
        "ENTREPOT_STOREFRONT_PUBLISH_KEY": PUBLISH_KEY,
        "ENTREPOT_SELLER_MAIL": f"spool:{mail_folder}/sellers",
        "ENTREPOT_ALERT_WEBHOOK": alert_url,
        "ENTREPOT_ALERT_MAIL": f"spool:{mail_folder}",
    }


def selling_environment(urls: Mapping[str, str], hub_url: str, mail_folder: str, alert_url: str) -> dict[str, str]:
    """What the syndication plan's references point at when the sandbox is the outside world."""
    of_amazon, of_walmart, of_ebay = amazon.Settings(), walmart.Settings(), ebay.Settings()
    engine, desk = channelengine.Settings(), back_office.Settings()
    owner, queue = of_amazon.queue_arn.split(":")[-2:]
    return {
        "ENTREPOT_AMAZON_URL": urls["amazon"],
        "ENTREPOT_AMAZON_CLIENT_ID": of_amazon.client_id,
        "ENTREPOT_AMAZON_CLIENT_SECRET": of_amazon.client_secret,
        "ENTREPOT_AMAZON_REFRESH_TOKEN": of_amazon.refresh_token,
        "ENTREPOT_AMAZON_TOKEN_URL": f"{urls['amazon']}/auth/o2/token",
        "ENTREPOT_AMAZON_SELLER_ID": of_amazon.seller_id,
        "ENTREPOT_AMAZON_MARKETPLACE_ID": of_amazon.market.marketplace_id,
        "ENTREPOT_AMAZON_QUEUE_URL": f"{urls['amazon']}/{owner}/{queue}",
        "ENTREPOT_AMAZON_AWS_REGION": "eu-west-1",
        "ENTREPOT_AMAZON_AWS_ACCESS_KEY_ID": QUEUE_KEY_ID,
        "ENTREPOT_AMAZON_AWS_SECRET_ACCESS_KEY": QUEUE_SECRET_KEY,
        "ENTREPOT_WALMART_URL": urls["walmart"],
        "ENTREPOT_WALMART_CLIENT_ID": of_walmart.client_id,
        "ENTREPOT_WALMART_CLIENT_SECRET": of_walmart.client_secret,
        "ENTREPOT_WALMART_WEBHOOK_SECRET": of_walmart.webhook_secret,
        "ENTREPOT_EBAY_URL": urls["ebay"],
        "ENTREPOT_EBAY_CLIENT_ID": of_ebay.client_id,
        "ENTREPOT_EBAY_CLIENT_SECRET": of_ebay.client_secret,
        "ENTREPOT_EBAY_REFRESH_TOKEN": of_ebay.refresh_token,
        "ENTREPOT_EBAY_TOKEN_URL": f"{urls['ebay']}/identity/v1/oauth2/token",
        "ENTREPOT_EBAY_FINANCE_URL": urls["ebay"],
        "ENTREPOT_EBAY_MARKETPLACE": of_ebay.marketplace,
        "ENTREPOT_EBAY_LANGUAGE": "de-DE",
        "ENTREPOT_EBAY_FULFILLMENT_POLICY": "1",
        "ENTREPOT_EBAY_PAYMENT_POLICY": "2",
        "ENTREPOT_EBAY_RETURN_POLICY": "3",
        "ENTREPOT_EBAY_MERCHANT_LOCATION": "main",
        "ENTREPOT_EBAY_VERIFICATION_TOKEN": of_ebay.verification_token,
        "ENTREPOT_EBAY_ENDPOINT": f"{hub_url}/hooks/{quote(ACCOUNTS['ebay'], safe='')}",
        "ENTREPOT_CHANNELENGINE_URL": urls["channelengine"],
        "ENTREPOT_CHANNELENGINE_APIKEY": engine.api_key,
        "ENTREPOT_CHANNELENGINE_CURRENCY": engine.currency,
        "ENTREPOT_CHANNELENGINE_WEBHOOK_SECRET": engine.webhook_secret,
        "ENTREPOT_MIRAKL_SHOP_URL": urls["mirakl-shop"],
        "ENTREPOT_MIRAKL_SHOP_KEY": MiraklSettings().key_of_shop(SHOP_ID),
        "ENTREPOT_BACKOFFICE_URL": urls[BACK_OFFICE],
        "ENTREPOT_BACKOFFICE_KEY": desk.key,
        "ENTREPOT_BACKOFFICE_WEBHOOK_SECRET": desk.webhook_secret,
        "ENTREPOT_SELLER_MAIL": f"spool:{mail_folder}/sellers",
        "ENTREPOT_ALERT_WEBHOOK": alert_url,
        "ENTREPOT_ALERT_MAIL": f"spool:{mail_folder}",
    }


def environment_of(
    model: Model, urls: Mapping[str, str], hub_url: str, mail_folder: str, alert_url: str
) -> dict[str, str]:
    """The environment of a plan of any model."""
    found: dict[str, str] = {}
    if model != "syndication":
        found |= environment(urls, mail_folder, alert_url)
    if model != "operator":
        found |= selling_environment(urls, hub_url, mail_folder, alert_url)
    return found


def options(
    *, span: timedelta, pace: Pace | None = None, planted_money_faults: bool = True, feed_folder: Path | None = None
) -> Options:
    """A day with everything the first slice must survive; the acceptance window is the blueprint's."""
    return Options(
        span=span,
        pace=pace or Pace(),
        acceptance_window=ACCEPTANCE_WINDOW,
        planted_money_faults=planted_money_faults,
        feed_folder=feed_folder,
    )


def selling_options(urls: Mapping[str, str], *, span: timedelta, pace: Pace | None = None) -> selling.Options:
    """A day on five channels; the sandbox names its own addresses as the hub reaches them."""
    return selling.Options(
        span=span,
        pace=pace or Pace(),
        amazon_events=True,
        return_patience=timedelta(hours=18),
        clearing=timedelta(hours=6),
        settings={
            "amazon": {"base_url": urls["amazon"], "queue_keys": {QUEUE_KEY_ID: QUEUE_SECRET_KEY}},
            "walmart": {"return_refund_within": RETURN_REFUND, "webhook_header": "authorization"},
            "ebay": {"base_url": urls["ebay"], "dispute_answer": DISPUTE_ANSWER, "return_refund": RETURN_REFUND},
        },
    )


class InProcess:
    """Carries the hub's calls to a world in the same process. `http://mirakl.sandbox/…`: the host names the system."""

    URLS: ClassVar[Mapping[str, str]] = {name: f"http://{name}.sandbox" for name in both.SYSTEMS}

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, request: HttpRequest) -> HttpAnswer:
        parts = urlsplit(request.url)
        query = (*parse_qsl(parts.query, keep_blank_values=True), *request.query)
        headers = {"host": parts.netloc, **{name.lower(): value for name, value in request.headers.items()}}
        seen = Request(request.method, unquote(parts.path), query, headers, request.body)
        answer = self._world.handle(str(parts.hostname).removesuffix(".sandbox"), seen)
        if isinstance(answer, Hang):
            return NoAnswer("no answer within the time of the call")
        return HttpResponse(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.body)
