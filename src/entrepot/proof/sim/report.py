"""What one seed showed, and what all of them together showed."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from entrepot.proof.checkers import Finding
from entrepot.proof.figures import Figures
from entrepot.proof.sim.hazard import kill_points


@dataclass
class DayReport:
    """What one seed showed."""

    seed: int
    orders: int
    trace_hash: str = ""
    steps: int = 0
    hours: float = 0.0  # virtual
    crashes: int = 0
    freezes: int = 0
    drops: int = 0
    lost: int = 0
    duplicated: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    killed_at: Counter[str] = field(default_factory=Counter)
    drains: Counter[str] = field(default_factory=Counter)  # by how they ended
    findings: list[Finding] = field(default_factory=list)
    last_steps: list[str] = field(default_factory=list)
    pressed: list[str] = field(default_factory=list)
    figures: Figures = field(default_factory=dict)


@dataclass
class SimReport:
    """What all seeds together showed."""

    days: list[DayReport] = field(default_factory=list)

    @property
    def findings(self) -> list[str]:
        return [f"seed {day.seed}: {finding}" for day in self.days for finding in day.findings]

    def document(self, seconds: float) -> dict[str, Any]:
        """The JSON of `entrepot sim`."""
        faults, points, killed, drains = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
        for day in self.days:
            faults.update(day.faults)
            points.update(day.points)
            killed.update(day.killed_at)
            drains.update(day.drains)
        known = kill_points()
        return {
            "seeds": len(self.days),
            "orders": sum(day.figures["orders"]["received"] for day in self.days if day.figures),
            "crashes": sum(day.crashes for day in self.days),
            "freezes": sum(day.freezes for day in self.days),
            "connections_dropped": sum(day.drops for day in self.days),
            "faults": {"fired": sum(faults.values()), "by_kind": dict(sorted(faults.items()))},
            "points": {
                "known": len(known),
                "hit": {name: points[name] for name in known if points[name]},
                "killed_at": {name: killed[name] for name in known if killed[name]},
                "never_hit": [name for name in known if not points[name]],
            },
            "drains": dict(sorted(drains.items())),
            "lost": sum(day.lost for day in self.days),
            "duplicated": sum(day.duplicated for day in self.days),
            "findings": self.findings,
            "trace_hashes": {str(day.seed): day.trace_hash for day in self.days},
            "steps": sum(day.steps for day in self.days),
            "virtual_hours": round(sum(day.hours for day in self.days), 1),
            "seconds": round(seconds, 1),
        }
