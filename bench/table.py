"""Results: the printed table, the JSON beside it, and the comparison with the table committed last."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

LAST = Path(__file__).with_name("last.json")  # of this machine, not committed
COMMITTED = Path(__file__).with_name("results.json")
HEADINGS = ("job", "rows", "seconds", "per second", "× floor", "× peer", "peak MB", "bars")


@dataclass(frozen=True, slots=True)
class Bar:
    """One promise of a job: `value` as measured, `met` or missed."""

    name: str
    value: float
    wanted: str
    met: bool

    def __str__(self) -> str:
        return f"{self.name} {_number(self.value)} ({self.wanted}) {'met' if self.met else 'MISSED'}"


def at_least(name: str, value: float, wanted: float) -> Bar:
    return Bar(name, round(value, 3), f"≥ {wanted:g}", value >= wanted)


def at_most(name: str, value: float, wanted: float) -> Bar:
    return Bar(name, round(value, 3), f"≤ {wanted:g}", value <= wanted)


@dataclass(frozen=True, slots=True)
class Result:
    """One job. `times_floor`: how much longer than the floor it took; `times_peer`: how much longer the peer took than it."""

    job: str
    rows: int
    seconds: float
    times_floor: float | None = None
    times_peer: float | None = None
    peak_mb: float = 0.0
    bars: tuple[Bar, ...] = ()
    notes: Mapping[str, float] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return self.rows / self.seconds

    def row(self) -> tuple[str, ...]:
        first, *_ = [str(bar) for bar in self.bars] or [""]
        return (
            self.job,
            f"{self.rows:,}",
            f"{self.seconds:.3f}",
            f"{self.per_second:,.0f}" if self.rows > 1 else "",
            _times(self.times_floor),
            _times(self.times_peer),
            f"{self.peak_mb:,.0f}" if self.peak_mb else "",
            first,
        )


def show(results: Sequence[Result]) -> str:
    """The table as text: further bars and notes of a job stand under it."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    for result in results:
        rows.append(result.row())
        rows += [("",) * 7 + (str(bar),) for bar in result.bars[1:]]
        rows += [("",) * 7 + (f"{name}: {_number(value)}",) for name, value in result.notes.items()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    return "\n".join("  ".join(_cell(row, i, widths[i]) for i in range(len(HEADINGS))).rstrip() for row in rows)


def document(machine: Mapping[str, Any], results: Sequence[Result]) -> dict[str, Any]:
    jobs = [{**asdict(result), "per_second": round(result.per_second, 1)} for result in results]
    return {"machine": dict(machine), "jobs": jobs}


def write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def compare(results: Sequence[Result]) -> list[str]:
    """Against the committed table. Ratios tell; absolute numbers only on the same machine."""
    if not COMMITTED.exists():
        return ["no committed table to compare with"]
    before = {job["job"]: job for job in json.loads(COMMITTED.read_text())["jobs"]}
    said = []
    for result in results:
        old = before.get(result.job)
        if old is None:
            said.append(f"{result.job}: new")
            continue
        parts = [f"{old['seconds'] / result.seconds * result.rows / old['rows']:.2f} × as fast as before"]
        for name, now in (("times_floor", result.times_floor), ("times_peer", result.times_peer)):
            if now is not None and old[name] is not None:
                parts.append(f"{name.replace('times_', '× ')} {old[name]:.1f} → {now:.1f}")
        said.append(f"{result.job}: {', '.join(parts)}")
    return said


def _cell(row: Sequence[str], at: int, width: int) -> str:
    return row[at].ljust(width) if at in (0, len(HEADINGS) - 1) else row[at].rjust(width)


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
