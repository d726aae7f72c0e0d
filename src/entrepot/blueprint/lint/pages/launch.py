"""E6xx as data."""

from entrepot.blueprint.lint.code import Code

FAMILY = "Launch"


def _orders(keys: str, mark: bool = False) -> str:
    return f"flows:\n  orders:{' # <--' if mark else ''}\n{keys}"


_PRODUCTION = "systems:\n  market: {environment: production}\n  erp: {environment: production}\n"

CODES = (
    Code("E601", "No card for a system that is away",
         "Every system is down some day. The card says what goes on meanwhile, and who need not be woken.",
         "add the system under degraded, and what goes on",
         _orders("    degraded: # <--\n      erp: # nothing\n"), _orders("    degraded:\n      erp: keep-and-send-later\n")),
    Code("E602", "A flow without a pause",
         "Pausing is the first thing one does at night; whether, how long and by whom is decided by day.",
         "add pause: {allowed: true, max: 4h, owner: TEAM}",
         _orders("    pause: # nothing\n", True), _orders("    pause: {allowed: true, max: 4h, owner: desk}\n")),
    Code("E603", "A flow without a replay rule",
         "After a repair one wants to run the day again. Is that safe, safe after a look, or never?",
         "add replay: safe, with-review or never",
         _orders("    replay: # nothing\n", True), _orders("    replay: with-review\n")),
    Code("E604", "Nothing is counted afterwards",
         "After a pause or a replay both sides are counted, or nobody knows that nothing is lost.",
         "add reconcile_after: and what is counted",
         _orders("    reconcile_after: []\n", True), _orders("    reconcile_after: [order-counts]\n")),
    Code("E605", "A way back nobody has walked",
         "A roll-back that is tried for the first time when it is needed does not work. In production, each flow that acts has one on record.",
         "rehearse it, and add a line under launch.rehearsals; or write mode: observe until then",
         f"{_PRODUCTION}flows:\n  payouts: {{mode: observe}}\n  orders: # <--\n    mode: act\n",
         f"{_PRODUCTION}flows:\n  payouts: {{mode: observe}}\n  orders:\n    mode: act\nlaunch:\n  rehearsals:\n"
         "    - {what: rollback, flow: orders, on: 2026-11-20, by: A. Person}\n"),
    Code("E606", "Handed over, and no receipt",
         "What an integration platform or a middleware has taken is not booked. The flow names what comes back when it is, and by when.",
         "add receipt: {waits_for: document-number, within: 8h}",
         _orders("    pattern: middleware\n", True), _orders("    pattern: middleware\n    receipt: {waits_for: document-number, within: 8h}\n")),
    Code("E607", "Stable without criteria",
         "A flow leaves hypercare when something was reached that was agreed before, and a person signs.",
         "add criteria: and what was agreed",
         _orders("    stage: stable # <--\n"), _orders("    stage: stable\n    criteria: [four weeks without a missed deadline]\n")),
    Code("E608", "A receipt after the deadline",
         "Whoever waits for it learns too late that it did not come.",
         "write a time within the deadline",
         _orders("    receipt: {waits_for: document-number, within: 72h} # <--\n"), _orders("    receipt: {waits_for: document-number, within: 8h}\n")),
    Code("W601", "A pause longer than the deadline",
         "Everything that arrives in the first hour of it is late when it ends.",
         "write a shorter pause",
         _orders("    pause: {max: 72h} # <--\n"), _orders("    pause: {max: 4h}\n")),
)  # fmt: skip
