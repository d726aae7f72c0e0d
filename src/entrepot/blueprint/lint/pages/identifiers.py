"""E5xx as data."""

from entrepot.blueprint.lint.code import Code

FAMILY = "Identifiers"
_OMS = "systems:\n  oms: {connector: manual, party: oms, environment: sandbox}\n"
_TO_OMS = "flows:\n  orders:\n    degraded: {oms: keep-and-send-later}\n    to: [erp, oms]"
_PARCELS = """flows:
  fulfilment-confirm:
    object: shipment
    from: erp
    to: [market]
    pattern: event
    also: scheduled-job
    latency: same-day-operational
    deadline: {obligation: ship, within: 48h, starts: to-ship, source: operator-setting}
    idempotency: [parcel]
    retry: {first: 1m, max: 30m, window: 12h}
    degraded: {market: keep-and-send-later, erp: wait-and-heal-by-safety-check}
    pause: {allowed: true, max: 4h, owner: desk}
    replay: safe
    reconcile_after: [order-counts]
    failures: [ack-missed]
identifiers:
  shipment: {market: tracking, erp: parcel}
"""

CODES = (
    Code("E501", "Two systems that nothing joins",
         "A record of one cannot be found in the other. The join may lead over related objects: a leg over its basket.",
         "name the object's field of both systems under identifiers",
         f"{_OMS}{_TO_OMS} # <--\n", f"{_OMS}{_TO_OMS}\nidentifiers:\n  leg: {{oms: order_number}}\n"),
    Code("E502", "No environment prefix",
         "Other systems keep the ids we give away. Without `sandbox-` before it, a test order can be joined to a real one.",
         "add environment_prefix: true",
         "identifiers:\n  leg: # <--\n    environment_prefix: false\n", "identifiers:\n  leg:\n    environment_prefix: true\n"),
    Code("E503", "No financial reference on a money flow",
         "Statements and payment reports are matched by one identifier, to the cent. It must be known which.",
         "add financial: true",
         "identifiers:\n  payout: # <--\n    financial: false\n", "identifiers:\n  payout:\n    financial: true\n"),
    Code("E504", "An identifier of nobody",
         "It is neither a system of this plan nor a party.",
         "write the name of a system, or a party",
         "identifiers:\n  leg: {gateway-eu: reference} # <--\n", "identifiers:\n  leg: {payment: reference}\n"),
    Code("E505", "An identifier of an unknown object",
         "Nothing in the hub is called so, and nothing would be joined by it.",
         "write one of the objects",
         "identifiers:\n  legs: {market: order_id, erp: reference} # <--\n", "identifiers:\n  line: {market: order_line_id, erp: position}\n"),
    Code("E506", "An identifier that joins nothing",
         "Only one system knows it.",
         "name the field of at least two systems",
         "identifiers:\n  offer: {market: offer_id} # <--\n", "identifiers:\n  offer: {market: offer_id, erp: article}\n"),
    Code("W501", "Words that are never met",
         "The flow of this mapping does not touch the system whose words it holds.",
         "write the system the words belong to, or another flow",
         "flows:\n  payouts: {to: [market]}\nmappings:\n  states:\n    flow: payouts\n    system: erp # <--\n    direction: out\n    field: state\n",
         "flows:\n  payouts: {to: [market]}\nmappings:\n  states:\n    flow: payouts\n    system: market\n    direction: out\n    field: state\n"),
    Code("W502", "Words that no flow asks for",
         "A flow looks up certain fields on their way out, each by its name; a table of another field is never opened.",
         "write a field that the flow has translated",
         _PARCELS + "mappings:\n  carriers:\n    flow: fulfilment-confirm\n    system: market\n    direction: out\n    field: carier # <--\n    values: {dhl: DHL}\n",
         _PARCELS + "mappings:\n  carriers:\n    flow: fulfilment-confirm\n    system: market\n    direction: out\n    field: carrier\n    values: {dhl: DHL}\n"),
)  # fmt: skip
