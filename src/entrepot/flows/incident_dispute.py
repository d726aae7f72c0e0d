"""incident-dispute, the gateway's side: what the gateway tells us by itself.

Captures and refunds it confirms are news we already have (they witness our own effects). A chargeback takes the money now: it is posted to
suspense the moment it opens, and becomes a case with its evidence date. A lapsed authorisation is a case. A transfer that was paid or failed
belongs to the payout it names; a closed settlement makes the settlement sweep due now.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from entrepot.cases.model import CaseAsked
from entrepot.connectors.payment.events import PaymentEvent
from entrepot.flows.consequences import Consequences
from entrepot.flows.parts import Parts
from entrepot.inbox.model import Decided, Ignored, Message, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.money.ledger import journals

FLOW = "incident-dispute"

Heard = Callable[[Ctx, Conn, Message, PaymentEvent], Verdict]  # what another flow does with an event of the gateway
