"""A plan with everything that is drawn, small enough to be read at once: a marketplace, a shop, a gateway, a back office."""

from functools import cache
from hashlib import sha256
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from entrepot.blueprint.model import Plan

PLAN_TEXT = """
systems:
  mirakl-fr: {connector: mirakl, party: marketplace, environment: sandbox, timezone: Europe/Paris}
  gateway: {connector: payment, party: payment, environment: sandbox}
  storefront: {connector: storefront, party: commerce, environment: sandbox}
  erp-eu: {connector: manual, party: erp, environment: sandbox}
  oms-eu: {connector: manual, party: oms, environment: sandbox}
accounts:
  mirakl-fr/operator: {system: mirakl-fr, model: operator, capture: when-all-decided}
  gateway/main: {system: gateway}
  storefront/main: {system: storefront}
  erp-eu/main: {system: erp-eu}
sellers:
  "*": {seller_model: marketplace, contact: [mirakl-thread, mail-digest]}
teams:
  marketplace-lead: {party: operator, hours: Mon-Fri 08-19 Europe/Paris, deputy: supplier-operations, escalates_to: on-call, notify: [env:ALERTS]}
  supplier-operations: {party: operator, hours: Mon-Fri 08-18 Europe/Paris, deputy: marketplace-lead, escalates_to: marketplace-lead, notify: [env:ALERTS]}
  order-desk: {party: operator, hours: Mon-Sat 08-20 Europe/Paris, deputy: customer-care, escalates_to: marketplace-lead, notify: [env:ALERTS]}
  customer-care: {party: customer-care, hours: Mon-Sat 08-20 Europe/Paris, deputy: order-desk, escalates_to: marketplace-lead, notify: [env:ALERTS]}
  finance-operations: {party: finance, hours: Mon-Fri 08-18 Europe/Paris, deputy: marketplace-lead, escalates_to: marketplace-lead, notify: [env:ALERTS]}
  commerce-architect: {party: operator, hours: Mon-Fri 09-18 Europe/Paris, deputy: on-call, escalates_to: on-call, notify: [env:ALERTS]}
  on-call: {party: operator, hours: 24/7, deputy: commerce-architect, notify: [env:ALERTS]}
flows:
  checkout-check:
    {object: offer, from: storefront, to: [storefront], pattern: direct-api, latency: checkout-blocking, idempotency: [offer_id],
     retry: {first: 1s, max: 1s, window: 1s}, degraded: {mirakl-fr: answer-from-last-known, storefront: {continues: [browse, order]}},
     pause: {allowed: false, max: 1h, owner: marketplace-lead}, replay: safe, failures: [system-down]}
  order-creation:
    {object: basket, from: storefront, to: [mirakl-fr], pattern: direct-api, also: scheduled-job, latency: checkout-blocking, idempotency: [commercial_id],
     retry: {first: 5s, max: 5m, window: 12h}, degraded: {mirakl-fr: keep-and-send-later, storefront: {continues: [browse, order], stops: [order-number-at-once]}},
     pause: {allowed: true, max: 1h, owner: marketplace-lead}, replay: with-review, reconcile_after: [order-counts], failures: [unknown-outcome]}
  order-acceptance:
    {object: leg, from: mirakl-fr, to: [gateway, storefront], pattern: event, also: scheduled-job, latency: near-real-time, idempotency: [account, order_id],
     deadline: {obligation: acknowledge, within: 12h, starts: awaiting-acceptance, source: operator-setting}, retry: {first: 5s, max: 10m, window: 6h},
     degraded: {mirakl-fr: wait-and-heal-by-safety-check, storefront: {continues: [browse, order], stops: [same-day-promise]}},
     pause: {allowed: true, max: 4h, owner: marketplace-lead}, replay: with-review, reconcile_after: [order-counts], failures: [ack-at-risk, ack-missed, leg-refused]}
  capture:
    {part_of: order-acceptance, object: leg, from: mirakl-fr, to: [gateway, mirakl-fr], pattern: event, also: scheduled-job, latency: near-real-time,
     idempotency: [capture, order_id], deadline: {obligation: capture-before-expiry, within: 7d, starts: authorised, source: gateway},
     retry: {first: 5s, max: 10m, window: 24h}, degraded: {gateway: keep-and-send-later}, pause: {allowed: true, max: 4h, owner: finance-operations},
     replay: with-review, reconcile_after: [captured-amounts], failures: [payment-late]}
  shipment:
    {object: shipment, from: mirakl-fr, to: [storefront], pattern: event, also: scheduled-job, latency: same-day-operational, idempotency: [account, shipment_id],
     deadline: {obligation: ship, within: 72h, starts: to-ship, source: marketplace}, retry: {first: 10s, max: 15m, window: 24h},
     pause: {allowed: true, max: 8h, owner: order-desk}, replay: safe, reconcile_after: [shipment-counts], failures: [system-down]}
  return-refund:
    {object: refund, from: mirakl-fr, to: [gateway, mirakl-fr], pattern: event, also: scheduled-job, latency: same-day-operational, idempotency: [refund_id],
     deadline: {obligation: refund-confirmed, within: 48h, starts: asked, source: operator-setting}, retry: {first: 10s, max: 15m, window: 24h},
     confirmations: {gateway: 24h, marketplace: 36h, books: 48h}, pause: {allowed: true, max: 8h, owner: finance-operations}, replay: with-review,
     failures: [unknown-outcome]}
  incident-dispute:
    {object: dispute, from: gateway, to: [mirakl-fr], pattern: event, also: scheduled-job, latency: same-day-operational, idempotency: [dispute_id],
     retry: {first: 10s, max: 15m, window: 24h}, pause: {allowed: true, max: 8h, owner: finance-operations}, replay: with-review, failures: [system-down]}
  settlement:
    {object: statement, from: mirakl-fr, to: [gateway], pattern: scheduled-job, latency: finance-close, idempotency: [statement_id],
     deadline: {obligation: statement-due, within: 3d, starts: cycle-closed, source: operator-setting}, retry: {first: 1m, max: 30m, window: 24h},
     degraded: {mirakl-fr: fetch-later}, pause: {allowed: true, max: 24h, owner: finance-operations}, replay: safe, failures: [statement-missing]}
  payout:
    {object: payout, from: mirakl-fr, to: [gateway, mirakl-fr], pattern: scheduled-job, latency: finance-close, idempotency: [cycle_id],
     deadline: {obligation: payout-confirmed, within: 5d, starts: cycle-closed, source: operator-setting}, retry: {first: 1m, max: 30m, window: 24h},
     pause: {allowed: true, max: 24h, owner: finance-operations}, replay: never, failures: [system-down]}
  offer-publication:
    {object: offer, from: mirakl-fr, to: [storefront, pim], pattern: event, also: scheduled-job, latency: near-real-time, mode: observe,
     idempotency: [account, offer_id, revision], retry: {first: 10s, max: 10m, window: 2h},
     degraded: {mirakl-fr: sell-last-known, storefront: {continues: [browse], stops: [new-prices]}}, pause: {allowed: true, max: 2h, owner: supplier-operations},
     replay: safe, reconcile_after: [offer-counts], stage: stable, criteria: [no price older than 30 min for a week], failures: [offer-under-floor]}
  back-office-export:
    {object: leg, from: mirakl-fr, to: [erp, oms@oms-eu, finance], pattern: middleware, latency: same-day-operational, idempotency: [order_id],
     retry: {first: 1m, max: 30m, window: 24h}, receipt: {waits_for: document-number, within: 8h}, pause: {allowed: true, max: 8h, owner: order-desk},
     replay: with-review, failures: [system-down]}
failures:
  ack-at-risk:
    {flow: order-acceptance, kind: business, owner: supplier-operations, may: [escalate, suppress], actions: [remind-seller, cancel-leg], within: 8h,
     cause: The seller has not decided every line., effect: "Order {object_id} worth {value} will be refused at {due}.", recovery: [Remind the seller.],
     escalate: [{at: 50%, to: owner}, {at: 80%, to: marketplace-lead}, {at: 95%, to: on-call}], corrects: seller, requests: [operator], when_missed: ack-missed}
  ack-missed:
    {flow: order-acceptance, kind: business, owner: marketplace-lead, may: [suppress, escalate], within: 8h, cause: The window ended.,
     effect: "Order {object_id} worth {value} is lost.", recovery: [Check that the buyer was told.], escalate: [{at: 50%, to: owner}, {at: 80%, to: on-call}]}
  leg-refused:
    {flow: order-acceptance, kind: business, owner: customer-care, may: [suppress, escalate], within: 8h, cause: The seller refused the order.,
     effect: "{value} of order {object_id} will not be delivered.", recovery: [Tell the buyer.], escalate: [{at: 80%, to: marketplace-lead}], corrects: seller}
  payment-late:
    {flow: capture, kind: business, owner: finance-operations, may: [escalate, suppress], within: 4h, cause: The marketplace waits for the payment.,
     effect: "Order {object_id} is cancelled at {due}.", recovery: [Open the outgoing action.], escalate: [{at: 50%, to: owner}, {at: 80%, to: marketplace-lead}]}
  statement-missing:
    {flow: settlement, kind: business, owner: finance-operations, may: [escalate, suppress], within: 16h, cause: The statement has not arrived.,
     effect: "Statement {object_id} is missing.", recovery: [Ask for it.], escalate: [{at: 50%, to: owner}, {at: 80%, to: marketplace-lead}]}
  offer-under-floor:
    {flow: offer-publication, kind: business, owner: supplier-operations, may: [suppress, escalate], within: 8h,
     cause: "The seller's price is under the operator's floor: {words}",
     effect: "{count} offers worth {value} are not sold until their seller corrects the price.",
     recovery: ["Look at the seller's price <b>and</b> the floor.", "Ask the seller for the right price."],
     escalate: [{at: 50%, to: owner}, {at: 80%, to: marketplace-lead}], corrects: seller, requests: [operator, customer-care],
     alert: {measure: open-cases, above: 3, for: 5m}}
  unknown-outcome:
    {flow: any, kind: system, owner: on-call, may: [retry, suppress, escalate], within: 2h, cause: "No clear answer came back: {words}",
     effect: "It is not known whether {object_id} was done.", recovery: [Look for it at the other side.], escalate: [{at: 50%, to: owner}, {at: 80%, to: finance-operations}]}
  poison-message:
    {flow: any, kind: system, owner: on-call, may: [retry, repair, suppress, escalate], within: 4h, cause: "Our own program failed: {words}",
     effect: "{object} {object_id} is not applied.", recovery: [Read the error.], escalate: [{at: 50%, to: owner}, {at: 80%, to: commerce-architect}]}
  system-down:
    {flow: any, kind: system, owner: on-call, may: [suppress, escalate], within: 1h, cause: "A system does not answer: {words}",
     effect: "{account} cannot be reached.", recovery: [Look at its status page.], escalate: [{at: 50%, to: owner}, {at: 80%, to: marketplace-lead}]}
identifiers:
  leg: {mirakl-fr: order_id, erp: sale.reference, gateway: reference, environment_prefix: true, financial: true}
  offer: {mirakl-fr: offer_id, storefront: sku}
ownership:
  offer:
    source_of_truth: seller
    create: [seller]
    consume: [commerce, oms]
    exceptions: supplier-operations
    fallback: hold-last-known
    enforcement: {feed: before, observed: after}
    holds_max: 30d
    overrides: {max: 14d, second_person_above_percent: 20}
    fields:
      price:
        - {where: {seller_model: dropship}, update: [operator], correct: [operator]}
        - {update: [seller], hold: [operator], correct: [seller], request: [operator, customer-care]}
      quantity: {update: [seller, erp@erp-eu], precedence: [erp@erp-eu, seller], hold: [operator], correct: [seller]}
      active: {combine: all-of, update: [seller, operator, marketplace]}
      category: {update: [seller], override: [operator], correct: [seller], request: [operator]}
      "*": {update: [seller], correct: [seller], request: [operator]}
  leg:
    source_of_truth: marketplace
    create: [marketplace]
    consume: [oms, erp, customer-care]
    exceptions: order-desk
    fallback: "use:commerce"
    fields:
      state: {update: [marketplace], correct: [marketplace], request: [operator]}
launch:
  rehearsals:
    - {what: empty-and-pause, flow: order-acceptance, "on": 2026-10-02, by: marketplace-lead}
    - {what: rollback, flow: order-acceptance, "on": 2026-10-01, by: commerce-architect}
    - {what: rollback, flow: order-acceptance, "on": 2026-10-03, by: commerce-architect, note: again}
"""
NAMED = ("systems", "accounts", "sellers", "teams", "flows", "failures", "identifiers", "ownership")


def plan_of(text: str) -> Plan:
    """Not linted: drawings take any plan the model can hold."""
    data: dict[str, Any] = YAML(typ="safe").load(StringIO(text))
    for section in NAMED:
        data[section] = {name: {"name": name, **entry} for name, entry in data[section].items()}
    return Plan.model_validate({**data, "file": "entrepot.yaml", "hash": sha256(text.encode()).hexdigest()[:16]})


@cache
def shop_plan() -> Plan:
    return plan_of(PLAN_TEXT)
