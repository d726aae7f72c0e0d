"""AWS Signature Version 4 for one kind of request: a POST with a body. Source: AWS's public specification and its test vectors.

Only queues ask for it. The signature speaks of real time: the machine clock's.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose key, for which region and service."""

    key_id: str
    secret: str = field(repr=False)
    region: str
    service: str

    def headers(self, at: datetime, method: str, url: str, given: Mapping[str, str], body: bytes) -> dict[str, str]:
        """`given`, with what signs it: `x-amz-date` and `authorization`. `at`: aware UTC. All of `given` is signed."""
        parts = urlsplit(url)
        stamp = at.strftime("%Y%m%dT%H%M%SZ")
        signed = {name.lower(): " ".join(value.split()) for name, value in given.items()}
        signed |= {"host": parts.netloc, "x-amz-date": stamp}
        names = ";".join(sorted(signed))
        canonical = "\n".join(
            (
                method,
                quote(parts.path or "/", safe="/-_.~"),
                _query(parts.query),
                *(f"{name}:{signed[name]}" for name in sorted(signed)),
                "",
                names,
                hashlib.sha256(body).hexdigest(),
            )
        )
        scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
        to_sign = "\n".join((ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
        signature = hmac.new(self._key(stamp[:8]), to_sign.encode(), hashlib.sha256).hexdigest()
        credential = f"Credential={self.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        return {**given, "x-amz-date": stamp, "authorization": f"{ALGORITHM} {credential}"}

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key


def _query(query: str) -> str:
    pairs: Sequence[tuple[str, str]] = sorted(
        (name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)
    )
    return "&".join(f"{name}={value}" for name, value in pairs)
