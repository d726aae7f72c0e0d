"""The fault plan: which call of which operation goes wrong, and how. Keyed by (system, operation, nth call)."""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from entrepot.sandbox.core import Request, Response

CALL_KINDS: Final = frozenset(
    {
        "429",
        "500",
        "502",
        "503",
        "504",
        "timeout-before",
        "timeout-after",
        "applied-late",
        "truncated",
        "html",
        "page-shift",
        "unknown-enum",
        "expired-token",
    }
)
WEBHOOK_KINDS: Final = frozenset({"duplicate", "out-of-order", "lost", "dup-other-content"})
ALL_KINDS: Final = CALL_KINDS | WEBHOOK_KINDS
UNKNOWN_WORD: Final = "ON_ICE"


class BadFault(ValueError):
    """A fault that cannot be planned: unknown kind, or neither nth nor every."""


@dataclass(frozen=True)
class Fault:
    """One planned misbehaviour.

    Shape: `nth` counts calls of (system, operation) from 1; `every` repeats at each k-th call instead. A fault whose
    call cannot show it (an empty page for "unknown-enum") stays armed for the next one.
    Units: `arg` is seconds for "429" and "applied-late", the number of elements for "page-shift" (+1: one was removed,
    so one is skipped; -1: one was inserted, so one comes twice), the field name for "unknown-enum".
    """

    system: str
    operation: str
    nth: int
    kind: str
    arg: int | str | None = None
    every: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in ALL_KINDS:
            raise BadFault(f"unknown fault kind {self.kind!r}; known: {', '.join(sorted(ALL_KINDS))}")
        if self.every is None and self.nth < 1:
            raise BadFault("nth counts from 1")
        if self.every is not None and self.every < 1:
            raise BadFault("every counts from 1")
        if (self.kind in WEBHOOK_KINDS) != self.operation.startswith("webhook:"):
            raise BadFault(f"{self.kind!r} does not go with operation {self.operation!r}")

    def number(self, default: int) -> int:
        """The argument as a whole number."""
        return default if self.arg is None else int(self.arg)


class FaultPlan:
    """The faults that wait, the calls counted so far, and what really fired."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.fired: Counter[tuple[str, str]] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()
        self._waiting: dict[tuple[str, str], list[Fault]] = {}
        self._done: list[Fault] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Plan one more fault; its nth counts from the world's first call, so a past nth fires at the next call."""
        self._waiting.setdefault((fault.system, fault.operation), []).append(fault)

    def take(self, system: str, operation: str, eligible: Callable[[Fault], bool] | None = None) -> Fault | None:
        """Count one call and give the fault it meets, if any; a fault that fires once leaves the plan."""
        key = (system, operation)
        self.calls[key] += 1
        waiting = self._waiting.get(key)
        if not waiting:
            return None
        count = self.calls[key]
        for fault in waiting:
            due = count % fault.every == 0 if fault.every else count >= fault.nth
            if due and (eligible is None or eligible(fault)):
                self.fired[fault.kind, operation] += 1
                if not fault.every:
                    waiting.remove(fault)
                    self._done.append(fault)
                return fault
        return None

    def not_fired(self, fault: Fault) -> None:
        """Take back a fault that its call could not show; it stays armed."""
        key = (fault.kind, fault.operation)
        self.fired[key] -= 1
        if not self.fired[key]:
            del self.fired[key]
        if not fault.every:
            self._done.remove(fault)
            self._waiting[fault.system, fault.operation].insert(0, fault)

    def waiting(self) -> list[Fault]:
        """Faults that have not fired (repeating ones always wait)."""
        return [fault for key in sorted(self._waiting) for fault in self._waiting[key]]

    def report(self) -> dict[str, Any]:
        """What fired, by "kind operation", and what still waits."""
        return {
            "fired": {f"{kind} {operation}": n for (kind, operation), n in sorted(self.fired.items())},
            "waiting": [dataclasses.asdict(fault) for fault in self.waiting()],
        }

    def dump(self) -> list[dict[str, Any]]:
        """The whole plan as JSON-ready data, fired faults included."""
        return [dataclasses.asdict(fault) for fault in [*self._done, *self.waiting()]]

    @classmethod
    def load(cls, rows: Iterable[Mapping[str, Any]]) -> Self:
        """A plan from JSON data. Errors: BadFault names what cannot be planned."""
        return cls(fault_from(row) for row in rows)

    @classmethod
    def random(cls, rng: Random, rate: float) -> Self:
        """A plan of randomly chosen faults; see `random_faults`."""
        return cls(random_faults(rng, rate))


def fault_from(row: Mapping[str, Any]) -> Fault:
    """One fault from JSON data. Errors: BadFault."""
    try:
        return Fault(
            system=str(row["system"]),
            operation=str(row["operation"]),
            nth=int(row.get("nth") or (0 if row.get("every") else 1)),
            kind=str(row["kind"]),
            arg=row.get("arg"),
            every=None if row.get("every") is None else int(row["every"]),
        )
    except (KeyError, TypeError) as why:
        raise BadFault(f"a fault needs system, operation, kind and nth or every: {why}") from why


READ_OPERATIONS: Final = ("OR11", "PA11", "PA12", "RT11", "SBC11", "TL02", "S20", "OF21", "ST11")
PAGED_OPERATIONS: Final = ("OR11", "PA11", "PA12", "S20", "OF21")
WRITE_OPERATIONS: Final = ("OR01", "OR21", "PA01", "PA02", "OR28", "SBC07", "OR24")
GATEWAY_WRITES: Final = ("authorise", "capture", "release", "refund", "transfer")
TOPICS: Final = ("order.created", "order.updated", "refund.created", "return.updated", "shipment.updated")
NTH_MAX: Final = 12


def random_faults(
    rng: Random,
    rate: float,
    *,
    reads: Iterable[str] = READ_OPERATIONS,
    writes: Iterable[str] = WRITE_OPERATIONS,
    gateway_writes: Iterable[str] = GATEWAY_WRITES,
    topics: Iterable[str] = TOPICS,
) -> list[Fault]:
    """A random subset of every (operation, fitting kind) pair; `rate` is each pair's chance. Same rng, same faults."""
    candidates: list[tuple[str, str, str]] = []
    interruptions = ("429", "500", "502", "503", "504", "timeout-before", "timeout-after", "expired-token")
    for operation in reads:
        kinds = (*interruptions, "truncated", "html", "unknown-enum")
        candidates += [("mirakl", operation, kind) for kind in kinds]
        if operation in PAGED_OPERATIONS:
            candidates.append(("mirakl", operation, "page-shift"))
    for operation in writes:
        candidates += [("mirakl", operation, kind) for kind in (*interruptions, "applied-late", "html")]
    for operation in gateway_writes:
        candidates += [("gateway", operation, kind) for kind in (*interruptions, "applied-late")]
    for topic in topics:
        candidates += [("mirakl", f"webhook:{topic}", kind) for kind in sorted(WEBHOOK_KINDS)]
    chosen = []
    for system, operation, kind in candidates:
        hit, nth, size = rng.random() < rate, rng.randint(1, NTH_MAX), rng.randint(1, 60)
        if hit:
            arg = {"429": size, "applied-late": size, "page-shift": 1 if size % 2 else -1}.get(kind)
            chosen.append(Fault(system, operation, nth, kind, arg))
    return chosen


# -- how a body is spoilt ------------------------------------------------------------------------------------------


def fetches_later_page(request: "Request") -> bool:
    """A list call that is not for the first page."""
    offset = request.first("offset")
    return offset is not None and offset.isdigit() and int(offset) > 0


def shift_page(request: "Request", by: int) -> "Request":
    """The same call as if elements before this page had gone (+) or come (-) since the last page was read."""
    query = tuple((key, str(max(0, int(value) + by)) if key == "offset" else value) for key, value in request.query)
    return dataclasses.replace(request, query=query)


def truncate(response: "Response") -> "Response":
    """The same answer with half its body."""
    return dataclasses.replace(response, body=response.body[: len(response.body) // 2])


def spoil_enum(response: "Response", field: str | None) -> "Response | None":
    """The same answer with one record's state changed to a word nobody documented; None when no record has one."""
    try:
        data = json.loads(response.body)
    except ValueError:
        return None
    if not _replace_first(data, field):
        return None
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return dataclasses.replace(response, body=body)


def _replace_first(node: Any, field: str | None, depth: int = 0) -> bool:
    if isinstance(node, dict):
        for key, value in node.items():
            named = key == field if field else key.endswith(("state", "status")) and depth > 0
            if named and isinstance(value, str):
                node[key] = UNKNOWN_WORD
                return True
        return any(_replace_first(value, field, depth) for value in node.values())
    if isinstance(node, list):
        return any(_replace_first(value, field, depth + 1) for value in node)
    return False
