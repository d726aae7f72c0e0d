"""What goes wrong with a list while it is read, and by which name its reader tells it."""

import pytest

from entrepot.connectors.port import ProblemCode

in_every_trouble = pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("429", ProblemCode.RATE_LIMITED),
        ("500", ProblemCode.SYSTEM_DOWN),
        ("503", ProblemCode.SYSTEM_DOWN),
        ("timeout-before", ProblemCode.NO_ANSWER),
        ("truncated", ProblemCode.UNREADABLE),
        ("html", ProblemCode.UNREADABLE),
    ],
)
