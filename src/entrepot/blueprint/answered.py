"""From a model and its answers to the files of a plan: every answer in each place it belongs to."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from entrepot.blueprint.blocks import Block, Section, changed, joined, parse
from entrepot.blueprint.edit import GONE, patched_files
from entrepot.blueprint.files import Files, document_of
from entrepot.blueprint.finding import Path as Where
from entrepot.blueprint.questions import Answers, channels_of, checked
from entrepot.blueprint.templates import CHANNELS, Model, account_of, files_of
from entrepot.blueprint.units import duration_text, parse_duration
from entrepot.blueprint.without import OUR_SYSTEMS, without, without_channels
from entrepot.kernel.money import exponent

_HERE = Path(__file__).parent
_CALENDARS = {"FR": "default", "DE": "syndication"}
_PLAIN_CALENDAR = "WORKDAYS"
_DEMO_ONLY = "; short here, so that a demo day sees it run out"
_RETRY_SHARE_MAX = (3, 4)  # of a deadline: the rest is a person's

Change = tuple[Where, Any]


def plan_files(model: Model, given: Answers) -> Files:
    """The files of a plan by name. Errors: WrongSetting with every answer that is wrong."""
    answers = checked(model, given)
    files = without(model, files_of(model), set(OUR_SYSTEMS) - set(answers["systems"].split(", ")))
    if model != "operator":
        files = without_channels(files, set(CHANNELS) - set(channels_of(answers)))
    files = {name: _words(text, answers) for name, text in files.items()}
    files["systems.yaml"] = _one_calendar(files["systems.yaml"], answers)
    data = {
        key: value
        for name in ("teams.yaml", "flows.yaml")
        for key, value in document_of(files[name], name).data.items()
    }
    return patched_files(files, dict(_changes(data, answers)))


def _words(text: str, answers: Answers) -> str:
    """What stands in many places under one word: names of systems, zone, environment, currency, calendar."""
    zone, currency, calendar = answers["timezone"], answers["currency"], _calendar(answers)
    names = {"mirakl-fr": answers.get("marketplace", "mirakl-fr"), **channels_of(answers)}
    text = re.sub(rf"(?<!connector: )(?<![\w-])({'|'.join(names)})(?![\w-])", lambda found: names[found[1]], text)
    text = re.sub(r"Europe/(Paris|Berlin)", zone, text)
    text = _in_currency(text, currency)
    text = re.sub(r"\bcalendar: (FR|DE)\b", f"calendar: {calendar}", text)
    return text.replace("environment: sandbox", f"environment: {answers['environment']}").replace(_DEMO_ONLY, "")


def _in_currency(text: str, currency: str) -> str:
    """Our own currency, and amounts as it is written; an account that sells in another one keeps it, and its amounts."""

    def changed_(block: Block) -> Block:
        amounts = re.sub(r'"(\d+)\.00"', lambda found: f'"{_amount(int(found[1]), currency)}"', block.text)
        other = re.search(r"\bcurrency: (?!EUR\b)[A-Z]{3}\b", block.text)
        own = re.sub(r"\bcurrency: EUR\b", f"currency: {currency}", block.text if other else amounts)
        return Block(block.name, own, block.group)

    return joined(changed(section, changed_) for section in parse(text)) if parse(text) else text


def _amount(whole: int, currency: str) -> str:
    digits = exponent(currency)
    return f"{whole}.{'0' * digits}" if digits else str(whole)


def _calendar(answers: Answers) -> str:
    return answers["holidays"] if answers["holidays"] in _CALENDARS else _PLAIN_CALENDAR


def _one_calendar(text: str, answers: Answers) -> str:
    """The calendars section holds the one that was chosen, and those of channels in other countries."""
    return joined(_chosen(section, answers) if section.name == "calendars" else section for section in parse(text))


def _chosen(section: Section, answers: Answers) -> Section:
    hours = f"Mon-Fri 00-24 {answers['timezone']}"
    others = "".join(
        block.text for block in section.blocks if block.name not in _CALENDARS
    )  # of channels in other countries
    source = _CALENDARS.get(answers["holidays"])
    if source is None:
        block = f"  {_PLAIN_CALENDAR}:\n    hours: {hours}\n    holidays: [] # days as 2026-12-25\n"
        return Section(section.name, section.head, tail=block + others)
    shipped = next(s for s in parse((_HERE / source / "systems.yaml").read_text("utf-8")) if s.name == section.name)
    calendar = shipped.named()[answers["holidays"]].text
    return Section(section.name, section.head, tail=re.sub(r"Mon-Fri 00-24 \S+", hours, calendar) + others)


def _changes(data: Mapping[str, Any], answers: Answers) -> Iterator[Change]:
    if answers["environment"] == "production":  # a flow acts once its way back was rehearsed: see launch
        yield from (
            (("flows", name, "mode"), "observe") for name, flow in data["flows"].items() if flow["mode"] == "act"
        )
    yield from _teams(data, answers)
    if "marketplace" in answers:
        yield from _as_operator(data, answers)
    if "channels" in answers:
        yield from _as_seller(data, answers)


def _teams(data: Mapping[str, Any], answers: Answers) -> Iterator[Change]:
    channels = answers["alerts"].split(", ")
    for name, team in data["teams"].items():
        if team["notify"] != channels:
            yield ("teams", name, "notify"), channels
        if answers["hours"] and team["hours"] != "24/7":
            yield ("teams", name, "hours"), f"{answers['hours']} {answers['timezone']}"


def _as_operator(data: Mapping[str, Any], answers: Answers) -> Iterator[Change]:
    account: Where = ("accounts", f"{answers['marketplace']}/operator")
    yield (*account, "acceptance_window"), answers["acceptance"]
    yield (*account, "capture"), answers["capture"]
    basis = "licensed_provider" if answers["payer"] == "provider" else "legal_basis"
    yield (*account, "payout"), {"by": answers["payer"], basis: answers["payer_basis"]}
    yield (*account, "commission", "default"), answers["commission"]
    yield (*account, "commission", "categories"), {}  # those that ship are the demo's
    for category in ("OUTDOOR", "KITCHEN"):
        yield (*account, "price_limits", category), GONE
    yield from _deadline(data, "order-acceptance", answers["acceptance"])
    yield from _deadline(data, "capture", answers["authorisation"])
    yield from _deadline(data, "shipment", answers["shipping"])


def _as_seller(data: Mapping[str, Any], answers: Answers) -> Iterator[Change]:
    for name in channels_of(answers).values():
        yield ("accounts", account_of(name), "commission", "default"), answers["fee"]
    yield from _deadline(data, "order-intake", answers["taking"])
    yield from _deadline(data, "fulfilment-confirm", answers["sending"])


def _deadline(data: Mapping[str, Any], flow: str, within: str) -> Iterator[Change]:
    """The promise, and retries that end while a person still has time."""
    yield ("flows", flow, "deadline", "within"), within
    retry = {key: parse_duration(data["flows"][flow]["retry"][key]) for key in ("first", "max", "window")}
    part, of = _RETRY_SHARE_MAX
    limit = parse_duration(within) * part // of
    if retry["window"] > limit:
        window = timedelta(seconds=int(limit.total_seconds()) // 60 * 60)
        yield ("flows", flow, "retry", "window"), duration_text(window)
        yield ("flows", flow, "retry", "max"), duration_text(min(retry["max"], window))
    if parse_duration(data["flows"][flow]["pause"]["max"]) > parse_duration(within):
        yield ("flows", flow, "pause", "max"), duration_text(parse_duration(within) / 2)
