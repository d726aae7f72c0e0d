"""Idempotency keys: the same key with the same content hears the same answer; with other content it is refused."""

import json
from dataclasses import dataclass
from typing import Any

from entrepot.sandbox.core import Response
from entrepot.sandbox.gateway.model import Refusal


@dataclass
class KeyedCall:
    """One key and what became of it. `applied`: how often the money really moved for it, 0 or 1."""

    key: str
    operation: str
    reference: str
    fingerprint: str
    answer: Response
    object_id: str | None
    calls: int = 1

    @property
    def applied(self) -> int:
        return 0 if self.object_id is None else 1


def fingerprint(method: str, path: str, content: dict[str, Any]) -> str:
    """What makes two calls the same: where they go and what they say, not how the JSON is spelt."""
    return f"{method} {path} {json.dumps(content, sort_keys=True, separators=(',', ':'))}"


class IdempotencyKeys:
    def __init__(self) -> None:
        self.calls: dict[str, KeyedCall] = {}

    def answer_to(self, key: str, mark: str) -> Response | None:
        """The stored answer, or None for a key not seen before. Errors: Refusal when the content is another one."""
        known = self.calls.get(key)
        if known is None:
            return None
        if known.fingerprint != mark:
            raise Refusal(422, "idempotency_key_reused", "this key was used with other content", "Idempotency-Key")
        known.calls += 1
        return Response(known.answer.status, {**known.answer.headers, "idempotent-replayed": "true"}, known.answer.body)

    def remember(self, call: KeyedCall) -> None:
        self.calls[call.key] = call
