"""E4xx as data."""

from entrepot.blueprint.lint.code import Code

FAMILY = "Failures"


def _mode(keys: str, mark: bool = False) -> str:
    return f"failures:\n  ack-missed:{' # <--' if mark else ''}\n{keys}"


def _night(keys: str, mark: bool = False) -> str:
    return f"teams:\n  night:{' # <--' if mark else ''}\n{keys}"


CODES = (
    Code("E401", "A flow without failure modes",
         "Every movement fails in some way. One whose failures nobody has named has failures without an owner.",
         "add failures: and the modes this flow can meet",
         "flows:\n  orders: # <--\n    failures: []\n", "flows:\n  orders:\n    failures: [ack-missed]\n"),
    Code("E402", "A failure without an owner",
         "What belongs to everybody is done by nobody.",
         "add owner: and a team",
         _mode("    owner: # nothing\n", True), _mode("    owner: desk\n")),
    Code("E403", "An owner without authority",
         "Whoever owns a failure may do something about it: retry, repair, suppress, escalate.",
         "add may: and the verbs that mean something here",
         _mode("    may: [] # <--\n"), _mode("    may: [suppress, escalate]\n")),
    Code("E404", "A failure without a runbook",
         "At night somebody reads what to do, step by step, or wakes a colleague who knows.",
         "add recovery: and the steps",
         _mode("    recovery: []\n", True), _mode("    recovery: [Look at the order., Call the seller.]\n")),
    Code("E405", "A failure without an alert",
         "Who is told, and from how many on? Without it a failure is found by the customer.",
         "add alert: {measure: open-cases, above: 0}",
         _mode("    alert: # nothing\n", True), _mode("    alert: {measure: open-cases, above: 0, for: 15m}\n")),
    Code("E406", "A failure the hub can meet and nobody owns",
         "The code opens a case of this mode by name. Without an entry it would have no owner, no runbook and no deadline."
         " Some are opened only where we are the seller: they are asked for in a plan with such an account, and may stand there as"
         " channel- and their name.",
         "copy the entry from the plan that ships, and give it to a team",
         "failures: # <--\n  drain-failing: # nothing\n", "failures:\n  drain-failing: {owner: night}\n"),
    Code("E407", "Escalation in a circle",
         "The case would climb for ever, and end nowhere.",
         "leave out escalates_to at the team where it ends",
         _night("    escalates_to: desk # <--\n"), _night("    deputy: desk\n")),
    Code("E408", "A team without hours",
         "Shares of a window are counted in the owner's working time.",
         "add hours: Mon-Fri 08-18 Europe/Paris, or 24/7",
         _night("    hours: # nothing\n", True), _night("    hours: 24/7\n")),
    Code("E409", "A team without a deputy",
         "People are ill and on holiday; somebody else decides then.",
         "add deputy: and another team",
         _night("    deputy: # nothing\n", True), _night("    deputy: desk\n")),
    Code("E410", "A team nobody can reach",
         "Alerts need a channel.",
         "add notify: [env:NAME]",
         _night("    notify: []\n", True), _night("    notify: [env:PAGER]\n")),
    Code("E411", "Escalation that goes down",
         "Each step is later than the one before it.",
         "put the steps in the order of their shares",
         _mode("    escalate: [{at: 80%, to: owner}, {at: 50%, to: night}] # <--\n"), _mode("    escalate: [{at: 50%, to: owner}, {at: 80%, to: night}]\n")),
    Code("E412", "Retry first on a business failure",
         "They refused the data, not the moment: sending it again changes nothing, and the first verb is the big button.",
         "put another verb first",
         _mode("    may: [retry, escalate] # <--\n"), _mode("    may: [repair, retry, escalate]\n")),
    Code("E413", "A verb twice",
         "A button stands once.",
         "name each verb once",
         _mode("    may: [escalate, escalate] # <--\n"), _mode("    may: [suppress, escalate]\n")),
    Code("E414", "A failure nobody above hears of",
         "If the owner does not decide, somebody must learn it before the deadline.",
         "add escalate: [{at: 50%, to: owner}, {at: 80%, to: TEAM}]",
         _mode("    escalate: []\n", True), _mode("    escalate: [{at: 80%, to: night}]\n")),
    Code("E415", "Failures that take over from each other",
         "When its promise is broken a failure becomes another one; in a circle it never ends.",
         "leave out when_missed at the last of them",
         "failures:\n  ack-missed: {when_missed: ship-late}\n  ship-late: {when_missed: ack-missed} # <--\n", "failures:\n  ack-missed: {when_missed: ship-late}\n"),
    Code("W401", "A failure of the trade that nobody owns",
         "Others have met it in this model. This version of the hub does not open it by itself, so people must see it.",
         "copy the entry from the plan that ships, and give it to a team",
         "failures: # <--\n  gtin-invalid: # nothing\n", "failures:\n  gtin-invalid: {owner: desk}\n"),
    Code("W402", "A text that names what no case has",
         "A name in braces is filled in when a case is opened; this one would stay a gap.",
         "write one of count, value, due, object, object_id, account, words",
         _mode('    effect: "{amount} waits." # <--\n'), _mode('    effect: "{value} waits."\n')),
    Code("W403", "A failure its flow does not know",
         "It names a flow that does not name it, so it is missing from the flow's page, its maps and its gate.",
         "add it to the flow's failures, or write flow: any",
         "failures:\n  ship-late: # <--\n    flow: orders\n", "failures:\n  ack-missed:\n    flow: orders\n"),
    Code("W404", "Escalation that ends at night",
         "The last team has office hours; whatever is due before the morning is missed.",
         "end with a team that works 24/7",
         _night("    hours: Mon-Fri 08-18 Europe/Paris\n", True), _night("    hours: 24/7\n")),
)  # fmt: skip
