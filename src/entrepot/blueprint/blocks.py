"""A plan's text as blocks: each section's entries with the comments that stand above them, so that plans can be put together from one text."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

_SECTION = re.compile(r"([a-z_]+):\s*(#.*)?")
_ENTRY = re.compile(r"""  (?:"([^"]+)"|([^\s"#][^\s:]*)):(?=\s|$)""")
_GROUP = re.compile(r"  # --- ")


@dataclass(frozen=True, slots=True)
class Block:
    """One entry. `group`: the heading it stands under; `text`: its own lines, comments above it included."""

    name: str
    text: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """`head`: comments above it and its own line; `tail`: what stands after the last entry."""

    name: str
    head: str
    blocks: tuple[Block, ...] = ()
    tail: str = ""

    def named(self) -> Mapping[str, Block]:
        return {block.name: block for block in self.blocks}

    def with_blocks(self, blocks: Iterable[Block]) -> "Section":
        return replace(self, blocks=tuple(blocks))

    def __str__(self) -> str:
        """The text again; a group's heading stands once, above the first entry that is left of it."""
        lines, group = [self.head], ""
        for block in self.blocks:
            if block.group and block.group != group:
                lines.append(block.group)
            group = block.group or group
            lines.append(block.text)
        return "".join([*lines, self.tail])


@dataclass(slots=True)
class _Open:
    """A section while its lines are read."""

    name: str
    head: str
    blocks: list[Block] = field(default_factory=list)
    group: str = ""
    waiting: str = ""  # comments that belong to what comes next


def parse(text: str) -> list[Section]:
    """Cut a file into its sections. Shape: entries at two spaces, what they hold deeper; that is how the shipped plans are written."""
    done: list[Section] = []
    above, current = "", None
    for line in text.splitlines(keepends=True):
        found = _SECTION.fullmatch(line.rstrip())
        if found:
            done += _closed(current)
            current, above = _Open(found[1], above + line), ""
        elif current is None or line.startswith("#") or not line.strip():
            above += line
        elif above and current:
            current.waiting, above = current.waiting + above + line, ""
        else:
            _take(current, line)
    return [*done, *_closed(current, above)]


def _take(current: _Open, line: str) -> None:
    if _GROUP.match(line):
        current.group = line
    elif line.startswith("  #"):
        current.waiting += line
    elif found := _ENTRY.match(line):
        current.blocks.append(Block(found[1] or found[2], current.waiting + line, current.group))
        current.waiting = ""
    elif current.blocks:
        last = current.blocks[-1]
        current.blocks[-1] = replace(last, text=last.text + current.waiting + line)
        current.waiting = ""
    else:
        current.head += line


def _closed(current: _Open | None, rest: str = "") -> list[Section]:
    return [Section(current.name, current.head, tuple(current.blocks), current.waiting + rest)] if current else []


def joined(sections: Iterable[Section]) -> str:
    return "".join(str(section) for section in sections)


def changed(section: Section, change: Callable[[Block], Block | None]) -> Section:
    """A section with every block changed; None leaves it out."""
    return section.with_blocks(block for old in section.blocks if (block := change(old)) is not None)


def united(ours: Section, others: Section) -> Section:
    """Our entries, then those of the other that we have not."""
    known = ours.named()
    return ours.with_blocks([*ours.blocks, *(block for block in others.blocks if block.name not in known)])
