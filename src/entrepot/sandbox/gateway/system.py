"""The gateway over HTTP: routes, authentication, idempotency keys, and the books a checker reads."""

import hmac
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from entrepot.sandbox.core import Request, Response, World, json_response
from entrepot.sandbox.gateway import fields
from entrepot.sandbox.gateway.books import GatewayBooks
from entrepot.sandbox.gateway.idempotency import IdempotencyKeys, KeyedCall, fingerprint
from entrepot.sandbox.gateway.model import (
    OPEN,
    OPERATION_NAMES,
    Authorisation,
    Capture,
    Dispute,
    Payout,
    Refund,
    Refusal,
    Release,
    Terms,
    Transfer,
)
from entrepot.sandbox.gateway.settlement import Settlement, day_end
from entrepot.sandbox.gateway.views import operation_view, settlement_line_view, settlement_view, view

API_KEY: Final = "gw-secret"
LINES_PER_PAGE: Final = 100
LINES_PER_PAGE_MAX: Final = 1000
ID_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
ID_CHARACTERS: Final = 16
REMEMBERED_REFUSALS: Final = frozenset({402, 409, 422})

ROUTES: Final = tuple(
    (method, re.compile(f"/v1/{path}"), operation)
    for method, path, operation in (
        ("POST", "authorisations", "authorise"),
        ("GET", "authorisations", "find-authorisations"),
        ("GET", "authorisations/([^/]+)", "read-authorisation"),
        ("POST", "authorisations/([^/]+)/captures", "capture"),
        ("POST", "authorisations/([^/]+)/releases", "release"),
        ("GET", "captures/([^/]+)", "read-capture"),
        ("POST", "captures/([^/]+)/refunds", "refund"),
        ("POST", "transfers", "transfer"),
        ("GET", "transfers/([^/]+)", "read-transfer"),
        ("GET", "operations", "find-operations"),
        ("POST", "disputes", "open-dispute"),
        ("GET", "disputes/([^/]+)", "read-dispute"),
        ("POST", "disputes/([^/]+)/close", "close-dispute"),
        ("GET", "settlements", "list-settlements"),
        ("GET", "settlements/([^/]+)/lines", "settlement-lines"),
    )
)

Found = TypeVar("Found")
Publish = Callable[[str, dict[str, Any]], None]
Listener = Callable[[str, Any], None]


class Gateway:
    """The system "gateway": one merchant's account at a payment gateway."""

    def __init__(self, world: World, publish: Publish, terms: Terms | None = None, api_key: str = API_KEY) -> None:
        self._world = world
        self._publish = publish
        self._ids = world.stream("gateway-ids")
        self._authorization = f"Bearer {api_key}".encode()
        self.accounts = GatewayBooks(self._new_id, self._announce, terms or Terms())
        self.keys = IdempotencyKeys()
        self.listeners: list[Listener] = []

    # -- in process ------------------------------------------------------------------------------------------------

    def authorise(self, *, reference: str, amount_minor: int, currency: str, customer_id: str) -> Authorisation:
        """Hold a buyer's money; the hold ends by itself at `expires_at`."""
        authorisation = self.accounts.authorise(
            reference=reference, amount_minor=amount_minor, currency=currency, customer_id=customer_id, now=self._now()
        )
        self._world.at(authorisation.expires_at, lambda: self.accounts.expire(authorisation, self._now()))
        return authorisation

    def transfer(self, *, reference: str, destination: str, amount_minor: int, currency: str) -> Transfer:
        return self.accounts.transfer(
            reference=reference, destination=destination, amount_minor=amount_minor, currency=currency, now=self._now()
        )

    def open_dispute(self, capture: Capture, *, amount_minor: int, reference: str, reason: str) -> Dispute:
        return self.accounts.open_dispute(
            capture,
            amount_minor=amount_minor,
            currency=capture.currency,
            reference=reference,
            reason=reason,
            now=self._now(),
        )

    def close_dispute(self, dispute: Dispute, *, won: bool) -> Dispute:
        return self.accounts.close_dispute(dispute, won=won, now=self._now())

    def return_transfer(self, transfer: Transfer, *, reason: str) -> Transfer:
        return self.accounts.return_transfer(transfer, reason=reason, now=self._now())

    def pay_out(self, *, amount_minor: int, currency: str, reference: str) -> Payout:
        return self.accounts.pay_out(amount_minor=amount_minor, currency=currency, reference=reference, now=self._now())

    def release_rest(self, authorisation: Authorisation, *, reference: str) -> None:
        """Let go of whatever is still held."""
        if authorisation.purse[OPEN]:
            self.accounts.release(
                authorisation,
                amount_minor=authorisation.purse[OPEN],
                currency=authorisation.currency,
                reference=reference,
                now=self._now(),
            )

    def settle_now(self) -> list[Settlement]:
        """Close the running settlement days before their time."""
        return self.accounts.close_settlements(self._now(), early=True)

    # -- over HTTP -------------------------------------------------------------------------------------------------

    def operation(self, request: Request) -> str | None:
        found = _route(request)
        return found[0] if found else None

    def handle(self, request: Request) -> Response:
        try:
            self._authenticate(request)
            found = _route(request)
            if found is None:
                raise Refusal(404, "not_found", f"no such route: {request.method} {request.path}")
            operation, ids = found
            if operation in WRITES:
                return self._write(operation, request, ids)
            return json_response(200, READS[operation](self, request, *ids))
        except Refusal as no:
            return _refusal(no)

    def _authenticate(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._authorization):
            raise Refusal(401, "unauthorized", "the API key is missing or wrong")

    def _write(self, operation: str, request: Request, ids: tuple[str, ...]) -> Response:
        content = fields.content_of(request)
        key = request.headers.get("idempotency-key")
        mark = fingerprint(request.method, request.path, content)
        if key is not None:
            replay = self.keys.answer_to(key, mark)
            if replay is not None:
                return replay
        made_id = None
        try:
            made = WRITES[operation](self, content, *ids)
            made_id = str(made.id)
            answer = json_response(200 if operation == "close-dispute" else 201, view(made))
        except Refusal as no:
            if no.status not in REMEMBERED_REFUSALS:
                raise
            answer = _refusal(no)
        if key is not None:
            reference = str(content.get("reference", ""))
            self.keys.remember(KeyedCall(key, operation, reference, mark, answer, made_id))
        return answer

    # -- writes ----------------------------------------------------------------------------------------------------

    def _post_authorisation(self, content: dict[str, Any]) -> Authorisation:
        return self.authorise(
            reference=fields.text(content, "reference"),
            amount_minor=fields.amount(content),
            currency=fields.currency(content),
            customer_id=fields.text(content, "customer_id"),
        )

    def _post_capture(self, content: dict[str, Any], authorisation_id: str) -> Capture:
        authorisation = _found(self.accounts.authorisations, authorisation_id, "authorisation")
        return self.accounts.capture(authorisation, **_money(content), now=self._now())

    def _post_release(self, content: dict[str, Any], authorisation_id: str) -> Release:
        authorisation = _found(self.accounts.authorisations, authorisation_id, "authorisation")
        return self.accounts.release(authorisation, **_money(content), now=self._now())

    def _post_refund(self, content: dict[str, Any], capture_id: str) -> Refund:
        capture = _found(self.accounts.captures, capture_id, "capture")
        return self.accounts.refund(capture, **_money(content), now=self._now())

    def _post_transfer(self, content: dict[str, Any]) -> Transfer:
        return self.transfer(**_money(content), destination=fields.text(content, "destination"))

    def _post_dispute(self, content: dict[str, Any]) -> Dispute:
        capture = _found(self.accounts.captures, fields.text(content, "capture_id"), "capture")
        reason = fields.text(content, "reason")
        return self.accounts.open_dispute(capture, **_money(content), reason=reason, now=self._now())

    def _post_dispute_close(self, content: dict[str, Any], dispute_id: str) -> Dispute:
        outcome = fields.text(content, "outcome")
        if outcome not in ("won", "lost"):
            raise Refusal(400, "invalid_field", "outcome must be won or lost", "outcome")
        return self.close_dispute(_found(self.accounts.disputes, dispute_id, "dispute"), won=outcome == "won")

    # -- reads -----------------------------------------------------------------------------------------------------

    def _get_authorisations(self, request: Request) -> dict[str, Any]:
        reference = _required(request, "reference")
        return {"data": [view(one) for one in self.accounts.authorisations.values() if one.reference == reference]}

    def _get_authorisation(self, _request: Request, authorisation_id: str) -> dict[str, Any]:
        return view(_found(self.accounts.authorisations, authorisation_id, "authorisation"))

    def _get_capture(self, _request: Request, capture_id: str) -> dict[str, Any]:
        return view(_found(self.accounts.captures, capture_id, "capture"))

    def _get_transfer(self, _request: Request, transfer_id: str) -> dict[str, Any]:
        return view(_found(self.accounts.transfers, transfer_id, "transfer"))

    def _get_dispute(self, _request: Request, dispute_id: str) -> dict[str, Any]:
        return view(_found(self.accounts.disputes, dispute_id, "dispute"))

    def _get_operations(self, request: Request) -> dict[str, Any]:
        key = request.first("idempotency_key")
        if key is None:
            found = self.accounts.with_reference(_required(request, "reference"))
        else:
            known = self.keys.calls.get(key)
            found = [one for one in self.accounts.operations if known is not None and one.id == known.object_id]
        return {"data": [operation_view(one) for one in found]}

    def _get_settlements(self, request: Request) -> dict[str, Any]:
        after = request.first("created_after")
        self.accounts.close_settlements(self._now())
        return {
            "data": [settlement_view(one) for one in self.accounts.settlements.closed_after(_instant(after))],
        }

    def _get_settlement_lines(self, request: Request, settlement_id: str) -> dict[str, Any]:
        settlement = _found(self.accounts.settlements.settlements, settlement_id, "settlement")
        limit = fields.whole_number(request, "limit", LINES_PER_PAGE, 1, LINES_PER_PAGE_MAX)
        start = fields.whole_number(request, "page_token", 0, 0, max(len(settlement.lines), 1))
        page = settlement.lines[start : start + limit]
        following = start + len(page)
        return {
            "data": [settlement_line_view(line) for line in page],
            "next_page_token": str(following) if following < len(settlement.lines) else None,
        }

    # -- books -----------------------------------------------------------------------------------------------------

    def books(self) -> dict[str, Any]:
        """Every table, how often each key and each reference really moved money, and what does not add up (nothing)."""
        accounts = self.accounts
        applied = Counter((OPERATION_NAMES[type(one)], one.reference) for one in accounts.operations)
        return {
            "authorisations": [view(one) for one in accounts.authorisations.values()],
            "captures": [view(one) for one in accounts.captures.values()],
            "operations": [operation_view(one) for one in accounts.operations],
            "disputes": [view(one) for one in accounts.disputes.values()],
            "settlements": [
                {**settlement_view(one), "lines": [settlement_line_view(line) for line in one.lines]}
                for one in accounts.settlements.settlements.values()
            ],
            "balances": accounts.settlements.balances(),
            "writes": [
                {
                    "operation": call.operation,
                    "key": call.key,
                    "reference": call.reference,
                    "calls": call.calls,
                    "count_applied": call.applied,
                }
                for call in self.keys.calls.values()
            ],
            "applied": [
                {"operation": operation, "reference": reference, "count": count}
                for (operation, reference), count in applied.items()
            ],
            "unbalanced": accounts.unbalanced(),
        }

    # -- inside ----------------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        """Business time in whole milliseconds: what is compared with a cursor is what the wire has shown."""
        now = self._world.clock()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def _new_id(self, prefix: str) -> str:
        return f"{prefix}_{''.join(self._ids.choice(ID_ALPHABET) for _ in range(ID_CHARACTERS))}"

    def _announce(self, topic: str, about: Any) -> None:
        if topic == "settlement.opened":
            self._world.at(day_end(about.opened_at), self._end_of_day)
            return
        self._publish(topic, view(about))
        for listener in self.listeners:
            listener(topic, about)

    def _end_of_day(self) -> None:
        self.accounts.close_settlements(self._now())


WRITES: Final[Mapping[str, Callable[..., Any]]] = {
    "authorise": Gateway._post_authorisation,
    "capture": Gateway._post_capture,
    "release": Gateway._post_release,
    "refund": Gateway._post_refund,
    "transfer": Gateway._post_transfer,
    "open-dispute": Gateway._post_dispute,
    "close-dispute": Gateway._post_dispute_close,
}
READS: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "find-authorisations": Gateway._get_authorisations,
    "read-authorisation": Gateway._get_authorisation,
    "read-capture": Gateway._get_capture,
    "read-transfer": Gateway._get_transfer,
    "read-dispute": Gateway._get_dispute,
    "find-operations": Gateway._get_operations,
    "list-settlements": Gateway._get_settlements,
    "settlement-lines": Gateway._get_settlement_lines,
}


def _route(request: Request) -> tuple[str, tuple[str, ...]] | None:
    for method, pattern, operation in ROUTES:
        match = pattern.fullmatch(request.path) if method == request.method else None
        if match:
            return operation, match.groups()
    return None


def _refusal(no: Refusal) -> Response:
    return json_response(no.status, {"code": no.code, "message": no.message, "field": no.where})


def _found(table: Mapping[str, Found], key: str, what: str) -> Found:
    if key not in table:
        raise Refusal(404, "not_found", f"no {what} {key}")
    return table[key]


def _money(content: dict[str, Any]) -> dict[str, Any]:
    return {
        "amount_minor": fields.amount(content),
        "currency": fields.currency(content),
        "reference": fields.text(content, "reference"),
    }


def _required(request: Request, name: str) -> str:
    value = request.first(name)
    if not value:
        raise Refusal(400, "invalid_parameter", f"{name} is required", name)
    return value


def _instant(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise Refusal(400, "invalid_parameter", "created_after must be an ISO 8601 instant", "created_after") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
