"""How often Python looks for garbage in cycles: rarely, in a process that decides batches of hundreds of records.

A batch holds some hundred thousand small objects that live until its commit; looking through them at Python's own pace takes a quarter of
a drain's time (measured), and finds nothing: our data has no cycles.
"""

import gc

YOUNG_MAX = 200_000


def collect_rarely() -> None:
    """Call once what a process needs for its whole life is built: that is set aside and never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, 10, 10)
