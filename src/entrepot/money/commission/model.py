"""What was agreed with sellers about commission, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from entrepot.kernel.money import Rounding


class Base(StrEnum):
    """What the rate is applied to."""

    ITEM = "item"
    ITEM_AND_SHIPPING = "item+shipping"


@dataclass(frozen=True, slots=True)
class RateAgreement:
    """Rates in force for one account. Units: rates per 100,000; 12 % is 12,000.

    `rate_by_category`: exceptions by category code; everything else is charged `default_rate_per_100k`.
    """

    default_rate_per_100k: int
    rate_by_category: Mapping[str, int] = field(default_factory=dict)
    tax_rate_per_100k: int = 20_000
    base: Base = Base.ITEM_AND_SHIPPING
    rounding: Rounding = Rounding.HALF_EVEN
    returned_on_refund: bool = True

    def rate_for(self, category: str) -> int:
        return self.rate_by_category.get(category, self.default_rate_per_100k)


@dataclass(frozen=True, slots=True)
class Commission:
    """The commission on one order line. Units: minor units, never negative; `fee_minor` without tax."""

    order_line_id: str
    fee_minor: int
    tax_minor: int
    rate_per_100k: int
    base_minor: int
    reference: str = ""
