"""The payment_dispute resource of the Fulfillment interface: read, contest, accept, evidence."""

import re
from email import policy
from email.parser import BytesParser
from typing import Any, Final

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.ebay.disputes import Disputes
from entrepot.sandbox.ebay.errors import EbayError, fulfillment
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.paging import number, page
from entrepot.sandbox.ebay.router import Call
from entrepot.sandbox.ebay.state import Dispute, Evidence, EvidenceFile
from entrepot.sandbox.ebay.wire import NO_CONTENT, amount, answer, instant, maybe, objects, order_amount, stamp, whole

LIMIT_MAX: Final = 200
FILE_BYTES_MAX: Final = 1_500_000
FILES_MAX: Final = 20
FILE_NAME_MAX: Final = 255
IMAGE: Final = re.compile(r"\.(jpe?g|png)$", re.IGNORECASE)
STATUSES: Final = frozenset({"OPEN", "ACTION_NEEDED", "CLOSED"})


class DisputeCalls:
    """A seller's side of payment disputes."""

    def __init__(self, market: Market, disputes: Disputes) -> None:
        self._market = market
        self._disputes = disputes

    # -- reading ---------------------------------------------------------------------------------------------------

    def get(self, call: Call) -> Response:
        """getPaymentDispute."""
        return answer(200, self._view(self._dispute(call)))

    def activity(self, call: Call) -> Response:
        """getActivities."""
        one = self._dispute(call)
        rows = [
            {"activityDate": stamp(at), "activityType": activity, "actor": actor}
            for activity, actor, at in one.activity
        ]
        return answer(200, {"activity": rows})

    def search(self, call: Call) -> Response:
        """getPaymentDisputeSummaries: an order id alone decides; else buyer, time and status together."""
        request = call.request
        wrong = fulfillment(33001, "Invalid input request")
        limit = number(request, "limit", LIMIT_MAX, 1, LIMIT_MAX, wrong)
        offset = number(request, "offset", 0, 0, 10**9, wrong)
        found = [one for one in self._market.disputes.values() if self._asked_for(request, one)]
        base = self._market.settings.base_url
        return answer(200, page(request, base, found, "paymentDisputeSummaries", self._summary, limit, offset))

    def _asked_for(self, request: Request, one: Dispute) -> bool:
        order_id, buyer = request.first("order_id"), request.first("buyer_username")
        if order_id:
            return one.order_id == order_id
        statuses = frozenset(request.every("payment_dispute_status"))
        if not statuses <= STATUSES:
            raise fulfillment(33001, "Invalid input request")
        start, end = (_date(request, f"open_date_{side}") for side in ("from", "to"))
        return (
            (not buyer or self._market.orders[one.order_id].buyer == buyer)
            and (not statuses or one.status in statuses)
            and (start is None or one.at >= start)
            and (end is None or one.at <= end)
        )

    # -- answering -------------------------------------------------------------------------------------------------

    def contest(self, call: Call) -> Response:
        """contestPaymentDispute: with evidence, under the revision last read."""
        one, body = self._dispute(call), call.body(_bad_input())
        self._check_revision(one, body)
        if one.status != "ACTION_NEEDED":
            raise fulfillment(33101, "Invalid payment dispute state", 409)
        if not one.evidence:
            raise fulfillment(33102, "No evidence available for contest", 409)
        note, address = body.get("note"), body.get("returnAddress")
        self._disputes.contest(
            one, note if isinstance(note, str) else None, address if isinstance(address, dict) else None
        )
        self._market.did("contestPaymentDispute", one.dispute_id)
        return NO_CONTENT

    def accept(self, call: Call) -> Response:
        """acceptPaymentDispute, under the revision last read."""
        one, body = self._dispute(call), call.body(_bad_input())
        self._check_revision(one, body)
        if one.status != "ACTION_NEEDED":
            raise fulfillment(33101, "Invalid payment dispute state", 409)
        address = body.get("returnAddress")
        self._disputes.accept(one, address if isinstance(address, dict) else None)
        self._market.did("acceptPaymentDispute", one.dispute_id)
        return NO_CONTENT

    @staticmethod
    def _check_revision(one: Dispute, body: dict[str, object]) -> None:
        revision = whole(body.get("revision"))
        if revision is None:
            raise _bad_input()
        if revision != one.revision:
            message = "There was a change in payment dispute attributes. Please use get payment dispute api."
            raise fulfillment(33011, message, 409)

    # -- evidence --------------------------------------------------------------------------------------------------

    def upload(self, call: Call) -> Response:
        """uploadEvidenceFile: one picture in the form field "file"."""
        one = self._dispute(call)
        self._may_add(one, 33004, "Upload file for evidence is not permitted for given payment dispute state.")
        if len(one.files) >= FILES_MAX:
            raise fulfillment(33105, "You reached the maximum number of files you can upload.", 409)
        name, media_type, content = _file_of(call.request)
        file = EvidenceFile(self._market.new_id(10, "9"), name, media_type, content, self._market.now())
        one.files[file.file_id] = file
        return answer(200, {"fileId": file.file_id})

    def add_evidence(self, call: Call) -> Response:
        """addEvidence: a set of uploaded files of one kind."""
        one, body = self._dispute(call), call.body(_bad_input())
        self._may_add(one, 33101, "Invalid payment dispute state")
        evidence = Evidence(self._market.new_id(10, "8"), "", [], [], self._market.now())
        self._fill(one, evidence, body)
        one.evidence[evidence.evidence_id] = evidence
        self._disputes.change(one, "EVIDENCE_PROVIDED")
        self._market.did("addEvidence", f"{one.dispute_id}/{evidence.kind}/{','.join(evidence.files)}")
        return answer(200, {"evidenceId": evidence.evidence_id})

    def update_evidence(self, call: Call) -> Response:
        """updateEvidence: the set is replaced."""
        one, body = self._dispute(call), call.body(_bad_input())
        self._may_add(one, 33101, "Invalid payment dispute state")
        evidence = one.evidence.get(str(body.get("evidenceId")))
        if evidence is None:
            raise fulfillment(33002, "Invalid Evidence Id")
        self._fill(one, evidence, body)
        self._disputes.change(one, "EVIDENCE_PROVIDED")
        return NO_CONTENT

    def fetch(self, call: Call) -> Response:
        """fetchEvidenceContent: the file's bytes."""
        one = self._dispute(call)
        evidence = one.evidence.get(call.request.first("evidence_id") or "")
        if evidence is None:
            raise fulfillment(33002, "Invalid Evidence Id")
        file_id = call.request.first("file_id") or ""
        if file_id not in evidence.files:
            raise fulfillment(33003, "Invalid Evidence File Id")
        return Response(200, {"content-type": "application/octet-stream"}, one.files[file_id].content)

    def _fill(self, one: Dispute, evidence: Evidence, body: dict[str, object]) -> None:
        kind, files = body.get("evidenceType"), objects(body.get("files"))
        if not isinstance(kind, str) or not kind or not files:
            raise _bad_input()
        ids = [str(file.get("fileId")) for file in files]
        if any(file_id not in one.files for file_id in ids):
            raise fulfillment(33003, "Invalid Evidence File Id")
        evidence.kind, evidence.files = kind, ids
        evidence.lines = objects(body.get("lineItems")) or []
        evidence.at = self._market.now()

    @staticmethod
    def _may_add(one: Dispute, error_id: int, message: str) -> None:
        if one.status != "ACTION_NEEDED":
            raise fulfillment(error_id, message, 409)

    # -- rendering -------------------------------------------------------------------------------------------------

    def _dispute(self, call: Call) -> Dispute:
        one = self._market.disputes.get(call.ids["payment_dispute_id"])
        if one is None:
            raise fulfillment(33001, "Invalid Payment Dispute Id", 404)
        return one

    def _summary(self, one: Dispute) -> dict[str, Any]:
        order = self._market.orders[one.order_id]
        return {
            "paymentDisputeId": one.dispute_id,
            "paymentDisputeStatus": one.status,
            "orderId": one.order_id,
            "buyerUsername": order.buyer,
            "reason": one.reason,
            "amount": amount(one.amount_minor, order.currency),
            "openDate": stamp(one.at),
            "closedDate": maybe(one.closed_at),
            "respondByDate": stamp(one.respond_by) if one.status == "ACTION_NEEDED" else None,
        }

    def _view(self, one: Dispute) -> dict[str, Any]:
        order = self._market.orders[one.order_id]
        lines = [{"itemId": line.offer.listing_id, "lineItemId": line_id} for line_id, line in order.lines.items()]
        waits = one.status == "ACTION_NEEDED"
        request = {
            "evidenceId": None,
            "evidenceType": "PROOF_OF_DELIVERY",
            "lineItems": lines,
            "requestDate": stamp(one.at),
            "respondByDate": stamp(one.respond_by),
        }
        return {
            **self._summary(one),
            "availableChoices": ["CONTEST", "ACCEPT"] if waits else [],
            "buyerProvided": {"contentOnHold": False, "note": None, "returnShipmentTracking": []},
            "evidence": [self._evidence(one, evidence) for evidence in one.evidence.values()],
            "evidenceRequests": [request] if waits else [],
            "lineItems": lines,
            "monetaryTransactions": [
                {
                    "date": stamp(at),
                    "type": kind,
                    "reason": "DISPUTE",
                    "amount": {**(order_amount(minor, order.currency) or {}), "exchangeRate": None},
                }
                for kind, minor, at in one.money
            ],
            "note": one.note,
            "resolution": self._resolution(one, order.currency),
            "returnAddress": _address(one.return_address),
            "revision": one.revision,
            "sellerResponse": one.response,
        }

    @staticmethod
    def _resolution(one: Dispute, currency: str) -> dict[str, Any] | None:
        if one.closed_at is None:
            return None
        kept = one.amount_minor if one.won else 0
        return {
            "fees": amount(one.fee_minor, currency),
            "protectedAmount": amount(kept, currency),
            "protectionStatus": "PROTECTED" if one.won else "NOT_PROTECTED",
            "reasonForClosure": one.closed_for,
            "recoupAmount": amount(one.amount_minor - kept, currency),
            "totalFeeCredit": amount(0, currency),
        }

    @staticmethod
    def _evidence(one: Dispute, evidence: Evidence) -> dict[str, Any]:
        files = [one.files[file_id] for file_id in evidence.files]
        return {
            "evidenceId": evidence.evidence_id,
            "evidenceType": evidence.kind,
            "files": [
                {"fileId": f.file_id, "fileType": f.media_type, "name": f.name, "uploadedDate": stamp(f.at)}
                for f in files
            ],
            "lineItems": [
                {"itemId": line.get("itemId"), "lineItemId": line.get("lineItemId")} for line in evidence.lines
            ],
            "providedDate": stamp(evidence.at),
            "requestDate": stamp(one.at),
            "respondByDate": stamp(one.respond_by),
            "shipmentTracking": [],
        }


ADDRESS_KEYS: Final = (
    "addressLine1",
    "addressLine2",
    "city",
    "country",
    "county",
    "fullName",
    "postalCode",
    "stateOrProvince",
)


def _address(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    return {**{key: given.get(key) for key in ADDRESS_KEYS}, "primaryPhone": given.get("primaryPhone")}


def _bad_input() -> EbayError:
    return fulfillment(33100, "Invalid input request")


def _date(request: Request, name: str) -> Any:
    text = request.first(name)
    if not text:
        return None
    at = instant(text)
    if at is None:
        raise fulfillment(33001, "Invalid input request")
    return at


def _file_of(request: Request) -> tuple[str, str, bytes]:
    """The one picture of a multipart form. Errors: 33005, 33006, 33106, 33107."""
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode("utf-8", "replace")
    form = BytesParser(policy=policy.HTTP).parsebytes(head + request.body)
    parts = list(form.iter_parts()) if form.is_multipart() else []
    files = [part for part in parts if part.get_param("name", header="content-disposition") == "file"]
    if not files:
        raise _bad_input()
    if len(files) > 1:
        raise fulfillment(33107, "Only one file can be uploaded per request.")
    name = files[0].get_filename() or ""
    if not name or len(name) > FILE_NAME_MAX:
        raise fulfillment(33106, "The file name should not be empty and should not exceed 255 characters.")
    if IMAGE.search(name) is None:
        raise fulfillment(33005, "File type is invalid.")
    content = files[0].get_payload(decode=True)
    if not isinstance(content, bytes) or len(content) > FILE_BYTES_MAX:
        raise fulfillment(33006, "File size should be 1.5 MB or less.")
    return name, name.rpartition(".")[2].upper(), content
