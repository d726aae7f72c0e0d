"""A case about an offer, repaired from the case itself: through ownership, and only as far as it lets the one who repairs.

Who may change the field changes it: the value counts at once, and the marketplace is told. Who may only ask asks: the owner finds
it in his next message, and the case waits for him. Who may neither is refused, with the rule and where it stands in the plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entrepot.blueprint.model import Plan
from entrepot.blueprint.places import places_of
from entrepot.cases import member_store
from entrepot.cases.subject_store import NothingDone
from entrepot.cases.subjects import Change, Order, Why
from entrepot.change.store import in_force
from entrepot.flows.offer_judgement import MODES, UNANSWERED, OfferJudgement, offer_named
from entrepot.flows.offer_shelf import OFFER
from entrepot.flows.offer_words import shown, typed
from entrepot.flows.parts import Parts
from entrepot.flows.reassertion import Reassertion
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import OwnerDecides
from entrepot.ownership import service as ownership
from entrepot.ownership.booking import CONSOLE
from entrepot.ownership.compile import RuleSet, compile_rules
from entrepot.ownership.model import Act, NotAllowed, TurnedAway, Value, Write
from entrepot.ownership.service import Person
from entrepot.ownership.standing import Key
from entrepot.ownership.ways import Way, field_of, way

NAMED_MAX = 5
CLOSES_BY_ITSELF = (*MODES, UNANSWERED)


@dataclass(frozen=True, slots=True)
class Step:
    """One field that is changed, or asked for."""

    field: str
    value: Value
    before: str
    after: str
    way: Way


@dataclass(frozen=True, slots=True)
class OfferFields:
    """The `FieldDesk` of cases about offers."""

    plan: Plan

    def correct(self, conn: Conn, ctx: Ctx, case: Row, order: Order) -> Change | Why | None:
        offers = offers_of(conn, case)
        if not offers:
            return None
        key = _meant(offers, order.only)
        if isinstance(key, Why):
            return key
        if not isinstance(order.payload, Mapping) or not order.payload:
            return Why("name a field and its right value, such as price=12.34")
        rules = compile_rules(self.plan)
        team = order.team or rules.objects[OFFER].exceptions
        steps, problems = self._steps(conn, ctx, rules, key, order.payload, team)
        if problems:
            return Why("; ".join(problems))
        if not steps:
            return Why("the repair changes nothing: the offer has these values already")
        return self._change(ctx, rules, case, order, key, steps, team)

    def _steps(
        self, conn: Conn, ctx: Ctx, rules: RuleSet, key: Key, wanted: Mapping[str, object], team: str
    ) -> tuple[list[Step], list[str]]:
        steps, problems = [], []
        for name, raw in wanted.items():
            try:
                found = self._step(conn, ctx, rules, key, name, raw, team)
            except OwnerDecides as wrong:  # no value of this field, or the offer is not there
                problems.append(wrong.message)
                continue
            if isinstance(found, Step):
                steps.append(found)
            elif found:
                problems.append(found)
        return steps, problems

    def _step(
        self, conn: Conn, ctx: Ctx, rules: RuleSet, key: Key, name: str, raw: object, team: str
    ) -> Step | str | None:
        """What is done about one field; a text says why nothing can be, None that nothing need be."""
        now = field_of(conn, ctx, rules, key, name)
        if not now.has(name):
            return f"an offer has no field “{name}”; it has {', '.join(now.known)}"
        if raw is None or isinstance(raw, Mapping | list):
            return f"the {name} is one value; it is not taken away"
        value = typed(name, ("yes" if raw else "no") if isinstance(raw, bool) else str(raw), now.stands, now.currency)
        found = way(conn, ctx, rules, key, name, value, self.plan.team(team).party)
        if isinstance(found, NotAllowed):
            return f"{team}: {found.words}{self._by_rule(conn, found.rule)}"
        if value == now.stands and found.act is not Act.REQUEST:
            return None
        return Step(name, value, shown(name, now.stands, now.currency), shown(name, value, now.currency), found)

    def _by_rule(self, conn: Conn, rule: str) -> str:
        """`(ownership.offer.fields.price[1], ownership.yaml:63:9)`."""
        if not rule:
            return ""
        version = in_force(conn)
        place = places_of(version.files)(rule) if version else ""
        return f" ({', '.join(part for part in (rule, place) if part)})"

    def _change(
        self, ctx: Ctx, rules: RuleSet, case: Row, order: Order, key: Key, steps: Sequence[Step], team: str
    ) -> Change:
        asked = [step for step in steps if step.way.act is Act.REQUEST]
        owners = ", ".join(dict.fromkeys(owner for step in asked for owner in step.way.owners))
        words = [
            f"The {step.field} of offer {key[2]} is {step.after} from now on, by {step.way.rule}; the marketplace is told."
            for step in steps
            if step.way.act is not Act.REQUEST
        ]
        words += [
            f"{owners} is asked in his next message for {step.field} {step.after} of offer {key[2]}, by {step.way.rule}: "
            f"{team} may ask, and not change it. The case waits for the answer."
            for step in asked
        ]

        def apply(conn: Conn) -> None:
            self._do(conn, ctx, rules, order, key, steps, Person(order.by, team))

        return Change(
            " ".join(words),
            before={step.field: step.before for step in steps},
            after={step.field: step.after for step in steps},
            detail={
                "object": key[1],
                "object_id": key[2],
                "changed": {s.field: s.value for s in steps if s.way.act is not Act.REQUEST},
                "asked": {s.field: s.value for s in asked},
            },
            apply=apply,
            ends=not asked and case["mode"] not in CLOSES_BY_ITSELF,
            waits_on=owners,
        )

    def _do(
        self, conn: Conn, ctx: Ctx, rules: RuleSet, order: Order, key: Key, steps: Sequence[Step], by: Person
    ) -> None:
        parts = Parts(self.plan, {})
        then, again = OfferJudgement(parts), Reassertion(parts)
        party = self.plan.team(by.team).party
        written = [step for step in steps if step.way.act is not Act.REQUEST]
        if written:
            writes = [Write(*key[1:], s.field, s.way.act, party, s.value, s.way.scope) for s in written]
            source = f"case {order.number}, {by.name}: {order.reason}"
            done = ownership.write(conn, ctx, self.plan, rules, writes, CONSOLE, "", source, by.name)
            for answer in done.answers:
                if isinstance(answer, TurnedAway):
                    raise NothingDone(answer.words)
            led_to = then.follow(ctx, conn, done.judged)
            for step in written:
                name = f"assert:{key[0]}:{key[2]}:{step.field}:case-{order.number}-v{step.way.version + 1}"
                led_to.intents += again.assert_field(ctx, conn, key[0], key[2], step.field, name)
            led_to.flush(ctx, conn, self.plan)
        for step in steps:
            if step.way.act is Act.REQUEST:
                pulled = ownership.request(
                    conn, ctx, self.plan, rules, key, step.field, step.value, by=by, reason=order.reason
                )
                then.follow(ctx, conn, pulled.judged).flush(ctx, conn, self.plan)


def offers_of(conn: Conn, case: Row) -> list[Key]:
    """The offers a case is about; of a group those that still fail."""
    if case["grouped_by"] == "object":
        rows = [(case["account"], case["object"], case["object_id"])]
    else:
        found = member_store.members_of(conn, case["id"])
        rows = [(m["account"], m["object"], m["object_id"]) for m in found if m["gone_at"] is None]
    digests = [object_id for _, object_, object_id in rows if object_ == "correction"]
    told = ownership.asked_about(conn, digests) if digests else []
    return sorted({(key[0], OFFER, offer_named(key[0], key[2])) for key in (*rows, *told) if key[1] == OFFER})


def _meant(offers: Sequence[Key], only: str) -> Key | Why:
    named = ", ".join(object_id for _, _, object_id in offers[:NAMED_MAX])
    more = f" and {len(offers) - NAMED_MAX} more" if len(offers) > NAMED_MAX else ""
    if not only:
        many = f"this case is about {len(offers)} offers ({named}{more}): say which one is meant"
        return offers[0] if len(offers) == 1 else Why(many)
    found = [key for key in offers if key[2] == only]
    return found[0] if found else Why(f"this case is not about offer {only}; it is about {named}{more}")
