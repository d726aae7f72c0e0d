"""How the marketplace says no."""

from typing import Any

from entrepot.sandbox.core import Response, json_response


class MiraklError(Exception):
    """A refusal: HTTP status and the documented code.

    Shape: with a code the body is {"errors": [{code, field, message}]}, without one {"status", "message"}.
    """

    def __init__(self, status: int, message: str, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.field = field

    def response(self) -> Response:
        """The refusal on the wire."""
        if self.code is None:
            return json_response(self.status, {"status": self.status, "message": self.message})
        return json_response(self.status, {"status": self.status, "errors": [self.entry()]})

    def entry(self) -> dict[str, Any]:
        """One element of an "errors" list."""
        return {"code": self.code, "field": self.field, "message": self.message}


class ManyErrors(MiraklError):
    """Several refusals of one batch that is applied whole or not at all."""

    def __init__(self, errors: list[MiraklError]) -> None:
        super().__init__(400, "; ".join(error.message for error in errors))
        self.errors = errors

    def response(self) -> Response:
        """All of them in one body."""
        return json_response(400, {"status": 400, "errors": [error.entry() for error in self.errors]})


def invalid(message: str, field: str | None = None) -> MiraklError:
    """A body or parameter that cannot be read."""
    return MiraklError(400, message, "VALIDATION_ERROR", field)


def order_not_found(order_id: str) -> MiraklError:
    """No such order, or not for this caller."""
    return MiraklError(404, f"Order with id '{order_id}' not found", "ORDER_NOT_FOUND", "order_id")


def order_state(order_id: str, state: str, wanted: str) -> MiraklError:
    """The order is not where this call may be made."""
    message = f"Order '{order_id}' is in state {state}; expected {wanted}"
    return MiraklError(400, message, "ORDER_INVALID_STATE", "order_id")


def forbidden() -> MiraklError:
    """The key is known, but may not do this."""
    return MiraklError(403, "Forbidden")


def unauthorized(why: str) -> MiraklError:
    """No key, a wrong one, or one whose time is over."""
    return MiraklError(401, f"Unauthorized: {why}")
