"""All SQL of shipments."""

from collections.abc import Mapping, Sequence
from typing import Any

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows


def shipments(conn: Conn, leg_ids: Sequence[str]) -> dict[str, Row]:
    rows = conn.execute(
        "SELECT * FROM shipment WHERE leg_id = ANY(%s) ORDER BY external_id", (list(leg_ids),)
    ).fetchall()
    return {row["external_id"]: row for row in rows}


def upsert_shipments(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(
        conn,
        "shipment",
        rows,
        on_conflict="ON CONFLICT (leg_id, external_id) DO UPDATE SET state = excluded.state, carrier = excluded.carrier, tracking = excluded.tracking, "
        "shipped_at = coalesce(shipment.shipped_at, excluded.shipped_at), plan_hash = excluded.plan_hash, decided_at = excluded.decided_at",
    )
