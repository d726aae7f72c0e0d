"""Writes after a sale went wrong: answer a payment dispute under its revision, say that returned goods are back."""

from typing import Any

from entrepot.connectors.ebay import shapes
from entrepot.connectors.ebay.asking import (
    FULFILLMENT,
    OTHERWISE,
    POST_ORDER,
    done_quietly,
    json_call,
    no_content,
    part,
)
from entrepot.connectors.ebay.words import RETURN_RECEIVED
from entrepot.connectors.exchange import Call
from entrepot.connectors.reading import Unreadable, members, typed
from entrepot.connectors.verbs import AnswerDispute, ReceiveReturn
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, ReadBack, Refused

ANSWERS = {"accept": "ACCEPT", "contest": "CONTEST"}
NOTE_MAX = 1_000


def dispute_path(dispute_id: str, tail: str = "") -> str:
    return f"{FULFILLMENT}/payment_dispute/{part(dispute_id)}{tail}"


def answer_dispute(payload: AnswerDispute, _key: str) -> Call:
    """Their lock: an answer names the revision it has read. Evidence is told in the note; files are uploaded by a person."""
    if payload.answer not in ANSWERS:
        raise Unreadable(f"“{payload.answer}” is none of {', '.join(ANSWERS)}", "$.answer")
    if not payload.revision.isdecimal():
        raise Unreadable("an answer needs the revision of the dispute as it was read", "$.revision")
    body: dict[str, Any] = {"revision": int(payload.revision)}
    if payload.answer == "contest":
        told = [
            payload.note,
            *(f"{one.get('kind', '')}: {one.get('text', '')}".strip(": ") for one in payload.evidence),
        ]
        note = "\n".join(text for text in told if text)
        if len(note) > NOTE_MAX:
            raise Unreadable(f"note and evidence have {len(note)} characters; they take {NOTE_MAX}", "$.note")
        body |= {"note": note} if note else {}
    return json_call("POST", dispute_path(payload.dispute_id, f"/{payload.answer}"), body)


def dispute_answered(payload: AnswerDispute, response: HttpResponse) -> ReadBack:
    """What they have as the seller's answer; while there is none, the revision a next answer must name."""
    seen = typed(response.body, shapes.Dispute)
    given = (seen.sellerResponse or "").upper()
    if given.startswith(ANSWERS.get(payload.answer, "?")):  # CONTEST, CONTESTED: the words are not published [guess]
        return Done({"seller_response": given})
    if given or seen.paymentDisputeStatus == "CLOSED":
        return Refused(OTHERWISE, f"dispute {payload.dispute_id} is {seen.paymentDisputeStatus} {given}".strip())
    return NotThere(f"dispute {payload.dispute_id} is {seen.paymentDisputeStatus} at revision {seen.revision}")


ANSWER_DISPUTE = Shape(
    AnswerDispute,
    answer_dispute,
    no_content,
    Look(lambda payload, _key: Call("GET", dispute_path(payload.dispute_id)), dispute_answered),
)


def return_path(return_id: str, tail: str = "") -> str:
    return f"{POST_ORDER}/return/{part(return_id)}{tail}"


def receive_return(payload: ReceiveReturn, _key: str) -> Call:
    """They hear that the goods are back; what we think of them is told in the comment, as they ask nothing else."""
    refused = sum(line.quantity for line in payload.rejected)
    if refused + sum(line.quantity for line in payload.accepted) < 1:
        raise Unreadable("nothing came back", "$.accepted")
    told = f"{refused} not as agreed" if refused else "received"
    return json_call("POST", return_path(payload.return_id, "/mark_as_received"), {"comments": {"content": told}})


def return_received(payload: ReceiveReturn, response: HttpResponse) -> ReadBack:
    inside = members(response.body)
    seen = typed(inside.get("summary") or response.body, shapes.Return)
    if seen.state in RETURN_RECEIVED:
        return Done({"return_state": seen.state})
    return NotThere(f"return {payload.return_id} is {seen.state}")


RECEIVE_RETURN = Shape(
    ReceiveReturn,
    receive_return,
    done_quietly,
    Look(lambda payload, _key: Call("GET", return_path(payload.return_id)), return_received),
)
