"""E2xx: who owns each object and each field, and whether two of them could both be right."""

from collections.abc import Iterator

from entrepot.blueprint.finding import Path
from entrepot.blueprint.lint.look import Flaw, Flaws, Look, listed
from entrepot.blueprint.owning import EVERY_FIELD, FALLBACKS, OBJECTS, FieldRule, ObjectRule

STOCK_OF_SELLERS = ("offer", "stock-pool")
STOCK_FIELDS = ("quantity", "stock")
BACK_OFFICE = ("erp", "oms", "pim", "commerce")
RIGHTS = ("update", "hold", "override", "correct", "request")


def check(look: Look) -> Flaws:
    for name, rule in look.plan.ownership.items():
        yield from _object(look, ("ownership", name), rule)
    if "ownership" in look.unknown:
        return
    moved = {flow.object: name for name, flow in look.plan.flows.items()}
    for name in OBJECTS:
        if name in moved and not look.has("ownership", name):
            yield Flaw("E202", ("flows", moved[name], "object"), f"nobody owns {name}", f"add {name} under ownership")
        elif not look.has("ownership", name):
            words = f"nobody owns {name} ({OBJECTS[name][:1].lower()}{OBJECTS[name][1:].rstrip('.')})"
            yield Flaw("W201", ("ownership",), words, f"add {name}:")


def _object(look: Look, here: Path, rule: ObjectRule) -> Flaws:
    if rule.name not in OBJECTS:
        dangling = look.dangling(rule.name, here, "object", OBJECTS)
        yield Flaw("E211", here, dangling.message, dangling.fix)
    if rule.source_of_truth is None:
        yield Flaw("E201", here, "it is not said whose record counts")
    if not rule.create:
        yield Flaw("E204", here, "nobody may create it")
    if not rule.exceptions:
        yield Flaw("E206", here, "no team sees its exceptions and decides")
    yield from look.refer("teams", rule.exceptions, (*here, "exceptions"))
    yield from _fallback(look, here, rule)
    rules = [one for field in rule.fields.values() for one in field]
    if any(one.override for one in rules) and rule.overrides is None:
        yield Flaw(
            "E207", here, "values may be laid over the owner's, and nothing ends them", "add overrides: {max: 30d}"
        )
    if any(one.hold for one in rules) and rule.holds_max is None:
        yield Flaw("E214", here, "it may be held, and nothing ends a hold", "add holds_max: 7d")
    if EVERY_FIELD not in rule.fields:
        yield Flaw("W203", here, "fields without a rule of their own belong to nobody")
    for word in ("source_of_truth", "create", "consume"):
        yield from _actors(look, (*here, word), getattr(rule, word))
    for field, parts in rule.fields.items():
        yield from _field(look, (*here, "fields", field), field, parts, rule.name)


def _fallback(look: Look, here: Path, rule: ObjectRule) -> Flaws:
    where, word = (*here, "fallback"), rule.fallback
    if word.startswith("use:") and look.is_actor(word.removeprefix("use:")):
        yield from _actors(look, where, word.removeprefix("use:"))
    elif word not in FALLBACKS:
        dangling = look.dangling(word, where, "fallback", [*FALLBACKS, "use:<actor>"])
        yield Flaw("E210", where, dangling.message, dangling.fix)


def _field(look: Look, here: Path, field: str, parts: tuple[FieldRule, ...], of: str) -> Flaws:
    listed_ = isinstance(look.raw(here), list)
    for number, rule in enumerate(parts):
        where = (*here, number) if listed_ else here
        yield from _rule(look, where, rule)
        if number + 1 < len(parts) and not rule.where.named:
            yield Flaw("W202", (*here, number + 1), "the rule before it counts everywhere, so this one never does")
            break
    if of in STOCK_OF_SELLERS and field in STOCK_FIELDS and "operator" in look.models:
        yield from _stock(look, here, parts, listed_)


def _rule(look: Look, here: Path, rule: FieldRule) -> Flaws:
    if not rule.update:
        yield Flaw("E209", here, "nobody may update it")
    if not rule.correct:
        yield Flaw("E205", here, "nobody may correct it when it is wrong")
    if len(set(rule.update)) > 1 and not rule.precedence and rule.combine is None:
        yield Flaw("E203", here, f"{listed(rule.update)} may update it, and nothing says whose value counts")
    if rule.precedence and set(rule.precedence) != set(rule.update):
        words = f"precedence names {listed(rule.precedence)}, update {listed(rule.update) or 'nobody'}"
        yield Flaw("E212", (*here, "precedence"), words)
    for right in RIGHTS:
        yield from _actors(look, (*here, right), getattr(rule, right))
    yield from look.refer("accounts", rule.where.account, (*here, "where", "account"))


def _stock(look: Look, here: Path, parts: tuple[FieldRule, ...], listed_: bool) -> Flaws:
    """What counts for sellers of a marketplace: the rules before the first that fits all of them, and that one."""
    for number, rule in enumerate(parts):
        account = look.plan.accounts.get(rule.where.account or "")
        if rule.where.seller_model not in (None, "marketplace") or (account and account.model == "syndication"):
            continue  # where we are the seller, nobody is a third party
        above = [actor for actor in (*rule.update, *rule.override) if actor.partition("@")[0] in BACK_OFFICE]
        if above:
            words = (
                f"{listed(dict.fromkeys(above))} would write over the stock of a third party, who alone can count it"
            )
            yield Flaw("E208", (*here, number) if listed_ else here, words)
        if not set(rule.where.named) - {"seller_model"}:
            return


def _actors(look: Look, here: Path, actors: str | tuple[str, ...] | None) -> Flaws:
    one = isinstance(actors, str)
    for number, actor in enumerate((actors,) if isinstance(actors, str) else actors or ()):
        where = here if one or not isinstance(look.raw(here), list) else (*here, number)
        yield from _actor(look, where, actor)


def _actor(look: Look, where: Path, actor: str) -> Iterator[Flaw]:
    party, _, name = actor.partition("@")
    yield from look.refer("systems", name, where)
    system = look.plan.systems.get(name)
    if system is not None and system.party != party:
        yield Flaw(
            "E213", where, f"{name} is a system of {system.party}, not of {party}", f"write {system.party}@{name}"
        )
    if party == "operator" and look.models == {"syndication"}:
        yield Flaw(
            "E215", where, "in the syndication model there is no operator: the marketplace's staff is marketplace"
        )
