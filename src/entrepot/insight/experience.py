"""How often each failure mode comes, what it costs, and how people cope with it: the living half of the risk register."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from entrepot.blueprint.draw.risks import Experience, Seen
from entrepot.insight import store
from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.money import Money

LOOKED_BACK = timedelta(days=90)
WEEK = timedelta(days=7)


def seen(conn: Conn, now: datetime) -> Seen:
    """What the hub has met in the last 90 days.

    Units: business time.  A hub younger than that is measured over its own age, and over one week at least: a
    single bad morning is not a rate.
    """
    since = now - LOOKED_BACK
    begun = store.begun_at(conn)
    looked = min(LOOKED_BACK, max(WEEK, now - begun)) if begun else LOOKED_BACK
    modes = experience(store.cases(conn, since), store.decided(conn, since), store.missed(conn, since), looked)
    return Seen(days=max(1, round(looked / timedelta(days=1))), modes=modes)


def experience(
    cases: Iterable[Row], decided: Iterable[Row], missed: Iterable[Row], looked: timedelta
) -> Mapping[str, Experience]:
    """Pure. Shape: `cases` and `missed` by mode and currency, `decided` by mode."""
    medians = {row["mode"]: row["median"] for row in decided}
    case_rows, missed_rows = _by_mode(cases), _by_mode(missed)
    return {
        mode: _of(case_rows.get(mode, []), missed_rows.get(mode, []), medians.get(mode), looked)
        for mode in sorted({*case_rows, *missed_rows, *medians})
    }


def _by_mode(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["mode"]].append(row)
    return found


def _of(cases: list[Row], missed: list[Row], median: timedelta | None, looked: timedelta) -> Experience:
    count = sum(row["cases"] for row in cases)
    escalated = sum(row["escalated"] for row in cases)
    return Experience(
        cases=count,
        per_week=count / (looked / WEEK),
        times=sum(row["times"] for row in cases),
        median_to_decide=median,
        escalated_percent=round(100 * escalated / count) if count else 0,
        open_cases=sum(row["open_cases"] for row in cases),
        at_risk=_amounts(cases, "at_risk_minor"),
        exposed=_amounts(cases, "exposed_minor"),
        missed=sum(row["missed"] for row in missed),
        lost=_amounts(missed, "lost_minor"),
    )


def _amounts(rows: list[Row], name: str) -> tuple[Money, ...]:
    return tuple(Money(row[name], row["currency"]) for row in rows if row[name])
