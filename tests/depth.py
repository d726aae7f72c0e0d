"""How many examples Hypothesis tries: few in every run, many when the environment asks for it, as `make prove` does."""

import os

DEEP = os.environ.get("ENTREPOT_TESTS") == "deep"


def examples(usual: int, *, deep: int) -> int:
    """For tests whose single example takes long: the others say one number."""
    return deep if DEEP else usual
