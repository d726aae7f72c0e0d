"""What counts of fed offers: the plan asked once per kind of write, its answer laid over any number of offers by one statement.

A value that is not the seller's to set stays out: what its owner gave goes on counting, and the refusal is written down. An
override lies over what was fed. What was fed stays as it was: what counts stands beside it, only where it differs. A hold is
no value: the marketplace is told the seller's price and stock as ever, and the storefront does not sell the offer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.bulk import counting_store as store
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.ownership.compile import RuleSet
from entrepot.ownership.model import Act, Why, Write
from entrepot.ownership.plane import frame, verdicts
from entrepot.ownership.rules import decide, scope_of

if TYPE_CHECKING:
    from datetime import datetime

OFFER, SELLER = "offer", "seller"


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of value that stays out. `offers`: of how many it stayed out this time."""

    field: str
    why: Why
    words: str
    offers: int


@dataclass(frozen=True, slots=True)
class Fed:
    """Whose offers. `source`: for people, where the values came from. `told`: the relation of SKUs tells their category too."""

    account: str
    seller: str
    source: str
    at: "datetime"
    plan_hash: str
    told: bool = False


def count(conn: Conn, ctx: Ctx, rules: RuleSet, fed: Fed, skus: str) -> list[Kept]:
    """Work out what counts of the offers whose `sku` stands in the relation `skus`; returns what stayed out."""
    refused = _refused(conn, rules, fed, skus)
    if not refused and not store.anything_apart(conn, fed.account, fed.seller):
        return []
    store.stage_refused(conn, refused)
    store.lay_apart(conn, fed.account, fed.seller, skus, fed.at)
    if not refused:
        return []
    counts = store.record_refused(conn, fed.account, fed.seller, skus, {
        "base": ctx.ids.new("ref"), "at": fed.at, "source": fed.source, "plan": fed.plan_hash, "actor": SELLER,
        "model": rules.seller_model(fed.seller),
    })  # fmt: skip
    known = {one["field"]: one for one in refused}
    return [Kept(name, Why(known[name]["why"]), known[name]["words"], n) for name, n in sorted(counts.items())]


def _refused(conn: Conn, rules: RuleSet, fed: Fed, skus: str) -> list[Mapping[str, str]]:
    """The kinds of writes that the plan refuses, by category, field and who set what stands there."""
    import polars as pl

    if OFFER not in rules.objects:
        return []
    ranked = any(right.precedence for rights in rules.objects[OFFER].fields.values() for right in rights)
    setters = store.setters(conn, fed.account, fed.seller, skus) if ranked else {}
    writes: list[Write] = []
    for category in store.categories(conn, fed.account, fed.seller, skus, told=fed.told):
        scope = scope_of(rules, fed.account, fed.seller, category)
        for name in store.FIELDS:
            by = [None, *setters.get(name, ())]
            writes += [Write(OFFER, "", name, Act.UPDATE, SELLER, scope=scope, set_by=one) for one in by]
    if not writes:
        return []
    told = verdicts(rules, frame(writes).lazy().with_row_index("n")).filter(~pl.col("allowed"))
    return [_kind(rules, writes[row["n"]], row["why"], row["rule"]) for row in told.collect().iter_rows(named=True)]


def _kind(rules: RuleSet, write: Write, why: str, rule: str) -> Mapping[str, str]:
    words = getattr(decide(rules, write), "words", "")
    return {
        "category": write.scope.category,
        "field": write.field,
        "set_by": write.set_by or "",
        "why": why,
        "rule": rule,
        "words": words,
    }


def changed_overrides(conn: Conn, account: str, since: "datetime") -> Sequence[tuple[str, list[str]]]:
    """Sellers with fed offers over which something was laid, or is no more, since then; with their SKUs."""
    return store.changed_overrides(conn, account, since)
