"""Four roots, sorted by who acts next: time, them, an owner, us."""

from typing import Any


class EntrepotError(Exception):
    """Root of all our errors: a stable `code`, ids as fields, a message a support person could read aloud."""

    code = "error"
    mode = ""  # the failure mode it becomes when it stops a record; empty: whatever the place has for the unexpected

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields

    def __str__(self) -> str:
        return self.message


class NotNow(EntrepotError):
    """Time acts next: the same thing, later, will do (a lock held, a database restarting)."""

    code = "not-now"


class TheyRefused(EntrepotError):
    """They act next: the other side said no; their words are kept."""

    code = "they-refused"


class OwnerDecides(EntrepotError):
    """A person acts next: the data, a setting or a policy needs a decision."""

    code = "owner-decides"


class OurBug(EntrepotError):
    """We act next: a promise of our own code does not hold; never swallowed."""

    code = "our-bug"


class Busy(NotNow):
    """Another transaction holds what this one needs; roll back and come again."""

    code = "busy"


class Overtaken(NotNow):
    """The lane's epoch moved on: this drain was frozen or slow and must change nothing any more."""

    code = "overtaken"


class WrongSetting(OwnerDecides):
    """An option, setting or file of the user's is wrong: one clear line and exit code 2."""

    code = "wrong-setting"
