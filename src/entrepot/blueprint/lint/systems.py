"""E1xx: the model, systems, accounts, sellers, secrets, the way sellers are paid, what a channel gives us."""

from decimal import Decimal, InvalidOperation

from entrepot.blueprint.finding import Path
from entrepot.blueprint.hours import is_zone
from entrepot.blueprint.lint.look import Flaw, Flaws, Look, listed
from entrepot.blueprint.model import Account, Capture, FeedRule, System
from entrepot.blueprint.owning import OfferRule
from entrepot.blueprint.references import is_reference
from entrepot.blueprint.units import duration_text, parse_window

CAPTURES_RUN = frozenset({Capture.PER_LEG, Capture.WHEN_ALL_DECIDED})
OF_SELLERS = ("obligations", "buffer")  # keys that only an account we sell on has a use for
FEED_SCHEMES = ("file", "sftp", "s3")
PAYS_SELLERS = "payout"  # the object of the flow that needs a route


def check(look: Look) -> Flaws:
    environment = look.plan.environment
    for name, system in look.plan.systems.items():
        yield from _system(look, ("systems", name), system, environment)
    for name, account in look.plan.accounts.items():
        yield from _account(look, ("accounts", name), account)
    for name, feed in look.plan.feeds.items():
        yield from _feed(look, ("feeds", name), feed)
    if not look.has("sellers", "*"):
        yield Flaw("E113", ("sellers",), "the rule for every seller without one of his own is missing")


def _system(look: Look, here: Path, system: System, environment: str) -> Flaws:
    if system.environment != environment:
        words = f"{system.environment} beside {environment}: one blueprint runs in one environment"
        yield Flaw("E104", (*here, "environment"), words)
    for key, reference in system.secrets.items():
        if not is_reference(reference):
            where = (*here, "key") if key == "key" and system.key else (*here, "credentials", key)
            yield Flaw("E105", where, "a secret in clear")
    if system.url and "://" not in system.url and not is_reference(system.url):
        yield Flaw(
            "E106", (*here, "url"), f"“{system.url}” is neither an address with http:// or https:// nor env:NAME"
        )
    if system.url.startswith("http://") and system.environment == "production":
        yield Flaw("W102", (*here, "url"), "in production keys and orders would travel unencrypted")
    if not is_zone(system.timezone):
        yield Flaw("E114", (*here, "timezone"), f"“{system.timezone}” is not a time zone")
    yield from _connector(look, here, system)
    if look.whole >= {"accounts", "flows", "identifiers"} and system.name not in look.used:
        yield Flaw("W101", here, "no account, flow or identifier names this system")


def _connector(look: Look, here: Path, system: System) -> Flaws:
    """The system against the manifest of its connector."""
    if not look.facts:
        return
    facts = look.facts.get(system.connector)
    if facts is None:
        dangling = look.dangling(system.connector, (*here, "connector"), "connector", look.facts)
        yield Flaw("E108", dangling.path, dangling.message, dangling.fix)
        return
    if facts.party and system.party != facts.party:
        yield Flaw(
            "E117", (*here, "party"), f"connector {facts.name} speaks to a {facts.party}, not to a {system.party}"
        )
    if not facts.calls:
        return
    if not system.url and any(account.system == system.name for account in look.plan.accounts.values()):
        yield Flaw("E116", here, f"connector {facts.name} calls this system, and it has no address")
    for key in sorted(set(system.secrets) - facts.credentials):
        where = (*here, "key") if key == "key" and system.key else (*here, "credentials", key)
        dangling = look.dangling(key, where, f"credential of {facts.name} called", facts.credentials)
        yield Flaw("E109", where, dangling.message, dangling.fix)
    for key in sorted(facts.needed - set(system.secrets)):
        yield Flaw(
            "E109", here, f"connector {facts.name} needs the credential {key}", f"add credentials: {{{key}: env:NAME}}"
        )
    for key, other in sorted(facts.needed_once.items()):
        if other in system.secrets and key not in system.secrets:
            words = f"connector {facts.name} needs the credential {key} where {other} is given"
            yield Flaw("E109", (*here, "credentials"), words, f"add credentials: {{{key}: env:NAME}}")


def _account(look: Look, here: Path, account: Account) -> Flaws:
    yield from look.refer("systems", account.system, (*here, "system"))
    yield from look.refer("calendars", account.calendar, (*here, "calendar"))
    yield from _sweeps(look, here, account)
    yield from _limits(here, account)
    yield from _offer_rules(here, account)
    yield from _duties(look, here, account)
    if not look.at_market(account):
        return
    if account.model is None:
        yield Flaw("E101", here, "an account at a marketplace names its model")
    facts = look.connector(account.system)
    if facts and facts.models and account.model and account.model not in facts.models:
        words = f"connector {facts.name} does not speak for a {account.model} account"
        yield Flaw(
            "E110", (*here, "model"), words, f"write {listed(sorted(facts.models), 'or')}, or use another connector"
        )
    yield from _capture(here, account)
    if account.model == "operator":
        if account.commission is None:
            yield Flaw("E112", here, "without the agreed commission no statement can be checked")
        yield from _payout(look, here, account)
    yield from _acceptance(look, here, account)


def _feed(look: Look, here: Path, feed: FeedRule) -> Flaws:
    """A way for files to arrive leads somewhere, is open to somebody, and says whose files they are."""
    yield from look.refer("accounts", feed.account, (*here, "account"))
    if not feed.source and not feed.key:
        yield Flaw("E122", here, "neither a folder that is looked at nor a key to send files with")
    if feed.source and not (feed.source.startswith("/") or feed.source.partition("://")[0] in FEED_SCHEMES):
        words = f"“{feed.source}” is neither a whole path nor one of {listed([f'{name}://' for name in FEED_SCHEMES])}"
        yield Flaw("E122", (*here, "source"), words)
    if "@" in feed.source.partition("://")[2].partition("/")[0]:
        yield Flaw("E105", (*here, "source"), "an address with who signs in", "name them as references in credentials")
    if feed.source and feed.seller == "*":
        yield Flaw("E122", (*here, "seller"), "files that lie in a folder do not say whose they are", "name the seller")
    for key, reference in {**({"key": feed.key} if feed.key else {}), **feed.credentials}.items():
        if not is_reference(reference):
            yield Flaw("E105", (*here, *(() if key == "key" else ("credentials",)), key), "a secret in clear")


def _capture(here: Path, account: Account) -> Flaws:
    if "capture" not in account.model_fields_set:
        yield Flaw("E102", here, "an account at a marketplace names its capture policy, when the buyer is charged")
    elif account.model == "operator" and account.capture not in CAPTURES_RUN:
        yield Flaw("E103", (*here, "capture"), f"{account.capture} is not run by this version yet")


def _payout(look: Look, here: Path, account: Account) -> Flaws:
    pays = any(flow.object == PAYS_SELLERS and account.system in look.ends(flow) for flow in look.plan.flows.values())
    route = account.payout
    if route is None:
        if pays:
            yield Flaw("E107", here, "sellers are paid, and nobody says by whom and by what right")
    elif not (route.licensed_provider if route.by == "provider" else route.legal_basis):
        lacks = (
            "which licensed provider pays" if route.by == "provider" else "on which legal basis we hold sellers' money"
        )
        yield Flaw("E107", (*here, "payout"), f"it is not said {lacks}")


def _duties(look: Look, here: Path, account: Account) -> Flaws:
    """Where this channel gives us another time than its connector knows, and what is kept back from it."""
    facts = look.connector(account.system)
    for kind, within in account.obligations.items():
        where = (*here, "obligations", kind)
        if facts and facts.duties and kind not in facts.duties:
            told = look.dangling(kind, where, f"duty towards {facts.name} called", facts.duties)
            yield Flaw("E121", where, told.message, told.fix)
        try:
            window = parse_window(within)
        except ValueError:
            yield Flaw("E119", where, f"“{within}” is no time that a duty could be counted in")
            continue
        if isinstance(window, int) and account.calendar is None:
            yield Flaw("E120", where, f"{within} are counted, and nobody says which days count")
    if account.model == "syndication":
        return
    for key in OF_SELLERS:
        if key in account.model_fields_set:
            yield Flaw("W103", (*here, key), f"{key} is read where we are the seller, and here we are not")


def _acceptance(look: Look, here: Path, account: Account) -> Flaws:
    """The operator's window is one number: on the account, where orders are decided, and in the flow, where it is promised.

    A channel's own window is its operator's; our promise over all channels ends within it.
    """
    where = (*here, "acceptance_window")
    for flow in look.plan.flows.values():
        promise = flow.deadline
        if promise is None or promise.obligation != "acknowledge" or account.system not in look.sources(flow):
            continue
        ours, theirs = duration_text(account.acceptance_window), duration_text(promise.within)
        if account.model != "syndication":
            if account.acceptance_window != promise.within:
                yield Flaw("E115", where, f"{ours} here, but flow {flow.name} promises {theirs}")
        elif "acceptance_window" in account.model_fields_set and account.acceptance_window < promise.within:
            yield Flaw("E115", where, f"they wait {ours}, but flow {flow.name} promises {theirs}", f"promise {ours} or less there")  # fmt: skip


def _sweeps(look: Look, here: Path, account: Account) -> Flaws:
    facts = look.connector(account.system)
    if facts is None or not facts.calls:
        return
    for name, every in account.sweeps.items():
        where = (*here, "sweeps", name)
        if name not in facts.sweeps:
            dangling = look.dangling(name, where, f"safety check of {facts.name} called", facts.sweeps)
            yield Flaw("E111", where, dangling.message, dangling.fix)
            continue
        for ceiling in facts.ceilings.get(facts.sweeps[name], ()):
            least_s = ceiling.per_s / ceiling.calls
            if every.total_seconds() < least_s:
                words = f"every {duration_text(every)}, but {facts.sweeps[name]} may be called {_often(ceiling.calls, ceiling.per_s)}"
                yield Flaw("E309", where, words, f"write {least_s:g}s or more")
                break


def _often(calls: int, per_s: float) -> str:
    times = "once" if calls == 1 else f"{calls} times"
    return f"{times} in {per_s:g} s"


def _limits(here: Path, account: Account) -> Flaws:
    for category, limit in account.price_limits.items():
        where = (*here, "price_limits", category)
        floor, ceiling = _amount(limit.floor), _amount(limit.ceiling)
        for key, text, amount in (("floor", limit.floor, floor), ("ceiling", limit.ceiling, ceiling)):
            if text is not None and amount is None:
                yield Flaw(
                    "E118", (*where, key), f"“{text}” is not a price", 'write a price as people do, such as "21.00"'
                )
        if floor is not None and ceiling is not None and floor > ceiling:
            yield Flaw("E118", where, f"the floor {limit.floor} is above the ceiling {limit.ceiling}")


def _offer_rules(here: Path, account: Account) -> Flaws:
    """What no offer could keep."""
    everywhere = account.offer_rules.get("*", OfferRule())
    for category, rule in account.offer_rules.items():
        where = (*here, "offer_rules", category)
        for name, words in rule.values.items():
            others = everywhere.values.get(name, words)
            if not set(words) & set(others):
                yield Flaw("E123", (*where, "values", name), f"no {name} stands in this list and in that of `*`")
        if rule.image_begins and not any(one.startswith("https://") for one in rule.image_begins):
            yield Flaw(
                "E123", (*where, "image_begins"), "images are taken from https:// only", "write https:// in front"
            )


def _amount(text: str | None) -> Decimal | None:
    try:
        amount = Decimal(text or "")
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
