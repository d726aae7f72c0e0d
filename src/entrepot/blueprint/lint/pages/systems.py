"""E1xx as data."""

from entrepot.blueprint.lint.code import Code

FAMILY = "Model and systems"


def _account(keys: str, mark: bool = False) -> str:
    return f"accounts:\n  market/main:{' # <--' if mark else ''}\n{keys}"


def _selling(keys: str, mark: bool = False) -> str:
    """An account where we are the seller, beside the operator's."""
    shop = "shop: {connector: manual, party: marketplace, environment: sandbox}"
    return f"systems:\n  {shop}\naccounts:\n  shop/main: {{system: shop, model: syndication, capture: none, {keys}}}{' # <--' if mark else ''}\n"


def _at_channelengine(duties: str, mark: bool = False) -> str:
    keys = "credentials: {apikey: env:SHOP_KEY}"
    shop = f"shop: {{connector: channelengine, party: marketplace, environment: sandbox, url: env:SHOP_URL, {keys}}}"
    account = f"system: shop, model: syndication, capture: none, obligations: {duties}"
    return f"systems:\n  {shop}\naccounts:\n  shop/main: {{{account}}}{' # <--' if mark else ''}\n"


CODES = (
    Code("E101", "An account without a model",
         "Operator or syndication decides which failures cost most, who is the seller, and what must be owned.",
         "write model: operator where we host the storefront, model: syndication where we are the seller",
         _account("    model: # nothing\n", True), _account("    model: operator\n")),
    Code("E102", "No capture policy",
         "When the buyer is charged decides whether a refused part can still be released, or must be paid back.",
         "write capture: per-leg, when-all-decided, or none where the marketplace charges",
         _account("    capture: # nothing\n", True), _account("    capture: when-all-decided\n")),
    Code("E103", "A capture policy that is not run",
         "This version charges when a seller has accepted, per leg or when all are decided. Another policy would charge nobody.",
         "write per-leg or when-all-decided",
         _account("    capture: on-shipment # <--\n"), _account("    capture: per-leg\n")),
    Code("E104", "Production and sandbox mixed",
         "One blueprint runs in one environment: a test order in a production system is shipped.",
         "give every system the same environment, and the other environment a blueprint of its own",
         "systems:\n  erp:\n    environment: production # <--\n", "systems:\n  erp:\n    environment: sandbox\n"),
    Code("E105", "A secret in clear",
         "A blueprint is read by many and kept in git for ever.",
         "write env:NAME or file:/path and keep the secret there; renew the one that stood here",
         "systems:\n  market:\n    credentials: {api_key: 4f1c-0ffe-e5ec} # <--\n", "systems:\n  market:\n    credentials: {api_key: env:MARKET_KEY}\n"),
    Code("E106", "An address that is none",
         "It neither begins with http:// or https://, nor is it a reference.",
         "write https://…, or env:NAME",
         "systems:\n  market:\n    url: market.example # <--\n", "systems:\n  market:\n    url: https://market.example\n"),
    Code("E107", "Sellers paid without a right to",
         "Passing on other people's money is a licensed trade. A payout route names the licensed provider that pays, or the legal"
         " basis on which we hold the money ourselves.",
         "write payout: {by: provider, licensed_provider: NAME}, or {by: treasury, legal_basis: WHICH}",
         _account("    payout: {by: treasury} # <--\n"),
         _account("    payout: {by: treasury, legal_basis: commercial agent of the sellers; opinion on file}\n")),
    Code("E108", "An unknown connector",
         "No connector of that name is installed, so nothing could speak to this system.",
         "write one that is there, or manual for a system that other software or people connect",
         "systems:\n  erp:\n    connector: manuel # <--\n", "systems:\n  erp:\n    connector: manual\n", "connectors"),
    Code("E109", "Credentials the connector does not know",
         "A key under a wrong name is not sent, and one that is needed and missing is found out by the first refusal.",
         "write the credentials that the connector's manifest lists",
         "systems:\n  market:\n    credentials: {api_kee: env:MARKET_KEY} # <--\n", "systems:\n  market:\n    credentials: {api_key: env:MARKET_KEY}\n",
         "connectors"),
    Code("E110", "A model the connector does not speak",
         "The operator's and the seller's side of a marketplace are different interfaces.",
         "write a model the connector speaks, or use the connector of the other side",
         _account("    model: syndication # <--\n"), _account("    model: operator\n"), "connectors"),
    Code("E111", "A safety check that does not exist",
         "It would never run, and what it should find would stay lost.",
         "write one of the connector's own",
         _account("    sweeps: {orderz: 5m} # <--\n"), _account("    sweeps: {orders: 5m}\n"), "connectors"),
    Code("E112", "An operator's account without commission",
         "Without the agreed rate no statement and no payout can be checked.",
         "add commission: {default: 12%}",
         _account("    commission: # nothing\n", True), _account("    commission: {default: 12.5%}\n")),
    Code("E113", "No rule for every seller",
         "A seller without a rule of his own follows `*`.",
         'write "*": {seller_model: marketplace}',
         'sellers: # <--\n  "*": # nothing\n', 'sellers:\n  "*": {seller_model: marketplace}\n'),
    Code("E114", "An unknown time zone",
         "Days and deadlines of this system could not be told.",
         "write one of the IANA names, such as Europe/Paris",
         "systems:\n  erp:\n    timezone: Europe/Pari # <--\n", "systems:\n  erp:\n    timezone: Europe/Paris\n"),
    Code("E115", "Two acceptance windows",
         "The operator's window stands on the account, where orders are decided, and in the flow, where it is promised. It is one number."
         " Where we are the seller, the window is that of each channel, and what we promise for all of them ends within it.",
         "write the same in both",
         _account("    acceptance_window: 24h # <--\n"), _account("    acceptance_window: 48h\n")),
    Code("E116", "A system without an address",
         "Its connector calls it, and nobody says where.",
         "add url: env:NAME, or connector: manual if nothing of ours calls it",
         "systems:\n  market: # <--\n    url: # nothing\n", "systems:\n  market:\n    url: env:MARKET_URL\n", "connectors"),
    Code("E117", "A party the connector does not speak to",
         "Rights and failures go by party: a gateway called a marketplace would own orders.",
         "write the party of the connector's manifest",
         "systems:\n  erp:\n    connector: payment\n    party: erp # <--\n    url: env:GATEWAY_URL\n    credentials: {key: env:GATEWAY_KEY}\n",
         "systems:\n  erp:\n    connector: manual\n    party: erp\n", "connectors"),
    Code("E118", "A price limit that cannot be",
         "A floor or ceiling is an amount as people write it, and the floor is not above the ceiling.",
         'write {floor: "21.00", ceiling: "400.00"}',
         _account('    price_limits: {"*": {floor: "30.00", ceiling: "20.00"}} # <--\n'),
         _account('    price_limits: {"*": {floor: "20.00", ceiling: "30.00"}}\n')),
    Code("E119", "A duty that no clock can count",
         "`obligations` says where a channel gives this account another time than the connector's dated rules. What is no time would be"
         " found out with the first order.",
         "write 4h, 4 days or 7 working-days",
         _selling("obligations: {acknowledge: soon}", True),
         _selling("obligations: {acknowledge: 4h}")),
    Code("E120", "A duty in working days without a calendar",
         "Seven working days from Thursday end on Monday week, or later where a holiday lies between.",
         "add calendar: and the name of one to the account",
         _selling("obligations: {cancelled: 3 working-days}", True),
         _selling("obligations: {cancelled: 3 working-days}, calendar: FR")),
    Code("E121", "A duty the channel does not have",
         "What a channel demands stands in its connector's manifest (`entrepot connector show`). ChannelEngine"
         " cancels nothing by itself, eBay waits for no acknowledgement: a window for it would never run.",
         "remove it, or write a kind of the connector's manifest",
         _at_channelengine("{cancelled: 4 days}", True), _at_channelengine("{acknowledge: 2h}"), "connectors"),
    Code("E122", "A feed by which no file arrives",
         "A seller's files come from a folder we look at, or are sent by him with a key. A folder is a whole path, sftp:// or s3://, and belongs to one seller.",
         "write source: /path, sftp://host/path or s3://bucket/path with the seller it belongs to, or key: env:NAME",
         "feeds:\n  lamps: {account: market/main, seller: '2001', source: lamps} # <--\n",
         "feeds:\n  lamps: {account: market/main, seller: '2001', source: /srv/feeds/lamps}\n"),
    Code("E123", "An offer rule that no offer keeps",
         "Every row of every seller's file would come back. A category's own list and that of `*` both count; an image is an address that begins with https://.",
         "give the two lists a word in common, or drop one",
         _account('    offer_rules: {"*": {values: {brand: [Acme]}}, TOYS: {values: {brand: [Lego]}}} # <--\n'),
         _account('    offer_rules: {"*": {values: {brand: [Acme, Lego]}}, TOYS: {values: {brand: [Lego]}}}\n')),
    Code("W101", "A system nobody uses",
         "It is drawn on maps and asked about in reviews, and nothing comes from it or goes to it.",
         "name it in a flow, or remove it",
         "systems:\n  oms: {connector: manual, party: oms, environment: sandbox} # <--\n",
         "systems:\n  oms: {connector: manual, party: oms, environment: sandbox}\nidentifiers:\n  leg: {oms: order_number}\n"),
    Code("W102", "Unencrypted in production",
         "Keys, addresses of buyers and amounts would travel readable.",
         "write https://",
         "systems:\n  market:\n    environment: production\n    url: http://market.example # <--\n  erp: {environment: production}\n"
         "flows:\n  orders: {mode: observe}\n  payouts: {mode: observe}\n",
         "systems:\n  market:\n    environment: production\n    url: https://market.example\n  erp: {environment: production}\n"
         "flows:\n  orders: {mode: observe}\n  payouts: {mode: observe}\n"),
    Code("W103", "A seller's key where we do not sell",
         "`obligations` are what a channel demands of its seller, `buffer` is what he does not show there. At an account whose operator we"
         " are, and at one that is no marketplace, nothing reads them.",
         "remove it, or write it at an account with model: syndication",
         _account("    buffer: 2 # <--\n"), "accounts:\n  market/main:\n    settle: 30s\n"),
)  # fmt: skip
