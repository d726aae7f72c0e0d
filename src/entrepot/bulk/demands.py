"""What the plan demands of an account's offers, as rules beside those every offer is held against."""

from collections.abc import Iterator, Mapping

from entrepot.blueprint.owning import OfferRule
from entrepot.bulk.rules import EVERY, Kind, Rule, Rulebook, Within, offer_rules
from entrepot.ownership.compile import AccountLimits

SHOWN_MAX = 10  # words of a list that a message repeats
CALLED = {"gtin": "GTIN", "sale_price": "sale price", "lead_days": "lead time"}


def book_of(limits: AccountLimits, decimal: str = ".") -> Rulebook:
    """All rules of one account: prices, value lists, what each category needs."""
    bounds = {name: (one.floor_minor, one.ceiling_minor) for name, one in limits.categories.items()}
    return offer_rules(
        limits.currency, also=sorted(limits.also), limits=bounds, decimal=decimal, more=demanded(limits.offer_rules)
    )


def demanded(by_category: Mapping[str, OfferRule]) -> tuple[Rule, ...]:
    """In the order of the categories' names, `*` first: the same plan is the same book."""
    return tuple(rule for name in sorted(by_category, key=lambda one: (one != EVERY, one)) for rule in _rules(name, by_category[name]))  # fmt: skip


def _rules(category: str, rule: OfferRule) -> Iterator[Rule]:
    only: Within = () if category == EVERY else (("category", (category,)),)
    here = "" if category == EVERY else f" in {_plain(category)}"
    for name in rule.required:
        yield Rule("required", name, Kind.REQUIRED, f"The {CALLED.get(name, name)} is missing{here}.", within=only)
    for name, words in sorted(rule.values.items()):
        message = f"“{{value}}” is no {CALLED.get(name, name)}{here}: {_listed(words)}."
        yield Rule("value-list", name, Kind.ONE_OF, message, values=tuple(words), within=only)
    yield from _bounds(rule, only, here)
    if rule.image_begins:
        message = f"“{{value}}” lies where no image may{here}: {_listed(rule.image_begins)}."
        yield Rule("image-place", "image", Kind.BEGINS, message, values=tuple(rule.image_begins), within=only)
    if rule.image_ends:
        message = f"“{{value}}” is no image{here}: {_listed(rule.image_ends)}."
        endings = tuple(one.lower() for one in rule.image_ends)
        yield Rule("image-kind", "image", Kind.ENDS, message, values=endings, within=only)


def _bounds(rule: OfferRule, only: Within, here: str) -> Iterator[Rule]:
    if rule.quantity_max is not None:
        message = f"“{{value}}” is more than {rule.quantity_max} pieces{here}: taken for a mistake."
        yield Rule("quantity-cap", "quantity", Kind.WHOLE, message, high=rule.quantity_max, within=only)
    if rule.lead_days_max is not None:
        message = f"“{{value}}” is more than {rule.lead_days_max} days{here}."
        yield Rule("lead-time-cap", "lead_days", Kind.WHOLE, message, high=rule.lead_days_max, within=only)
    for condition, days in sorted(rule.lead_days_max_by_condition.items()):
        message = f"“{{value}}” is more than {days} days, for {condition} articles{here}."
        yield Rule("lead-time-cap", "lead_days", Kind.WHOLE, message, high=days, within=(*only, ("condition", (condition,))))  # fmt: skip
    if rule.discount_max_percent is not None:
        message = f"The sale price {{value}} lies more than {rule.discount_max_percent} % below the price{here}."
        yield Rule("discount-cap", "sale_price", Kind.SHARE, message, other="price", low=100 - rule.discount_max_percent, within=only)  # fmt: skip
    if rule.title_max is not None:
        message = f"The title has more than {rule.title_max} letters{here}."
        yield Rule("title-cap", "title", Kind.LONGEST, message, high=rule.title_max, within=only)


def _listed(words: tuple[str, ...]) -> str:
    shown = ", ".join(_plain(one) for one in words[:SHOWN_MAX])
    return shown if len(words) <= SHOWN_MAX else f"{shown} and {len(words) - SHOWN_MAX} more"


def _plain(word: str) -> str:
    """In a message that is filled in later."""
    return word.replace("{", "{{").replace("}", "}}")
