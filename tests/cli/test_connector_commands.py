"""`entrepot connector new`, `list`, `show`: a connector is begun without overwriting anything, and told in plain words."""

import json
import shutil
from pathlib import Path

import pytest
from cli.said import Entrepot

from entrepot.cli import scaffolding
from entrepot.connectors import manifest as manifests
from entrepot.connectors.facts import manifests as shipped
from entrepot.connectors.registry import CONNECTORS

ROOT = Path(__file__).parents[2]
WRONG = [
    ("Harbour", "is no name of a connector: small letters and digits"),
    ("harbour_market", "is no name of a connector"),
    ("harbour--market", "is no name of a connector"),
    ("../harbour", "is no name of a connector"),
    ("h" * 31, "30 characters at most"),
    ("", "is no name of a connector"),
    ("import", "means something else already"),
    ("list", "means something else already"),
    ("manual", "means something else already"),
    ("connect", "means something else already"),
    ("walmart", "src/entrepot/connectors/walmart is there already; nothing was written"),
    ("mirakl-seller", "src/entrepot/connectors/mirakl_seller is there already"),
    ("manifest", "src/entrepot/connectors/manifest.py is there already"),
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as the command looks at."""
    root = tmp_path / "checkout"
    (root / "tests" / "connectors").mkdir(parents=True)
    source = ROOT / "src" / "entrepot" / "connectors"
    for file in ("registry.py", "manifest.py", "walmart/__init__.py", "mirakl_seller/__init__.py"):
        (root / scaffolding.CONNECTORS / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / file, root / scaffolding.CONNECTORS / file)
    return root


def held(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(("name", "told"), WRONG, ids=[name or "nothing" for name, _ in WRONG])
def test_a_wrong_name_is_one_line_and_nothing_is_written(
    outside: Entrepot, checkout: Path, name: str, told: str
) -> None:
    before = held(checkout)
    said = outside("connector", "new", name, "--dir", str(checkout), "--register")
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert told in said.err
    assert held(checkout) == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["new", "harbour", "--auth", "basic"], '"bearer", "key", "oauth"'),
        (["new", "harbour", "--party", "bank"], '"marketplace"'),
        (["new"], "NAME requires an argument"),
        (["new", "harbour", "--dir", "/"], "is no checkout of Entrepot"),
        (["show", "wallmart"], "there is no connector “wallmart”; there are amazon, "),
        (["shw"], "did you mean show?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_word_is_one_line(outside: Entrepot, words: list[str], told: str) -> None:
    said = outside("connector", *words)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert told in said.err


def test_a_second_time_it_is_there_already_even_where_only_its_tests_are(outside: Entrepot, checkout: Path) -> None:
    words = ("connector", "new", "harbour", "--dir", str(checkout))
    assert outside(*words).code == 0
    shutil.rmtree(checkout / scaffolding.CONNECTORS / "harbour")
    before = held(checkout)
    said = outside(*words)
    assert (said.code, held(checkout)) == (2, before)
    assert "tests/connectors/harbour is there already" in said.err


def test_without_register_the_registry_is_left_alone_and_its_two_lines_are_told(
    outside: Entrepot, checkout: Path
) -> None:
    before = held(checkout)
    said = outside("connector", "new", "tide-market", "--dir", str(checkout))
    assert said.code == 0
    assert held(checkout).items() >= before.items()
    assert "    from entrepot.connectors.tide_market.connector import connect as tide_market\n" in said.out
    assert '    "tide-market": tide_market,\n' in said.out


@pytest.mark.parametrize("name", ["aaa", "harbour", "zzz"])
def test_registered_it_stands_in_its_alphabetical_place(outside: Entrepot, checkout: Path, name: str) -> None:
    registry = checkout / scaffolding.REGISTRY
    before = registry.read_text().splitlines()
    said = outside("connector", "new", name, "--dir", str(checkout), "--register", "--json")
    after = registry.read_text().splitlines()
    added = [line for line in after if line not in before]
    assert [line.strip() for line in added] == said.json["registry"]
    assert [line for line in after if line not in added] == before
    for like in (scaffolding.IMPORTED, scaffolding.ROW):
        names = [found[1] for line in after if (found := like.match(line))]
        assert names == sorted(names)
    assert set(said.json["files"]) <= set(held(checkout))


def test_a_registry_that_looks_otherwise_is_not_touched(outside: Entrepot, checkout: Path) -> None:
    (checkout / scaffolding.REGISTRY).write_text("CONNECTORS = {}\n")
    before = held(checkout)
    said = outside("connector", "new", "harbour", "--dir", str(checkout), "--register")
    assert (said.code, held(checkout)) == (2, before)
    assert "add “from entrepot.connectors.harbour.connector import connect as harbour” by hand" in said.err


@pytest.mark.parametrize("auth", ["bearer", "key", "oauth"])
def test_no_word_of_the_texts_is_left_unfilled_and_the_party_is_told(
    outside: Entrepot, checkout: Path, auth: str
) -> None:
    before = held(checkout)
    outside("connector", "new", "harbour", "--dir", str(checkout), "--auth", auth, "--party", "oms")
    written = {name: text for name, text in held(checkout).items() if name not in before}
    assert len(written) == 10
    assert [name for name, text in written.items() if "@" in text.replace("\n@", "").replace("    @", "")] == []
    assert 'party = "oms"' in written["src/entrepot/connectors/harbour/manifest.toml"]


def test_every_connector_is_listed_with_what_it_can_do(outside: Entrepot) -> None:
    rows = outside("connector", "list", "--json").json["connectors"]
    assert [row["name"] for row in rows] == sorted(CONNECTORS)
    for row in rows:
        known = shipped()[row["name"]]
        assert (row["party"], row["verbs"], row["checked_on"]) == (known.party, known.verbs, known.checked_on)
        assert (row["obligations"], row["limits"]) == (len(known.obligations), len(known.limits))
    lines = outside("connector", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["Name", *sorted(CONNECTORS)]
    assert "acknowledge, ship" in next(line for line in lines if line.startswith("walmart"))


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_a_connector_is_shown_in_plain_words_with_every_penalty_and_its_source(outside: Entrepot, name: str) -> None:
    known, said = shipped()[name], outside("connector", "show", name)
    assert said.code == 0
    for duty in known.obligations:
        assert f"  {duty.kind}, per {duty.per} " in said.out
        assert f"    else: {duty.penalty}\n    source: {duty.source} ({duty.checked_on})\n" in said.out
    for limit in known.limits.values():
        assert f"    then: {limit.consequence}\n    source: {limit.source}\n" in said.out
    for code in [*(row.code for row in known.operations.values()), *(row.code for row in known.sources.values())]:
        assert f": {code}" in said.out
    told = outside("connector", "show", name, "--json").json
    assert told["obligations"] == [json.loads(json.dumps(row)) for row in told["obligations"]]
    assert set(told["credentials"]) == set(known.credentials)


def test_a_manifest_that_cannot_be_read_is_a_line_with_its_name(
    outside: Entrepot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "harbour"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "manifest.toml").write_text('name = "harbour"\nparty = 3\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("entrepot.cli.connectors.manifests", lambda: {"harbour": manifests.load("harbour")})
    said = outside("connector", "list")
    assert (said.code, said.err) == (2, "entrepot: harbour/manifest.toml: Expected `str`, got `int` - at `$.party`\n")
