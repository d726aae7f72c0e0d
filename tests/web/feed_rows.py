"""Files of sellers, and what became of their rows, as database rows."""

from datetime import datetime
from typing import Any

from web.channel_rows import SellingDay

FRENCH, GERMAN = "mirakl-fr/operator", "mirakl-de/operator"


class FeedDay(SellingDay):
    rows = 0

    def next(self, kind: str) -> str:
        self.rows += 1
        return f"{kind}_{self.rows}"

    def file(
        self, seller: str, at: datetime, read: int, rejected: int, account: str = FRENCH, *, absent: int = 0
    ) -> None:
        """The file that counts from now on."""
        row = {
            "id": self.next("file"), "account": account, "seller": seller, "name": "offers.csv", "version": self.rows, "digest": "d", "key": "k",
            "rules_hash": "r", "mapping_hash": "m", "encoding": "utf-8", "delimiter": ";", "header": {}, "complete": False, "compared": True,
            "state": "applied", "rows_read": read, "rows_changed": 1, "rows_rejected": rejected, "inserted": 0, "updated": 1, "ended": 0,
            "absent": absent, "set_name": "s", "set_digest": "s", "applied_at": at, "plan_hash": "p",
        }  # fmt: skip
        self.add("feed_file", **row)
        self.conn.execute(
            "INSERT INTO feed VALUES (%s, %s, %s) ON CONFLICT (account, seller) DO UPDATE SET file_id = excluded.file_id",
            (account, seller, row["id"]),
        )

    def offers(self, seller: str, number: int, changed_at: datetime, account: str = FRENCH, named: str = "A") -> None:
        self.conn.execute(
            """INSERT INTO feed_offer SELECT %s, %s, %s || n, '', 'Lamp', '', 'KITCHEN', 'new', 1000, NULL, 'EUR', 3, NULL, repeat('x', 150),
                      'live', 1, 'file_1', n, %s FROM generate_series(1, %s) AS n""",
            (account, seller, named, changed_at, number),
        )

    def sent(self, seller: str, sku: str, **at: datetime | None) -> None:
        self.add("feed_sent", account=FRENCH, seller=seller, sku=sku, **at)

    def batch(self, seller: str, refused: int, ended_at: datetime | None, state: str = "done") -> None:
        number = self.next("batch")
        self.add("feed_batch", id=number, account=FRENCH, seller=seller, lane="offers", effect_key=number, state=state, rows=40, refused=refused,
                 planned_at=self.ago(days=2), ended_at=ended_at)  # fmt: skip

    def came_back(self, seller: str, field: str, times: int, **more: Any) -> None:
        """Rows we rejected, or the marketplace where a batch is named."""
        for row in range(times):
            values = {"account": FRENCH, "seller": seller, "file_id": "file_1", "source_row": row, "sku": f"A{row}", "field": field, "code": "limits",
                      "value": "1", "message": "It is outside", "corrects": "seller", "first_at": self.ago(hours=5), "last_at": self.now}  # fmt: skip
            self.add("feed_return", **(values | more))

    def stock_of(self, sku: str, told_by: str, changed_at: datetime) -> None:
        self.add("stock_pool", sku=sku, location="main", quantity=3, version=1, changed_at=changed_at, seen_at=self.now, told_by=told_by)  # fmt: skip

    def oversold(self, number: int, sku: str, **more: Any) -> None:
        """A case of one article, as the flow opens it."""
        values = {"mode": "oversold", "account": "backoffice/main", "object": "cause", "object_id": f"backoffice/main:{sku}", "grouped_by": "cause",
                  "cause_text": f"2 pieces of {sku} are ordered and not there", "title": f"Oversold: {sku}"}  # fmt: skip
        self.case(number, **(values | more))
        self.add("case_member", case_id=f"case_{number}", mode="oversold", object="stock", object_id=sku, name=sku, account="backoffice/main",
                 cause_text=f"2 pieces of {sku} are ordered and not there", seen_at=self.now,
                 gone_at=more.get("resolved_at"), gone_because="it came" if "resolved_at" in more else None)  # fmt: skip
