"""A file of one of the narrow lanes, as the marketplace remembers it."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class LaneImport:
    """One file that changes stock only, or prices only. `errors` holds (row, message); `lane` is "STO" or "PRI"."""

    import_id: str
    sequence: int
    lane: str
    shop_id: int
    created_at: datetime
    columns: list[str]
    rows: list[dict[str, str]]
    status: str = "WAITING"
    errors: list[tuple[int, str]] = field(default_factory=list)
    good_lines: int = 0
    offers_updated: int = 0
    offers_in_error: int = 0
    reason: str | None = None
    origin: str = "API"
