"""What a verb can act on: messages that could not be applied, or an outgoing action that did not get through."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from entrepot.blueprint.model import Plan
from entrepot.cases import patch, rules, subject_store
from entrepot.cases.patch import Patch
from entrepot.cases.states import EFFECT_VERBS, MESSAGE_VERBS, OBJECT
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import Busy
from entrepot.store.locks import lock_root, lock_roots

RETRY_WINDOW = timedelta(hours=12)  # for an action of a flow the blueprint no longer holds
SENDS_NAMED_MAX = 50
REPAIRED_TOGETHER_MAX = 200


@dataclass(frozen=True, slots=True)
class Why:
    """A verb has nothing to act on, in people's words."""

    words: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a verb will do; `apply` does it, in the transaction of the verb."""

    words: str
    sends: tuple[str, ...] = ()
    before: Any = None
    after: Any = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    apply: Callable[[Conn], None] | None = None
    members: int = 0  # of a group: how many it reaches
    left: tuple[str, ...] = ()  # of a group: messages and actions it does not reach; their members stay in the case
    ends: bool = True  # else the case goes on, and closes by itself when its cause is gone
    waits_on: str = ""  # somebody else has to do it: the case goes on, and waits for him


class Rights(Protocol):
    """What of a content a team may change. Whoever joins the rooms fills it in; cases know no ownership. '' means: all of it."""

    def of_message(self, team: str, message: Row, before: Any, after: Any) -> str: ...
    def of_effect(self, team: str, effect: Row, before: Mapping[str, Any], after: Mapping[str, Any]) -> str: ...


@dataclass(frozen=True, slots=True)
class Order:
    """One verb as a person gave it."""

    verb: str
    by: str
    reason: str
    payload: Patch | None = None
    number: int = 0  # of the case
    team: str = ""  # for which he decides; empty: the local operator
    until: datetime | None = None  # of a suppression
    only: str = ""  # of a group: the one object that is meant
    owner: str = ""  # of the case: for whom the local operator decides
    rights: Rights | None = None  # None: nobody has said whose the fields are

    @property
    def acts_for(self) -> str:
        return self.team or self.owner

    def may_not(self, message: Row, before: Any, after: Any) -> str:
        """Why a message may not be repaired so, in words; '' when it may."""
        return self.rights.of_message(self.acts_for, message, before, after) if self.rights else ""


class Subject(Protocol):
    def change(self, ctx: Ctx, order: Order) -> Change | Why: ...


class FieldDesk(Protocol):
    """Corrected fields of an owned object. Whoever joins the rooms fills it in; cases know no ownership."""

    def correct(self, conn: Conn, ctx: Ctx, case: Row, order: Order) -> Change | Why | None:
        """`order.payload`: field → value. Judged by ownership as the order's team; Why names who may, and by which rule.

        None: the case is about nothing that is owned by fields, and is repaired as any other.
        """
        ...


@dataclass(frozen=True, slots=True)
class OwnedSubject:
    """A case about an owned object: its fields are corrected through ownership, its content and all else as ever."""

    case: Row
    fields: FieldDesk

    def correct(self, conn: Conn, ctx: Ctx, order: Order) -> Change | Why | None:
        return self.fields.correct(conn, ctx, self.case, order)


def subject_of(conn: Conn, plan: Plan, case: Row) -> Subject:
    """The outgoing action when the case has one, else its messages, else nothing but the case itself. Of a group: all of them."""
    if case["grouped_by"] != OBJECT:
        return _group_of(conn, plan, case)
    if case["effect_id"]:
        effect = subject_store.effect(conn, case["effect_id"])
        if effect is not None:
            return EffectSubject(effect, plan)
    messages = subject_store.messages(conn, case["id"], case["message_id"])
    return MessageSubject(messages) if messages else NoSubject()


def _group_of(conn: Conn, plan: Plan, case: Row) -> Subject:
    effects = subject_store.effects_of_members(conn, case["id"])
    if effects:
        return EffectGroup(effects, plan)
    messages = subject_store.messages_of_members(conn, case["id"])
    return MessageSubject(messages, grouped=True) if messages else NoSubject(case["members"])


@dataclass(frozen=True, slots=True)
class NoSubject:
    """A difference or a broken promise: it can be accepted with a reason, or handed on."""

    members: int = 0

    def change(self, ctx: Ctx, order: Order) -> Change | Why:
        if order.verb == "suppress":
            who = f"The case and all its {self.members} members are" if self.members else "The case is"
            words = f"{who} accepted as it is, with your reason; nothing is sent and nothing else changes."
            return Change(words, members=self.members)
        return Why(f"this case has no message and no outgoing action: there is nothing to {order.verb}")


@dataclass(frozen=True, slots=True)
class MessageSubject:
    """The messages of one case, newest last: the same failure may have come more than once, or of many objects (grouped)."""

    messages: Sequence[Row]
    grouped: bool = False

    @property
    def over(self) -> bool:
        """Nothing of it waits any more: it was applied, or ended."""
        return not any(m["state"] in MESSAGE_VERBS["suppress"] for m in self.messages)

    def change(self, ctx: Ctx, order: Order) -> Change | Why:
        usable = [m for m in self.messages if m["state"] in MESSAGE_VERBS[order.verb]]
        if not usable:
            newest = self.messages[-1]
            return Why(rules.why_not("message", newest["state"], order.verb, newest["note"]))
        ids = [m["id"] for m in usable]
        count = len({_record(m) for m in usable}) if self.grouped else 0
        what = _records(count) if self.grouped else _messages(usable)
        if order.verb == "retry":
            return Change(
                f"{what} will be read again at once; nothing is sent by this alone.",
                detail={"messages": ids},
                members=count,
                apply=lambda conn: subject_store.messages_again(conn, ids, ctx.clock.now()),
            )
        if order.verb == "suppress":
            return Change(
                f"{what} will never be applied; the content stays in the archive.",
                detail={"messages": ids},
                members=count,
                apply=lambda conn: subject_store.end_messages(conn, ids, "suppressed", _said(order)),
            )
        return _repaired_each(ctx, order, usable) if self.grouped else _repaired(ctx, order, usable)


def _record(message: Row) -> tuple[str, str, str]:
    return (message["account"], message["kind"], message["external_id"])


def _records(count: int) -> str:
    return f"The messages of all {count} members" if count > 1 else "The message of its one member"


def _messages(rows: Sequence[Row]) -> str:
    newest = rows[-1]
    more = f" and {len(rows) - 1} earlier ones of the same case" if len(rows) > 1 else ""
    return f"The message ({newest['kind']} {newest['external_id']}){more}"


def _said(order: Order) -> str:
    return rules.clipped(f"{order.by}: {order.reason}", 500)


def patched(before: Any, payload: Patch | None) -> tuple[Any, str]:
    """The content with a patch laid over it, or why it cannot be."""
    try:
        after = patch.applied(before, payload or {})
    except patch.PatchRefused as refused:
        return before, f"the repair does not fit: {refused.message}"
    if after == before:
        return before, "the repair changes nothing: name the fields that shall be different"
    return after, ""


def _repaired(ctx: Ctx, order: Order, usable: Sequence[Row]) -> Change | Why:
    """The newest message with a patch laid over its content, as a new message that names the one it replaces."""
    old = usable[-1]
    before = patch.decode(old["body"])
    after, why = patched(before, order.payload)
    if why := why or order.may_not(old, before, after):
        return Why(why)
    body = patch.encode(after)

    def apply(conn: Conn) -> None:
        subject_store.replace_messages(conn, ctx, [(old, body)], f"case {order.number}", _said(order))
        subject_store.end_messages(conn, [m["id"] for m in usable], "replaced", _said(order))

    return Change(
        f"{_messages(usable)} gives way to the repaired one, read at once; the old content stays in the archive.",
        before=before,
        after=after,
        detail={"messages": [m["id"] for m in usable]},
        apply=apply,
    )


def _repaired_each(ctx: Ctx, order: Order, usable: Sequence[Row]) -> Change | Why:
    """The same patch on the newest message of every member; a member whose content it does not fit stays as it is."""
    newest = {_record(m): m for m in usable}
    before = {record: patch.decode(m["body"]) for record, m in newest.items()}
    tried = {record: _tried(order, newest[record], content) for record, content in before.items()}
    good = [record for record, (_, why) in tried.items() if not why]
    if not good:
        return Why(next(why for _, why in tried.values()))
    pairs = [(newest[record], patch.encode(tried[record][0])) for record in good]
    ended = [m["id"] for m in usable if _record(m) in set(good)]

    def apply(conn: Conn) -> None:
        subject_store.replace_messages(conn, ctx, pairs, f"case {order.number}", _said(order))
        subject_store.end_messages(conn, ended, "replaced", _said(order))

    left = tuple(newest[record]["id"] for record, (_, why) in tried.items() if why)
    out = f" It does not fit {len(left)} of them: these stay as they are." if left else ""
    return Change(
        f"{_records(len(good))} give way to repaired ones, read at once; the old content stays in the archive.{out}",
        before=before[good[0]],
        after=tried[good[0]][0],
        detail={"messages": ended},
        apply=apply,
        members=len(good),
        left=left,
    )


def _tried(order: Order, message: Row, content: Any) -> tuple[Any, str]:
    after, why = patched(content, order.payload)
    return after, why or order.may_not(message, content, after)


@dataclass(frozen=True, slots=True)
class EffectSubject:
    """One outgoing action."""

    effect: Row
    plan: Plan

    def change(self, ctx: Ctx, order: Order) -> Change | Why:
        e = self.effect
        if e["state"] not in EFFECT_VERBS[order.verb]:
            return Why(rules.why_not("outgoing action", e["state"], order.verb, e["note"]))
        if order.verb == "retry":
            return self._retry(ctx.clock.now())
        if order.verb == "suppress":
            return Change(
                f"{self._name} is taken back and treated as not done. If it was done at the other side, "
                "reconciliation will show the difference.",
                detail={"effect": e["id"]},
                apply=lambda conn: self._locked(conn, lambda: subject_store.void_effect(conn, e["id"], _said(order))),
            )
        return self._repair(ctx, order)

    @property
    def _name(self) -> str:
        return f"The outgoing action {self.effect['operation']} ({self.effect['key']})"

    def window_until(self, at: datetime) -> datetime:
        flow = self.plan.flows.get(self.effect["flow"])
        window = flow.retry.window if flow else RETRY_WINDOW
        until: datetime = max(at + window, self.effect["window_until"])
        return until

    def _locked(self, conn: Conn, work: Callable[[], None]) -> None:
        """The sender writes its outcomes with the root locked: so do we."""
        lock_root(conn, self.effect["root"])
        work()

    def _retry(self, at: datetime) -> Change:
        e, until = self.effect, self.window_until(at)
        if e["state"] == "unknown":
            return Change(
                f"{self._name} is read back at once; it is sent again only when it surely is not there.",
                detail={"effect": e["id"]},
                apply=lambda conn: self._locked(conn, lambda: subject_store.effect_due(conn, e["id"], at, until)),
            )
        if e["state"] == "advised":
            return Change(
                f"{self._name} is released and sent at once.",
                sends=(f"{e['operation']} to {e['account']}, key {e['key']}",),
                after=e["payload"],
                detail={"effect": e["id"]},
                apply=lambda conn: self._locked(conn, lambda: subject_store.effect_again(conn, e["id"], at, until)),
            )
        again = (
            " It may have got through before: be sure that it did not."
            if e["attempts"] and e["state"] == "parked"
            else ""
        )
        return Change(
            f"{self._name} is sent again with the same key.{again}",
            sends=(f"{e['operation']} to {e['account']}, key {e['key']}",),
            after=e["payload"],
            detail={"effect": e["id"]},
            apply=lambda conn: self._locked(conn, lambda: subject_store.effect_again(conn, e["id"], at, until)),
        )

    def _repair(self, ctx: Ctx, order: Order) -> Change | Why:
        at = ctx.clock.now()
        e, until = self.effect, self.window_until(at)
        after, why = patched(patch.decode(patch.encode(e["payload"])), order.payload)
        if why:
            return Why(why)
        if not isinstance(after, dict):
            return Why("what is sent stays an object with fields")
        if order.rights and (not_his := order.rights.of_effect(order.acts_for, e, e["payload"], after)):
            return Why(not_his)
        if not e["attempts"]:
            key = e["key"]
            words = f"{self._name} is sent with the repaired content; it had never left the house."

            def work(conn: Conn) -> None:
                self._locked(conn, lambda: subject_store.effect_with(conn, e["id"], after, at, until))
        else:
            key = next_key(e["key"])
            words = f"{self._name} gives way to a new one with the repaired content and the key {key}."

            def work(conn: Conn) -> None:
                new = {
                    **_copied(e),
                    "id": ctx.ids.new("eff"),
                    "key": key,
                    "payload": after,
                    "planned_at": at,
                    "due_at": at,
                }
                new |= {"window_until": until, "plan_hash": ctx.plan_hash}
                self._locked(conn, lambda: subject_store.replace_effect(conn, e["id"], new, _said(order)))

        sends = (f"{e['operation']} to {e['account']}, key {key}",)
        detail = {"effect": e["id"], "key": key}
        return Change(words, sends=sends, before=e["payload"], after=after, detail=detail, apply=work)


@dataclass(frozen=True, slots=True)
class EffectGroup:
    """The outgoing actions of all members of one case."""

    effects: Sequence[Row]
    plan: Plan

    def change(self, ctx: Ctx, order: Order) -> Change | Why:
        usable = [e for e in self.effects if e["state"] in EFFECT_VERBS[order.verb]]
        if not usable:
            newest = self.effects[-1]
            return Why(rules.why_not("outgoing action", newest["state"], order.verb, newest["note"]))
        left = tuple(e["id"] for e in self.effects if e["state"] == "sending")
        if order.verb == "repair":
            return self._repair(ctx, order, usable)
        ids = [e["id"] for e in usable]
        if order.verb == "suppress":
            return Change(
                f"{len(ids)} outgoing actions are taken back and treated as not done. What was done at the other side "
                "all the same, reconciliation will show.",
                detail={"effects": ids},
                apply=lambda conn: self._locked(
                    conn, usable, lambda: subject_store.void_effects(conn, ids, _said(order))
                ),
                members=len(ids),
                left=left,
            )
        at = ctx.clock.now()
        until = [EffectSubject(e, self.plan).window_until(at) for e in usable]
        return Change(
            f"{len(ids)} outgoing actions are sent again with the same keys; unclear ones are read back first.",
            sends=tuple(f"{e['operation']} to {e['account']}, key {e['key']}" for e in usable[:SENDS_NAMED_MAX]),
            detail={"effects": ids},
            apply=lambda conn: self._locked(conn, usable, lambda: subject_store.effects_again(conn, ids, at, until)),
            members=len(ids),
            left=left,
        )

    def _repair(self, ctx: Ctx, order: Order, usable: Sequence[Row]) -> Change | Why:
        if len(usable) > REPAIRED_TOGETHER_MAX:
            return Why(f"{len(usable)} outgoing actions are too many for one repair: {REPAIRED_TOGETHER_MAX} at most")
        tried = [(e, EffectSubject(e, self.plan).change(ctx, order)) for e in usable]
        good = [change for _, change in tried if isinstance(change, Change)]
        if not good:
            return next(change for _, change in tried if isinstance(change, Why))

        def apply(conn: Conn) -> None:
            for change in good:
                if change.apply is not None:
                    change.apply(conn)

        reached = {change.detail["effect"] for change in good}
        return Change(
            f"{len(good)} outgoing actions are sent with the repaired content.",
            sends=tuple(sent for change in good[:SENDS_NAMED_MAX] for sent in change.sends),
            before=good[0].before,
            after=good[0].after,
            detail={"effects": sorted(reached)},
            apply=apply,
            members=len(good),
            left=tuple(e["id"] for e in self.effects if e["id"] not in reached and e["state"] not in ("done", "void")),
        )

    def _locked(self, conn: Conn, effects: Sequence[Row], work: Callable[[], None]) -> None:
        roots = {e["root"] for e in effects}
        if lock_roots(conn, roots) != roots:
            raise Busy("some of these outgoing actions are being decided by another transaction")
        work()


def _copied(effect: Row) -> Row:
    names = ("account", "operation", "root", "after_effect", "flow", "queue", "message_id")
    return {name: effect[name] for name in names}


def next_key(key: str) -> str:
    """`capture:C-1-A` → `…:r2` → `…:r3`: other content never travels under a key that was sent."""
    base, mark, number = key.rpartition(":r")
    if mark and number.isdecimal():
        return f"{base}:r{int(number) + 1}"
    return f"{key}:r2"
