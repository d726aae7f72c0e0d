"""Set-based writes: one statement for any number of rows, by `unnest` of one array per column (100 × a statement per row, measured).

Arrays travel as texts joined here: psycopg's own dumper looks at every element (5 × as slow, measured). Bytes travel in binary.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.errors import OurBug

STATEMENTS_MAX = 512
_BINARY = "%b"  # psycopg's placeholder for a parameter sent in binary

_TYPES: dict[
    str, dict[str, str]
] = {}  # table -> column -> PostgreSQL type; the schema does not change while a process runs


def column_types(conn: Conn, table: str) -> dict[str, str]:
    if table not in _TYPES:
        rows = conn.execute(
            "SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            (table,),
        ).fetchall()
        _TYPES[table] = {row["attname"]: row["type"] for row in rows}
    return _TYPES[table]


def insert_rows(
    conn: Conn, table: str, rows: Sequence[Mapping[str, Any]], on_conflict: str = "", returning: str = ""
) -> list[Row]:
    """INSERT any number of rows of equal shape, in their order. `on_conflict` and `returning` are literal SQL of ours."""
    if not rows:
        return []
    names, types = _shape(conn, table, rows)
    cursor = conn.execute(_insert(table, names, types, on_conflict, returning), _arrays(rows, names, types))
    return cursor.fetchall() if returning else []


def insert_columns(conn: Conn, table: str, names: Sequence[str], columns: Sequence[Sequence[Any]]) -> None:
    """As `insert_rows`, from one sequence of values per column: no dict per row on the way."""
    if not columns or not columns[0]:
        return
    types = tuple(column_types(conn, table)[name] for name in names)
    arrays = [_array(column, type_) for column, type_ in zip(columns, types, strict=True)]
    conn.execute(_insert(table, tuple(names), types, "", ""), arrays)


def update_rows(conn: Conn, table: str, rows: Sequence[Mapping[str, Any]], key: str = "id") -> int:
    """UPDATE rows of equal shape by `key`; returns how many were found."""
    if not rows:
        return 0
    names, types = _shape(conn, table, rows)
    return conn.execute(_update(table, names, types, key), _arrays(rows, names, types)).rowcount


def _shape(conn: Conn, table: str, rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Column names, and their types in the database."""
    names = tuple(rows[0])
    if any(len(row) != len(names) for row in rows):
        raise OurBug(f"rows for {table} differ in their columns", table=table)
    known = column_types(conn, table)
    return names, tuple(known[name] for name in names)


@lru_cache(STATEMENTS_MAX)
def _insert(table: str, names: Sequence[str], types: Sequence[str], on_conflict: str, returning: str) -> str:
    ending = f"{on_conflict} RETURNING {returning}" if returning else on_conflict
    return f"INSERT INTO {_id(table)} ({_ids(names)}) SELECT * FROM {_unnest(types)} {ending}"


@lru_cache(STATEMENTS_MAX)
def _update(table: str, names: Sequence[str], types: Sequence[str], key: str) -> str:
    changes = ", ".join(f"{_id(name)} = v.{_id(name)}" for name in names if name != key)
    source = f"{_unnest(types)} AS v ({_ids(names)})"
    return f"UPDATE {_id(table)} AS t SET {changes} FROM {source} WHERE t.{_id(key)} = v.{_id(key)}"


def _unnest(types: Sequence[str]) -> str:
    arrays = ((_BINARY if type_ == "bytea" else "%s") + f"::{type_}[]" for type_ in types)
    return f"unnest({', '.join(arrays)})"


def _id(name: str) -> str:
    return sql.Identifier(name).as_string()


def _ids(names: Sequence[str]) -> str:
    return ", ".join(map(_id, names))


def _arrays(rows: Sequence[Mapping[str, Any]], names: Sequence[str], types: Sequence[str]) -> list[Any]:
    return [_array([row[name] for row in rows], type_) for name, type_ in zip(names, types, strict=True)]


def _array(values: Sequence[Any], type_: str) -> Any:
    encode: Callable[[Sequence[Any]], Any] = _ENCODERS.get(type_, _others)
    return encode(values)


# ── one column as the text of a PostgreSQL array ─────────────────────────────────────────────────────────────


def texts(values: Sequence[str | None]) -> str:
    """For a placeholder of type text[]: what psycopg's own dumper makes of a list, sooner."""
    return _texts(values)


def instants(values: Sequence[datetime | None]) -> str:
    """For a placeholder of type timestamptz[]."""
    return _others(values)


def numbers(values: Sequence[int | None]) -> str:
    """For a placeholder of an array of whole numbers."""
    return _numbers(values)


def _texts(values: Sequence[str | None]) -> str:
    if None not in values:
        joined = '","'.join(values)  # type: ignore[arg-type]  # no None among them
        if "\\" not in joined and joined.count('"') == 2 * (len(values) - 1):
            return '{"' + joined + '"}'
    return "{" + ",".join("NULL" if value is None else _quoted(value) for value in values) + "}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _numbers(values: Sequence[Any]) -> str:
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"


def _others(values: Sequence[Any]) -> str:
    """Instants, dates: PostgreSQL reads them as Python writes them. Rows of one batch share many: written once each."""
    written: list[str | None] = []
    last: Any = None
    text: str | None = None
    for value in values:
        if value is not last:
            last, text = value, None if value is None else str(value)
        written.append(text)
    return _texts(written)


def _documents(values: Sequence[Any]) -> str:
    return _texts([None if value is None else _document(value) for value in values])


def _document(value: Any) -> str:
    if value == {}:  # most details
        return "{}"
    return json.dumps(value.obj if isinstance(value, Jsonb) else value)


def _as_they_are(values: Sequence[Any]) -> Any:
    return values


_ENCODERS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "text": _texts,
    "jsonb": _documents,
    "bytea": _as_they_are,
    "smallint": _numbers,
    "integer": _numbers,
    "bigint": _numbers,
    "double precision": _numbers,
}
