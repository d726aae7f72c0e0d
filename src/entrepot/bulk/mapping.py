"""From the seller's columns and words to ours: which column is which field, which word means which value."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from entrepot.bulk.forms import EXPRESSION
from entrepot.bulk.refusals import Reason, Unreadable
from entrepot.kernel.errors import WrongSetting

FIELDS = (
    "sku", "gtin", "title", "brand", "category", "condition", "price", "sale_price", "currency", "quantity", "lead_days", "image",
)  # fmt: skip
KNOWN_NAMES = {  # how sellers' headers name our fields, in small letters with "_" for what lies between words
    "sku": "sku", "seller_sku": "sku", "offer_sku": "sku", "shop_sku": "sku", "article": "sku",
    "gtin": "gtin", "ean": "gtin", "upc": "gtin", "product_id": "gtin",
    "title": "title", "name": "title", "product_name": "title",
    "brand": "brand", "category": "category", "condition": "condition", "state": "condition",
    "price": "price", "sale_price": "sale_price", "discount_price": "sale_price",
    "currency": "currency", "quantity": "quantity", "stock": "quantity",
    "lead_days": "lead_days", "lead_time": "lead_days", "leadtime_to_ship": "lead_days",
    "image": "image", "image_url": "image",
}  # fmt: skip
OF_CHANNEL = re.compile(r"(.+?)\s*\[channel=([^\]]+)\]", re.IGNORECASE)  # price[channel=FR]
HEADER_SHOWN = 300  # letters of a header that an error repeats
PARTS = ("columns", "values", "defaults", "decimal", "expressions")
BLANKS = " \t\u00a0"  # stripped from every cell


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One version of a mapping. Shape: `columns` source column → field; `values` field → their word → ours; `decimal` `.` or `,`.

    `expressions`: field → JMESPath, for JSON lines whose values lie deeper than a column.
    """

    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    decimal: str = "."
    expressions: Mapping[str, str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        content = [self.columns, self.values, self.defaults, self.decimal]
        return digest_of([*content, self.expressions] if self.expressions else content)

    @property
    def content(self) -> dict[str, Any]:
        """As it is written down; parts that say nothing are left out."""
        parts = {name: getattr(self, name) for name in PARTS}
        return {name: _plain(value) for name, value in parts.items() if value}

    def places(self, header: Sequence[str]) -> dict[str, int]:
        """Field → place of its cell. Errors: Unreadable where no column is the SKU."""
        found = {self.columns[name]: at for at, name in enumerate(header) if name in self.columns}
        looked = {f"{EXPRESSION}{one}": name for name, one in self.expressions.items()}
        found |= {looked[name]: at for at, name in enumerate(header) if name in looked}
        if "sku" not in found:
            shown = ", ".join(header)[:HEADER_SHOWN]
            what = f"no column of the file is the sku; it has {shown}: say which in the mapping of this seller"
            raise Unreadable(Reason.NO_SKU, what, where="the file:")
        return found

    def record(self, places: Mapping[str, int], cells: Sequence[str]) -> dict[str, str]:
        """One row in our words, every field there."""
        return {name: self._value(name, cells[places[name]] if name in places else "") for name in FIELDS}

    def _value(self, name: str, text: str) -> str:
        text = text.strip(BLANKS)
        text = self.values.get(name, {}).get(text, text)
        return text or self.defaults.get(name, "")


def by_names(header: Sequence[str], *, currency: str = "", channel: str = "") -> FieldMap:
    """The mapping a header suggests by itself; the first column of a meaning counts, before it that of the account's channel.

    `currency`: where no cell says it. `channel`: `price[channel=FR]` is the price on FR, and another channel's is none of ours.
    """
    meant = [(_of_channel(name, channel), name) for name in header]
    columns: dict[str, str] = {}
    for own in (True, False):
        for (base, channelled), name in meant:
            known = KNOWN_NAMES.get("_".join(base.lower().replace("-", " ").replace("_", " ").split()))
            if channelled is own and known and known not in columns.values():
                columns[name] = known
    return FieldMap(columns, defaults={"currency": currency} if currency else {})


def _of_channel(name: str, channel: str) -> tuple[str, bool | None]:
    """A column's name without its channel; whether it is of our channel (None: of another)."""
    found = OF_CHANNEL.fullmatch(name.strip())
    if found is None:
        return name, False
    return found[1], True if channel and found[2].strip().casefold() == channel.casefold() else None


def read_mapping(path: Path, *, currency: str = "") -> FieldMap:
    """A mapping from a YAML or JSON file: columns, values, defaults, decimal, expressions. Errors: WrongSetting."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WrongSetting(f"the mapping {path} cannot be read: {error}") from error
    return mapping_of(content if isinstance(content, dict) else {}, str(path), currency=currency)


def mapping_of(parts: Mapping[str, Any], where: str, *, currency: str = "") -> FieldMap:
    """A mapping from its parts as they were written down. `where`: named when they are wrong. Errors: WrongSetting."""
    columns, values, defaults, expressions = (
        _texts(where, name, parts.get(name)) for name in ("columns", "values", "defaults", "expressions")
    )
    decimal = parts.get("decimal", ".")
    if decimal not in (".", ","):
        raise WrongSetting(f"{where}: decimal is “.” or “,”")
    if unknown := sorted({*columns.values(), *values, *defaults, *expressions} - set(FIELDS)):
        raise WrongSetting(f"{where}: there is no field {unknown[0]}; there is {', '.join(FIELDS)}")
    if len({*columns.values(), *expressions}) < len(columns) + len(expressions):
        raise WrongSetting(f"{where}: two columns are mapped to the same field")
    if currency:
        defaults = {"currency": currency, **defaults}
    return FieldMap(columns, values, defaults, decimal, expressions)


def digest_of(content: Any) -> str:
    """A short name of any JSON-able content; the order of keys does not matter."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=dict)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _texts(where: str, name: str, found: Any) -> dict[str, Any]:
    if not isinstance(found or {}, Mapping):
        raise WrongSetting(f"{where}: {name} holds names and what they mean")
    return {
        str(key): _texts(where, name, value) if isinstance(value, Mapping) else str(value)
        for key, value in (found or {}).items()
    }


def _plain(value: Any) -> Any:
    return {key: _plain(one) for key, one in value.items()} if isinstance(value, Mapping) else value
