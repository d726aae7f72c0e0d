"""Accounts on which we sell: one card each, counted for all of them at once over what is still open."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.flows.duties import ACKNOWLEDGE, CANCELLED, SHIP
from entrepot.flows.listing_content import near
from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.money import Money
from entrepot.web import words
from entrepot.web.selling import channel_link, channel_word, limits_of, manifest_of, sold_on
from entrepot.web.views import State, Tone
from entrepot.web.views.channels import (
    ChannelCard,
    ChannelsView,
    CheckRow,
    DutyCount,
    HealthRow,
    Pile,
    Remaining,
)

DUTIES = (ACKNOWLEDGE, SHIP, CANCELLED)
SOON, TODAY = timedelta(hours=2), timedelta(hours=24)
REMAINING = (("overdue", Tone.BAD), ("soon", Tone.BAD), ("today", Tone.WARN), ("later", Tone.INFO))
OTHER = (
    "state NOT IN ('requested', 'ended') AND (price_told < price_version OR stock_told < stock_version "
    "OR shown_price_minor <> wanted_price_minor OR shown_quantity <> wanted_quantity)"
)
NOT_MEASURED = State("Not measured yet", Tone.IDLE)
ByAccount = Mapping[str, list[Row]]


def view(conn: Conn, plan: Plan, now: datetime) -> ChannelsView:
    return ChannelsView(cards(conn, plan, sold_on(plan), now))


def cards(conn: Conn, plan: Plan, accounts: Sequence[str], now: datetime) -> tuple[ChannelCard, ...]:
    values: dict[str, Any] = {
        "accounts": list(accounts), "kinds": list(DUTIES), "now": now, "soon": now + SOON, "today": now + TODAY,
    }  # fmt: skip
    found = {name: _by_account(conn.execute(query, values).fetchall()) for name, query in _QUERIES.items()}
    return tuple(_card(plan, account, {name: rows[account] for name, rows in found.items()}) for account in accounts)


# Of an order that owes several lines the line that is due first counts, so that its money counts once.
_QUERIES: Mapping[str, str] = {
    "duties": """
        SELECT account, kind, currency, CASE WHEN due_at <= %(now)s THEN 'overdue' WHEN due_at <= %(soon)s THEN 'soon'
               WHEN due_at <= %(today)s THEN 'today' ELSE 'later' END AS remaining, count(*) AS n, sum(minor)::bigint AS minor
          FROM (SELECT account, kind, currency, name, min(due_at) AS due_at, max(money_minor) AS minor FROM obligation
                 WHERE account = ANY(%(accounts)s) AND ended_at IS NULL AND kind = ANY(%(kinds)s)
                 GROUP BY account, kind, currency, name) AS orders
         GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""",
    "parcels": """
        SELECT l.account, '' AS currency, count(*) AS n, 0::bigint AS minor, min(p.shipped_at) AS first_at,
               count(*) FILTER (WHERE p.refused <> '') AS bad
          FROM parcel p JOIN leg l ON l.id = p.leg_id WHERE p.confirmed_at IS NULL AND l.account = ANY(%(accounts)s)
         GROUP BY l.account ORDER BY l.account""",
    "listings": """SELECT account, state, count(*) AS n FROM listing WHERE account = ANY(%(accounts)s)
                    GROUP BY account, state ORDER BY account, state""",
    "other": f"""SELECT account, count(*) AS n FROM listing WHERE account = ANY(%(accounts)s) AND {OTHER}
                  GROUP BY account ORDER BY account""",
    "submissions": """
        SELECT account, '' AS currency, count(*) AS n, 0::bigint AS minor, min(taken_at) AS first_at, 0 AS bad
          FROM submission WHERE account = ANY(%(accounts)s) AND ended_at IS NULL GROUP BY account ORDER BY account""",
    "refunds": """
        SELECT account, currency, count(*) AS n, sum(amount_minor)::bigint AS minor, min(refunded_at) AS first_at, 0 AS bad
          FROM channel_refund WHERE account = ANY(%(accounts)s) AND booked_at IS NULL
         GROUP BY account, currency ORDER BY account, currency""",
    "disputes": """
        SELECT account, currency, count(*) AS n, sum(amount_minor)::bigint AS minor,
               min(respond_by) FILTER (WHERE answered_at IS NULL) AS first_at, count(*) FILTER (WHERE answered_at IS NULL) AS bad
          FROM dispute WHERE account = ANY(%(accounts)s) AND state IN ('open', 'action-needed')
         GROUP BY account, currency ORDER BY account, currency""",
    "health": "SELECT * FROM account_health WHERE account = ANY(%(accounts)s) ORDER BY account, measure",
    "checks": """SELECT account, name, every_s, next_at, ran_at, failures, last_error FROM periodic
                  WHERE account = ANY(%(accounts)s) ORDER BY account, name""",
    "cases": """SELECT account, count(*) AS n FROM case_file WHERE account = ANY(%(accounts)s) AND resolved_at IS NULL
                   AND state <> 'suppressed' GROUP BY account ORDER BY account""",
}  # fmt: skip


def _by_account(rows: Iterable[Row]) -> ByAccount:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["account"]].append(row)
    return found


def _card(plan: Plan, account: str, rows: Mapping[str, list[Row]]) -> ChannelCard:
    return ChannelCard(
        account=account,
        channel=channel_word(plan, account),
        href=channel_link(account),
        standing=next((row["standing"] for row in rows["health"] if row["standing"]), ""),
        duties=tuple(duty for kind in DUTIES if (duty := _duty(kind, rows["duties"])).count),
        parcels=_pile(rows["parcels"]),
        listings={row["state"]: row["n"] for row in rows["listings"]},
        other=sum(row["n"] for row in rows["other"]),
        submissions=_pile(rows["submissions"]),
        refunds=_pile(rows["refunds"]),
        disputes=_pile(rows["disputes"]),
        health=_health(plan, account, rows["health"]),
        checks=tuple(_check(row) for row in rows["checks"]),
        cases=sum(row["n"] for row in rows["cases"]),
        by_people=manifest_of(plan, account) is None,
    )


def _duty(kind: str, rows: Sequence[Row]) -> DutyCount:
    parts = []
    for code, tone in REMAINING:
        of_it = [row for row in rows if row["kind"] == kind and row["remaining"] == code]
        money = tuple(Money(row["minor"], row["currency"]) for row in of_it if row["minor"])
        parts.append(Remaining(code, sum(row["n"] for row in of_it), money, tone))
    return DutyCount(kind, words.CHANNEL_DUTY[kind], tuple(parts))


def _pile(rows: Sequence[Row]) -> Pile:
    return Pile(
        count=sum(row["n"] for row in rows),
        money=tuple(Money(row["minor"], row["currency"]) for row in rows if row["minor"]),
        first_at=min((row["first_at"] for row in rows if row["first_at"]), default=None),
        bad=sum(row["bad"] for row in rows),
    )


def _health(plan: Plan, account: str, rows: Sequence[Row]) -> tuple[HealthRow, ...]:
    """What was measured, beside what the channel publishes as its limit; a limit without a measure stands there too."""
    limits = limits_of(plan, account)
    measured = {row["measure"]: row for row in rows}
    found = []
    for measure in dict.fromkeys([*measured, *limits]):
        row, limit = measured.get(measure), limits.get(measure)
        rate = row["rate"] if row else None
        at = row["limit_rate"] if row and row["limit_rate"] is not None else limit.rate if limit else None
        above = row["above"] if row else limit.above if limit else True
        found.append(
            HealthRow(
                measure=measure,
                word=row["their_name"] if row else words.plain(measure),
                rate=rate,
                limit=at,
                above=above,
                consequence=limit.consequence if limit else "",
                source=limit.source if limit else "",
                state=_standing(rate, at, above),
                measured_at=row["measured_at"] if row else None,
            )
        )
    return tuple(found)


def _standing(rate: float | None, limit: float | None, above: bool) -> State:
    if rate is None:
        return NOT_MEASURED
    if limit is None:
        return State("No limit known", Tone.IDLE)
    if rate > limit if above else rate < limit:
        return State("Beyond the limit", Tone.BAD)
    if near(rate, limit, above=above):
        return State("Close to the limit", Tone.WARN)
    return State("Within the limit", Tone.GOOD)


def _check(row: Row) -> CheckRow:
    name = row["name"].removeprefix("sweep-")
    if row["failures"]:
        state = State(f"Failed {row['failures']} {'time' if row['failures'] == 1 else 'times'} in a row", Tone.BAD)
    elif row["ran_at"] is None:
        state = State("Has not run yet", Tone.IDLE)
    else:
        state = State("Ran", Tone.GOOD)
    return CheckRow(row["name"], words.plain(name), state, row["ran_at"], row["next_at"], row["last_error"] or "" if row["failures"] else "")  # fmt: skip
