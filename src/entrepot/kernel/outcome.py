"""What can become of anything we ask of the outside: Done, Later, Refused, Unknown. Only our bugs raise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Done:
    """They did it (or had done it already); `receipt` holds their ids, as JSON-able values."""

    receipt: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Later:
    """They did nothing yet and asked for time, or were surely not reached. `after_s`: business seconds to wait, None: our back-off."""

    why: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """They said no; `code` and `words` are theirs, verbatim."""

    code: str
    words: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have been applied: read back before anything else. `trace`: what they gave us to look for it by."""

    why: str
    trace: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotThere:
    """A read-back found no trace. Counts only after the manifest's settle_s, and twice."""

    looked_at: str = ""


Outcome = Done | Later | Refused | Unknown
ReadBack = Done | NotThere | Unknown | Refused


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """A foreign word we do not know: a value a person will see, never good news and never a crash."""

    field: str
    word: str
