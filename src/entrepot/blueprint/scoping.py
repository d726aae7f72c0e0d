"""Two ownership sections as one: where we are the seller, in each channel's account, its rules stand in front of the marketplace's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entrepot.blueprint.blocks import Block, Section, changed

_LISTED = re.compile(r"    (create|consume): \[(.*)\]")
_FIELD = re.compile(r"""      ("\*"|[\w-]+):(?: (\{.*\}))?( #.*)?""")
_ITEM = re.compile(r"        - (\{.*)")
EVERY = '"*"'


@dataclass(frozen=True, slots=True)
class _Object:
    """One object's text: lines above its fields, and each field's rules as they are written."""

    lines: list[str]
    fields: dict[str, list[str]]

    def rules(self, field: str) -> list[str]:
        return self.fields.get(field) or self.fields[EVERY]


def scoped_objects(ours: Section, others: Section, accounts: Sequence[str]) -> Section:
    """Shape: rules are written on one line each. Our staff is `operator` in ours and `seller` in the other; here it is `operator`."""
    theirs = {name: _read(block.text) for name, block in others.named().items()}
    return changed(ours, lambda block: Block(block.name, _scoped(_read(block.text), theirs[block.name], accounts), block.group))  # fmt: skip


def _read(text: str) -> _Object:
    lines, fields, name = [], {}, ""  # type: list[str], dict[str, list[str]], str
    for line in text.rstrip("\n").split("\n"):
        if found := _FIELD.fullmatch(line):
            name = found[1]
            fields[name] = [found[2] + (found[3] or "")] if found[2] else []
        elif name and (found := _ITEM.fullmatch(line)):
            fields[name].append(found[1])
        else:
            lines.append(line)
    return _Object(lines, fields)


def _scoped(ours: _Object, theirs: _Object, accounts: Sequence[str]) -> str:
    out = [_with_listed(line, theirs.lines) for line in ours.lines]
    for field in _in_order(ours.fields, theirs.fields):
        mine = ours.rules(field)
        channels = [_here(rule, account) for account in accounts for rule in theirs.rules(field)]
        out += [f"      {field}:", *(f"        - {rule}" for rule in [*channels, *mine])]
    return "\n".join(out) + "\n"


def _in_order(ours: Mapping[str, object], theirs: Mapping[str, object]) -> list[str]:
    return [*(f for f in dict.fromkeys([*ours, *theirs]) if f != EVERY), EVERY]


def _with_listed(line: str, theirs: list[str]) -> str:
    """`create` and `consume` name the parties of both."""
    found = _LISTED.fullmatch(line)
    if found is None:
        return line
    [other] = [match[2] for their in theirs if (match := _LISTED.fullmatch(their)) and match[1] == found[1]]
    parties = dict.fromkeys([*found[2].split(", "), *_staff(other).split(", ")])
    return f"    {found[1]}: [{', '.join(parties)}]"


def _here(rule: str, account: str) -> str:
    """The channel's rule, of its account alone."""
    return "{where: {account: " + account + "}, " + _staff(rule.partition(" #")[0])[1:]


def _staff(text: str) -> str:
    return re.sub(r"\bseller\b", "operator", text)
