"""What records are decided in order with, as far as a foreign record says."""


def basket_root(commercial_id: str) -> str:
    return f"basket:{commercial_id}"


def statement_root(account: str, external_id: str) -> str:
    """A billing cycle or a settlement, and its lines."""
    return f"statement:{account}:{external_id}"


def commercial_id_of(order_id: str) -> str:
    """The basket of an order where only the order is named: order ids are made as `<commercial id>-A`, `-B`, …"""
    commercial_id, _, leg = order_id.rpartition("-")
    return commercial_id if commercial_id and leg.isalpha() and leg.isupper() else order_id
