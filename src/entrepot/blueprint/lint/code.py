"""What the linter may say, as data: a stable code, why it matters, how to mend it, a sample that fails and one that passes."""

from dataclasses import dataclass
from typing import Literal

from entrepot.blueprint.finding import Severity

HERE = "# <--"  # ends the line of a failing sample at which its finding stands


@dataclass(frozen=True, slots=True)
class Code:
    """`fails` and `passes` are small YAML laid over the base plan: see samples.py.

    `knowing`: whether it needs to know the connectors, or which flows the hub runs.
    """

    code: str
    title: str
    why: str
    fix: str
    fails: str
    passes: str
    knowing: Literal["", "connectors", "flows"] = ""

    @property
    def severity(self) -> Severity:
        return Severity.of(self.code)
