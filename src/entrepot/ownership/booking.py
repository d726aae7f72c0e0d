"""What was judged, as rows: collected for any number of objects, then written as one statement per table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.ownership import store
from entrepot.ownership.compile import HOLDS_MAX, RuleSet
from entrepot.ownership.judging import OBJECT, Enters, News, Out, Stays, showing
from entrepot.ownership.model import Allowed, Freed, Judged, LetIn, TurnedAway, Value, Why
from entrepot.ownership.rules import LIMIT_CAUSES
from entrepot.ownership.standing import Asked, Holding, Key, Refused, Standing
from entrepot.ownership.states import CorrectionState
from entrepot.ownership.windows import audience_of, requesting, tell_at

HUB = "hub"
OBSERVED, FEED, API, CONSOLE = "observed", "feed", "api", "console"
CHANNELS = (OBSERVED, FEED, API, CONSOLE)
CORRECTED = "the corrected value arrived"
SHOWS_OURS = "it shows the value that counts"
REPLACED = "another refusal took its place"


@dataclass(frozen=True, slots=True)
class From:
    """Where news come from."""

    message_id: str
    source: str = ""
    channel: str = OBSERVED
    by: str = HUB
    after: bool = True  # it is written elsewhere already: what is bad is held; else it is refused, and that is all


@dataclass
class Book:
    """One batch. Each object's news are booked once; `flush` writes them and says what they led to."""

    ctx: Ctx
    plan: Plan
    rules: RuleSet
    now: datetime
    by: str = HUB  # who lifts holds
    let_in: list[LetIn] = field(default_factory=list)
    turned_away: list[TurnedAway] = field(default_factory=list)
    freed: list[Freed] = field(default_factory=list)
    touched: set[Key] = field(default_factory=set)
    _objects: dict[Key, dict[str, Any]] = field(default_factory=dict)
    _values: list[dict[str, Any]] = field(default_factory=list)
    _arrived: list[store.Field] = field(default_factory=list)
    _overrides_arrived: list[str] = field(default_factory=list)
    _refused: list[dict[str, Any]] = field(default_factory=list)
    _counted: list[tuple[str, datetime, str | None]] = field(default_factory=list)
    _ended: dict[str, str] = field(default_factory=dict)  # refusals, by id
    _holds: list[dict[str, Any]] = field(default_factory=list)
    _follow: list[dict[str, Any]] = field(default_factory=list)  # holds that go on for another refusal
    _lifted: dict[str, str] = field(default_factory=dict)
    _asked: list[dict[str, Any]] = field(default_factory=list)
    _carried: list[dict[str, Any]] = field(default_factory=list)  # requests that go on for another refusal
    _applied: list[dict[str, Any]] = field(default_factory=list)
    _expired: list[str] = field(default_factory=list)
    _reasserted: list[dict[str, Any]] = field(default_factory=list)

    def add(self, standing: Standing, news: News, come: From) -> TurnedAway | Allowed | None:
        """Book one piece of news about an object."""
        self._know(standing, news)
        if isinstance(news, Enters):
            return self._enter(standing, news, come)
        if isinstance(news, Out):
            return self._out(standing, news, come)
        self._stay(standing, news, come)
        return None

    def _know(self, standing: Standing, news: News) -> None:
        """Where the object is, for whoever acts on it without having seen it; the category is a value of its own."""
        scope, known = news.wish.scope, standing.scope
        if known is not None and (known.seller, known.seller_model) == (scope.seller, scope.seller_model):
            return
        account, object, object_id = standing.key
        self._objects[standing.key] = {
            "account": account,
            "object": object,
            "object_id": object_id,
            "seller": scope.seller,
            "seller_model": scope.seller_model,
            "category": scope.category,
            "known_at": self.now,
        }

    # --- what is let in ------------------------------------------------------------------------------------------

    def _enter(self, standing: Standing, news: Enters, come: From) -> Allowed:
        wish, key = news.wish, standing.key
        owned = standing.owned.get(wish.field)
        underway = come.channel != OBSERVED
        self._values.append(
            {
                **_named(key, wish.field),
                "value": news.value,
                "parts": dict(news.parts) if news.parts is not None else None,
                "before": news.before,
                "actor": wish.actor,
                "rule": news.rule,
                "source": come.source,
                "message_id": come.message_id or None,
                "plan_hash": self.rules.hash,
                "theirs_at": wish.at,
                "ours_at": self.now,
                "expected_at": self.now if underway else None,
                "shown": showing(standing, wish.field) if underway else None,
                "version": owned.version + 1 if owned else 1,
            }
        )
        if owned is None or news.value != news.before:
            self.let_in.append(
                LetIn(key[1], key[2], wish.field, news.value, news.before, wish.actor, news.rule, wish.scope)
            )
            if standing.override(wish.field) is None:
                self.touched.add(key)
        over = [
            r for r in standing.refused.values() if r.field == wish.field or (r.field, r.actor) == (OBJECT, wish.actor)
        ]
        self._over(standing, over, CORRECTED)
        self.lift(
            standing.key, [h for h in standing.holds if h.field == wish.field and h.reason in LIMIT_CAUSES], CORRECTED
        )
        self._apply(standing, [a for a in standing.asked if a.field == wish.field], news.value, come)
        return Allowed(news.rule)

    def _stay(self, standing: Standing, news: Stays, come: From) -> None:
        wish = news.wish
        if news.arrived:
            self._arrived.append((*standing.key, wish.field))
        if news.override_arrived:
            self._overrides_arrived.append(news.override_arrived)
        refused = standing.refused.get((wish.field, wish.actor))
        if refused is None:
            return
        self._over(standing, [refused], SHOWS_OURS)
        asked = [a for a in standing.asked if a.refused_id == refused.id]
        if refused.why not in LIMIT_CAUSES:
            self._expired += [a.id for a in asked if a.open]
            return
        people = [a for a in standing.asked if a.open and (a.field, a.cause) == (wish.field, Why.OPERATOR)]
        self._apply(
            standing, [*asked, *people], standing.effective(wish.field), come
        )  # the bad one is gone: it was asked about
        if not any(
            r.why is refused.why and r.field == refused.field and r is not refused for r in standing.refused.values()
        ):
            self.lift(
                standing.key,
                [h for h in standing.holds if (h.field, h.reason) == (refused.field, refused.why)],
                CORRECTED,
            )

    # --- what stays out ------------------------------------------------------------------------------------------

    def _out(self, standing: Standing, news: Out, come: From) -> TurnedAway:
        wish, refusal = news.wish, news.refusal
        old = standing.refused.get((wish.field, wish.actor))
        again = old is not None and (old.value, old.why, old.channel) == (wish.value, refusal.why, come.channel)
        refused_id = old.id if again and old is not None else self.ctx.ids.new("ref")
        if again:
            self._counted.append((refused_id, wish.at, come.message_id or None))
        else:
            self._refuse(standing, news, come, refused_id, old)
        bad = news.limit and (come.after or not standing.stands(wish.field))
        hold_id = self._hold_bad(standing, news, refused_id, again=again) if bad else None
        told_at_once = news.limit and come.channel in (API, CONSOLE)
        correction_id = self._ask(standing, news, refused_id, again=again) if news.ask and not told_at_once else None
        reassert, fight, fight_hold = self._undone(standing, news, refused_id) if news.undone else (False, False, None)
        away = TurnedAway(
            standing.key[1],
            standing.key[2],
            wish.field,
            wish.value,
            news.stands,
            wish.actor,
            refusal.why,
            refusal.words,
            wish.scope,
            come.message_id,
            refusal.owners,
            fight_hold or hold_id,
            correction_id,
            reassert,
            fight,
            again and not (reassert or fight),
        )
        self.turned_away.append(away)
        return away

    def _refuse(self, standing: Standing, news: Out, come: From, refused_id: str, old: Refused | None) -> None:
        wish, refusal = news.wish, news.refusal
        if old is not None:
            self._over(standing, [old], REPLACED)
            self._expired += [
                a.id for a in standing.asked if a.open and a.refused_id == old.id and a.cause is not refusal.why
            ]
            self._pass_on(standing, news, old, refused_id)
        self._refused.append(
            {
                "id": refused_id,
                **_named(standing.key, wish.field),
                "value": wish.value,
                "actor": wish.actor,
                "why": refusal.why.value,
                "words": refusal.words,
                "rule": refusal.rule,
                "owners": list(refusal.owners),
                "seller": wish.scope.seller,
                "seller_model": wish.scope.seller_model,
                "category": wish.scope.category,
                "channel": come.channel,
                "source": come.source,
                "message_id": come.message_id or None,
                "plan_hash": self.rules.hash,
                "theirs_at": wish.at,
                "first_at": self.now,
                "last_at": self.now,
            }
        )

    def _pass_on(self, standing: Standing, news: Out, old: Refused, refused_id: str) -> None:
        """Holds for bad values when one refusal takes another's place: of the same cause they go on, of a cause that is gone they end."""
        field, refusal = news.wish.field, news.refusal
        others = {one.why for one in standing.refused.values() if one.field == field and one is not old}
        for live in standing.holds:
            if live.field != field or live.reason not in LIMIT_CAUSES:
                continue
            if live.reason is refusal.why:
                self._follow.append({"id": live.id, "refused_id": refused_id, "words": refusal.words})
            elif live.reason not in others:
                self.lift(standing.key, [live], REPLACED)

    def _hold_bad(self, standing: Standing, news: Out, refused_id: str, *, again: bool) -> str | None:
        """The object is not sold while its owner's value is bad; the value before stays untouched.

        A hold a person has lifted is not placed again for the same value.
        """
        wish, refusal = news.wish, news.refusal
        live = standing.hold(wish.field, refusal.why)
        if live is not None:
            return live.id
        if again:
            return None
        return self.hold(standing.key, wish.field, refusal.why, refusal.words, rule=refusal.rule, refused_id=refused_id)

    def hold(
        self,
        key: Key,
        name: str,
        reason: Why,
        words: str,
        *,
        by: str = HUB,
        rule: str = "",
        refused_id: str | None = None,
        until: datetime | None = None,
    ) -> str:
        """Place a hold; the caller has seen that none of this reason stands. None: as long as the plan lets one last."""
        hold_id = self.ctx.ids.new("hold")
        owned = self.rules.objects.get(key[1])
        self._holds.append(
            {
                "id": hold_id,
                **_named(key, name),
                "reason": reason.value,
                "words": words,
                "author": by,
                "rule": rule,
                "refused_id": refused_id,
                "starts_at": self.now,
                "ends_at": until or self.now + (owned.holds_max if owned else HOLDS_MAX),
                "plan_hash": self.rules.hash,
            }
        )
        self.touched.add(key)
        return hold_id

    def _ask(self, standing: Standing, news: Out, refused_id: str, *, again: bool) -> str | None:
        """Ask the owner for a better value: once per object, field and cause, however many bad ones come."""
        wish, refusal = news.wish, news.refusal
        same = [a for a in standing.asked if a.field == wish.field and a.cause is refusal.why]
        if again:
            return next((a.id for a in same if a.refused_id == refused_id), None)
        about = {"refused_id": refused_id, "refused_value": wish.value, "words": refusal.words}
        if going_on := next((a for a in same if a.open), None):
            self._carried.append({"id": going_on.id, **about})
            return going_on.id
        asked_by = HUB if news.limit else wish.actor
        return self.ask(
            standing.key, wish.field, refusal.why, news.correctors[0], asked_by, about, refusal.rule, wish.scope.seller
        )

    def ask(
        self, key: Key, name: str, cause: Why, owner: str, asked_by: str, about: Mapping[str, Any], rule: str, seller: str, wanted: Value = None
    ) -> str:  # fmt: skip
        """A new correction request; it goes into the owner's next digest."""
        correction_id = self.ctx.ids.new("cor")
        self._asked.append(
            {
                "id": correction_id,
                **_named(key, name),
                "cause": cause.value,
                "owner": owner,
                "seller": seller,
                "asked_by": asked_by,
                **about,
                "wanted": wanted,
                "rule": rule,
                "asked_at": self.now,
                "answer_by": self.now + requesting(self.plan, seller).answer_within,
                "plan_hash": self.rules.hash,
            }
        )
        return correction_id

    def _undone(self, standing: Standing, news: Out, refused_id: str) -> tuple[bool, bool, str | None]:
        """Put ours back, within the day's bound; above it two systems fight, and the object waits for a person."""
        name = news.wish.field
        if (fighting := standing.hold(name, Why.FIGHT)) is not None:
            return False, False, fighting.id
        before = standing.reasserted.get(name)
        count, bound = before.count if before else 0, self.rules.objects[standing.key[1]].reassert_per_day
        fight = count >= bound
        self._reasserted.append(
            {
                **_named(standing.key, name),
                "day": self.now.date(),
                "count": count if fight else count + 1,
                "theirs": news.wish.value,
                "ours": news.stands,
                "theirs_at": news.wish.at,
                "last_at": self.now,
                "fought_at": self.now if fight else None,
            }
        )
        if not fight:
            return True, False, None
        words = f"{news.wish.actor} keeps undoing the {name}: put back {count} times today, and changed again"
        return (
            False,
            True,
            self.hold(standing.key, name, Why.FIGHT, words, rule=news.refusal.rule, refused_id=refused_id),
        )

    def renew(self, hold_id: str) -> None:
        """Its time is over and its cause is not: another takes its place."""
        self._lifted[hold_id] = "placed anew: the cause still stands"

    # --- what is over --------------------------------------------------------------------------------------------

    def _over(self, standing: Standing, refused: Sequence[Refused], why: str) -> None:
        self._ended.update({one.id: why for one in refused})
        self.freed += [Freed(*standing.key, one.field, "refusal", one.id, why, one.why) for one in refused]

    def lift(self, key: Key, holds: Sequence[Holding], why: str) -> None:
        for one in holds:
            self._lifted[one.id] = why
            self.freed.append(Freed(*key, one.field, "hold", one.id, why, one.reason))
            self.touched.add(key)

    def _apply(self, standing: Standing, asked: Sequence[Asked], value: Value, come: From) -> None:
        for one in asked:
            self._applied.append({"id": one.id, "value": value, "by": come.message_id or come.by})
            self.freed.append(Freed(*standing.key, one.field, "correction", one.id, CORRECTED, one.cause))

    # --- written -------------------------------------------------------------------------------------------------

    def flush(self, conn: Conn) -> Judged:
        """One statement per table and kind of change; nothing for what did not change."""
        store.write_objects(conn, list(self._objects.values()))
        store.end_refused(conn, self._ended, self.now)
        store.insert_refused(conn, self._refused)
        store.count_refused(conn, self._counted, self.now)
        store.write_values(conn, self._values)
        store.values_arrived(conn, self._arrived)
        store.overrides_arrived(conn, self._overrides_arrived)
        store.lift_holds(conn, self._lifted, self.by, self.now)
        if self._lifted:
            self.ctx.point("hold.lifted")
        store.insert_holds(conn, self._holds)
        if self._holds:
            self.ctx.point("hold.placed")
        store.follow_holds(conn, self._follow)
        store.end_corrections(conn, self._expired, CorrectionState.EXPIRED, REPLACED, self.now)
        done = set(store.apply_corrections(conn, self._applied, self.now))
        if done:
            self.ctx.point("correction.applied")
        store.insert_corrections(conn, self._timed(conn))
        if self._asked:
            self.ctx.point("correction.asked")
        store.follow_refusal(conn, self._carried)
        store.write_reassertions(conn, self._reasserted)
        freed = tuple(f for f in self.freed if f.what != "correction" or f.id in done)
        return Judged(tuple(self.let_in), tuple(self.turned_away), freed, frozenset(self.touched))

    def _timed(self, conn: Conn) -> list[dict[str, Any]]:
        """New requests with the moment they may be told: at once, or with the next window when this one had its digest."""
        if not self._asked:
            return []
        last = store.last_windows(conn, [audience_of(row) for row in self._asked])
        return [
            {
                **row,
                "tell_at": tell_at(
                    self.now, requesting(self.plan, row["seller"]).digest_every, last.get(audience_of(row))
                ),
            }
            for row in self._asked
        ]


def joined(parts: Sequence[Judged]) -> Judged:
    """Several looks, as one."""
    return Judged(
        tuple(one for part in parts for one in part.let_in),
        tuple(one for part in parts for one in part.turned_away),
        tuple(one for part in parts for one in part.freed),
        frozenset(key for part in parts for key in part.touched),
    )


def _named(key: Key, name: str) -> dict[str, Any]:
    return {"account": key[0], "object": key[1], "object_id": key[2], "field": name}
