"""From the seller's columns and words to ours: which column is which field, which word means which value."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

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
BLANKS = " \t\u00a0"  # stripped from every cell


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One version of a mapping. Shape: `columns` source column → field; `values` field → their word → ours; `decimal` `.` or `,`."""

    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    decimal: str = "."

    @property
    def hash(self) -> str:
        content = [self.columns, self.values, self.defaults, self.decimal]
        return digest_of(content)

    def places(self, header: Sequence[str]) -> dict[str, int]:
        """Field → place of its cell. Errors: WrongSetting where no column is the SKU."""
        found = {self.columns[name]: at for at, name in enumerate(header) if name in self.columns}
        if "sku" not in found:
            raise WrongSetting(
                f"no column of the file is the sku; it has {', '.join(header)}: say which with --mapping"
            )
        return found

    def record(self, places: Mapping[str, int], cells: Sequence[str]) -> dict[str, str]:
        """One row in our words, every field there."""
        return {name: self._value(name, cells[places[name]] if name in places else "") for name in FIELDS}

    def _value(self, name: str, text: str) -> str:
        text = text.strip(BLANKS)
        text = self.values.get(name, {}).get(text, text)
        return text or self.defaults.get(name, "")


def by_names(header: Sequence[str], *, currency: str = "") -> FieldMap:
    """The mapping a header suggests by itself; the first column of a meaning counts. `currency`: where no cell says it."""
    columns: dict[str, str] = {}
    for name in header:
        known = KNOWN_NAMES.get("_".join(name.lower().replace("-", " ").replace("_", " ").split()))
        if known and known not in columns.values():
            columns[name] = known
    return FieldMap(columns, defaults={"currency": currency} if currency else {})


def read_mapping(path: Path, *, currency: str = "") -> FieldMap:
    """A mapping from a YAML or JSON file: columns, values, defaults, decimal. Errors: WrongSetting."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WrongSetting(f"the mapping {path} cannot be read: {error}") from error
    parts: dict[str, Any] = content if isinstance(content, dict) else {}
    columns, values, defaults = (_texts(path, name, parts.get(name)) for name in ("columns", "values", "defaults"))
    decimal = parts.get("decimal", ".")
    if decimal not in (".", ","):
        raise WrongSetting(f"{path}: decimal is “.” or “,”")
    if unknown := sorted({*columns.values(), *values, *defaults} - set(FIELDS)):
        raise WrongSetting(f"{path}: there is no field {unknown[0]}; there is {', '.join(FIELDS)}")
    if len(set(columns.values())) < len(columns):
        raise WrongSetting(f"{path}: two columns are mapped to the same field")
    if currency:
        defaults = {"currency": currency, **defaults}
    return FieldMap(columns, values, defaults, decimal)


def digest_of(content: Any) -> str:
    """A short name of any JSON-able content; the order of keys does not matter."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=dict)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _texts(path: Path, name: str, found: Any) -> dict[str, Any]:
    if not isinstance(found or {}, dict):
        raise WrongSetting(f"{path}: {name} holds names and what they mean")
    return {
        str(key): _texts(path, name, value) if isinstance(value, dict) else str(value)
        for key, value in (found or {}).items()
    }
