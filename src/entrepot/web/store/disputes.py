"""One dispute: by our own id, or as the object of a case."""

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn
from entrepot.web.store.channel_tables import DISPUTES, dispute_rows
from entrepot.web.views.channels import DisputeRow


def one(conn: Conn, plan: Plan, dispute_id: str) -> DisputeRow | None:
    return _first(conn, plan, "d.id = %s", dispute_id)


def of_case(conn: Conn, plan: Plan, object_: str, object_id: str) -> DisputeRow | None:
    """A case of a channel's dispute is about `account:dispute`; a gateway's chargeback has no such row."""
    account, colon, dispute_id = object_id.partition(":")
    if object_ != "dispute" or not colon:
        return None
    return _first(conn, plan, "d.account = %s AND d.dispute_id = %s", account, dispute_id)


def _first(conn: Conn, plan: Plan, where: str, *values: str) -> DisputeRow | None:
    rows = conn.execute(f"{DISPUTES} WHERE {where}", values).fetchall()
    found = dispute_rows(conn, plan, rows)
    return found[0] if found else None
