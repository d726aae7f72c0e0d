"""Hidden rules: what people decide again and again in the same way is a rule that nobody wrote down."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.cases.patch import Patch
from entrepot.cases.patch import shape_of as patch_shape
from entrepot.kernel.ctx import Conn

REPEATED_MORE_THAN = 3
WITHIN = timedelta(days=30)
LISTED_MAX = 200
CASES_NAMED_MAX = 20

_IDS = re.compile(r"\S*\d\S*")  # numbers, dates, order ids: what differs between two cases of one reason
_BREAKS = re.compile(r"[^\w#]+")


@dataclass(frozen=True, slots=True)
class HiddenRule:
    """One decision taken more often than `REPEATED_MORE_THAN` times within `WITHIN`, whoever took it."""

    mode: str
    verb: str
    shape: str  # of a repair: what it changes, without values; of a suppression: its reason, without names and numbers
    count: int  # cases
    people: tuple[str, ...]
    cases: tuple[int, ...]  # the newest first, so many at most
    last_at: datetime
    owner: str

    @property
    def advice(self) -> str:
        if self.verb == "repair":
            return (
                f"Make it a mapping or a field rule of the plan ({self.shape}), or have its source corrected for good."
            )
        return f"Say in the plan that {self.mode} does not count here, or end its cause."


def shape_of(verb: str, reason: str, payload: Patch | None) -> str:
    """What makes two decisions the same one."""
    return patch_shape(payload) if verb == "repair" and payload else reason_shape(reason)


def reason_shape(reason: str) -> str:
    """`Seller 2001 agreed by phone!` and `seller 2002 agreed, by phone` are one reason."""
    return _BREAKS.sub(" ", _IDS.sub("#", reason.lower())).strip()[:200]


def hidden_rules(conn: Conn, now: datetime, more_than: int = REPEATED_MORE_THAN) -> Sequence[HiddenRule]:
    """The same repair of the same mode, or the same reason to suppress, again and again; the most frequent first."""
    rows = conn.execute(
        """
        SELECT c.mode, v.what, v.detail->>'shape' AS shape, count(DISTINCT c.id) AS n, max(v.at) AS last_at,
               array_agg(DISTINCT v.by ORDER BY v.by) AS people,
               array_agg(DISTINCT c.number ORDER BY c.number DESC) AS cases, max(c.owner) AS owner
          FROM case_event v JOIN case_file c ON c.id = v.case_id
         WHERE v.what IN ('repair', 'suppress') AND v.at > %(since)s AND v.detail->>'shape' <> ''
         GROUP BY 1, 2, 3 HAVING count(DISTINCT c.id) > %(more_than)s
         ORDER BY n DESC, c.mode, v.what, shape LIMIT %(limit)s
        """,
        {"since": now - WITHIN, "more_than": more_than, "limit": LISTED_MAX},
    ).fetchall()
    return [
        HiddenRule(r["mode"], r["what"], r["shape"], r["n"], tuple(r["people"]), tuple(r["cases"][:CASES_NAMED_MAX]),
                   r["last_at"], r["owner"])
        for r in rows
    ]  # fmt: skip
