"""Workbooks and JSON lines as the same rows a CSV has. They are turned over whole, in memory: larger ones are refused."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time, timedelta
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile, is_zipfile

from entrepot.kernel.errors import WrongSetting

WHOLE_MAX = 256 * 2**20
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
JSON_LINES = (".jsonl", ".ndjson")
UNREADABLE = "\ufffd"  # a row that holds it is refused as unreadable


def as_rows(path: Path) -> IO[bytes] | None:
    """A workbook's first sheet or a file of JSON lines as CSV in UTF-8; None for what is text already.

    JSON lines: the first object is row 2, as if a header stood above it; columns in the order in which they first appear.
    Errors: WrongSetting for one that is too large or no such file inside.
    """
    kind = path.suffix.lower()
    if kind not in (*WORKBOOKS, *JSON_LINES):
        return None
    if path.stat().st_size > WHOLE_MAX:
        raise WrongSetting(f"{path} is larger than {WHOLE_MAX // 2**20} MB: send it as CSV")
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(_sheet(path) if kind in WORKBOOKS else _objects(path))
    return io.BytesIO(out.getvalue().encode("utf-8", "replace"))


def _sheet(path: Path) -> Iterator[Sequence[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    if path.suffix.lower() != ".xls" and not is_zipfile(path):
        raise WrongSetting(f"{path} is no workbook")
    if is_zipfile(path) and _unpacks_to(path) > WHOLE_MAX:
        raise WrongSetting(f"{path} unpacks to more than {WHOLE_MAX // 2**20} MB: send it as CSV")
    try:
        rows = CalamineWorkbook.from_path(os.fspath(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError) as error:
        raise WrongSetting(f"{path} is no workbook that can be read: {error}") from error
    return ([_text(cell) for cell in row] if any(cell != "" for cell in row) else [] for row in rows)


def _unpacks_to(path: Path) -> int:
    with ZipFile(path) as parts:
        return sum(part.file_size for part in parts.infolist())


def _objects(path: Path) -> Iterable[Sequence[str]]:
    found: list[dict[str, Any] | None] = []
    names: dict[str, None] = {}
    for line in path.read_text("utf-8-sig", "replace").split("\n"):
        one = _object(line) if line.strip() else {}
        names.update(dict.fromkeys(one or {}))
        found.append(one)
    yield list(names)
    for one in found:
        if one is None:
            yield [UNREADABLE]
        else:
            yield [_text(one.get(name)) for name in names] if one else []


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
