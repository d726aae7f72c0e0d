"""How the Selling Partner API says no: `errors[] {code, message, details}`."""

from typing import Final

from entrepot.sandbox.core import Response, json_response

DENIED: Final = "Access to requested resource is denied."


class SpApiError(Exception):
    """A refusal with its HTTP status and one entry of `errors[]`."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details

    def response(self) -> Response:
        """The refusal on the wire."""
        return json_response(
            self.status, {"errors": [{"code": self.code, "message": self.message, "details": self.details}]}
        )


def invalid(message: str, details: str = "") -> SpApiError:
    """A parameter or body that cannot be used."""
    return SpApiError(400, "InvalidInput", message, details)


def not_found(message: str) -> SpApiError:
    """No such thing, or not this seller's."""
    return SpApiError(404, "NotFound", message)


def denied(details: str) -> SpApiError:
    """No token, an unknown one, one whose time is over, or one of the wrong kind."""
    return SpApiError(403, "Unauthorized", DENIED, details)


def quota_exceeded() -> SpApiError:
    """The operation's bucket is empty."""
    return SpApiError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
