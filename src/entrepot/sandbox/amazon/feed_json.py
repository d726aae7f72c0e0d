"""JSON_LISTINGS_FEED: many listing changes in one file, and the report that says which were taken."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from entrepot.sandbox.amazon.errors import SpApiError, invalid
from entrepot.sandbox.amazon.feed_xml import BadEnvelope
from entrepot.sandbox.amazon.listings import Listings
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.product_types import REQUIREMENTS
from entrepot.sandbox.amazon.state import Issue

LISTINGS: Final = "JSON_LISTINGS_FEED"
VERSION: Final = "2.0"


class ListingFeeds:
    """Applies listing feeds, message by message."""

    def __init__(self, platform: Platform, listings: Listings) -> None:
        self._platform = platform
        self._listings = listings
        self._apply: Mapping[str, Callable[[dict[str, Any], str], list[Issue]]] = {
            "UPDATE": self._update,
            "PARTIAL_UPDATE": self._partial_update,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }

    def process(self, feed_id: str, body: bytes) -> tuple[int, int, bytes]:
        """Apply every message; (messages, rejected, report). Errors: BadEnvelope."""
        messages = self._messages(body)
        reported: list[dict[str, Any]] = []
        rejected = 0
        for message in messages:
            issues = self._applied(message)
            rejected += any(issue.severity == "ERROR" for issue in issues)
            reported += [
                {
                    "messageId": message.get("messageId"),
                    "sku": message.get("sku"),
                    "code": issue.code,
                    "severity": issue.severity,
                    "message": issue.message,
                    "attributeName": issue.attributes[0] if issue.attributes else None,
                }
                for issue in issues
            ]
        errors = sum(entry["severity"] == "ERROR" for entry in reported)
        report = {
            "header": {"sellerId": self._platform.settings.seller_id, "version": VERSION, "feedId": feed_id},
            "issues": reported,
            "summary": {
                "errors": errors,
                "warnings": len(reported) - errors,
                "messagesProcessed": len(messages),
                "messagesAccepted": len(messages) - rejected,
                "messagesInvalid": rejected,
            },
        }
        return len(messages), rejected, json.dumps(report).encode()

    def _messages(self, body: bytes) -> list[dict[str, Any]]:
        try:
            data = json.loads(body)
        except (ValueError, RecursionError) as why:
            raise BadEnvelope(f"the document is not JSON: {why}") from None
        header = data.get("header") if isinstance(data, dict) else None
        messages = data.get("messages") if isinstance(data, dict) else None
        if not isinstance(header, dict) or header.get("version") != VERSION:
            raise BadEnvelope("the header or its version 2.0 is missing")
        if header.get("sellerId") != self._platform.settings.seller_id:
            raise BadEnvelope("the sellerId is not this seller's")
        if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
            raise BadEnvelope("messages must be a list of objects")
        return messages

    def _applied(self, message: dict[str, Any]) -> list[Issue]:
        try:
            sku = message.get("sku")
            if not isinstance(sku, str) or not sku:
                raise invalid("'sku' is required.")
            apply = self._apply.get(str(message.get("operationType")))
            if apply is None:
                raise invalid(f"The operationType '{message.get('operationType')}' is not valid.")
            return apply(message, sku)
        except SpApiError as why:
            return [Issue("4000003", why.message, "ERROR", (), ("INVALID_ATTRIBUTE",))]

    def _update(self, message: dict[str, Any], sku: str) -> list[Issue]:
        requirements = message.get("requirements", "LISTING")
        given = message.get("attributes")
        if requirements not in REQUIREMENTS or not isinstance(given, dict):
            raise invalid("'attributes' or 'requirements' is not valid.")
        kind = str(message.get("productType"))
        return self._listings.put(sku, kind, requirements, given, preview=False, origin=LISTINGS)[1]

    def _partial_update(self, message: dict[str, Any], sku: str) -> list[Issue]:
        given = message.get("attributes")
        if not isinstance(given, dict) or not given:
            raise invalid("'attributes' is required.")
        patches = [{"op": "replace", "path": f"/attributes/{name}", "value": value} for name, value in given.items()]
        return self._patched(message, sku, patches)

    def _patch(self, message: dict[str, Any], sku: str) -> list[Issue]:
        patches = message.get("patches")
        if not isinstance(patches, list) or not patches or not all(isinstance(patch, dict) for patch in patches):
            raise invalid("'patches' is required.")
        return self._patched(message, sku, patches)

    def _patched(self, message: dict[str, Any], sku: str, patches: list[dict[str, Any]]) -> list[Issue]:
        kind = str(message.get("productType"))
        return self._listings.patch(sku, kind, patches, preview=False, origin=LISTINGS)[1]

    def _delete(self, _message: dict[str, Any], sku: str) -> list[Issue]:
        return self._listings.delete(sku, origin=LISTINGS)[1]
