"""Set-based writes: one statement for any number of rows, by `unnest` of one array per column (100 × a statement per row, measured)."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.errors import OurBug

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


def _column(rows: Sequence[Mapping[str, Any]], name: str, type_: str) -> list[Any]:
    values = [row[name] for row in rows]
    if type_ == "jsonb":
        return [None if value is None else value if isinstance(value, Jsonb) else Jsonb(value) for value in values]
    return values


def _unnest(
    conn: Conn, table: str, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[str], sql.Composed, list[list[Any]]]:
    names = list(rows[0])
    if any(len(row) != len(names) for row in rows):
        raise OurBug(f"rows for {table} differ in their columns", table=table)
    types = column_types(conn, table)
    arrays = sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(types[name])) for name in names)
    return names, sql.SQL("unnest({})").format(arrays), [_column(rows, name, types[name]) for name in names]


def insert_rows(
    conn: Conn, table: str, rows: Sequence[Mapping[str, Any]], on_conflict: str = "", returning: str = ""
) -> list[Row]:
    """INSERT any number of rows of equal shape, in their order. `on_conflict` and `returning` are literal SQL of ours."""
    if not rows:
        return []
    names, source, arrays = _unnest(conn, table, rows)
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    statement = sql.SQL("INSERT INTO {} ({}) SELECT * FROM {} {} {}").format(
        sql.Identifier(table),
        columns,
        source,
        sql.SQL(on_conflict),
        sql.SQL(f"RETURNING {returning}" if returning else ""),
    )
    cursor = conn.execute(statement, arrays)
    return cursor.fetchall() if returning else []


def update_rows(conn: Conn, table: str, rows: Sequence[Mapping[str, Any]], key: str = "id") -> int:
    """UPDATE rows of equal shape by `key`; returns how many were found."""
    if not rows:
        return 0
    names, source, arrays = _unnest(conn, table, rows)
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    changes = sql.SQL(", ").join(sql.SQL("{0} = v.{0}").format(sql.Identifier(n)) for n in names if n != key)
    statement = sql.SQL("UPDATE {} AS t SET {} FROM {} AS v ({}) WHERE t.{} = v.{}").format(
        sql.Identifier(table), changes, source, columns, sql.Identifier(key), sql.Identifier(key)
    )
    return conn.execute(statement, arrays).rowcount
