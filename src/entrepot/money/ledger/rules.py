"""From a fact and its amounts to postings. Pure; whatever the amounts, the postings sum to zero per currency."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from entrepot.kernel.errors import OurBug
from entrepot.money.ledger.chart import WITHOUT_SELLER
from entrepot.money.ledger.facts import FACTS, Fact, Rule
from entrepot.money.ledger.model import Item, Journal, Posting


class WrongAmounts(OurBug):
    """A fact was given an amount its row of the fact table does not have, or a negative one."""

    code = "wrong-amounts"


def build(
    fact: str,
    *,
    key: str,
    account: str,
    root: str,
    at: datetime,
    currency: str,
    items: Sequence[Item],
    order_id: str = "",
    seller_id: str = "",
    message_id: str | None = None,
    memo: str = "",
) -> Journal:
    """The journal of one fact. Shape: an amount of zero makes no posting; all zero makes a journal without postings."""
    row = FACTS[fact]
    _check(row, key, items)
    postings = tuple(
        Posting(
            ledger_account=rule.ledger_account,
            currency=currency,
            amount_minor=amount,
            witness=rule.witness,
            seller_id="" if rule.ledger_account in WITHOUT_SELLER else seller_id,
            order_id=order_id,
            order_line_id=item.order_line_id,
            reference=item.reference,
            line_type=str(rule.answers) if rule.answers else "",
        )
        for rule in row.rules
        for item, amount in _amounts(rule, items)
        if amount
    )
    return Journal(fact, key, account, root, at, postings, message_id, memo)


def reversal(original: Journal, original_id: str, *, at: datetime, because: str, message_id: str | None) -> Journal:
    """The same postings with the signs turned: a mistake is reversed, never edited."""
    turned = tuple(replace(posting, amount_minor=-posting.amount_minor) for posting in original.postings)
    return Journal(
        fact=original.fact,
        key=f"reversal:{original.key}",
        account=original.account,
        root=original.root,
        effective_at=at,
        postings=turned,
        message_id=message_id,
        memo=because,
        reverses=original_id,
    )


def _amounts(rule: Rule, items: Sequence[Item]) -> Iterator[tuple[Item, int]]:
    each = [(item, rule.side * sum(item.amounts.get(name, 0) for name in rule.amounts)) for item in items]
    if not rule.whole:
        yield from each
        return
    references = {item.reference for item in items}
    yield Item({}, reference=references.pop() if len(references) == 1 else ""), sum(amount for _, amount in each)


def _check(fact: Fact, key: str, items: Sequence[Item]) -> None:
    for item in items:
        unknown = sorted(set(item.amounts) - fact.amounts)
        if unknown:
            raise WrongAmounts(f"{fact.name} has no amount called {unknown[0]}", fact=fact.name, key=key)
        negative = sorted(name for name, amount in item.amounts.items() if amount < 0)
        if negative and not fact.signed:
            raise WrongAmounts(f"{fact.name} cannot take a negative {negative[0]}", fact=fact.name, key=key)
