"""A plan for a company that has no PIM, no OMS or no ERP: another system stands in where records went, its own people where it owned."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from entrepot.blueprint.blocks import changed, joined, parse
from entrepot.blueprint.files import Files
from entrepot.blueprint.questions import BACK_OFFICE
from entrepot.blueprint.templates import Model, with_parties

# Whose rights it is when the system is not there: the seller describes his goods, finance keeps the books, our staff does the rest.
_OWNERS: Mapping[Model, Mapping[str, str]] = {
    "operator": {"pim": "seller", "oms": "operator", "erp": "finance"},
    "both": {"pim": "seller", "oms": "operator", "erp": "finance"},
    "syndication": {"pim": "seller", "oms": "seller", "erp": "seller"},
}
_CHANNEL_RULE = "{where: {account: "
_LIST = re.compile(r"\[([\w@, -]*)\]")
_KEY = r"(?<![\w-]){name}: "


def without(model: Model, files: Files, missing: Iterable[str]) -> Files:
    """The files with these of `pim`, `oms`, `erp` taken out of systems, identifiers, ownership, flows and failures."""
    gone = [name for name in BACK_OFFICE if name in set(missing)]
    for name in gone:
        other, owner = _stand_in(model, name, gone), _OWNERS[model][name]
        steps: Mapping[str, Callable[[str], str]] = {
            "systems.yaml": partial(_no_block, name=name),
            "identifiers.yaml": partial(_each_line, change=partial(_key, name=name, other=other)),
            "ownership.yaml": partial(_each_line, change=partial(_rule, name=name, owner=owner)),
            "flows.yaml": partial(_each_line, change=partial(_flow, name=name, other=other, owner=owner)),
            "failures.yaml": partial(with_parties, old=name, new=owner),
        }
        files = {file: steps[file](text) if file in steps else text for file, text in files.items()}
    if model == "operator" and {"oms", "erp"} <= set(gone):  # nobody is left behind a middleware
        files |= {"flows.yaml": files["flows.yaml"].replace("pattern: middleware\n", "pattern: file\n")}
    return files | {"identifiers.yaml": _each_line(files["identifiers.yaml"], _joining)} if gone else files


def _stand_in(model: Model, name: str, gone: list[str]) -> str:
    """Which system takes the records: the marketplace or the storefront where we host one, else the other of OMS and ERP."""
    if model == "operator":
        return "storefront" if name == "oms" else "mirakl-fr"
    return next(other for other in ("erp", "oms") if other not in gone)


def _no_block(text: str, name: str) -> str:
    systems, *rest = parse(text)
    return joined([changed(systems, lambda block: None if block.name == name else block), *rest])


def _each_line(text: str, change: Callable[[str], str]) -> str:
    """Every line without its comment, which stays."""
    lines = []
    for line in text.splitlines(keepends=True):
        words, mark, comment = line.partition(" #")
        lines.append((words if words.lstrip().startswith("#") else change(words)) + mark + comment)
    return "".join(lines)


def _key(line: str, name: str, other: str) -> str:
    """A key of a group on one line: the stand-in's when it has none there, else gone."""
    if not re.search(_KEY.format(name=other), line):
        return re.sub(_KEY.format(name=name), f"{other}: ", line)
    line = re.sub(_KEY.format(name=name) + r"[\w-]+, ", "", line)
    return re.sub(r",? ?" + _KEY.format(name=name) + r"[\w-]+(?=})", "", line)


def _joining(line: str) -> str:
    """An identifier that only one system knows joins nothing: it goes."""
    keys = set(re.findall(r"([\w-]+): [\w-]+", line.partition("{")[2])) - {"environment_prefix", "financial"}
    return line if not line.startswith("  ") or len(keys) > 1 else ""


def _rule(line: str, name: str, owner: str) -> str:
    here = "operator" if _CHANNEL_RULE in line else owner
    return _words(line, name, here)


def _words(line: str, name: str, other: str) -> str:
    """One word for another in lists and as a value, each list without repetitions."""
    line = re.sub(rf"(?<=: ){name}(?![\w:-])", other, line)
    return _LIST.sub(lambda found: f"[{_listed(found[1], name, other)}]", line)


def _listed(text: str, name: str, other: str) -> str:
    words = [other if word == name else word for word in text.split(", ")]
    return ", ".join(dict.fromkeys(words))


def _flow(line: str, name: str, other: str, owner: str) -> str:
    if line.startswith("    decider:"):
        return _words(line, name, owner)
    if line.startswith(("    from:", "    to:")):
        return _words(line, name, other)
    return _key(line, name, other) if line.startswith("    degraded:") else line
