"""A plan with everything that is drawn: the shipped one, and over it systems of a back office, ownership, identifiers, rehearsals."""

from functools import cache
from typing import Any

from entrepot.blueprint.load import SECTIONS, content_hash, examine, examine_text
from entrepot.blueprint.model import Plan

LAID_OVER = """
systems:
  erp-eu: {connector: manual, party: erp, environment: sandbox, timezone: Europe/Paris}
  oms-eu: {connector: manual, party: oms, environment: sandbox, timezone: Europe/Paris}
accounts:
  erp-eu/main: {system: erp-eu}
flows:
  offer-publication:
    object: offer
    from: mirakl-fr
    to: [storefront, pim]
    pattern: event
    also: scheduled-job
    latency: near-real-time
    mode: observe
    idempotency: [account, offer_id, revision]
    retry: {first: 10s, max: 10m, window: 2h}
    degraded: {mirakl-fr: sell-last-known, storefront: {continues: [browse], stops: [new-prices]}}
    pause: {allowed: true, max: 2h, owner: supplier-operations}
    replay: safe
    reconcile_after: [offer-counts]
    stage: stable
    criteria: [no price older than 30 min for a week]
    failures: [offer-under-floor]
  back-office-export:
    object: leg
    from: mirakl-fr
    to: [erp, oms@oms-eu, finance]
    pattern: middleware
    latency: same-day-operational
    idempotency: [order_id]
    retry: {first: 1m, max: 30m, window: 24h}
    receipt: {waits_for: document-number, within: 8h}
    pause: {allowed: true, max: 8h, owner: order-desk}
    replay: with-review
    failures: [effect-refused]
failures:
  offer-under-floor:
    flow: offer-publication
    kind: business
    owner: supplier-operations
    may: [suppress, escalate]
    cause: "The seller's price is under the operator's floor: {words}"
    effect: "{count} offers worth {value} are not sold until their seller corrects the price."
    within: 8h
    recovery: ["Look at the seller's price <b>and</b> the floor.", "Ask the seller for the right price."]
    escalate: [{at: 50%, to: owner}, {at: 80%, to: marketplace-lead}]
    corrects: seller
    requests: [operator, customer-care]
    alert: {measure: open-cases, above: 3, for: 5m}
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
    - {what: empty-and-pause, flow: order-acceptance, on: 2026-10-02, by: marketplace-lead}
    - {what: rollback, flow: order-acceptance, on: 2026-10-01, by: commerce-architect}
    - {what: rollback, flow: order-acceptance, on: 2026-10-03, by: commerce-architect, note: again}
"""


@cache
def shop_plan() -> Plan:
    return plan_of(LAID_OVER)


def plan_of(laid_over: str) -> Plan:
    """The shipped plan with some entries more. Not linted: drawings take any plan the model can hold."""
    data: dict[str, Any] = examine().document.data
    for section, entries in examine_text(laid_over).document.data.items():
        data[section] = {**data.get(section, {}), **entries}
    named = {
        section: {name: {**entry, "name": name} for name, entry in entries.items()} if section in SECTIONS else entries
        for section, entries in data.items()
    }
    return Plan.model_validate({**named, "file": "entrepot.yaml", "hash": content_hash(data)})
