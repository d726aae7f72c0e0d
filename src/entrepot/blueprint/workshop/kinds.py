"""How a value of the plan stands in a cell, and how what people write there is read back.

Pure. A text that cannot be read is a ValueError that says what to write.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

Known = Sequence[str]  # the words a cell may hold; empty: any

RISKY = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes what begins so for a formula
_STEP = re.compile(r"(\d{1,2}) ?% *(?:to +|→ *|: *)?(\S.*)")
_ALERT = re.compile(r"(\S+) above (\d+) for (\d+ ?[smhdw])(?: where (.+))?", re.IGNORECASE)
_PAIR = re.compile(r"([\w-]+)\s*[:=]\s*(.+)")
_DURATION = re.compile(r"(\d+) ?([smhdw])", re.IGNORECASE)
_BULLET = re.compile(r"(?:[-•*–]|\d{1,2}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Kind:
    """`render`: from the plan to a cell. `read`: from a cell, which is not empty, to the plan. `hint` says how it is written."""

    render: Callable[[Any], str]
    read: Callable[[str, Known], Any]
    hint: str


def safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, even when it is saved as text and opened again."""
    return f"'{text}" if text.startswith(RISKY) else text


def plain(text: str) -> str:
    """What a person wrote, without what spreadsheets and fingers add: odd spaces, line ends, the apostrophe of `safe`."""
    lines = [" ".join(line.replace("\u00a0", " ").split()) for line in re.split(r"\r\n|\r|\n", text)]
    whole = "\n".join(lines).strip()
    return whole[1:] if whole[:1] == "'" and whole[1:].startswith(RISKY) else whole


def word(text: str, known: Known) -> str:
    """One of the known words, whatever its case and joints; with none known, the text as it is."""
    if not known:
        return text
    by_form = {_form(one): one for one in known}
    found = by_form.get(_form(text))
    if found is not None:
        return found
    near = get_close_matches(_form(text), by_form, n=1)
    instead = f"did you mean {by_form[near[0]]}?" if near else f"write one of {', '.join(list(known)[:20])}"
    raise ValueError(f"“{text}” is not known here; {instead}")


def _form(text: str) -> str:
    return re.sub(r"[\s_]+", "-", text.strip().casefold())


def actor(text: str, known: Known) -> str:
    party, at, system = text.partition("@")
    return f"{word(party, known)}{at}{system.strip()}"


def parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,;\n]", text) if part.strip()]


def _each(read: Callable[[str, Known], str]) -> Callable[[str, Known], list[str]]:
    return lambda text, known: list(dict.fromkeys(read(part, known) for part in parts(text)))


def _listed(value: Any) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else _text(value)


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _number(text: str, known: Known) -> int:
    if not text.isdecimal():
        raise ValueError(f"“{text}” is not a whole number")
    return int(text)


def _duration(text: str, known: Known) -> str:
    """Also `5 working-days`, which only deadlines know."""
    found = _DURATION.fullmatch(text)
    return f"{found[1]}{found[2].lower()}" if found else text.lower()


def _steps(value: Any) -> str:
    return "\n".join(f"{step['at']} {step['to']}" for step in value) if isinstance(value, list) else ""


def _read_steps(text: str, known: Known) -> list[dict[str, str]]:
    steps = []
    for part in parts(text):
        found = _STEP.fullmatch(part)
        if found is None:
            raise ValueError(f"“{part}”: write a share and a team, such as 80% marketplace-lead")
        steps.append({"at": f"{found[1]}%", "to": word(found[2], known)})
    return steps


def _where(value: Any) -> str:
    return ", ".join(f"{key}: {one}" for key, one in value.items()) if isinstance(value, dict) else ""


def _read_where(text: str, known: Known) -> Mapping[str, str]:
    found = {}
    for part in parts(text):
        pair = _PAIR.fullmatch(part)
        if pair is None:
            raise ValueError(f"“{part}”: write what it is scoped by, such as seller_model: dropship")
        found[word(pair[1].replace("-", "_"), ("account", "seller", "seller_model", "category"))] = pair[2]
    return found


def _alert(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    said = f"{value.get('measure', 'open-cases')} above {value.get('above', 0)} for {value.get('for', '0s')}"
    return f"{said} where {value['where']}" if value.get("where") else said


def _read_alert(text: str, known: Known) -> Mapping[str, Any]:
    found = _ALERT.fullmatch(text)
    if found is None:
        raise ValueError(f"“{text}”: write it as “open-cases above 0 for 15m”")
    alert = {"measure": word(found[1], known), "above": int(found[2]), "for": _duration(found[3], ())}
    return {**alert, "where": found[4]} if found[4] else alert


def _lines(value: Any) -> str:
    return "\n".join(str(one) for one in value) if isinstance(value, list) else _text(value)


def _read_lines(text: str, known: Known) -> list[str]:
    return [_BULLET.sub("", line.strip(), count=1) for line in text.split("\n") if line.strip()]


def _one_or_more(text: str, known: Known) -> str | list[str]:
    """One word as it would be written by itself."""
    words = _each(word)(text, known)
    return words[0] if len(words) == 1 else words


WORD = Kind(_text, word, "one word")
ACTOR = Kind(_text, actor, "a party, or party@system")
ACTORS = Kind(_listed, _each(actor), "parties, by comma")
WORDS = Kind(_listed, _each(word), "words, by comma")
ONE_OR_MORE = Kind(_listed, _one_or_more, "a word, or several by comma")
TEXT = Kind(_text, lambda text, known: text, "a sentence")
LINES = Kind(_lines, _read_lines, "one step a line")
NUMBER = Kind(_text, _number, "a whole number")
DURATION = Kind(_text, _duration, "30s, 10m, 48h, 7d")
STEPS = Kind(_steps, _read_steps, "a share and a team a line: 80% marketplace-lead")
WHERE = Kind(_where, _read_where, "empty: everywhere; or seller_model: dropship")
ALERT = Kind(_alert, _read_alert, "open-cases above 0 for 15m")
