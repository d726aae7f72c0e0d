"""The account over real HTTP, as any client meets it."""

import gzip
import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from sandbox.amazon.amazon_shop import DE, Shop, envelope, quoted_item_path

from entrepot.sandbox.http import serve


class Client:
    """Plain HTTP on one connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)

    def call(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        self.connection.request(method, target, body, dict(headers or {}))
        answer = self.connection.getresponse()
        return answer.status, dict(answer.headers.items()), answer.read()


def test_a_client_signs_in_reads_an_order_uploads_a_feed_and_empties_the_queue(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    shop.subscribe("FEED_PROCESSING_FINISHED")
    with serve(shop.world, {"amazon": 0}, hang_s=0.05, ticking=False) as servers:
        client = Client(servers.url("amazon"))
        form = {
            "grant_type": "refresh_token",
            "refresh_token": shop.settings.refresh_token,
            "client_id": shop.settings.client_id,
            "client_secret": shop.settings.client_secret,
        }
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        _, _, body = client.call("POST", "/auth/o2/token", urlencode(form).encode(), kind)
        mine = {"x-amz-access-token": json.loads(body)["access_token"], "Content-Type": "application/json"}

        status, headers, body = client.call("GET", f"/orders/v0/orders/{order_id}", headers=mine)
        assert (status, json.loads(body)["payload"]["AmazonOrderId"]) == (200, order_id)
        assert headers["x-amzn-requestid"]
        assert headers["x-amzn-ratelimit-limit"] == "0.5"
        status, _, body = client.call("GET", f"{quoted_item_path('ROPE/10')}?marketplaceIds={DE}", headers=mine)
        assert (status, json.loads(body)["sku"]) == (200, "ROPE/10")

        def post(target: str, data: Any) -> Any:
            return json.loads(client.call("POST", target, json.dumps(data).encode(), mine)[2])

        made = post("/feeds/2021-06-30/documents", {"contentType": "text/xml"})
        message = f"<AmazonOrderID>{order_id}</AmazonOrderID><StatusCode>Success</StatusCode>"
        content = envelope("OrderAcknowledgement", [message])
        other = Client(made["url"])
        target = made["url"].split(urlsplit(made["url"]).netloc)[1]
        assert other.call("PUT", target, content, {"Content-Type": "text/xml"})[0] == 200
        feed_id = post(
            "/feeds/2021-06-30/feeds",
            {
                "feedType": "POST_ORDER_ACKNOWLEDGEMENT_DATA",
                "marketplaceIds": [DE],
                "inputFeedDocumentId": made["feedDocumentId"],
            },
        )["feedId"]
        shop.move(minutes=5)

        queue = {"X-Amz-Target": "AmazonSQS.ReceiveMessage", "Content-Type": "application/x-amz-json-1.0"}
        asked = {"QueueUrl": f"{servers.url('amazon')}/123456789012/seller-notifications"}
        told = json.loads(client.call("POST", "/", json.dumps(asked).encode(), queue)[2])["Messages"][0]
        event = json.loads(told["Body"])["payload"]["feedProcessingFinishedNotification"]
        assert event["feedId"] == feed_id
        asked["ReceiptHandle"] = told["ReceiptHandle"]
        queue["X-Amz-Target"] = "AmazonSQS.DeleteMessage"
        assert client.call("POST", "/", json.dumps(asked).encode(), queue)[0] == 200

        target = f"/feeds/2021-06-30/documents/{event['resultFeedDocumentId']}"
        url = json.loads(client.call("GET", target, headers=mine)[2])["url"]
        status, _, body = client.call("GET", url.split(urlsplit(url).netloc)[1])
        assert status == 200
        assert b"<MessagesSuccessful>1</MessagesSuccessful>" in gzip.decompress(body)
        client.connection.close()
        other.connection.close()
    assert shop.book(order_id)["acknowledged_at"] is not None


def test_presigned_addresses_may_be_given_a_fixed_host() -> None:
    shop = Shop(base_url="https://files.example/")
    made = shop.call("POST", "/feeds/2021-06-30/documents", body={"contentType": "text/xml"}).json()
    assert made["url"].startswith("https://files.example/documents/")
