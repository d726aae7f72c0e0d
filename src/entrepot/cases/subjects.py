"""What a verb can act on: messages that could not be applied, or an outgoing action that did not get through."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from entrepot.blueprint.model import Plan
from entrepot.cases import patch, rules, subject_store
from entrepot.cases.states import EFFECT_VERBS, MESSAGE_VERBS
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.store.locks import lock_root

RETRY_WINDOW = timedelta(hours=12)  # for an action of a flow the blueprint no longer holds


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


@dataclass(frozen=True, slots=True)
class Order:
    """One verb as a person gave it."""

    verb: str
    by: str
    reason: str
    payload: Mapping[str, Any] | None
    number: int  # of the case


class Subject(Protocol):
    def change(self, ctx: Ctx, order: Order) -> Change | Why: ...


def subject_of(conn: Conn, plan: Plan, case: Row) -> Subject:
    """The outgoing action when the case has one, else its messages, else nothing but the case itself."""
    if case["effect_id"]:
        effect = subject_store.effect(conn, case["effect_id"])
        if effect is not None:
            return EffectSubject(effect, plan)
    messages = subject_store.messages(conn, case["id"], case["message_id"])
    return MessageSubject(messages) if messages else NoSubject()


@dataclass(frozen=True, slots=True)
class NoSubject:
    """A difference or a broken promise: it can be accepted with a reason, or handed on."""

    def change(self, ctx: Ctx, order: Order) -> Change | Why:
        if order.verb == "suppress":
            return Change("The case is accepted as it is, with your reason; nothing is sent and nothing else changes.")
        return Why(f"this case has no message and no outgoing action: there is nothing to {order.verb}")


@dataclass(frozen=True, slots=True)
class MessageSubject:
    """The messages of one case, newest last: the same failure may have come more than once."""

    messages: Sequence[Row]

    def change(self, ctx: Ctx, order: Order) -> Change | Why:
        usable = [m for m in self.messages if m["state"] in MESSAGE_VERBS[order.verb]]
        if not usable:
            newest = self.messages[-1]
            return Why(rules.why_not("message", newest["state"], order.verb, newest["note"]))
        ids = [m["id"] for m in usable]
        if order.verb == "retry":
            return Change(
                f"{_messages(usable)} will be read again at once; nothing is sent by this alone.",
                detail={"messages": ids},
                apply=lambda conn: subject_store.messages_again(conn, ids, ctx.clock.now()),
            )
        if order.verb == "suppress":
            return Change(
                f"{_messages(usable)} will never be applied; the content stays in the archive.",
                detail={"messages": ids},
                apply=lambda conn: subject_store.end_messages(conn, ids, "suppressed", _said(order)),
            )
        return _repaired(ctx, order, usable)


def _messages(rows: Sequence[Row]) -> str:
    newest = rows[-1]
    more = f" and {len(rows) - 1} earlier ones of the same case" if len(rows) > 1 else ""
    return f"The message ({newest['kind']} {newest['external_id']}){more}"


def _said(order: Order) -> str:
    return rules.clipped(f"{order.by}: {order.reason}", 500)


def _repaired(ctx: Ctx, order: Order, usable: Sequence[Row]) -> Change | Why:
    """The newest message with a patch laid over its content, as a new message that names the one it replaces."""
    old = usable[-1]
    before = patch.decode(old["body"])
    after = patch.merged(before, order.payload or {})
    if after == before:
        return Why("the repair changes nothing: name the fields that shall be different")
    body = patch.encode(after)

    def apply(conn: Conn) -> None:
        subject_store.replace_message(conn, ctx, old, body, f"case {order.number}", _said(order))
        subject_store.end_messages(conn, [m["id"] for m in usable], "replaced", _said(order))

    return Change(
        f"{_messages(usable)} gives way to the repaired one, read at once; the old content stays in the archive.",
        before=before,
        after=after,
        detail={"messages": [m["id"] for m in usable]},
        apply=apply,
    )


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

    def _window_until(self, at: datetime) -> datetime:
        flow = self.plan.flows.get(self.effect["flow"])
        window = flow.retry.window if flow else RETRY_WINDOW
        until: datetime = max(at + window, self.effect["window_until"])
        return until

    def _locked(self, conn: Conn, work: Callable[[], None]) -> None:
        """The sender writes its outcomes with the root locked: so do we."""
        lock_root(conn, self.effect["root"])
        work()

    def _retry(self, at: datetime) -> Change:
        e, until = self.effect, self._window_until(at)
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
        e, until = self.effect, self._window_until(at)
        after = patch.merged(e["payload"], order.payload or {})
        if after == e["payload"]:
            return Why("the repair changes nothing: name the fields that shall be different")
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


def _copied(effect: Row) -> Row:
    names = ("account", "operation", "root", "after_effect", "flow", "queue", "message_id")
    return {name: effect[name] for name in names}


def next_key(key: str) -> str:
    """`capture:C-1-A` → `…:r2` → `…:r3`: other content never travels under a key that was sent."""
    base, mark, number = key.rpartition(":r")
    if mark and number.isdecimal():
        return f"{base}:r{int(number) + 1}"
    return f"{key}:r2"
