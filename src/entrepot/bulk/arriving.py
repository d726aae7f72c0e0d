"""The one way a seller's file is taken in, whichever door it came by: his mapping, the plan's rules, then take_in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from entrepot.blueprint.model import Plan
from entrepot.bulk import mapping_store
from entrepot.bulk.demands import book_of
from entrepot.bulk.mapping import FieldMap, by_names, mapping_of
from entrepot.bulk.mapping_store import ANY_SELLER, Saved
from entrepot.bulk.reading import SLICE_BYTES, Source, open_source
from entrepot.bulk.rules import Rulebook
from entrepot.bulk.service import Feed, Report, take_in
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import WrongSetting
from entrepot.ownership.compile import compile_rules
from entrepot.store.postgres.place import state_home


@dataclass(frozen=True, slots=True)
class Given:
    """What whoever hands a file in says of it. Empty: found out. `mapping`: instead of the seller's own."""

    complete: bool = False
    mapping: FieldMap | None = None
    delimiter: str = ""
    encoding: str = ""
    slice_bytes: int = SLICE_BYTES


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of it, and how it was read. `version`: of the saved mapping; None: the plan's, or by names."""

    report: Report
    source: Source
    feed: Feed
    version: int | None


@dataclass(frozen=True, slots=True)
class Understood:
    """A file opened with the words of its seller. Shape: `version` as in Taken."""

    source: Source
    mapping: FieldMap
    book: Rulebook
    version: int | None


def take_in_file(
    ctx: Ctx,
    plan: Plan,
    path: Path,
    account: str,
    seller: str,
    given: Given | None = None,
    *,
    home: Path | None = None,
    told: Callable[[int], None] = lambda rows: None,
    also: Callable[[Conn, Report, int | None], None] = lambda conn, report, version: None,
) -> Taken:
    """Take a seller's file in. `also`: what commits with it, given the report and the version of the mapping.

    Errors: Unreadable for a file of which nothing can be taken, now or ever; Busy while another file of this seller is
    applied; WrongSetting for an account or a mapping that is wrong.
    """
    given = given or Given()
    seen = understood(ctx, plan, path, account, seller, given)
    feed = Feed(account, seller, seen.mapping, seen.book, home or state_home(), given.complete, plan)
    report = take_in(ctx, seen.source, feed, told, lambda conn, found: also(conn, found, seen.version))
    return Taken(report, seen.source, feed, seen.version)


def understood(ctx: Ctx, plan: Plan, path: Path, account: str, seller: str, given: Given | None = None) -> Understood:
    """A file with the mapping that counts for it and the rules of the plan. Errors: Unreadable, WrongSetting."""
    given = given or Given()
    with ctx.db.transaction() as conn:
        saved = None if given.mapping else mapping_store.current(conn, account, seller)
    currency = rules_of(plan, account).currency
    mapping = given.mapping or chosen(plan, account, seller, saved, currency)
    expressions = tuple(mapping.expressions.values()) if mapping else ()
    source = open_source(
        path, delimiter=given.delimiter, encoding=given.encoding, slice_bytes=given.slice_bytes, expressions=expressions
    )
    channel = plan.account(account).channel
    mapping = mapping or by_names(source.layout.header, currency=currency, channel=channel)
    return Understood(source, mapping, rules_of(plan, account, mapping.decimal), saved.version if saved else None)


def chosen(plan: Plan, account: str, seller: str, saved: Saved | None, currency: str) -> FieldMap | None:
    """The saved version; without one, what the plan's feed says; None: by the names of the columns."""
    if saved is not None:
        where = f"mapping {saved.version} of {saved.seller} at {saved.account}"
        return mapping_of(saved.content, where, currency=currency)
    for name, feed in sorted(plan.feeds.items(), key=lambda one: one[1].seller == ANY_SELLER):
        if feed.account == account and feed.seller in (seller, ANY_SELLER) and feed.mapping is not None:
            return mapping_of(feed.mapping.model_dump(), f"feeds.{name}.mapping", currency=currency)
    return None


def rules_of(plan: Plan, account: str, decimal: str = ".") -> Rulebook:
    """The offer rules with the limits of the plan. Errors: WrongSetting for an account the plan does not have."""
    plan.account(account)
    limits = compile_rules(plan).accounts[account]
    return book_of(limits, decimal)


def operated(plan: Plan) -> list[str]:
    """The accounts whose sellers send us offers."""
    return sorted(name for name, one in plan.accounts.items() if one.model == "operator" and one.currency)


def account_named(plan: Plan, named: str) -> str:
    """Where a file goes when nobody says; there may be but one. Errors: WrongSetting."""
    ours = operated(plan)
    if named:
        if named not in plan.accounts:
            raise WrongSetting(f"the plan has no account {named}; it has {', '.join(sorted(plan.accounts))}")
        return named
    if len(ours) != 1:
        raise WrongSetting(f"say for which account: --account {'|'.join(ours) or 'NAME'}")
    return ours[0]
