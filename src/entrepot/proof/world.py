"""The sandbox as the hub's outside world: which keys and addresses join them, in process or as a process of its own."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from entrepot.kernel.http import HttpAnswer, HttpRequest, HttpResponse, NoAnswer
from entrepot.sandbox.core import Hang, Request, World
from entrepot.sandbox.errands import Pace
from entrepot.sandbox.gateway.system import API_KEY as GATEWAY_KEY
from entrepot.sandbox.mirakl.settings import Settings as MiraklSettings
from entrepot.sandbox.scenario import GATEWAY_WEBHOOK_SECRET, Options
from entrepot.sandbox.storefront import API_KEY as STOREFRONT_KEY
from entrepot.sandbox.storefront import PUBLISH_KEY

SYSTEMS = ("mirakl", "gateway", "storefront", "control")
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


def options(*, span: timedelta, pace: Pace | None = None, planted_money_faults: bool = True) -> Options:
    """A day with everything the first slice must survive; the acceptance window is the blueprint's."""
    return Options(
        span=span,
        pace=pace or Pace(),
        acceptance_window=ACCEPTANCE_WINDOW,
        planted_money_faults=planted_money_faults,
    )


class InProcess:
    """Carries the hub's calls to a world in the same process. `http://mirakl.sandbox/…`: the host names the system."""

    URLS: ClassVar[Mapping[str, str]] = {name: f"http://{name}.sandbox" for name in SYSTEMS}

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, request: HttpRequest) -> HttpAnswer:
        parts = urlsplit(request.url)
        query = (*parse_qsl(parts.query, keep_blank_values=True), *request.query)
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = Request(request.method, unquote(parts.path), query, headers, request.body)
        answer = self._world.handle(str(parts.hostname).removesuffix(".sandbox"), seen)
        if isinstance(answer, Hang):
            return NoAnswer("no answer within the time of the call")
        return HttpResponse(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.body)
