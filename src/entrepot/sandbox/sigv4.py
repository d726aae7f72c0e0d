"""Checks an AWS Signature Version 4, as the queue service does for callers it has keys of."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from entrepot.sandbox.core import Request

SKEW: Final = timedelta(minutes=15)
AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>[^,]+),\s*SignedHeaders=(?P<headers>[^,]+),"
    r"\s*Signature=(?P<signature>[0-9a-f]{64})"
)


class BadSignature(ValueError):
    """Not signed, signed by somebody unknown, too old, or signed over something else."""


def check_signature(request: Request, keys: Mapping[str, str], now: datetime) -> None:
    """Let a signed request pass. Units: `now` is the machine clock. Errors: BadSignature."""
    match = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        raise BadSignature("The request is not signed.")
    secret = keys.get(match["key"])
    if secret is None:
        raise BadSignature("The security token included in the request is invalid.")
    stamp = request.headers.get("x-amz-date", "")
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadSignature("The x-amz-date header is missing or wrong.") from None
    if abs(now - signed_at) > SKEW:
        raise BadSignature("Signature expired.")
    names = match["headers"].split(";")
    if not {"host", "x-amz-date"} <= set(names):
        raise BadSignature("The host and x-amz-date headers must be signed.")
    expected = sign(request, names, match["scope"], stamp, secret)
    if not hmac.compare_digest(expected, match["signature"]):
        raise BadSignature("The request signature we calculated does not match the signature you provided.")


def sign(request: Request, names: list[str], scope: str, stamp: str, secret: str) -> str:
    """The signature over the named headers. Shape: `scope` is date/region/service/aws4_request."""
    query = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in request.query)
    canonical = "\n".join(
        (
            request.method,
            quote(request.path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
