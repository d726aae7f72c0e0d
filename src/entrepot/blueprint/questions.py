"""What `entrepot init` asks before it writes a plan: each question with its default, why it matters, and what an answer may be."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from entrepot.blueprint.entries import PARTIES
from entrepot.blueprint.hours import parse_hours
from entrepot.blueprint.references import is_reference
from entrepot.blueprint.templates import BACK_OFFICE, CHANNELS, Model
from entrepot.blueprint.units import duration_text, parse_duration, parse_rate
from entrepot.blueprint.without import OUR_SYSTEMS
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.money import NotMoney, exponent

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOLIDAYS = ("FR", "DE", "none")
_CHANNEL = re.compile(r"(\S+)(?: as (\S+))?")
_SYSTEM = re.compile(r"[a-z][a-z0-9-]{1,30}[a-z0-9]")
_RESERVED = {
    *PARTIES,
    *OUR_SYSTEMS,
    BACK_OFFICE,
    "gateway",
    "storefront",
    "supplier-edi",
    "manual",
    "operator",
    "main",
    "any",
    "owner",
}
TEXT_MAX = 200

Answers = Mapping[str, str]
Check = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Question:
    """`check` gives the answer as it is written into the plan. Errors: ValueError that says what to write."""

    name: str
    ask: str
    why: str
    default: Mapping[Model, str]  # only of the models it is asked for
    check: Check


def questions(model: Model) -> list[Question]:
    return [question for question in QUESTIONS if model in question.default]


def defaults(model: Model) -> dict[str, str]:
    return {question.name: question.default[model] for question in questions(model)}


def checked(model: Model, given: Answers) -> dict[str, str]:
    """Every answer, those not given by default. Errors: WrongSetting with everything that is wrong, one line each."""
    asked = {question.name: question for question in questions(model)}
    wrong = [f"{name}: there is no such question{_near(name, asked)}" for name in given if name not in asked]
    answers = {}
    for name, question in asked.items():
        try:
            answers[name] = question.check(str(given.get(name, question.default[model])).strip())
        except ValueError as error:
            wrong.append(f"{name}: {error}")
    if not wrong:
        wrong = [*_together(answers)]
    if wrong:
        raise WrongSetting("\n".join(wrong), findings=wrong)
    return answers


def _near(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"


def _together(answers: Answers) -> list[str]:
    """What no single answer shows: money that must still be there when the goods leave, a promise that a channel does not wait for."""
    wrong = []
    if {"acceptance", "shipping", "authorisation"} <= set(answers):
        needed = parse_duration(answers["acceptance"]) + parse_duration(answers["shipping"])
        if needed >= parse_duration(answers["authorisation"]):
            wrong.append(
                f"authorisation: {answers['authorisation']} is not longer than acceptance and shipping together "
                f"({duration_text(needed)}): the buyer could no longer be charged"
            )
    wrong += [
        f"taking: {channels[name]} waits {duration_text(longest)} for an order to be taken, not {answers['taking']}"
        for name, longest in WAITS.items()
        if name in (channels := channels_of(answers)) and parse_duration(answers["taking"]) > longest
    ]
    names = [*channels_of(answers).values(), *([answers["marketplace"]] if "marketplace" in answers else [])]
    wrong += [
        f"channels: {name} names two systems; give each its own"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    return wrong


# --- what an answer may be -----------------------------------------------------------------------------------------


def _system(text: str) -> str:
    if not _SYSTEM.fullmatch(text) or text in _RESERVED:
        raise ValueError(f"“{text}” cannot name a system: write small letters, digits and hyphens, such as mirakl-fr")
    return text


def _one_of(*words: str) -> Check:
    def check(text: str) -> str:
        if text not in words:
            raise ValueError(f"“{text}” is not known here; write one of {', '.join(words)}")
        return text

    return check


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"“{text}” is not a time zone: write one such as Europe/Paris") from None
    return text


def _currency(text: str) -> str:
    try:
        exponent(text)
    except NotMoney as error:
        raise ValueError(f"{error}: write one such as EUR") from None
    return text


def _between(least: timedelta, most: timedelta) -> Check:
    def check(text: str) -> str:
        if not least <= parse_duration(text) <= most:
            raise ValueError(f"“{text}” is not between {duration_text(least)} and {duration_text(most)}")
        return _in_hours(parse_duration(text))

    return check


def _in_hours(duration: timedelta) -> str:
    """A deadline said in days would mean working days to whoever reads it."""
    hours, rest = divmod(int(duration.total_seconds()), 3600)
    return f"{hours}h" if not rest else f"{(hours * 3600 + rest) // 60}m"


def _rate(text: str) -> str:
    parse_rate(text)
    return text


def _hours(text: str) -> str:
    if text:
        parse_hours(f"{text} UTC")
    return text


def _addresses(text: str) -> str:
    found = [one.strip() for one in text.split(",") if one.strip()]
    wrong = [one for one in found if not is_reference(one) or not re.fullmatch(r"[\w:./-]+", one)]
    if wrong or not found:
        raise ValueError(
            f"“{', '.join(wrong)}”: write references, such as env:ENTREPOT_ALERT_MAIL; the addresses stay out of the plan"
        )
    return ", ".join(found)


def _sentence(text: str) -> str:
    if not text or len(text) > TEXT_MAX or not text.isprintable():
        raise ValueError(f"write one line of 1 to {TEXT_MAX} characters")
    return text


def _systems(text: str, known: Sequence[str] = OUR_SYSTEMS) -> str:
    found = [one.strip() for one in text.split(",") if one.strip() and one.strip() != "none"]
    unknown = [one for one in found if one not in known]
    if unknown:
        raise ValueError(f"“{', '.join(unknown)}” is not known here; write some of {', '.join(known)}, or none")
    return ", ".join(one for one in known if one in found) or "none"


def _books(text: str) -> str:
    found = _systems(text)
    if not {"oms", "erp"} & set(found.split(", ")):
        raise ValueError(
            "the marketplace's orders and the channels' statements are booked somewhere: name oms or erp, or both"
        )
    return found


def _channels(text: str) -> str:
    """`amazon-de, walmart-us as walmart-com`: those we sell on, and the names that some of them shall have here."""
    chosen: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        found = _CHANNEL.fullmatch(part)
        if found is None or found[1] not in CHANNELS:
            raise ValueError(
                f"“{part}” is not known here; write some of {', '.join(CHANNELS)}, such as {CHANNELS[0]} as amazon-fr"
            )
        chosen[found[1]] = _system(found[2]) if found[2] else found[1]
    if not chosen:
        raise ValueError(f"a seller sells somewhere: write some of {', '.join(CHANNELS)}")
    return ", ".join(
        f"{name} as {chosen[name]}" if chosen[name] != name else name for name in CHANNELS if name in chosen
    )


def channels_of(answers: Answers) -> dict[str, str]:
    """The channels that were chosen, as they ship, and the name of each in this plan."""
    pairs = [_CHANNEL.fullmatch(part) for part in answers["channels"].split(", ")] if "channels" in answers else []
    return {found[1]: found[2] or found[1] for found in pairs if found}


WAITS = {"walmart-us": 4 * HOUR}  # as its connector's manifest has it: `entrepot check` would refuse a longer promise


def _all(value: str) -> dict[Model, str]:
    return {"operator": value, "syndication": value, "both": value}


QUESTIONS: tuple[Question, ...] = (
    Question("marketplace", "Which name shall the marketplace we operate have here?",
             "It stands in every flow, identifier and case.", {"operator": "mirakl-fr", "both": "mirakl-fr"}, _system),
    Question("channels", f"Which channels do you sell on ({', '.join(CHANNELS)})?",
             "The others are left out. NAME as YOURS gives one another name: amazon-de as amazon-fr.",
             dict.fromkeys(("syndication", "both"), ", ".join(CHANNELS)), _channels),
    Question("environment", "Is this plan for the sandbox, or for production?",
             "One plan runs in one environment; begin in the sandbox.", _all("sandbox"), _one_of("sandbox", "production")),
    Question("timezone", "In which time zone do your teams work?",
             "Deadlines count working time on their clock.", {**_all("Europe/Paris"), "syndication": "Europe/Berlin"}, _zone),
    Question("holidays", f"Whose holidays are no working days ({', '.join(HOLIDAYS)})?",
             "Deadlines in working days skip them; others can be written into the calendar.",
             {**_all("FR"), "syndication": "DE"}, _one_of(*HOLIDAYS)),
    Question("currency", "In which currency do you sell?",
             "Money in another one is a case, never converted by a guess.", _all("EUR"), _currency),
    Question("acceptance", "Within which time must a seller accept an order?",
             "The operator's own setting at the marketplace; it is not published per order.",
             {"operator": "48h", "both": "48h"}, _between(HOUR, 10 * DAY)),
    Question("capture", "When is the buyer charged (per-leg, when-all-decided)?",
             "Per seller as he accepts, or once when every seller of the basket has decided.",
             {"operator": "when-all-decided", "both": "when-all-decided"}, _one_of("per-leg", "when-all-decided")),
    Question("authorisation", "How long does a payment authorisation live?",
             "After it nothing can be charged; accepting and shipping must fit into it.",
             {"operator": "168h", "both": "168h"}, _between(2 * DAY, 7 * DAY)),
    Question("shipping", "Within which time must a seller ship?",
             "The promise to the buyer; late orders are warned of before, and counted.",
             {"operator": "72h", "both": "72h"}, _between(4 * HOUR, 14 * DAY)),
    Question("payer", "Who pays the sellers (provider, treasury, bank-file)?",
             "Holding other people's money needs a licence, or a legal basis.",
             {"operator": "treasury", "both": "treasury"}, _one_of("provider", "treasury", "bank-file")),
    Question("payer_basis", "Which licensed provider, or on which legal basis?",
             "An auditor's first question.",
             dict.fromkeys(("operator", "both"), "commercial agent of the sellers (PSD2, Art. 3 b); counsel's opinion on file"),
             _sentence),
    Question("commission", "Which commission is agreed as a rule?",
             "What each statement is checked against; other rates go by category.", {"operator": "12%", "both": "12%"}, _rate),
    Question("taking", "Within which time must your back office take an order of a channel?",
             "Walmart waits 4 h, a Mirakl operator as long as he says; late here is late at the buyer.",
             {"syndication": "4h", "both": "4h"}, _between(HOUR, DAY)),
    Question("sending", "Within which time must an order of a channel be shipped, as a rule?",
             "Each order has its own ship-by date; after it orders are cancelled, and counted against you.",
             {"syndication": "48h", "both": "48h"}, _between(4 * HOUR, 14 * DAY)),
    Question("fee", "Which fee do channels take of a sale, as a rule?",
             "What each settlement report is checked against; each account has its own.", {"syndication": "15%", "both": "15%"}, _rate),
    Question("hours", "When do your teams work (empty: as the plan has it, per team)?",
             "Days and hours, such as Mon-Fri 08-18; whoever is on call stays 24/7.", _all(""), _hours),
    Question("alerts", "Where do alerts go (references, by comma)?",
             "Addresses and tokens stay outside the plan: env:NAME or file:/path.",
             _all("env:ENTREPOT_ALERT_WEBHOOK, env:ENTREPOT_ALERT_MAIL"), _addresses),
    Question("systems", "Which of these do you have (pim, oms, erp, or none)?",
             "What is not there is taken out of flows, identifiers and ownership.", {"operator": "pim, oms, erp"}, _systems),
    Question("systems", "Which of these do you have beside the back office (pim, erp, or none)?",
             "What is not there is taken out of flows, identifiers and ownership.", {"syndication": "pim, erp"}, partial(_systems, known=("pim", "erp"))),
    Question("systems", "Which of these do you have beside the back office (pim, oms, erp)?",
             "What is not there is taken out of flows, identifiers and ownership.", {"both": "pim, oms, erp"}, _books),
)  # fmt: skip
