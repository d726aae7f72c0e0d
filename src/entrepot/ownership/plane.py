"""The bulk plane: the same rule set as tables, and the decision as one lazy plan over a frame of writes, of any length.

polars is loaded when a plan is made: commands and workers that decide single records do not pay for it.
Shape of a frame of writes: `WRITES`, texts, one row per write; unknown parts of a scope are empty; `set_by_*` null when nothing stands.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from entrepot.blueprint.owning import EVERY_FIELD
from entrepot.kernel.money import INT64_MAX
from entrepot.ownership.compile import DIMENSIONS, EVERY_CATEGORY, FieldRights, Holder, RuleSet
from entrepot.ownership.model import Act, Why, Write
from entrepot.ownership.rules import PRICE_FIELDS

if TYPE_CHECKING:
    import polars as pl

WRITES = ("object", "field", "act", "party", "system", *DIMENSIONS, "set_by_party", "set_by_system")
VERDICT = ("allowed", "why", "rule")
_OBJECT_ITSELF = ""  # the field of the rule that says who may create


def frame(writes: Iterable[Write]) -> "pl.DataFrame":
    """Writes as the columns the plan reads."""
    import polars as pl

    return pl.DataFrame([_row(write) for write in writes], schema=dict.fromkeys(WRITES, pl.String), orient="row")


def _row(write: Write) -> tuple[str | None, ...]:
    actor = Holder.read(write.actor)
    set_by = Holder.read(write.set_by) if write.set_by is not None else None
    return (
        write.object,
        write.field,
        write.act.value,
        actor.party,
        actor.system,
        *(getattr(write.scope, dimension) for dimension in DIMENSIONS),
        set_by.party if set_by else None,
        set_by.system if set_by else None,
    )


def verdicts(rules: RuleSet, writes: "pl.LazyFrame") -> "pl.LazyFrame":
    """The writes with three columns more: allowed, why (a code, null when allowed), rule (its path, empty when no rule fits).

    Nothing is computed until it is collected; the order of the writes stays. A million writes are some hundred kinds of
    writes: only what the rules name can matter, so each kind is decided once (5 × as fast, measured).
    """
    import polars as pl

    keyed = writes.with_columns(_kind(rules).alias(_KIND)).cache()
    asked = keyed.select(_KIND, *WRITES).unique(subset=_KIND, keep="any").cache()  # asked of from several sides
    told = _judged(rules, asked).select(_KIND, *VERDICT)
    joined = keyed.join(told, on=_KIND, how="left", maintain_order="left")
    return joined.select(*(pl.col(name) for name in writes.collect_schema().names()), *VERDICT)


_KIND = "_kind"  # what tells kinds of writes apart; a row number would not, where a plan is computed twice


def _kind(rules: RuleSet) -> "pl.Expr":
    """One number for all words of a write; the words the rules do not name are one."""
    import polars as pl

    words = {column: sorted(found) for column, found in _named(rules).items() if found}
    kinds = prod(len(found) + 1 for found in words.values())
    width = pl.Int64 if kinds <= INT64_MAX else pl.Int128
    number = pl.lit(0, width)
    for column, found in words.items():
        codes = pl.col(column).replace_strict(found, list(range(1, len(found) + 1)), default=0, return_dtype=width)
        number = number * (len(found) + 1) + codes.fill_null(0)
    return number


def _named(rules: RuleSet) -> Mapping[str, set[str]]:
    """Every word of the rules, by the column it is held against."""
    named: dict[str, set[str]] = {column: set() for column in WRITES}
    named["act"] = {act.value for act in Act}
    for object, field, right in _rights(rules):
        named["object"].add(object)
        named["field"].add(field)
        for dimension, word in right.where:
            named[dimension].add(word)
        for holder in (*right.precedence, *(h for holders in right.holders.values() for h in holders)):
            for party, system in (("party", "system"), ("set_by_party", "set_by_system")):
                named[party].add(holder.party)
                named[system].add(holder.system)
    return named


def _judged(rules: RuleSet, writes: "pl.LazyFrame") -> "pl.LazyFrame":
    """One write of each kind with its verdict, in any order."""
    import polars as pl

    chosen = _chosen(_Tables(rules), writes)
    outranked = (
        (pl.col("act") == Act.UPDATE.value)
        & pl.col("_precedence").fill_null(False)
        & pl.col("set_by_party").is_not_null()
        & (pl.col("_set_by_rank") < pl.col("_rank"))
    )
    why = (
        pl.when(pl.col("_rule").is_null() | ~pl.col("_anybody").fill_null(False))
        .then(pl.lit(Why.NOBODY_OWNS.value))
        .when(~pl.col("_may").fill_null(False))
        .then(pl.lit(Why.NOT_OWNER.value))
        .when(outranked)
        .then(pl.lit(Why.LOWER_PRECEDENCE.value))
    )
    told = chosen.with_columns(why.alias("why"), pl.col("_path").fill_null("").alias("rule"))
    return told.with_columns(pl.col("why").is_null().alias("allowed"))


def _chosen(tables: "_Tables", writes: "pl.LazyFrame") -> "pl.LazyFrame":
    """Each write beside the first rule that fits, and what that rule says of its actor and of who set the value."""
    import polars as pl

    creates = pl.col("act") == Act.CREATE.value
    fitting = (
        writes.with_columns(pl.when(creates).then(pl.lit(_OBJECT_ITSELF)).otherwise(pl.col("field")).alias("_asked"))
        .join(tables.fields, left_on=["object", "_asked"], right_on=["object", "name"], how="left")
        .with_columns(
            pl.when(creates | pl.col("_named").is_not_null()).then(pl.col("_asked")).otherwise(pl.lit(EVERY_FIELD)).alias("_key")
        )
        .join(tables.rules, left_on=["object", "_key"], right_on=["object", "name"], how="inner")
        .filter(*(pl.col(f"_{d}").is_null() | (pl.col(f"_{d}") == pl.col(d)) for d in DIMENSIONS))
        .group_by(_KIND)
        .agg(pl.col("_rule").min())
    )  # fmt: skip
    ruled = writes.join(fitting, on=_KIND, how="left").join(tables.paths, on="_rule", how="left")
    return _ranked(tables, _entitled(tables, ruled))


def _entitled(tables: "_Tables", ruled: "pl.LazyFrame") -> "pl.LazyFrame":
    """Whether anybody has the right, and whether the actor has."""
    by_act = ["_rule", "act"]
    return ruled.join(tables.anybody, on=by_act, how="left").join(
        _covered(ruled, tables.holders, by_act, "party", "system").rename({"_place": "_may"}), on=_KIND, how="left"
    )


def _ranked(tables: "_Tables", entitled: "pl.LazyFrame") -> "pl.LazyFrame":
    """The places of the actor and of who set the value, in the order of precedence; who is not named comes last."""
    import polars as pl

    actor = _covered(entitled, tables.precedence, ["_rule"], "party", "system", first=True)
    setter = _covered(entitled, tables.precedence, ["_rule"], "set_by_party", "set_by_system", first=True)
    updates = _covered(entitled, tables.updaters, ["_rule"], "set_by_party", "set_by_system")
    last = pl.col("_ranks").fill_null(0)
    set_by_rank = (
        pl.when(pl.col("_sets").fill_null(False)).then(pl.col("_set_by_place").fill_null(last)).otherwise(last)
    )
    return (
        entitled.join(actor.rename({"_place": "_actor_place"}), on=_KIND, how="left")
        .join(setter.rename({"_place": "_set_by_place"}), on=_KIND, how="left")
        .join(updates.rename({"_place": "_sets"}), on=_KIND, how="left")
        .with_columns(pl.col("_actor_place").fill_null(last).alias("_rank"), set_by_rank.alias("_set_by_rank"))
    )


def _covered(
    writes: "pl.LazyFrame", holders: "pl.LazyFrame", on: Sequence[str], party: str, system: str, *, first: bool = False
) -> "pl.LazyFrame":
    """By write: whether a holder covers this actor, or the place of the first one that does."""
    import polars as pl

    place = pl.col("_place").min() if first else pl.lit(True).alias("_place")
    return (
        writes.select(_KIND, *on, party, system)
        .join(holders, left_on=[*on, party], right_on=[*on, "holder_party"], how="inner")
        .filter((pl.col("holder_system") == "") | (pl.col("holder_system") == pl.col(system)))
        .group_by(_KIND)
        .agg(place.first() if not first else place)
    )


class _Tables:
    """A rule set as small tables. `_rule` counts up in the order of the plan: of several that fit, the lowest counts."""

    def __init__(self, rules: RuleSet) -> None:
        import polars as pl

        text, flag, number = pl.String, pl.Boolean, pl.Int64
        listed = list(enumerate(_rights(rules)))
        self.rules = _table(
            {"object": text, "name": text, "_rule": number, **{f"_{d}": text for d in DIMENSIONS}},
            ((o, name, n, *(dict(right.where).get(d) for d in DIMENSIONS)) for n, (o, name, right) in listed),
        )
        named = ((o.name, name, True) for o in rules.objects.values() for name, found in o.fields.items() if found)
        self.fields = _table({"object": text, "name": text, "_named": flag}, named)
        self.paths = _table(
            {"_rule": number, "_path": text, "_precedence": flag, "_ranks": number},
            ((n, r.path, bool(r.precedence) and not r.combine, len(r.precedence)) for n, (_, _, r) in listed),
        )
        held = [(n, act.value, h) for n, (_, _, r) in listed for act, holders in r.holders.items() for h in holders]
        by_act = {"_rule": number, "act": text}
        who = {"holder_party": text, "holder_system": text}
        self.anybody = _table(
            {**by_act, "_anybody": flag}, ((*one, True) for one in sorted({(n, a) for n, a, _ in held}))
        )
        self.holders = _table({**by_act, **who}, ((n, act, h.party, h.system) for n, act, h in held))
        self.updaters = _table(
            {"_rule": number, **who}, ((n, h.party, h.system) for n, act, h in held if act == Act.UPDATE.value)
        )
        self.precedence = _table(
            {"_rule": number, **who, "_place": number},
            ((n, h.party, h.system, place) for n, (_, _, r) in listed for place, h in enumerate(r.precedence)),
        )


def _rights(rules: RuleSet) -> Iterator[tuple[str, str, FieldRights]]:
    """Every rule with its object and field; who may create is a rule of the object itself."""
    for name, owned in rules.objects.items():
        yield name, _OBJECT_ITSELF, FieldRights(f"{owned.path}.create", (), {Act.CREATE: owned.create})
        for field, rights in owned.fields.items():
            for right in rights:
                yield name, field, right


def _table(schema: dict[str, Any], rows: Iterable[tuple[Any, ...]]) -> "pl.LazyFrame":
    import polars as pl

    return pl.DataFrame(list(rows), schema=schema, orient="row").lazy()


def outside_limits(rules: RuleSet, prices: "pl.LazyFrame") -> "pl.LazyFrame":
    """Prices with two columns more: why (null when within), rule. Shape: account, category, field, value (minor), currency (null: the account's)."""
    import polars as pl

    text, number = pl.String, pl.Int64
    accounts = _table(
        {"account": text, "_currency": text, "_currency_path": text, "_also": pl.List(text)},
        ((name, a.currency, a.path, sorted(a.also)) for name, a in rules.accounts.items()),
    )
    limits = [(name, c, li) for name, a in rules.accounts.items() for c, li in a.categories.items()]
    bounds = {"_path": text, "_floor": number, "_ceiling": number}
    own = _table(
        {"account": text, "category": text, **bounds},
        ((a, c, li.path, li.floor_minor, li.ceiling_minor) for a, c, li in limits if c != EVERY_CATEGORY),
    )
    every = _table(
        {"account": text, **{f"{name}_every": kind for name, kind in bounds.items()}},
        ((a, li.path, li.floor_minor, li.ceiling_minor) for a, c, li in limits if c == EVERY_CATEGORY),
    )
    joined = (
        prices.join(accounts, on="account", how="left", maintain_order="left")
        .join(own, on=["account", "category"], how="left", maintain_order="left")
        .join(every, on="account", how="left", maintain_order="left")
    )
    has_own = pl.col("_path").is_not_null()
    floor, ceiling, path = (
        pl.when(has_own).then(pl.col(name)).otherwise(pl.col(f"{name}_every"))
        for name in ("_floor", "_ceiling", "_path")
    )
    asked = (
        pl.col("field").is_in(sorted(PRICE_FIELDS))
        & pl.col("_currency").is_not_null()
        & pl.col("value").is_not_null()
        & ~pl.col("_also").list.contains(pl.col("currency")).fill_null(value=False)
    )
    foreign = asked & pl.col("currency").is_not_null() & (pl.col("currency") != pl.col("_currency"))
    why = (
        pl.when(foreign).then(pl.lit(Why.OTHER_CURRENCY.value))
        .when(asked & (pl.col("value") < floor)).then(pl.lit(Why.UNDER_FLOOR.value))
        .when(asked & (pl.col("value") > ceiling)).then(pl.lit(Why.ABOVE_CEILING.value))
    )  # fmt: skip
    rule = pl.when(foreign).then(pl.col("_currency_path")).when(why.is_not_null()).then(path).otherwise(pl.lit(""))
    return joined.with_columns(why.alias("why"), rule.alias("rule")).select(
        *prices.collect_schema().names(), "why", "rule"
    )
