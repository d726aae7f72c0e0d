"""The chart of accounts: where money can be. Seller, order, line, reference and currency are columns of a posting."""

from collections.abc import Mapping
from enum import StrEnum


class LedgerAccount(StrEnum):
    """Names as they stand in table posting; the kind and meaning of each is in CHART."""

    BANK = "bank"
    BUYER_CLEARING = "buyer-clearing"
    GATEWAY_CLEARING = "gateway-clearing"
    GATEWAY_FEE_EXPENSE = "gateway-fee-expense"
    MARKETPLACE_RECEIVABLE = "marketplace-receivable"
    SELLER_PAYABLE = "seller-payable"
    COMMISSION_INCOME = "commission-income"
    COMMISSION_TAX = "commission-tax"
    FEE_INCOME = "fee-income"
    FEE_EXPENSE = "fee-expense"
    REFUND_CLEARING = "refund-clearing"
    CHARGEBACK_SUSPENSE = "chargeback-suspense"
    RESERVE = "reserve"
    PAYOUT_CLEARING = "payout-clearing"
    FX_RESULT = "fx-result"
    ROUNDING = "rounding"
    WRITE_OFF = "write-off"


class Kind(StrEnum):
    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"


CHART: Mapping[LedgerAccount, tuple[Kind, str]] = {
    LedgerAccount.BANK: (Kind.ASSET, "Our own bank account."),
    LedgerAccount.BUYER_CLEARING: (Kind.LIABILITY, "Taken from buyers, not yet given to a seller's leg."),
    LedgerAccount.GATEWAY_CLEARING: (Kind.ASSET, "What the gateway holds for us."),
    LedgerAccount.GATEWAY_FEE_EXPENSE: (Kind.EXPENSE, "What the gateway keeps for its service."),
    LedgerAccount.MARKETPLACE_RECEIVABLE: (Kind.ASSET, "What the marketplace's operator company owes us."),
    LedgerAccount.SELLER_PAYABLE: (Kind.LIABILITY, "What we owe a seller; a debit balance: what the seller owes us."),
    LedgerAccount.COMMISSION_INCOME: (Kind.INCOME, "Commission agreed with sellers, without tax."),
    LedgerAccount.COMMISSION_TAX: (Kind.LIABILITY, "Tax on commissions and fees, owed to the state."),
    LedgerAccount.FEE_INCOME: (Kind.INCOME, "Subscriptions, penalties and other fees of sellers, without tax."),
    LedgerAccount.FEE_EXPENSE: (Kind.EXPENSE, "Goodwill and other credits given to sellers, without tax."),
    LedgerAccount.REFUND_CLEARING: (Kind.LIABILITY, "Taken from a seller for a refund not yet paid."),
    LedgerAccount.CHARGEBACK_SUSPENSE: (Kind.ASSET, "Taken by a buyer's bank, liability not yet decided."),
    LedgerAccount.RESERVE: (Kind.LIABILITY, "Kept back from a seller as security."),
    LedgerAccount.PAYOUT_CLEARING: (Kind.LIABILITY, "Paid out to sellers, not yet on the gateway's report."),
    LedgerAccount.FX_RESULT: (Kind.EXPENSE, "Gains and losses of conversions."),
    LedgerAccount.ROUNDING: (Kind.EXPENSE, "Differences of one minor unit that a person or a policy accepted."),
    LedgerAccount.WRITE_OFF: (Kind.EXPENSE, "Differences accepted for good, with a reason and a name."),
}  # fmt: skip

# Money on these accounts belongs to nobody in particular: the seller of a fact is not noted on their postings.
WITHOUT_SELLER = frozenset(
    {
        LedgerAccount.BANK,
        LedgerAccount.BUYER_CLEARING,
        LedgerAccount.GATEWAY_CLEARING,
        LedgerAccount.GATEWAY_FEE_EXPENSE,
    }
)
