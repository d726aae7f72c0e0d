"""From a path to one document: a file, a file that includes others, or a folder that holds `entrepot.yaml`.

How a plan is split over files does not matter to what it says: sections are joined, and an entry stands in one place.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from entrepot.blueprint.finding import Findings, Position
from entrepot.blueprint.parse import Budget
from entrepot.blueprint.read import decoded, read
from entrepot.blueprint.tree import Document, Node, plain

MAIN = "entrepot.yaml"
INCLUDE = "include"
FILES_MAX = 64
_PATTERN = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Gathered:
    """What could be read of a plan. `files`: their names as findings tell them, in the order of reading."""

    name: str
    document: Document
    files: tuple[str, ...]


@dataclass
class _Gathering:
    folder: Path
    budget: Budget
    root: Node
    given: Path  # as the user wrote it
    files: list[str] = field(default_factory=list)

    @property
    def found(self) -> Findings:
        return self.budget.found

    def take(self, path: Path, chain: tuple[Path, ...], told_at: Position) -> None:
        """Read one file and what it includes into the root."""
        name = self._name(path)
        if len(self.files) >= FILES_MAX:
            self.found.add("E006", told_at, INCLUDE, f"a plan has at most {FILES_MAX} files", "join some of them")
            return
        raw = _bytes(path, self.budget.bytes_left)
        if isinstance(raw, str):
            words = (
                f"the blueprint {self.given} cannot be read: {raw}" if not chain else f"{name} cannot be read: {raw}"
            )
            code = "E019" if chain else "E001"
            self.found.add(code, told_at, INCLUDE if chain else (), words, "name a file that is there and may be read")
            return
        self.files.append(name)
        self.join(read(decoded(raw, name, self.found), name, self.budget), path, (*chain, path))

    def join(self, node: Node | None, path: Path, chain: tuple[Path, ...]) -> None:
        name = self._name(path)
        if node is None and any(told.file == name for told in self.found):
            return
        if node is None or not node.mapping:
            words = "a plan is a group of sections" if node is not None and node.value else "the file is empty"
            at = node.at if node is not None else Position(1, 1, name)
            self.found.add(
                "E013",
                at,
                (),
                f"{words}; it must hold the sections systems, accounts, teams, flows …",
                "begin with systems:",
            )
            return
        include = node.mapping.pop(INCLUDE, None)
        for section, entries in node.mapping.items():
            join_section(self.root, section, entries, node.keys[section], self.found)
        if include is not None:
            self._include(include, path, chain)

    def _include(self, node: Node, path: Path, chain: tuple[Path, ...]) -> None:
        names = node.value if isinstance(node.value, list) else [node]
        for one in names:
            if not isinstance(one.value, str):
                self.found.add(
                    "E016", one.at, INCLUDE, f"“{plain(one)}” is not the name of a file", "write include: [flows.yaml]"
                )
                continue
            for wanted in self._wanted(one.value, path.parent, one.at):
                self._one(wanted, chain, one.at)

    def _one(self, wanted: Path, chain: tuple[Path, ...], at: Position) -> None:
        if wanted in chain:
            round_ = " → ".join(self._name(step) for step in (*chain[chain.index(wanted) :], wanted))
            self.found.add(
                "E020", at, INCLUDE, f"the files include each other in a circle: {round_}", "leave out one of them"
            )
        elif self._name(wanted) in self.files:
            self.found.add("E020", at, INCLUDE, f"{self._name(wanted)} is included twice", "leave out one of the two")
        else:
            self.take(wanted, chain, at)

    def _wanted(self, word: str, beside: Path, at: Position) -> Iterator[Path]:
        """The files a word of `include` means, all of them inside the plan's folder."""
        outside = "files of a plan stand in its own folder"
        if not word or Path(word).is_absolute() or ".." in Path(word).parts:
            self.found.add(
                "E019", at, INCLUDE, f"“{word}” leads out of the plan's folder; {outside}", "move the file there"
            )
            return
        paths = [path for one in _meant(beside, word) if (path := _resolved(one)) is not None]
        if not paths:
            self.found.add("E019", at, INCLUDE, f"“{word}” names no file", "name a file that is there")
        for path in paths:
            if not path.is_relative_to(self.folder):
                self.found.add(
                    "E019", at, INCLUDE, f"“{word}” leads out of the plan's folder; {outside}", "move the file there"
                )
            elif not _is_there(path):
                near = get_close_matches(word[:60], [p.name for p in sorted(beside.glob("*.y*ml"))[:200]], n=1)
                self.found.add(
                    "E019",
                    at,
                    INCLUDE,
                    f"there is no file {word}",
                    f"did you mean {near[0]}?" if near else "name a file that is there",
                )
            else:
                yield path

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else path.name


def gather(path: Path, budget: Budget) -> Gathered:
    """Read a plan from the disk; whatever is wrong is in the budget's findings."""
    main = path / MAIN if _is_there(path, folder=True) else path
    resolved = _resolved(main) or main
    gathering = _Gathering(resolved.parent, budget, Node({}, Position(1, 1, main.name), {}), main)
    gathering.take(resolved if resolved.name == main.name else main, (), Position(1, 1, main.name))
    return Gathered(main.name, Document(gathering.root), tuple(gathering.files))


def gather_text(text: str, name: str, budget: Budget) -> Gathered:
    """As `gather`, from a text; it includes nothing."""
    gathering = _Gathering(Path(), budget, Node({}, Position(1, 1, name), {}), Path(name), [name])
    node = read(text, name, budget)
    include = node.keys.get(INCLUDE) if node is not None and node.mapping is not None else None
    if include is not None and node is not None and node.mapping is not None:
        del node.mapping[INCLUDE]
        budget.found.add("E019", include, INCLUDE, "a text that is no file includes nothing", "load the file itself")
    gathering.join(node, Path(name), ())
    return Gathered(name, Document(gathering.root), (name,))


def join_section(root: Node, section: str, entries: Node, at: Position, found: Findings) -> None:
    """Lay a section beside what other files say in it; what is said twice is told with both places, the first stays."""
    assert isinstance(root.value, dict)
    there = root.value.get(section)
    if there is None:
        root.value[section], root.keys[section] = _own(entries), at
    elif there.mapping is None or entries.mapping is None:
        if entries.value is not None:
            _twice(found, at, (section,), root.keys[section])
    else:
        for name, entry in entries.mapping.items():
            if name in there.mapping:
                _twice(found, entries.keys[name], (section, name), there.keys[name])
            else:
                there.mapping[name], there.keys[name] = entry, entries.keys[name]


def _own(node: Node) -> Node:
    """A node whose entries may be added to without changing what an alias of it stands for."""
    if node.mapping is None:
        return node
    return Node(dict(node.mapping), node.at, dict(node.keys), node.weight, node.broken)


def _twice(found: Findings, at: Position, path: tuple[str, ...], first: Position) -> None:
    words = f"“{path[-1]}” is named in {at.file} and in {first.file}:{first}"
    found.add("E021", at, path, words, "keep one of the two")


def _meant(beside: Path, word: str) -> list[Path]:
    """A name, or what a pattern finds in one folder, in the order of names."""
    if not _PATTERN & set(word):
        return [beside / word]
    if "**" in word:
        return []
    try:
        return sorted(islice(beside.glob(word), FILES_MAX + 1))
    except (OSError, ValueError):
        return []


def _is_there(path: Path, folder: bool = False) -> bool:
    """As the disk says; a name that no disk can hold is not there."""
    try:
        return path.is_dir() if folder else path.exists()
    except (OSError, ValueError):
        return False


def _resolved(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a link in a circle; a name with NUL
        return None


def _bytes(path: Path, most: int) -> bytes | str:
    """A file's content, or why there is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return raw
