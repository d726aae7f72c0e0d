"""What follows when a word about a record was turned away, or has come to say what stands: a case of whoever sees exceptions, and its end."""

from entrepot.cases.model import CaseAsked
from entrepot.flows.consequences import Consequences
from entrepot.flows.parts import Parts
from entrepot.ownership.model import Judged, TurnedAway

NOT_HIS = "ownership-refused"
SAYS_WHAT_STANDS = "he has come to say what stands"


def follow(parts: Parts, judged: Judged, flow: str, root: str = "") -> Consequences:
    """For the caller to flush with the rest of its transaction. What was refused before in the same words is counted, and told once."""
    then = Consequences()
    then.cases += [_case(parts, one, flow, root) for one in judged.turned_away if not one.again]
    then.gone += [
        (NOT_HIS, one.object, one.object_id, SAYS_WHAT_STANDS) for one in judged.freed if one.what == "refusal"
    ]
    return then


def cause_key(object: str, field: str, actor: str) -> str:
    """What the same cause of other records has in common: who writes which field."""
    return f"{object}.{field}:{actor}"


def _case(parts: Parts, away: TurnedAway, flow: str, root: str) -> CaseAsked:
    account = parts.plan.accounts.get(away.scope.account)
    return CaseAsked(
        mode=NOT_HIS,
        account=away.scope.account,
        object=away.object,
        object_id=away.object_id,
        root=root or f"{away.object}:{away.object_id}",
        cause=f"{away.object} {away.object_id}: {away.words}",
        currency=account.currency if account and account.currency else "EUR",
        message_id=away.message_id or None,
        flow=flow,
        details={"field": away.field, "value": away.value, "stands": away.stands},
        seller=away.scope.seller,
        cause_key=cause_key(away.object, away.field, away.actor),
    )
