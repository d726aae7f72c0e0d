"""What a workbook asks to change: per path of the plan, what stood there and what would; and all that is wrong with it, with its cell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from entrepot.blueprint.edit import GONE, changed_data
from entrepot.blueprint.finding import Path
from entrepot.blueprint.workshop import kinds
from entrepot.blueprint.workshop.book import Book, Line, Problem
from entrepot.blueprint.workshop.sheets import OWNERSHIP, REMOVE, SHEETS, Column, Data, Row, Sheet, rows_of, vocabulary

YES = ("x", "yes", "ja", "oui", "true", "1")


@dataclass(frozen=True, slots=True)
class Change:
    """`before` and `after` as the plan holds them; GONE: nothing. `cell`: who asked for it."""

    path: Path
    before: Any
    after: Any
    cell: str


@dataclass(slots=True)
class Asked:
    changes: dict[Path, Change] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # entries without a row: they stay as they are

    def put(self, path: Path, before: Any, after: Any, cell: str) -> None:
        if before != after:
            self.changes[path] = Change(path, before, after, cell)


def compare(data: Data, book: Book) -> Asked:
    """The plan's data against the workbook. Shape: what a cell says is only a change when it reads otherwise than the plan's own value would."""
    asked = Asked(problems=list(book.problems))
    words = vocabulary(_with_new_names(data, book))
    for sheet in SHEETS:
        if sheet.name in book.lines:
            _Sheet(sheet, data, words, asked).compare(book.lines[sheet.name])
    return asked


def _with_new_names(data: Data, book: Book) -> Data:
    """The plan's names and those of new rows: a new failure mode may be named by a flow of the same workbook."""
    known: dict[str, Any] = dict(data)
    for sheet in SHEETS:
        names = {line.texts.get(sheet.keys[0].title, "") for line in book.lines.get(sheet.name, ())}
        present = {name.casefold() for name in data.get(sheet.section) or ()}
        new = {name: None for name in names if name and name.casefold() not in present}
        known[sheet.section] = {**(data.get(sheet.section) or {}), **new}
    return known


class _Sheet:
    """One sheet's rows against the plan's."""

    def __init__(self, sheet: Sheet, data: Data, words: Mapping[str, tuple[str, ...]], asked: Asked) -> None:
        self.sheet, self.data, self.words, self.asked = sheet, data, words, asked
        self.rows = {_form(row.key): row for row in rows_of(sheet, data)}
        self.seen: dict[tuple[str, ...], Line] = {}
        self.regrouped: dict[Path, _Regrouped] = {}

    def compare(self, lines: list[Line]) -> None:
        for line in lines:
            key = self._key(line)
            if key is None:
                continue
            form = _form(key)
            if form in self.seen:
                self._problem(
                    line, self.sheet.keys[0].title, f"speaks of the same as row {self.seen[form].number}; keep one"
                )
                continue
            self.seen[form] = line
            row = self.rows.get(form)
            if line.texts.get(REMOVE, "").casefold() in YES:
                self._remove(line, row)
            elif row is not None:
                self._change(line, row)
            else:
                self._add(line, key)
        self._settle()
        left = [row for form, row in self.rows.items() if form not in self.seen]
        self.asked.missing += [f"{self.sheet.name}: {' '.join(row.key).strip()}" for row in left]

    def _key(self, line: Line) -> tuple[str, ...] | None:
        first, *rest = (line.texts.get(column.title, "") for column in self.sheet.keys)
        if not first:
            self._problem(
                line, self.sheet.keys[0].title, f"which {self.sheet.keys[0].title}? Write its name, or clear the row"
            )
            return None
        if "\n" in first or len(first) > 80:
            self._problem(line, self.sheet.keys[0].title, "is not a name")
            return None
        if rest:
            try:
                rest[1] = kinds.WHERE.render(kinds.WHERE.read(rest[1], ())) if rest[1] else ""
            except ValueError as error:
                self._problem(line, self.sheet.keys[2].title, str(error))
                return None
        return (first, *rest)

    def _problem(self, line: Line, title: str, message: str) -> None:
        self.asked.problems.append(Problem(line.where(title), message))

    # --- an entry that is there

    def _change(self, line: Line, row: Row) -> None:
        for column in self.sheet.columns:
            if column.title not in line.texts:
                continue
            if not self._belongs(column, row.key):
                self._stray(line, column, row.key)
                continue
            before = row.value(column)
            text = line.texts[column.title]
            if text == kinds.plain(kinds.safe(column.kind.render(before))):
                continue
            after = self._read(line, column)
            if after is not None:
                old = GONE if before is None else before
                self.asked.put((*row.path, *column.path), old, after, line.where(column.title))

    def _belongs(self, column: Column, key: tuple[str, ...]) -> bool:
        return self.sheet.name != OWNERSHIP or column.whole is (key[1] == "")

    def _stray(self, line: Line, column: Column, key: tuple[str, ...]) -> None:
        if line.texts[column.title]:
            where = (
                "of an object as a whole: write it in the row without a field"
                if column.whole
                else "of a field: name one, or *"
            )
            self._problem(line, column.title, f"“{column.title}” is {where}")

    def _read(self, line: Line, column: Column) -> Any:
        """The cell as the plan would hold it; GONE when it is empty; None when it cannot be read, which is said."""
        text = line.texts.get(column.title, "")
        if not text:
            return GONE
        try:
            return column.kind.read(text, self._known(column))
        except ValueError as error:
            self._problem(line, column.title, str(error))
            return None

    def _known(self, column: Column) -> tuple[str, ...]:
        return () if column.kind is kinds.TEXT else self.words.get(column.words, ())

    # --- an entry that goes, or comes

    def _remove(self, line: Line, row: Row | None) -> None:
        if row is None:
            self._problem(line, REMOVE, "there is nothing of this name to take away")
        elif self.sheet.name == OWNERSHIP and row.key[1]:
            self._regroup(row.path, line.where(REMOVE)).gone.append(row.entry)
        else:
            self.asked.put(row.path, row.entry, GONE, line.where(REMOVE))

    def _add(self, line: Line, key: tuple[str, ...]) -> None:
        entry: dict[str, Any] = {"where": kinds.WHERE.read(key[2], ())} if len(key) > 2 and key[2] else {}
        for column in self.sheet.columns:
            if not self._belongs(column, key):
                self._stray(line, column, key)
            elif (value := self._read(line, column)) is not None and value is not GONE:
                _nest(entry, column.path, value)
        cell = line.where(self.sheet.keys[0].title)
        name = self._own_spelling(key[0])
        if self.sheet.name == OWNERSHIP and key[1]:
            self._regroup((self.sheet.section, name, "fields", key[1]), cell).new.append(entry)
        else:
            self.asked.put((self.sheet.section, name), GONE, entry, cell)

    def _own_spelling(self, name: str) -> str:
        known = self.data.get(self.sheet.section) or ()
        return next((one for one in known if one.casefold() == name.casefold()), name)

    def _regroup(self, path: Path, cell: str) -> "_Regrouped":
        """A field's rules stand in one list: what comes and what goes is put together at the end."""
        whole = path[:4]  # ownership, object, fields, field
        return self.regrouped.setdefault(whole, _Regrouped(cell))

    def _settle(self) -> None:
        """Rules with a scope stand before the one that counts everywhere: the first that fits decides."""
        for path, group in self.regrouped.items():
            before = _found(self.data, path)
            inner = {p[len(path) :]: c.after for p, c in self.asked.changes.items() if p[: len(path)] == path}
            rules = _rules(before, inner, group.gone)
            scoped = [rule for rule in group.new if "where" in rule]
            rules = [*scoped, *rules, *(rule for rule in group.new if "where" not in rule)]
            self.asked.changes = {p: c for p, c in self.asked.changes.items() if p[: len(path)] != path}
            self.asked.put(path, before, rules[0] if len(rules) == 1 else rules or GONE, group.cell)


@dataclass(slots=True)
class _Regrouped:
    cell: str
    new: list[dict[str, Any]] = field(default_factory=list)
    gone: list[Any] = field(default_factory=list)


def _found(data: Any, path: Path) -> Any:
    for part in path:
        data = data.get(part, GONE) if isinstance(data, dict) else GONE
    return data


def _rules(before: Any, inner: Mapping[Path, Any], gone: list[Any]) -> list[Any]:
    """The rules that stay, with the cells that were changed in them."""
    rules = before if isinstance(before, list) else [] if before is GONE else [before]
    stay = []
    for index, rule in enumerate(rules):
        if any(rule is one for one in gone):
            continue
        mine = {
            (p[1:] if isinstance(before, list) else p): v
            for p, v in inner.items()
            if not isinstance(before, list) or p[0] == index
        }
        stay.append(changed_data(rule, mine))
    return stay


def _nest(entry: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        entry = entry.setdefault(part, {})
    entry[path[-1]] = value


def _form(key: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(" ".join(part.casefold().split()) for part in key)
