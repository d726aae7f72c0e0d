"""What can never be read, however often it is tried: said with what is wrong, where, and who mends it."""

from enum import StrEnum

from entrepot.kernel.errors import WrongSetting


class Reason(StrEnum):
    """Why a file as a whole is not taken. Rows that cannot be read are rejects, and stop nothing else."""

    CUT_SHORT = "cut-short"  # an archive that ends in the middle: it may still be on its way
    DAMAGED = "damaged"
    EMPTY = "empty"
    NO_SKU = "no-sku-column"
    TWO_COLUMNS = "two-columns"
    TOO_LARGE = "too-large"
    SEVERAL_FILES = "several-files"
    NO_WORKBOOK = "no-workbook"
    LETTERS = "letters"
    EXPRESSION = "expression"
    MAPPING = "mapping"  # the seller's mapping is no mapping
    LOST = "lost"  # what we kept is not there any more
    FAILED = "failed"  # reading it broke the hub, again and again


WHOSE = {
    Reason.NO_SKU: "operator",
    Reason.EXPRESSION: "operator",
    Reason.MAPPING: "operator",
    Reason.LOST: "hub",
    Reason.FAILED: "hub",
}


class Unreadable(WrongSetting):
    """A file of which nothing can be taken. `where`: its name, and the place in it."""

    code = "unreadable-file"

    def __init__(self, reason: Reason, what: str, *, where: str) -> None:
        super().__init__(f"{where} {what}", reason=reason, where=where, whose=WHOSE.get(reason, "seller"))
        self.reason, self.what, self.where, self.whose = reason, what, where, WHOSE.get(reason, "seller")
