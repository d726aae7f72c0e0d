"""The plans that ship, for each model: `operator` as it stands in default/; `syndication` and `both` put together from the same texts.

syndication/ holds only what is different where we are the seller. A failure or a flow that both models know under one name but in
other words stands in `both` twice: the channel's begins with `channel-`.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from entrepot.blueprint.blocks import Block, Section, changed, joined, parse, united
from entrepot.blueprint.files import Files, included
from entrepot.blueprint.lint.modes import OPENED, TOLD_BY_CHANNEL
from entrepot.blueprint.scoping import scoped_objects

Model = Literal["operator", "syndication", "both"]
MODELS: tuple[Model, ...] = get_args(Model)
FIRST = "entrepot.yaml"
CHANNEL = TOLD_BY_CHANNEL
OF_SELLERS = "  # --- where we are the seller\n"  # the heading of what a plan of both has from the seller's
CHANNELS = ("amazon-de", "walmart-us", "ebay-de", "channelengine", "mirakl-shop")  # systems on which we are the seller
BACK_OFFICE = "backoffice"  # the system that takes their orders

_HERE = Path(__file__).parent
_SHARED_SYSTEMS = ("pim", "erp")  # the back office stands where the operator has his OMS
_OPERATOR_TEAMS = ("marketplace-operations", "commerce-operations")

# Failure modes whose text is the same in both models, by the flow they belong to where we are the seller.
_SHARED_MODES: Mapping[str, str] = {
    mode: flow
    for flow, modes in {
        "listing-offer": ["ownership-fight"],
        "order-intake": ["duplicate-same-content", "duplicate-other-content", "address-refused", "incompatible-status", "gap-found"],
        "back-office-export": ["booking-unconfirmed"],
        "cancel-return-refund": ["refund-above-leg", "refund-before-ship", "refund-twice", "refund-never-posted", "return-without-refund",
                                 "refund-without-return", "partial-reversal", "chargeback-wrong-party"],
        "settlement-intake": ["commission-differs", "fee-unknown", "settlement-variance", "statement-unbalanced", "statement-missing",
                              "statement-late", "statement-reissued", "line-without-posting", "posting-without-line", "fx-residual",
                              "reserve-unreleased", "payout-differs"],
    }.items()
    for mode in modes
}  # fmt: skip


def account_of(channel: str) -> str:
    return f"{channel}/main"


def files_of(model: Model) -> Files:
    """The files of a model's plan by name, the first one first."""
    match model:
        case "operator":
            return _operator()
        case "syndication":
            return _syndication()
        case "both":
            return _both()


def _operator() -> Files:
    first = (_HERE / "default" / FIRST).read_text("utf-8")
    return {FIRST: first} | {name: (_HERE / "default" / name).read_text("utf-8") for name in included(first)}


def _own(name: str) -> str:
    return (_HERE / "syndication" / name).read_text("utf-8")


# --- syndication ---------------------------------------------------------------------------------------------------


def _syndication() -> Files:
    files = _operator()
    own = {name: _own(name) for name in files if (_HERE / "syndication" / name).exists()}
    return files | own | {
        "systems.yaml": _systems_of_seller(files["systems.yaml"], own["systems.yaml"]),
        "teams.yaml": _teams_of_seller(files["teams.yaml"]),
        "failures.yaml": _failures_of_seller(files["failures.yaml"], own["failures.yaml"]),
        "questions.yaml": own["questions.yaml"] + "\n" + str(parse(files["questions.yaml"])[-1]).lstrip("\n"),
    }  # fmt: skip


def _systems_of_seller(operators: str, own: str) -> str:
    shared = changed(parse(operators)[0], lambda block: block if block.name in _SHARED_SYSTEMS else None)
    systems, *rest = parse(own)
    return joined([united(systems, shared), *rest])


def _teams_of_seller(text: str) -> str:
    """Our staff runs no marketplace here: it acts as the seller that we are."""

    def ours(block: Block) -> Block | None:
        if block.name in _OPERATOR_TEAMS:
            return None
        return Block(block.name, block.text.replace("party: operator", "party: seller"), block.group)

    return joined(changed(section, ours) for section in parse(text))


def _failures_of_seller(operators: str, own: str) -> str:
    common, mine = parse(operators)[0], parse(own)[0]
    words = mine.named()

    def ours(block: Block) -> Block | None:
        if block.name in words:
            return Block(block.name, words[block.name].text, block.group)
        flow = _SHARED_MODES.get(block.name)
        if flow is None and "\n    flow: any\n" not in block.text and block.name not in OPENED:
            return None
        text = re.sub(r"(?m)^    flow: .*$", f"    flow: {flow or 'any'}", block.text)
        return Block(block.name, with_parties(text, "operator", "seller"), block.group)

    return str(united(changed(common, ours), mine))


def with_parties(text: str, old: str, new: str) -> str:
    """A failure's text with one party for another, in who corrects it and who may ask."""

    def swapped(found: re.Match[str]) -> str:
        names = [new if name == old else name for name in re.findall(r"[a-z-]+", found[2])]
        listed = ", ".join(dict.fromkeys(names))
        return f"{found[1]}[{listed}]" if found[2].startswith("[") else f"{found[1]}{listed}"

    return re.sub(r"(?m)^(    (?:corrects|requests): )(.+)$", swapped, text)


# --- both ----------------------------------------------------------------------------------------------------------


def _both() -> Files:
    files, other = _operator(), _syndication()
    twice = _told_twice(files, other)
    unite: Mapping[str, Callable[[Section, Section], Section]] = {
        "systems.yaml": united,
        "identifiers.yaml": _identifiers,
        "ownership.yaml": partial(scoped_objects, accounts=[account_of(channel) for channel in CHANNELS]),
        "mappings.yaml": united,
        "flows.yaml": partial(_channels, twice=twice, own=set(twice)),
        "failures.yaml": partial(_channels, twice=twice, own=set(parse(_own("failures.yaml"))[0].named())),
        "questions.yaml": united,
    }
    for name, how in unite.items():
        sections = {section.name: section for section in parse(other[name])}
        files[name] = joined(how(s, sections[s.name]) if s.name in sections else s for s in parse(files[name]))
    return files


def _told_twice(ours: Files, others: Files) -> Mapping[str, str]:
    """Names of flows and failure modes that each model tells in words of its own, and the channel's name of them."""
    told = _own("failures.yaml"), _own("flows.yaml")
    known = {block.name for name in ("failures.yaml", "flows.yaml") for block in parse(ours[name])[0].blocks}
    return {
        block.name: CHANNEL + block.name
        for text in told
        for block in parse(text)[0].blocks
        if block.name in known
    }  # fmt: skip


def _channels(ours: Section, others: Section, twice: Mapping[str, str], own: set[str]) -> Section:
    """Ours, then the channel's own entries; what both tell gets the channel's name, there and wherever it is referred to."""
    known = ours.named()
    added = [
        Block(twice.get(block.name, block.name), with_parties(_renamed(block, twice), "seller", "operator"), OF_SELLERS)
        for block in others.blocks
        if block.name not in known or block.name in own
    ]  # fmt: skip
    return ours.with_blocks([*ours.blocks, *added])


def _renamed(block: Block, twice: Mapping[str, str]) -> str:
    def renamed(found: re.Match[str]) -> str:
        return twice.get(found[0], found[0])

    lines = []
    for line in block.text.splitlines(keepends=True):
        refers = line.startswith((f"  {block.name}:", "    failures:", "    when_missed:"))
        lines.append(re.sub(r"[a-z][a-z-]+", renamed, line) if refers else line)
    return "".join(lines)


def _identifiers(ours: Section, others: Section) -> Section:
    """Each object's fields in our systems, then in the other model's."""
    theirs = others.named()

    def with_theirs(block: Block) -> Block:
        known = re.findall(r"([\w-]+): ", block.text.partition("{")[2])
        added = [f"{key}: {value}" for key, value in re.findall(r"([\w-]+): ([\w-]+)", theirs[block.name].text.partition("{")[2])
                 if key not in known]  # fmt: skip
        text = re.sub(
            r"(, environment_prefix|, financial|})", rf"{''.join(f', {one}' for one in added)}\1", block.text, count=1
        )
        return Block(block.name, text, block.group)

    return changed(ours, with_theirs)
