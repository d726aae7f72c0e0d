"""A small seller account with a movable clock, driven by requests written by hand."""

import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from entrepot.sandbox.amazon import Amazon, Product, Settings
from entrepot.sandbox.core import Request, Response, World

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)  # a Monday
MACHINE_TIME = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
PRODUCTS = (
    Product("ATLAS-1", "Sea atlas", "ABIS_BOOK", "4006381333931", 1_999, 50, {"author": "A. Pilot"}),
    Product("LAMP-1", "Ship's lamp", "HOME", "4006381333948", 4_550, 20, {"material": "Brass", "color": "Gold"}),
    Product("ROPE/10", "Rope", "PRODUCT", "4006381333955", 705, 5),
)
DE = "A1PA6795UKMFR9"
SELLER = "A3TH9S8BH6GOGM"
V0 = "/orders/v0/orders"
V2026 = "/orders/2026-01-01/orders"
ALL_DATA = "BUYER,RECIPIENT,PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX,PAYMENT"


class MovableClock:
    """A business clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


class Shop:
    """The world with one Amazon account in it, and a client that knows nothing but HTTP."""

    def __init__(self, seed: int = 1, **settings: Any) -> None:
        self.clock = MovableClock()
        self.world = World(self.clock, seed, None)
        chosen = {"products": PRODUCTS, "ceilings": False, "duplicate_rate": 0.0, "settlement_period": None, **settings}
        self.settings = Settings(**chosen)
        self.amazon = Amazon(self.world, lambda: MACHINE_TIME, None, self.settings)
        self.world.mount("amazon", self.amazon)
        self.portal = self.amazon.portal
        self.token = self.new_token()

    # -- the wire --------------------------------------------------------------------------------------------------

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """One request; a dict becomes JSON."""
        sent = dict(headers or {})
        if isinstance(body, dict):
            body, sent = json.dumps(body).encode(), {"content-type": "application/json", **sent}
        pairs = tuple((name, str(value)) for name, value in (query or {}).items())
        answer = self.world.handle("amazon", Request(method, path, pairs, sent, body or b""))
        assert isinstance(answer, Response)
        return answer

    def call(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Response:
        """One call with the seller's token."""
        return self.send(method, path, query, body, {"x-amz-access-token": self.token})

    def get(self, path: str, **query: Any) -> Any:
        """A GET that succeeds: its JSON, numbers exact."""
        answer = self.call("GET", path, query)
        assert answer.status == 200, answer.body
        return json.loads(answer.body, parse_float=Decimal)

    def sign_in(self, **form: str) -> Response:
        """A form at the token endpoint."""
        given = {"client_id": self.settings.client_id, "client_secret": self.settings.client_secret, **form}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return self.send("POST", "/auth/o2/token", body=urlencode(given).encode(), headers=headers)

    def new_token(self) -> str:
        """A seller's access token."""
        answer = self.sign_in(grant_type="refresh_token", refresh_token=self.settings.refresh_token)
        return str(answer.json()["access_token"])

    def grantless(self, method: str, path: str, body: Any = None) -> Response:
        """One call with the application's own token."""
        answer = self.sign_in(grant_type="client_credentials", scope="sellingpartnerapi::notifications")
        return self.send(method, path, None, body, {"x-amz-access-token": answer.json()["access_token"]})

    def open_url(self, method: str, url: str, body: bytes = b"", content_type: str = "") -> Response:
        """A presigned address, without any token."""
        parts = urlsplit(url)
        headers = {"content-type": content_type} if content_type else {}
        return self.send(method, parts.path, dict(parse_qsl(parts.query)), body, headers)

    # -- the story -------------------------------------------------------------------------------------------------

    def move(self, **by: float) -> None:
        """Time goes by, and what was due happens."""
        self.clock.at += timedelta(**by)
        self.world.tick()

    def order(self, order_id: str) -> Any:
        """One order of 2026-01-01 with everything there is."""
        return self.get(f"{V2026}/{order_id}", includedData=ALL_DATA)["order"]

    def book(self, order_id: str) -> Any:
        """One order as the channel's books have it."""
        return next(order for order in self.amazon.books()["orders"] if order["order_id"] == order_id)

    def line_ids(self, order_id: str) -> list[str]:
        """The items of an order."""
        return [line["line_id"] for line in self.book(order_id)["lines"]]

    def confirm(self, order_id: str, items: Mapping[str, int], key: str = "1", **more: Any) -> Response:
        """confirmShipment."""
        detail = {
            "packageReferenceId": key,
            "carrierCode": "DHL",
            "trackingNumber": f"JD{key}",
            "shipDate": "2026-11-02T10:00:00Z",
            "orderItems": [{"orderItemId": line_id, "quantity": count} for line_id, count in items.items()],
            **more,
        }
        body = {"marketplaceId": DE, "packageDetail": detail}
        return self.call("POST", f"{V0}/{order_id}/shipmentConfirmation", body=body)

    def ship(self, order_id: str) -> None:
        """Confirm everything in one parcel."""
        items = {line["line_id"]: line["quantity"] - line["cancelled"] for line in self.book(order_id)["lines"]}
        assert self.confirm(order_id, items).status == 204

    # -- feeds and reports -----------------------------------------------------------------------------------------

    def submit(self, kind: str, content: bytes, content_type: str = "text/xml; charset=UTF-8") -> str:
        """Upload a document and create its feed; the feed's id."""
        made = self.call("POST", "/feeds/2021-06-30/documents", body={"contentType": content_type}).json()
        assert self.open_url("PUT", made["url"], content, content_type).status == 200
        body = {"feedType": kind, "marketplaceIds": [DE], "inputFeedDocumentId": made["feedDocumentId"]}
        return str(self.call("POST", "/feeds/2021-06-30/feeds", body=body).json()["feedId"])

    def feed(self, kind: str, content: bytes, content_type: str = "text/xml; charset=UTF-8") -> tuple[Any, str]:
        """Submit a feed and wait for it: the feed, and its report."""
        feed_id = self.submit(kind, content, content_type)
        self.move(minutes=5)
        feed = self.get(f"/feeds/2021-06-30/feeds/{feed_id}")
        return feed, self.document("feeds", feed["resultFeedDocumentId"])

    def document(self, api: str, document_id: str) -> str:
        """The text of a feed's or report's document."""
        found = self.get(f"/{api}/2021-06-30/documents/{document_id}")
        body = self.open_url("GET", found["url"]).body
        return (gzip.decompress(body) if found["compressionAlgorithm"] == "GZIP" else body).decode()

    def report(self, kind: str, **span: str) -> str:
        """Ask for a report and wait for it."""
        body = {"reportType": kind, "marketplaceIds": [DE], **span}
        report_id = self.call("POST", "/reports/2021-06-30/reports", body=body).json()["reportId"]
        self.move(minutes=5)
        found = self.get(f"/reports/2021-06-30/reports/{report_id}")
        assert found["processingStatus"] == "DONE"
        return self.document("reports", found["reportDocumentId"])

    def settlement_rows(self) -> list[list[dict[str, str]]]:
        """The rows of every settlement file, the oldest file first."""
        kind = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
        found = self.get("/reports/2021-06-30/reports", reportTypes=kind, pageSize=100)["reports"]
        return [rows_of(self.document("reports", one["reportDocumentId"])) for one in reversed(found)]

    # -- events ----------------------------------------------------------------------------------------------------

    def subscribe(self, *kinds: str, **body: Any) -> None:
        """Have events put into the queue."""
        resource = {"sqs": {"arn": self.settings.queue_arn}}
        made = self.grantless(
            "POST", "/notifications/v1/destinations", {"name": "hub", "resourceSpecification": resource}
        ).json()["payload"]
        for kind in kinds:
            given = {"payloadVersion": "1.0", "destinationId": made["destinationId"], **body}
            assert self.call("POST", f"/notifications/v1/subscriptions/{kind}", body=given).status == 200

    def sqs(self, action: str, **body: Any) -> Response:
        """One action of the queue."""
        url = "http://sqs.example/123456789012/seller-notifications"
        headers = {"x-amz-target": f"AmazonSQS.{action}", "content-type": "application/x-amz-json-1.0"}
        return self.send("POST", "/", body=json.dumps({"QueueUrl": url, **body}).encode(), headers=headers)

    def receive(self, count: int = 10, **more: Any) -> list[Any]:
        """Messages handed out once."""
        answer = self.sqs("ReceiveMessage", MaxNumberOfMessages=count, **more)
        assert answer.status == 200, answer.body
        return list(answer.json().get("Messages", []))

    def events(self) -> list[Any]:
        """Everything in the queue now, taken out."""
        self.move(seconds=60)
        found: list[Any] = []
        while messages := self.receive():
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.sqs("DeleteMessage", ReceiptHandle=message["ReceiptHandle"])
        return found


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of a tab separated file."""
    head, *lines = text.rstrip("\n").split("\n")
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


def errors_of(answer: Response) -> list[str]:
    """The codes of an error answer, whose form is checked on the way."""
    errors = answer.json()["errors"]
    assert all(set(error) == {"code", "message", "details"} for error in errors)
    return [error["code"] for error in errors]


def item_path(sku: str) -> str:
    """The path of one listing, as the server hears it."""
    return f"/listings/2021-08-01/items/{SELLER}/{sku}"


def quoted_item_path(sku: str) -> str:
    """The path of one listing, as it goes over the wire."""
    return f"/listings/2021-08-01/items/{SELLER}/{quote(sku, safe='')}"


def envelope(message_type: str, messages: Sequence[str], seller: str = SELLER) -> bytes:
    """An AmazonEnvelope round messages."""
    entries = "".join(
        f"<Message><MessageID>{n}</MessageID><{message_type}>{message}</{message_type}></Message>"
        for n, message in enumerate(messages, 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><AmazonEnvelope>'
        f"<Header><DocumentVersion>1.01</DocumentVersion><MerchantIdentifier>{seller}</MerchantIdentifier></Header>"
        f"<MessageType>{message_type}</MessageType>{entries}</AmazonEnvelope>"
    ).encode()


def adjustment(order_id: str, line_id: str, amount: str, kind: str = "Principal", more: str = "") -> str:
    """A message that gives money back."""
    return (
        f"<AmazonOrderID>{order_id}</AmazonOrderID><AdjustedItem><AmazonOrderItemCode>{line_id}</AmazonOrderItemCode>"
        f"{more}<AdjustmentReason>CustomerReturn</AdjustmentReason><ItemPriceAdjustments><Component>"
        f'<Type>{kind}</Type><Amount currency="EUR">{amount}</Amount></Component></ItemPriceAdjustments></AdjustedItem>'
    )
