"""Events in the seller's queue: wanted ones only, at least once, in no order."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sandbox.amazon.amazon_shop import DE, MACHINE_TIME, Shop, envelope, errors_of

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.faults import Fault
from entrepot.sandbox.sigv4 import sign

ORDER, FEED, REPORT = "ORDER_CHANGE", "FEED_PROCESSING_FINISHED", "REPORT_PROCESSING_FINISHED"
ISSUES, STATUS = "LISTINGS_ITEM_ISSUES_CHANGE", "LISTINGS_ITEM_STATUS_CHANGE"
DESTINATIONS, SUBSCRIPTIONS = "/notifications/v1/destinations", "/notifications/v1/subscriptions"


def resource(shop: Shop) -> dict[str, Any]:
    return {"name": "hub", "resourceSpecification": {"sqs": {"arn": shop.settings.queue_arn}}}


def test_nothing_is_told_to_whoever_did_not_subscribe(shop: Shop) -> None:
    shop.portal.place([("ATLAS-1", 1)])
    assert shop.events() == []


def test_an_order_change_tells_what_the_order_became(shop: Shop) -> None:
    shop.subscribe(ORDER)
    order_id = shop.portal.place([("ATLAS-1", 2)])
    shop.ship(order_id)
    events = shop.events()
    told = {event["Payload"]["OrderChangeNotification"]["Summary"]["OrderStatus"]: event for event in events}
    assert set(told) == {"Unshipped", "Shipped"}
    change = told["Shipped"]["Payload"]["OrderChangeNotification"]
    assert (change["AmazonOrderId"], change["OrderChangeType"]) == (order_id, "OrderStatusChange")
    assert (change["Summary"]["NumberOfItemsShipped"], change["Summary"]["FulfillmentType"]) == (2, "MFN")
    assert told["Shipped"]["NotificationType"] == ORDER
    assert set(told["Shipped"]["NotificationMetadata"]) == {
        "ApplicationId",
        "SubscriptionId",
        "PublishTime",
        "NotificationId",
    }


def test_a_filter_lets_only_the_wanted_changes_pass(shop: Shop) -> None:
    chosen = {"eventFilterType": ORDER, "orderChangeTypes": ["BuyerRequestedChange"]}
    shop.subscribe(ORDER, processingDirective={"eventFilter": chosen})
    order_id = shop.portal.place([("ATLAS-1", 1)])
    shop.portal.ask_cancel(order_id)
    events = shop.events()
    assert [event["Payload"]["OrderChangeNotification"]["OrderChangeType"] for event in events] == [
        "BuyerRequestedChange"
    ]
    assert events[0]["Payload"]["OrderChangeNotification"]["Summary"]["OrderItems"][0]["IsBuyerRequestedCancel"]


def test_the_end_of_feeds_and_reports_is_told_in_lower_camel_case(shop: Shop) -> None:
    shop.subscribe(FEED, REPORT)
    feed, _ = shop.feed("POST_ORDER_ACKNOWLEDGEMENT_DATA", envelope("OrderAcknowledgement", []))
    shop.report("GET_V2_SELLER_PERFORMANCE_REPORT")
    events = {event["notificationType"]: event for event in shop.events()}
    told = events[FEED]["payload"]["feedProcessingFinishedNotification"]
    assert (told["feedId"], told["processingStatus"]) == (feed["feedId"], "DONE")
    assert told["resultFeedDocumentId"] == feed["resultFeedDocumentId"]
    assert events[REPORT]["payload"]["reportProcessingFinishedNotification"]["reportDocumentId"]
    assert "notificationId" in events[REPORT]["notificationMetadata"]


def test_listings_tell_their_status_and_their_issues(shop: Shop) -> None:
    shop.subscribe(ISSUES, STATUS)
    shop.portal.suppress("ATLAS-1", "18367", "No.", "item_name")
    shop.portal.restore("ATLAS-1")
    shop.call("DELETE", "/listings/2021-08-01/items/A3TH9S8BH6GOGM/LAMP-1", {"marketplaceIds": DE})
    shop.move(minutes=2)
    events = shop.events()
    status = [event["Payload"]["Status"] for event in events if event["NotificationType"] == STATUS]
    issues = [event["Payload"] for event in events if event["NotificationType"] == ISSUES]
    assert sorted(status) == [[], ["BUYABLE", "DISCOVERABLE"], ["DELETED"]]
    assert sorted(one["Severities"] for one in issues) == [["ERROR"], ["NONE"]]


def test_events_come_in_no_order_and_some_come_twice() -> None:
    shop = Shop(duplicate_rate=0.3)
    shop.subscribe(ORDER)
    ids = [shop.portal.place([("ATLAS-1", 1)]) for _ in range(30)]
    events = shop.events()
    told = [event["Payload"]["OrderChangeNotification"]["AmazonOrderId"] for event in events]
    notifications = [event["NotificationMetadata"]["NotificationId"] for event in events]
    assert set(told) == set(ids)
    assert list(dict.fromkeys(told)) != ids
    assert len(set(notifications)) == 30 < len(notifications)


@pytest.mark.parametrize(
    ("kind", "copies"), [("lost", 0), ("duplicate", 2), ("dup-other-content", 2), ("out-of-order", 0)]
)
def test_planned_faults_of_events_happen(shop: Shop, kind: str, copies: int) -> None:
    shop.subscribe(ORDER)
    shop.world.faults.add(Fault("amazon", f"webhook:{ORDER}", 1, kind))
    shop.portal.place([("ATLAS-1", 1)])
    shop.move(seconds=59)
    bodies = [message["Body"] for message in shop.receive()]
    assert len(bodies) == copies
    ids = {json.loads(body)["NotificationMetadata"]["NotificationId"] for body in bodies}
    assert len(ids) <= 1
    assert len(set(bodies)) == (2 if kind == "dup-other-content" else min(copies, 1))
    shop.move(minutes=2)
    assert bool(shop.receive()) is (kind != "lost")


def test_a_message_is_hidden_while_somebody_has_it_and_comes_again_unless_deleted(shop: Shop) -> None:
    assert shop.sqs("SendMessage", MessageBody="one").status == 200
    first = shop.receive(VisibilityTimeout=10)[0]
    assert (first["Body"], first["Attributes"]["ApproximateReceiveCount"]) == ("one", "1")
    assert shop.receive() == []
    shop.move(seconds=10)
    again = shop.receive()[0]
    assert again["MessageId"] == first["MessageId"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    assert shop.sqs("DeleteMessage", ReceiptHandle=first["ReceiptHandle"]).status == 200  # too late: an old handle
    shop.move(seconds=30)
    last = shop.receive()[0]
    assert shop.sqs("DeleteMessage", ReceiptHandle=last["ReceiptHandle"]).status == 200
    shop.move(minutes=5)
    assert shop.receive() == []


def test_the_queue_hands_out_ten_at_most_and_counts_what_it_has(shop: Shop) -> None:
    for n in range(12):
        shop.sqs("SendMessage", MessageBody=f"m{n}")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    messages = shop.receive(10)
    assert len(messages) == 10
    counted = shop.sqs("GetQueueAttributes", AttributeNames=names).json()["Attributes"]
    assert counted == {names[0]: "2", names[1]: "10"}
    entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages[:9])]
    told = shop.sqs("DeleteMessageBatch", Entries=[*entries, {"Id": "x", "ReceiptHandle": "no"}]).json()
    assert (len(told["Successful"]), told["Failed"][0]["Code"]) == (9, "ReceiptHandleIsInvalid")
    assert shop.amazon.books()["undelivered"] == 3
    assert "QueueArn" in shop.sqs("GetQueueAttributes", AttributeNames=["All"]).json()["Attributes"]


@pytest.mark.parametrize(
    ("action", "body", "code"),
    [
        ("ReceiveMessage", {"QueueUrl": "http://sqs/1/other"}, "QueueDoesNotExist"),
        ("ReceiveMessage", {"MaxNumberOfMessages": 11}, "InvalidParameterValue"),
        ("ReceiveMessage", {"VisibilityTimeout": -1}, "InvalidParameterValue"),
        ("DeleteMessage", {"ReceiptHandle": "made-up"}, "ReceiptHandleIsInvalid"),
        ("SendMessage", {}, "MissingParameter"),
        ("GetQueueAttributes", {"AttributeNames": ["Colour"]}, "InvalidAttributeName"),
        ("GetQueueUrl", {"QueueName": "other"}, "QueueDoesNotExist"),
        ("PurgeQueue", {}, "UnsupportedOperation"),
    ],
)
def test_the_queue_says_no_in_its_own_form(shop: Shop, action: str, body: dict[str, Any], code: str) -> None:
    answer = shop.sqs(action, **body)
    assert (answer.status, answer.json()["__type"]) == (400, f"com.amazonaws.sqs#{code}")


def test_the_queue_is_found_by_its_name(shop: Shop) -> None:
    url = shop.sqs("GetQueueUrl", QueueName="seller-notifications").json()["QueueUrl"]
    assert url.endswith("/123456789012/seller-notifications")


def signed(age: timedelta = timedelta(), secret: str = "secret", key: str = "AKIA1") -> dict[str, str]:
    stamp = f"{MACHINE_TIME - age:%Y%m%dT%H%M%SZ}"
    scope = f"{stamp[:8]}/eu-west-1/sqs/aws4_request"
    headers = {"host": "sqs.example", "x-amz-date": stamp, "x-amz-target": "AmazonSQS.GetQueueUrl"}
    names = sorted(headers)
    body = b'{"QueueName":"seller-notifications"}'
    signature = sign(Request("POST", "/", headers=headers, body=body), names, scope, stamp, secret)
    value = f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return {**headers, "authorization": value}


def test_a_queue_with_keys_wants_a_signature_of_its_own_time() -> None:
    shop = Shop(queue_keys={"AKIA1": "secret"})
    body = b'{"QueueName":"seller-notifications"}'

    def status(headers: dict[str, str]) -> int:
        return shop.send("POST", "/", None, body, headers).status

    assert status(signed()) == 200
    assert status(signed(secret="wrong")) == 403
    assert status(signed(key="AKIA2")) == 403
    assert status(signed(age=timedelta(minutes=16))) == 403
    assert status({"x-amz-target": "AmazonSQS.GetQueueUrl"}) == 403
    assert status({**signed(), "x-amz-target": "AmazonSQS.ReceiveMessage"}) == 403


def test_a_signature_is_the_one_of_amazons_published_example() -> None:
    # The GET example of the Signature Version 4 test suite ("get-vanilla").
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    request = Request("GET", "/", headers=headers)
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    scope = "20150830/us-east-1/service/aws4_request"
    drawn = sign(request, ["host", "x-amz-date"], scope, "20150830T123600Z", secret)
    assert drawn == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"


def test_destinations_are_made_once_and_kept_while_they_are_used(shop: Shop) -> None:
    made = shop.grantless("POST", DESTINATIONS, resource(shop)).json()["payload"]
    assert shop.grantless("POST", DESTINATIONS, resource(shop)).status == 409
    path = f"{DESTINATIONS}/{made['destinationId']}"
    assert shop.grantless("GET", path).json()["payload"] == made
    body = {"payloadVersion": "1.0", "destinationId": made["destinationId"]}
    subscribed = shop.call("POST", f"{SUBSCRIPTIONS}/{ORDER}", body=body).json()["payload"]
    assert shop.call("POST", f"{SUBSCRIPTIONS}/{ORDER}", body=body).status == 409
    assert shop.call("GET", f"{SUBSCRIPTIONS}/{ORDER}").json()["payload"] == subscribed
    assert shop.grantless("DELETE", path).status == 409
    by_id = f"{SUBSCRIPTIONS}/{ORDER}/{subscribed['subscriptionId']}"
    assert shop.grantless("GET", by_id).status == 200
    assert shop.grantless("GET", f"{SUBSCRIPTIONS}/{ORDER}/none").status == 404
    assert shop.grantless("DELETE", by_id).status == 200
    assert shop.call("GET", f"{SUBSCRIPTIONS}/{ORDER}").status == 404
    assert shop.grantless("DELETE", path).status == 200
    assert shop.grantless("GET", path).status == 404
    assert shop.grantless("GET", DESTINATIONS).json()["payload"] == []


def test_what_cannot_be_subscribed_is_refused(shop: Shop) -> None:
    bus = {"name": "bus", "resourceSpecification": {"eventBridge": {"region": "eu-west-1", "accountId": "1"}}}
    assert errors_of(shop.grantless("POST", DESTINATIONS, bus)) == ["InvalidInput"]
    made = shop.grantless("POST", DESTINATIONS, resource(shop)).json()["payload"]
    body = {"payloadVersion": "1.0", "destinationId": made["destinationId"]}
    refused: list[Response] = [
        shop.call("POST", f"{SUBSCRIPTIONS}/PRICING_HEALTH", body=body),
        shop.call("POST", f"{SUBSCRIPTIONS}/{ORDER}", body={**body, "destinationId": "none"}),
        shop.call("POST", f"{SUBSCRIPTIONS}/{ORDER}", body={**body, "processingDirective": {"eventFilter": {}}}),
    ]
    assert [answer.status for answer in refused] == [400, 404, 400]
