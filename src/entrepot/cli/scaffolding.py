"""A new connector from the shipped texts: its folder, its tests against a channel that is simulated beside them, its lines in the registry."""

import builtins
import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from entrepot.blueprint.model import MANUAL
from entrepot.kernel.errors import WrongSetting

Auth = Literal["bearer", "key", "oauth"]
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NAME_CHARS_MAX = 30  # so that no line of the texts grows too long
CONNECTORS, TESTS = Path("src/entrepot/connectors"), Path("tests/connectors")
REGISTRY = CONNECTORS / "registry.py"
TEXTS = files("entrepot.cli") / "scaffold"
IMPORTED = re.compile(r"from entrepot\.connectors\.([\w.]+) import ")
ROW = re.compile(r'    "([a-z0-9-]+)": \w+,')

KEY = 'key = { label = "API key", sensitive = true, required = true }'
WAYS: Mapping[Auth, Mapping[str, str]] = {
    "bearer": {
        "credentials": KEY,
        "way_in": "RawKey",
        "needed": '"key",',
        "entry": '    return Wire(Exchange(access.base_url, words), RawKey(access.secrets["key"], scheme="Bearer"))',
        "secrets": '{"key": "front-key"}',
        "header": '"authorization", "Bearer front-key"',
    },
    "key": {
        "credentials": KEY,
        "way_in": "RawKey",
        "needed": '"key",',
        "entry": '    return Wire(Exchange(access.base_url, words, entry="x-api-key"), RawKey(access.secrets["key"]))',
        "secrets": '{"key": "front-key"}',
        "header": '"x-api-key", "front-key"',
    },
    "oauth": {
        "credentials": 'client_id = { label = "Client ID", sensitive = false, required = true }\n'
        'client_secret = { label = "Client secret", sensitive = true, required = true }',
        "way_in": "client_credentials",
        "needed": '"client_id", "client_secret"',
        "entry": '    token_url = access.base_url.rstrip("/") + "/oauth/token"\n'
        '    token = client_credentials(token_url, access.secrets["client_id"], access.secrets["client_secret"])\n'
        "    return Wire(Exchange(access.base_url, words), token)",
        "secrets": '{"client_id": "hub", "client_secret": "front-key"}',
        "header": '"authorization", "Bearer operator-key"',
        "token_route": '    ("POST", "/oauth/token", "getToken"),\n',
        "token_answer": '        if code == "getToken":\n'
        '            if b"client_secret=front-key" not in request.body:\n'
        '                return refusal(401, "invalid_client", "who are you?")\n'
        '            return json_response(200, {"access_token": "operator-key", "expires_in": 900})\n',
    },
}


@dataclass(frozen=True, slots=True)
class Scaffold:
    """`root`: of the checkout. `today`: the day its facts were checked on."""

    root: Path
    name: str
    party: str
    auth: Auth
    today: str

    @property
    def package(self) -> str:
        return self.name.replace("-", "_")

    @property
    def folders(self) -> tuple[Path, Path]:
        return CONNECTORS / self.package, TESTS / self.package

    @property
    def registry_lines(self) -> tuple[str, str]:
        """The import and the row."""
        return (
            f"from entrepot.connectors.{self.package}.connector import connect as {self.package}",
            f'    "{self.name}": {self.package},',
        )

    def texts(self) -> dict[Path, str]:
        """Every file by its path under the root."""
        ours, tests = self.folders
        made = {ours / name: text for name, text in _texts("connector")}
        made |= {tests / name.replace("contract", f"{self.package}_contract"): text for name, text in _texts("tests")}
        return {path: _sorted_imports(self._filled(text)) for path, text in made.items()}

    def _filled(self, text: str) -> str:
        words = {
            "name": self.name,
            "package": self.package,
            "title": self.name.replace("-", " ").capitalize(),
            "party": self.party,
            "today": self.today,
            "token_route": "",
            "token_answer": "",
            **WAYS[self.auth],
        }
        for word, meant in words.items():
            text = text.replace(f"@{word}@", meant)
        return text


def _texts(folder: str) -> Iterator[tuple[str, str]]:
    for text in sorted((TEXTS / folder).iterdir(), key=lambda one: one.name):
        yield text.name.removesuffix(".txt"), text.read_text("utf-8")


def _sorted_imports(text: str) -> str:
    """Imports in the order of their modules: where the new name stands among them depends on the name."""
    done: list[str] = []
    block: list[str] = []
    for line in text.splitlines():
        if line.startswith("from "):
            block.append(line)
            continue
        done += [*sorted(block, key=_module), line]
        block = []
    return "\n".join([*done, *sorted(block, key=_module)]) + "\n"


def _module(line: str) -> str:
    return line.split()[1]


def examined(scaffold: Scaffold) -> None:
    """Errors: WrongSetting when the name cannot be one, the root is none, or something of that name is there."""
    name, root = scaffold.name, scaffold.root
    if not NAME.fullmatch(name) or len(name) > NAME_CHARS_MAX:
        raise WrongSetting(
            f"“{name}” is no name of a connector: small letters and digits, words joined by “-”, {NAME_CHARS_MAX} characters at most"
        )
    if name == MANUAL or keyword.iskeyword(scaffold.package) or scaffold.package in {*dir(builtins), "connect"}:
        raise WrongSetting(f"“{name}” means something else already: choose another name")
    if not (root / REGISTRY).is_file():
        raise WrongSetting(f"{root} is no checkout of Entrepot ({REGISTRY} is not there): say where one is with --dir")
    for there in (root / CONNECTORS / f"{scaffold.package}.py", *(root / folder for folder in scaffold.folders)):
        if there.exists():
            raise WrongSetting(f"{there.relative_to(root)} is there already; nothing was written")


def written(scaffold: Scaffold, register: bool) -> list[Path]:
    """Write it all; the paths under the root. Nothing that exists is overwritten. Errors: WrongSetting."""
    examined(scaffold)
    registry = scaffold.root / REGISTRY
    lined = registered(registry.read_text("utf-8"), scaffold) if register else ""
    texts = scaffold.texts()
    for path, text in texts.items():
        try:
            (scaffold.root / path).parent.mkdir(parents=True, exist_ok=True)
            with (scaffold.root / path).open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise WrongSetting(f"{path} cannot be written: {error.strerror or error}") from error
    if lined:
        registry.write_text(lined, "utf-8")
    return [*texts]


def registered(text: str, scaffold: Scaffold) -> str:
    """The registry with the new connector's two lines, each in its alphabetical place. Errors: WrongSetting."""
    imported, row = scaffold.registry_lines
    lines = _placed(text.splitlines(), IMPORTED, f"{scaffold.package}.connector", imported)
    return "\n".join(_placed(lines, ROW, scaffold.name, row)) + "\n"


def _placed(lines: list[str], like: re.Pattern[str], name: str, line: str) -> list[str]:
    """Before the first line of its kind that stands behind it in the alphabet, else behind the last of them."""
    kind = [(n, found[1]) for n, one in enumerate(lines) if (found := like.match(one))]
    if not kind:
        raise WrongSetting(f"{REGISTRY} does not look as it did: add “{line.strip()}” by hand")
    if name in (theirs for _, theirs in kind):
        raise WrongSetting(f"{REGISTRY} names {name} already; nothing was written")
    at = next((n for n, theirs in kind if theirs > name), kind[-1][0] + 1)
    return [*lines[:at], line, *lines[at:]]
