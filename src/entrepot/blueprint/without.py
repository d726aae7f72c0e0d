"""A plan for a company that has no PIM, no OMS or no ERP, or does not sell on every channel.

Where a system of ours is gone, another stands in where records went, its own people where it owned. A channel is simply left out.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from entrepot.blueprint.blocks import Block, changed, joined, parse
from entrepot.blueprint.files import Files
from entrepot.blueprint.templates import BACK_OFFICE, CHANNELS, OF_SELLERS, Model, account_of, with_parties

OUR_SYSTEMS = ("pim", "oms", "erp")

# Whose rights it is when the system is not there: the seller describes his goods, finance keeps the books, our staff does the rest.
_OWNERS: Mapping[Model, Mapping[str, str]] = {
    "operator": {"pim": "seller", "oms": "operator", "erp": "finance"},
    "both": {"pim": "seller", "oms": "operator", "erp": "finance"},
    "syndication": {"pim": "seller", "erp": "seller"},
}
_CHANNEL_RULE = "{where: {account: "
_LIST = re.compile(r"\[([\w@, -]*)\]")
_KEY = r"(?<![\w-]){name}: "

Step = Callable[[str], str]


def without(model: Model, files: Files, missing: Iterable[str]) -> Files:
    """The files with these of `pim`, `oms`, `erp` taken out of systems, identifiers, ownership, flows and failures."""
    gone = [name for name in OUR_SYSTEMS if name in set(missing) and name in _OWNERS[model]]
    for name in gone:
        other, owner = _stand_in(model, name, gone), _OWNERS[model][name]
        steps: Mapping[str, Step] = {
            "systems.yaml": partial(_no_block, gone={name}),
            "identifiers.yaml": partial(_each_line, change=partial(_key, name=name, other=other)),
            "ownership.yaml": partial(_each_line, change=partial(_rule, name=name, owner=owner, model=model)),
            "flows.yaml": partial(_each_block, change=partial(_flow, name=name, other=other, owner=owner)),
            "failures.yaml": partial(_each_block, change=partial(_mode, name=name, owner=owner)),
        }
        files = _stepped(files, steps)
    if model == "operator" and {"oms", "erp"} <= set(gone):  # nobody is left behind a middleware
        files |= {"flows.yaml": files["flows.yaml"].replace("pattern: middleware\n", "pattern: file\n")}
    return files | {"identifiers.yaml": _each_line(files["identifiers.yaml"], _joining)} if gone else files


def without_channels(files: Files, missing: Iterable[str]) -> Files:
    """The files with these channels taken out of all of them."""
    gone = {name for name in missing if name in CHANNELS}
    left = [name for name in CHANNELS if name not in gone]
    if not gone:
        return files
    steps: Mapping[str, Step] = {
        "systems.yaml": partial(_no_block, gone={*gone, *map(account_of, gone)}),
        "identifiers.yaml": partial(_each_line, change=partial(_no_keys, gone=gone)),
        "ownership.yaml": partial(_each_line, change=partial(_no_rule, gone=gone)),
        "flows.yaml": partial(_each_line, change=partial(_no_end, gone=gone, left=left)),
        "mappings.yaml": partial(_no_table, gone=gone),
        "questions.yaml": partial(_each_line, change=partial(_asked_of, gone=gone, left=left)),
    }
    files = _stepped(files, steps)
    return files | {
        "systems.yaml": _used_calendars(files["systems.yaml"]),
        "identifiers.yaml": _each_line(files["identifiers.yaml"], _joining),
    }


def _stepped(files: Files, steps: Mapping[str, Step]) -> Files:
    return {file: steps[file](text) if file in steps else text for file, text in files.items()}


def _stand_in(model: Model, name: str, gone: list[str]) -> str:
    """Which system takes the records: where we host a storefront, it or the marketplace, else the back office, or the other of OMS and ERP."""
    if model == "operator":
        return "storefront" if name == "oms" else "mirakl-fr"
    return BACK_OFFICE if model == "syndication" else next(other for other in ("erp", "oms") if other not in gone)


def _no_block(text: str, gone: set[str]) -> str:
    return joined(changed(section, lambda block: None if block.name in gone else block) for section in parse(text))


def _each_block(text: str, change: Callable[[Block], str]) -> str:
    return joined(changed(s, lambda block: Block(block.name, change(block), block.group)) for s in parse(text))


def _each_line(text: str, change: Step) -> str:
    """Every line without its comment, which stays."""
    lines = []
    for line in text.splitlines(keepends=True):
        words, mark, comment = line.partition(" #")
        done = words if words.lstrip().startswith("#") else change(words)
        lines.append(done + mark + comment if done else "")
    return "".join(lines)


def _key(line: str, name: str, other: str) -> str:
    """A key of a group on one line: the stand-in's when it has none there, else gone."""
    if not re.search(_KEY.format(name=other), line):
        return re.sub(_KEY.format(name=name), f"{other}: ", line)
    return _no_keys(line, {name})


def _no_keys(line: str, gone: set[str]) -> str:
    """A group on one line without these keys."""
    for name in sorted(gone):
        line = re.sub(_KEY.format(name=name) + r"[\w-]+, ", "", line)
        line = re.sub(r",? ?" + _KEY.format(name=name) + r"[\w-]+(?=})", "", line)
    return line


def _joining(line: str) -> str:
    """An identifier that only one system knows joins nothing: it goes."""
    keys = set(re.findall(r"([\w-]+): [\w-]+", line.partition("{")[2])) - {"environment_prefix", "financial"}
    return line if not line.startswith("  ") or len(keys) > 1 else ""


def _rule(line: str, name: str, owner: str, model: Model) -> str:
    """Where there is a back office beside it, an OMS that is gone takes nothing from who acts for the channels."""
    of_channel = _CHANNEL_RULE in line
    if model == "both" and name == "oms" and (of_channel or line.startswith(("    create:", "    consume:"))):
        return line
    return _words(line, name, "operator" if of_channel else owner)


def _words(line: str, name: str, other: str) -> str:
    """One word for another in lists and as a value, each list without repetitions."""
    line = re.sub(rf"(?<=: ){name}(?![\w:-])", other, line)
    return _LIST.sub(lambda found: f"[{_listed(found[1], name, other)}]", line)


def _listed(text: str, name: str, other: str) -> str:
    words = [other if word == name else word for word in text.split(", ")]
    return ", ".join(dict.fromkeys(words))


def _flow(block: Block, name: str, other: str, owner: str) -> str:
    """In a channel's flow the back office stands in, and goes on deciding."""
    with_back_office = f"{BACK_OFFICE}:" in block.text
    if with_back_office and name == "oms":
        return block.text
    here = BACK_OFFICE if with_back_office else other
    text = _each_line(block.text, partial(_flow_line, name=name, other=here, owner=owner))
    if with_back_office and text != block.text:  # nobody is left behind a middleware
        text = text.replace("    pattern: middleware\n", "    pattern: direct-api\n")
    return text


def _flow_line(line: str, name: str, other: str, owner: str) -> str:
    if line.startswith("    decider:"):
        return _words(line, name, owner)
    if line.startswith(("    from:", "    to:")):
        return _words(line, name, other)
    return _key(line, name, other) if line.startswith("    degraded:") else line


def _mode(block: Block, name: str, owner: str) -> str:
    if name == "oms" and block.group == OF_SELLERS:
        return block.text
    return with_parties(block.text, name, owner)


# --- channels ------------------------------------------------------------------------------------------------------


def _no_rule(line: str, gone: set[str]) -> str:
    found = re.search(r"\{where: \{account: ([\w/-]+)\}", line)
    return "" if found and found[1] in set(map(account_of, gone)) else line


def _no_end(line: str, gone: set[str], left: list[str]) -> str:
    """A flow that none of its channels is left of goes on with one that is there."""
    if line.startswith(("    from:", "    to:")):
        return _LIST.sub(lambda found: f"[{', '.join(_left(found[1], gone) or left[:1])}]", line)
    card = re.match(r"    degraded: \{([\w-]+): ([\w-]+)", line)
    if card is None:
        return line
    line = _no_keys(line, gone)
    if card[1] in gone and not any(f"{name}: " in line for name in left):
        line = line.replace("{", f"{{{left[0]}: {card[2]}, ", 1)
    return line


def _left(words: str, gone: set[str]) -> list[str]:
    return [word for word in words.split(", ") if word not in gone]


def _no_table(text: str, gone: set[str]) -> str:
    def kept(block: Block) -> Block | None:
        found = re.search(r"(?m)^    system: (\S+)$", block.text)
        return None if found and found[1] in gone else block

    return joined(changed(section, kept) for section in parse(text))


def _asked_of(line: str, gone: set[str], left: list[str]) -> str:
    for name in gone:
        line = line.replace(f"accounts.{account_of(name)}.", f"accounts.{account_of(left[0])}.")
    return line


def _used_calendars(text: str) -> str:
    """Calendars that an account or a deadline goes by: those of the seller's other countries go with their channel."""
    used = set(re.findall(r"\bcalendar: (\w+)", text)) | {"DE", "FR"}
    return joined(
        changed(s, lambda block: block if block.name in used else None) if s.name == "calendars" else s
        for s in parse(text)
    )
