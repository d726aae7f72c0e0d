"""Workbooks and JSON lines as the same rows a CSV has. They are turned over whole, in memory: larger ones are refused."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile, is_zipfile

from entrepot.bulk.refusals import Reason, Unreadable

WHOLE_MAX = 256 * 2**20
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
JSON_LINES = (".jsonl", ".ndjson")
EXPRESSION = "= "  # before an expression that is a column
UNREADABLE = "\ufffd"  # a row that holds it is refused as unreadable


def as_rows(path: Path, expressions: Sequence[str] = ()) -> IO[bytes] | None:
    """A workbook's first sheet or a file of JSON lines as CSV in UTF-8; None for what is text already.

    JSON lines: the first object is row 2, as if a header stood above it; columns in the order in which they first appear,
    then what each JMESPath expression finds, under `= expression`.
    Errors: Unreadable for one that is too large or no such file inside.
    """
    kind = path.suffix.lower()
    if kind not in (*WORKBOOKS, *JSON_LINES):
        return None
    if path.stat().st_size > WHOLE_MAX:
        raise Unreadable(Reason.TOO_LARGE, f"is larger than {WHOLE_MAX // 2**20} MB: send it as CSV", where=path.name)
    return _rows(_sheet(path)) if kind in WORKBOOKS else of_lines(path.read_bytes(), path, expressions)


def of_lines(content: bytes, path: Path, expressions: Sequence[str]) -> IO[bytes]:
    """JSON lines, as they came or unpacked, as CSV. Errors: Unreadable for an expression that is none."""
    text = content.decode("utf-8-sig", "replace")
    return _rows(_objects(text, _searches(path, expressions)))


def _rows(found: Iterable[Sequence[str]]) -> IO[bytes]:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(found)
    return io.BytesIO(out.getvalue().encode("utf-8", "replace"))


def _sheet(path: Path) -> Iterator[Sequence[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    if path.suffix.lower() != ".xls" and not is_zipfile(path):
        raise Unreadable(Reason.NO_WORKBOOK, "is no workbook", where=path.name)
    if is_zipfile(path) and _unpacks_to(path) > WHOLE_MAX:
        what = f"unpacks to more than {WHOLE_MAX // 2**20} MB: send it as CSV"
        raise Unreadable(Reason.TOO_LARGE, what, where=path.name)
    try:
        rows = CalamineWorkbook.from_path(os.fspath(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError) as error:
        what = f"is no workbook that can be read: {error}"
        raise Unreadable(Reason.NO_WORKBOOK, what, where=path.name) from error
    return ([_text(cell) for cell in row] if any(cell != "" for cell in row) else [] for row in rows)


def _unpacks_to(path: Path) -> int:
    with ZipFile(path) as parts:
        return sum(part.file_size for part in parts.infolist())


def _searches(path: Path, expressions: Sequence[str]) -> Mapping[str, Any]:
    """By the name of their column. Errors: Unreadable names the expression."""
    if not expressions:
        return {}
    import jmespath

    found = {}
    for one in expressions:
        try:
            found[f"{EXPRESSION}{one}"] = jmespath.compile(one)
        except jmespath.exceptions.JMESPathError as error:
            what = f"is read by an expression that is none, {one}: {' '.join(str(error).split())}"
            raise Unreadable(Reason.EXPRESSION, what, where=path.name) from error
    return found


def _objects(text: str, searches: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    found: list[dict[str, Any] | None] = []
    names: dict[str, None] = {}
    for line in text.replace("\r\n", "\n").split("\n"):
        one = _object(line) if line.strip() else {}
        names.update(dict.fromkeys(one or {}))
        found.append(one)
    yield [*names, *searches]
    for one in found:
        if one is None:
            yield [UNREADABLE]
        else:
            looked = (_searched(search, one) for search in searches.values())
            yield [*(_text(one.get(name)) for name in names), *looked] if one else []


def _searched(search: Any, one: dict[str, Any]) -> str:
    """What an expression finds in one object; nothing where it does not fit this object."""
    from jmespath.exceptions import JMESPathError

    try:
        return _text(search.search(one))
    except JMESPathError:
        return ""


def _object(line: str) -> dict[str, Any] | None:
    try:
        one = json.loads(line, parse_float=str, parse_int=str)  # numbers as they are written: no amount is rounded
    except (ValueError, RecursionError):
        return None
    return one if isinstance(one, dict) else None


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return json.dumps(cell, ensure_ascii=False) if isinstance(cell, dict | list) else str(cell)
