"""`entrepot map` writes what the plan says into a folder, with the figures of the hub that runs here when one does."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

from cli.said import Entrepot

Blueprint = Callable[[Mapping[str, str]], Path]


def test_without_a_hub_the_plan_alone_is_drawn_and_the_register_says_so(outside: Entrepot, tmp_path: Path) -> None:
    said = outside("map", "--out", str(tmp_path / "drawn"), "--json")
    assert said.code == 0
    assert said.json["days"] is None
    assert "drawn without figures" in said.err
    for file in said.json["files"]:
        assert (tmp_path / "drawn" / file["path"]).stat().st_size == file["bytes"] > 0
    with (tmp_path / "drawn" / "risks.csv").open(newline="") as file:
        assert {row["Likelihood"] for row in csv.DictReader(file)} == {"no data yet"}


def test_a_hub_that_runs_tells_how_often_things_happen_and_what_they_cost(entrepot: Entrepot, tmp_path: Path) -> None:
    said = entrepot("map", "--out", str(tmp_path), "--json")
    assert (said.code, said.json["days"], said.err) == (0, 7, "")
    with (tmp_path / "risks.csv").open(newline="") as file:
        rows = {row["Failure mode"]: row for row in csv.DictReader(file)}
    assert rows["leg-refused"]["Likelihood"] == "1.0 a week"
    assert rows["duplicate-other-content"]["Likelihood"] == "1.0 a week"
    assert rows["statement-missing"]["Likelihood"] == "never"


def test_the_same_plan_twice_is_the_same_files(outside: Entrepot, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert outside("map", "--out", str(tmp_path / name)).code == 0
    one = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(one) > 20
    for path in one:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


def test_another_plan_may_be_drawn_beside_the_one_in_force(
    entrepot: Entrepot, blueprint: Blueprint, tmp_path: Path
) -> None:
    path = blueprint({"max: 4h, owner": "max: 3h, owner"})
    said = entrepot("map", "--out", str(tmp_path / "drawn"), "--blueprint", str(path))
    assert said.code == 0
    assert "begin with" in said.out
    assert "up to 3 h, by Marketplace lead" in (tmp_path / "drawn" / "systems" / "mirakl-fr.csv").read_text()


def test_a_wrong_plan_is_refused_with_its_places_and_nothing_is_written(outside: Entrepot, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("systems: {}\n")
    said = outside("map", "--out", str(tmp_path / "drawn"), "--blueprint", str(wrong))
    assert said.code == 2
    assert "wrong.yaml:" in said.err
    assert not (tmp_path / "drawn").exists()


def test_a_folder_that_cannot_be_written_is_told_in_one_line(outside: Entrepot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = outside("map", "--out", str(tmp_path / "file"))
    assert said.code == 2
    assert "cannot be written" in said.err.splitlines()[-1]
