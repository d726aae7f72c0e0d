"""All SQL of our own parcels: what left our warehouse, and whether the channel knows."""

from collections.abc import Sequence
from datetime import datetime

from psycopg.types.json import Jsonb

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows


def keep(conn: Conn, rows: Sequence[Row]) -> set[tuple[str, str]]:
    """New parcels; the same number of the same order again is the same parcel. Returns (leg id, number) of those that are new."""
    new = insert_rows(conn, "parcel", rows, on_conflict="ON CONFLICT (leg_id, number) DO NOTHING", returning="leg_id, number")  # fmt: skip
    return {(row["leg_id"], row["number"]) for row in new}


def parcel(conn: Conn, leg_id: str, number: str) -> Row | None:
    return conn.execute("SELECT * FROM parcel WHERE leg_id = %s AND number = %s", (leg_id, number)).fetchone()


def parcels_of(conn: Conn, leg_id: str) -> list[Row]:
    return conn.execute("SELECT * FROM parcel WHERE leg_id = %s ORDER BY shipped_at, number", (leg_id,)).fetchall()


def confirm(conn: Conn, leg_id: str, number: str, at: datetime) -> bool:
    """The channel took it; False when it had."""
    done = conn.execute(
        "UPDATE parcel SET confirmed_at = %s, refused = '' WHERE leg_id = %s AND number = %s AND confirmed_at IS NULL",
        (at, leg_id, number),
    )
    return done.rowcount > 0


def refuse(conn: Conn, leg_id: str, number: str, words: str) -> None:
    conn.execute("UPDATE parcel SET refused = %s WHERE leg_id = %s AND number = %s", (words, leg_id, number))


def row_of(id_: str, leg_id: str, number: str, carrier: str, tracking: str, lines: dict[str, int], shipped_at: datetime, plan_hash: str) -> Row:  # fmt: skip
    return {
        "id": id_,
        "leg_id": leg_id,
        "number": number,
        "carrier": carrier,
        "tracking": tracking,
        "lines": Jsonb(lines),
        "shipped_at": shipped_at,
        "plan_hash": plan_hash,
    }
