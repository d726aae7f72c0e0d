"""E3xx as data."""

from entrepot.blueprint.lint.code import Code

FAMILY = "Flows"


def _orders(keys: str, mark: bool = False) -> str:
    return f"flows:\n  orders:{' # <--' if mark else ''}\n{keys}"


_LOYALTY = """flows:
  {name}: {mark}
    object: leg
    from: market
    to: [erp]
    pattern: scheduled-job
    latency: same-day-operational
    idempotency: [account, order_id]
    retry: {{first: 1m, max: 30m, window: 12h}}
    degraded: {{market: wait, erp: keep-and-send-later}}
    pause: {{allowed: true, max: 8h, owner: desk}}
    replay: safe
    reconcile_after: [points]
    failures: [ack-missed]
"""

CODES = (
    Code("E301", "Money that does not close by cycle",
         "A settlement, statement, commission or payout is final when its cycle is closed. Moved in real time it is right today"
         " and wrong tomorrow. Batch means `scheduled-job` or `file` with latency `finance-close`.",
         "write pattern: scheduled-job or file, and latency: finance-close",
         "flows:\n  payouts:\n    pattern: event # <--\n    also: scheduled-job\n", "flows:\n  payouts:\n    pattern: file\n"),
    Code("E302", "Offers on a slow batch",
         "Price, stock and listing status that are hours old sell what is not there, at a price that is not meant. Content may"
         " follow in the next cycle: a flow whose name ends with `-content`.",
         "write latency: near-real-time",
         _orders("    object: offer\n    to: [market]\n    latency: same-day-operational # <--\n"),
         _orders("    object: offer\n    to: [market]\n    latency: near-real-time\n")),
    Code("E303", "Order intake without a deadline",
         "Marketplaces cancel what is not answered in time. Without a promise nothing is counted and nobody is warned.",
         "add deadline: {obligation: acknowledge, within: 48h, starts: …, source: …}",
         _orders("    deadline: # nothing\n", True),
         _orders("    deadline: {obligation: acknowledge, within: 48h, starts: awaiting-acceptance, source: operator-setting}\n")),
    Code("E304", "The retry window outlives the deadline",
         "The last useful attempt must leave time for a person. Retries that go on beyond the deadline hide the failure until it"
         " is too late.",
         "write a window well below the deadline; half of it is a good one",
         _orders("    retry: {first: 30s, max: 10m, window: 3d} # <--\n"), _orders("    retry: {first: 30s, max: 10m, window: 12h}\n")),
    Code("E305", "A write that cannot be repeated",
         "After an unclear answer, a write is sent again with the same key, or it is read back. Without either, it is done twice"
         " or not at all.",
         "add idempotency: and the fields that name one write",
         _orders("    idempotency: []\n", True), _orders("    idempotency: [account, order_id]\n")),
    Code("E306", "A deadline in days without a calendar",
         "Two days from Friday are Sunday, or Tuesday, or Wednesday where Monday is a holiday.",
         "add calendar: and the name of one, or write the time in hours",
         _orders("    deadline: {within: 2d} # <--\n"), _orders("    deadline: {within: 2d, calendar: FR}\n")),
    Code("E307", "Events without a safety check",
         "Events get lost: a 502, a restart, a queue that was purged. What no event told must be found by looking.",
         "add also: scheduled-job",
         _orders("    pattern: event # <--\n    also: # nothing\n"), _orders("    pattern: event\n    also: scheduled-job\n")),
    Code("E308", "A pattern nobody can do",
         "None of the connectors at its ends does it.",
         "write a pattern that one of the two ends can do",
         _orders("    to: [market]\n    pattern: queue # <--\n"), _orders("    to: [market]\n    pattern: event\n"), "connectors"),
    Code("E309", "Called more often than published",
         "Above its ceiling a system refuses all calls for a while, and the urgent ones with them.",
         "write an interval within the ceiling",
         "accounts:\n  market/main:\n    sweeps: {offers: 30s} # <--\n", "accounts:\n  market/main:\n    sweeps: {offers: 5m}\n", "connectors"),
    Code("E310", "The authorisation ends before the charge",
         "The buyer's bank holds the money for so long and no longer. Acceptance, and shipping where the buyer is charged after it,"
         " must fit inside.",
         "shorten acceptance_window, or have authorisations that live longer",
         _orders("    deadline:\n      obligation: capture-before-expiry\n      starts: authorised\n      within: 24h # <--\n"),
         _orders("    deadline:\n      obligation: capture-before-expiry\n      starts: authorised\n      within: 72h\n")),
    Code("E311", "Retries that do not grow",
         "The first wait, the longest wait and the whole window come in this order.",
         "write first ≤ max ≤ window",
         _orders("    retry: {first: 20m, max: 10m, window: 12h} # <--\n"), _orders("    retry: {first: 30s, max: 10m, window: 12h}\n")),
    Code("E312", "Flows that are part of each other",
         "A pause of one would be a pause of the other, round and round.",
         "leave out part_of at one of them",
         "flows:\n  orders: {part_of: payouts}\n  payouts: {part_of: orders} # <--\n", "flows:\n  payouts: {part_of: orders}\n"),
    Code("E313", "An actor without a system",
         "A flow ends at systems. No system of the plan belongs to this party.",
         "name a system, or add one of this party",
         _orders("    to: [oms] # <--\n"), "systems:\n  oms: {connector: manual, party: oms, environment: sandbox}\nidentifiers:\n  leg: {oms: number}\n"
         + _orders("    to: [oms]\n    degraded: {oms: keep-and-send-later}\n")),
    Code("E314", "A promise beyond their deadline",
         "The system publishes until when it waits. Ours may be shorter, never longer.",
         "write their deadline or less",
         "systems:\n  gateway: {connector: payment, party: payment, environment: sandbox, url: env:GATEWAY_URL, credentials: {key: env:GATEWAY_KEY}}\n"
         "identifiers:\n  leg: {gateway: reference}\n"
         + _orders("    to: [gateway]\n    degraded: {gateway: keep-and-send-later}\n    deadline:\n      obligation: capture-before-expiry\n"
                   "      starts: authorised\n      within: 240h # <--\n"),
         "systems:\n  gateway: {connector: payment, party: payment, environment: sandbox, url: env:GATEWAY_URL, credentials: {key: env:GATEWAY_KEY}}\n"
         "identifiers:\n  leg: {gateway: reference}\n"
         + _orders("    to: [gateway]\n    degraded: {gateway: keep-and-send-later}\n    deadline:\n      obligation: capture-before-expiry\n"
                   "      starts: authorised\n      within: 168h\n"), "connectors"),
    Code("E315", "A buyer who waits for a batch",
         "At checkout an answer is needed in less than a second. Only a direct call gives one.",
         "write pattern: direct-api, or another latency",
         _orders("    latency: checkout-blocking\n    pattern: event # <--\n"), _orders("    latency: checkout-blocking\n    pattern: direct-api\n")),
    Code("E316", "A source twice",
         "`from` is one system or actor, or a list of them, such as every channel that orders come from. Each of them is there once.",
         "name each source once",
         _orders("    from: [market, market] # <--\n"), _orders("    from: [market]\n")),
    Code("W301", "Minutes promised by a batch",
         "A job or a file alone is as slow as its interval.",
         "add also: event, or check that the interval is a matter of minutes",
         _orders("    pattern: scheduled-job # <--\n    also: # nothing\n"), _orders("    pattern: scheduled-job\n    also: event\n")),
    Code("W302", "Little time left for a person",
         "Retries take more than three quarters of the deadline; whoever is asked then has the rest.",
         "write a shorter window",
         _orders("    retry: {window: 40h} # <--\n"), _orders("    retry: {window: 24h}\n")),
    Code("N301", "A flow that is planned only",
         "This version of the hub has no code for it. It is owned, drawn and checked; other software or people move the data.",
         "nothing to do; write mode: observe so that readers know",
         _LOYALTY.format(name="loyalty-points", mark="# <--"), "flows:\n  orders:\n    mode: act\n", "flows"),
)  # fmt: skip
