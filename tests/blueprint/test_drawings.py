"""What is drawn from the plan says what the plan says, to everybody, in files that harm nobody."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from blueprint.drawn_plan import PLAN_TEXT, plan_of, shop_plan
from hypothesis import given, settings
from hypothesis import strategies as st

import entrepot.web
from entrepot.blueprint.draw import architecture, cards, identifiers, ownership, risks, route
from entrepot.blueprint.draw.actors import ends_of, systems_of, touching
from entrepot.blueprint.draw.pack import files
from entrepot.blueprint.draw.risks import Experience, Seen
from entrepot.blueprint.draw.svg import TONES, Sheet, fitted, size, width_of, wrapped
from entrepot.blueprint.draw.table import Table, in_markdown, to_csv, to_markdown
from entrepot.blueprint.model import Plan
from entrepot.blueprint.owning import OBJECTS
from entrepot.kernel.money import Money

SVG = "{http://www.w3.org/2000/svg}"
PLAN = shop_plan()
SEEN = Seen(90, {
    "leg-refused": Experience(26, 2.0, 31, timedelta(hours=3), 8, 2, (Money(41270, "EUR"),), (Money(310400, "EUR"), Money(900, "JPY")), 1, (Money(500, "EUR"),)),
    "system-down": Experience(90, 7.0, 90, timedelta(minutes=10), 44),
})  # fmt: skip
MADE = files(PLAN, SEEN)
DRAWINGS = sorted(path for path in MADE if path.endswith(".svg"))


def words_of(svg: str) -> str:
    return " ".join(shown(element) for element in ElementTree.fromstring(svg).iter(f"{SVG}text"))


def shown(text: ElementTree.Element) -> str:
    """What stands there, without the tip that opens over it."""
    return (text.text or "") + "".join(tip.tail or "" for tip in text)


def test_every_subject_comes_as_a_drawing_a_page_and_a_table_and_the_index_leads_to_all() -> None:
    subjects = {path.rpartition(".")[0] for path in MADE} - {"index"}
    assert {"architecture", "route", "risks", "ownership", "identifiers"} < subjects
    assert {f"systems/{name}" for name in PLAN.systems} < subjects
    for subject in subjects:
        for ending in ("svg", "md", "csv"):
            assert f"{subject}.{ending}" in MADE
            assert f"({subject}.{ending})" in MADE["index.md"]


def test_the_same_plan_is_the_same_bytes() -> None:
    assert files(plan_of(PLAN_TEXT), SEEN) == MADE


@pytest.mark.parametrize("path", DRAWINGS)
def test_a_drawing_has_a_name_words_and_nothing_from_elsewhere(path: str) -> None:
    svg = MADE[path]
    root = ElementTree.fromstring(svg)
    assert root.find(f"{SVG}title") is not None and root.find(f"{SVG}desc") is not None
    assert root.get("aria-labelledby") == f"{root.find(f'{SVG}title').get('id')} {root.find(f'{SVG}desc').get('id')}"  # type: ignore[union-attr]
    assert len(words_of(svg)) > 40
    assert not re.search(
        r"<script|<image|<foreignObject|@font-face|@import|href=|https?://(?!www\.w3\.org/2000/svg)", svg
    )
    assert not re.search(r'\son[a-z]+="|\sstyle="', svg)


@pytest.mark.parametrize("path", DRAWINGS)
def test_nothing_is_drawn_outside_of_the_drawing(path: str) -> None:
    root = ElementTree.fromstring(MADE[path])
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for box in root.iter(f"{SVG}rect"):
        assert float(box.get("x", "0")) + float(box.get("width", "0")) <= width
        assert float(box.get("y", "0")) + float(box.get("height", "0")) <= height
    for text in root.iter(f"{SVG}text"):
        kind = (text.get("class") or "").removeprefix("d-")
        left = 0 if text.get("text-anchor") else float(text.get("x", "0"))
        assert left + width_of(shown(text), size(kind)) <= width + 40, shown(text)
        assert float(text.get("y", "0")) <= height


def test_every_colour_has_a_light_and_a_dark_one_and_the_console_knows_every_class() -> None:
    style = re.search(r"<style>(.*?)</style>", MADE["architecture.svg"], re.DOTALL)
    assert style is not None
    light, dark = style[1].split("@media (prefers-color-scheme: dark)")
    named = set(re.findall(r"var\((--d-[a-z0-9-]+)\)", style[1]))
    assert named <= set(re.findall(r"(--d-[a-z0-9-]+):", light))
    assert named <= set(re.findall(r"(--d-[a-z0-9-]+):", dark.split("}")[0]))
    used = {name for svg in DRAWINGS for name in re.findall(r'class="(d-[a-z0-9-]+)"', MADE[svg])}
    used |= {f"d-tone-{tone}" for tone in TONES}
    console = (Path(entrepot.web.__file__).parent / "static" / "plan.css").read_text()
    assert used <= set(re.findall(r"\.(d-[a-z0-9-]+)", style[1]))
    assert used <= set(re.findall(r"\.(d-[a-z0-9-]+)", console))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1])
def test_words_stand_out_from_every_ground_they_are_drawn_on(theme: int) -> None:
    from entrepot.blueprint.draw.svg import _COLOURS

    inks = ("ink", "ink-2", "good", "info", "warn", "bad", "idle")
    pairs = [(ink, ground) for ink in inks for ground in ("ground", "surface", "card")] + [("accent", "soft")]
    for ink, ground in pairs:
        lighter, darker = sorted((luminance(_COLOURS[ink][theme]), luminance(_COLOURS[ground][theme])), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ink, ground)


# --- architecture ----------------------------------------------------------------------------------------------------


def test_every_system_and_every_flow_is_on_the_map_with_pattern_latency_and_owner() -> None:
    words = words_of(MADE["architecture.svg"])
    for name in PLAN.systems:
        assert name in words
    assert words.count("Owner: ") == len(PLAN.flows)
    assert "Marketplace mirakl-fr mirakl mirakl-fr/operator" in words
    assert "Offer publication Event + scheduled job · minutes Owner: Supplier operations Stable, observes only" in words
    assert "Middleware · hours" in words


def test_a_flow_to_an_actor_leads_to_his_systems_and_one_without_a_system_stands_for_himself() -> None:
    assert systems_of(PLAN, "erp") == ("erp-eu",)
    assert systems_of(PLAN, "oms@oms-eu") == ("oms-eu",)
    assert systems_of(PLAN, "oms@elsewhere") == ()
    assert ends_of(PLAN, "finance") == ("finance",)
    words = words_of(MADE["architecture.svg"])
    assert words.count("no system yet") == 2  # finance, pim
    back_office = next(row for row in architecture.table(PLAN).rows if row[0] == "back-office-export")
    assert back_office[3] == "erp, oms@oms-eu, finance"


def test_a_flow_of_several_sources_is_drawn_from_each_and_stands_on_each_ones_card() -> None:
    flow = PLAN.flows["back-office-export"]
    both = flow.model_copy(update={"sources": ("mirakl-fr", "gateway")})
    plan = PLAN.model_copy(update={"flows": {**PLAN.flows, flow.name: both}})
    row = next(row for row in architecture.table(plan).rows if row[0] == flow.name)
    assert row[2] == "mirakl-fr, gateway"
    assert flow.name in [duty.flow for duty in cards.card(plan, "gateway").duties]
    assert flow.name not in [duty.flow for duty in cards.card(PLAN, "gateway").duties]
    assert reads("gateway", plan)[flow.name] and not reads("erp-eu", plan)[flow.name]


def reads(system: str, plan: Plan) -> dict[str, bool]:
    return {flow.name: comes for flow, comes, _ in touching(plan, system)}


def test_the_layout_knows_no_name_of_the_plan() -> None:
    from entrepot.blueprint.draw.layout import Graph, Node, _source, lay_out

    hostile = 'x"; style.fill: "url(file:///etc/passwd)" -> {shape: image'
    graph = Graph((Node(hostile, 100, 40), Node("b", 100, 40)), ((hostile, "b"), ("b", hostile)))
    assert "passwd" not in _source(graph, {hostile: "n0", "b": "n1"})
    found = lay_out(graph)
    assert set(found.places) == {hostile, "b"}
    assert [(a, b) for a, b, _ in found.arrows] == [(hostile, "b"), ("b", hostile)]
    assert (found.places[hostile].width, found.places[hostile].height) == (100, 40)


def test_without_d2_or_without_its_answer_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from entrepot.blueprint.draw import layout

    graph = layout.Graph((layout.Node("only", 123, 45),), ())
    for program, error, says in (
        ("/nowhere/d2", layout.CannotDraw, "cannot be started"),
        ("/bin/false", layout.CannotDraw, "could not lay out"),
        ("/bin/cat", layout.CannotDraw, "could not lay out"),
    ):
        layout._drawn.cache_clear()
        monkeypatch.setattr(layout, "_program", lambda program=program: program)
        with pytest.raises(error, match=says):
            layout.lay_out(graph)


def test_a_layout_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from entrepot.blueprint.draw import layout

    slow = tmp_path / "d2"
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    layout._drawn.cache_clear()
    monkeypatch.setattr(layout, "_program", lambda: str(slow))
    monkeypatch.setattr(layout, "TIME_LIMIT_S", -1.9)
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    with pytest.raises(layout.DrawingTooLong, match="try again"):
        layout.lay_out(layout.Graph((layout.Node("only", 124, 45),), ()))


def test_a_flow_is_linked_where_it_is_asked_for_and_marked_with_what_it_does_now() -> None:
    mark = architecture.Mark("Paused, 310 waiting", "bad", '/flows#row-"x"')
    svg = architecture.architecture(PLAN, {"settlement": mark}).within_a_page()
    root = ElementTree.fromstring(svg)
    [link] = root.iter(f"{SVG}a")
    assert link.get("href") == '/flows#row-"x"'
    named = " ".join(text.strip() for text in link.itertext() if text.strip())
    assert named.startswith("Settlement ") and named.endswith("Paused, 310 waiting")
    assert root.get("role") == "group"
    assert "<style" not in svg


# --- route -----------------------------------------------------------------------------------------------------------


def test_the_first_slice_is_what_somebody_waits_for_from_the_basket_to_the_payout() -> None:
    items = route.route(PLAN)
    first = {item.about.removeprefix("flows.") for item in items if item.slice == 1 and item.kind == "flow"}
    assert first >= {"checkout-check", "order-creation", "order-acceptance", "capture", "shipment", "payout"}
    assert not first & {"return-refund", "incident-dispute"}


def test_every_flow_and_failure_is_built_once_and_every_item_has_an_owner_and_a_proof() -> None:
    items = route.route(PLAN)
    built = [item.about for item in items if item.kind in ("flow", "failure")]
    assert sorted(built) == sorted(
        [*(f"flows.{name}" for name in PLAN.flows), *(f"failures.{name}" for name in PLAN.failures)]
    )
    assert all(item.owner in PLAN.teams and item.proof for item in items)
    assert [item.slice for item in items] == sorted(item.slice for item in items)


def test_a_part_of_a_flow_is_built_after_the_flow() -> None:
    flows = [item.about.removeprefix("flows.") for item in route.route(PLAN) if item.kind == "flow"]
    for flow in PLAN.flows.values():
        if flow.part_of:
            assert flows.index(flow.part_of) < flows.index(flow.name)


def test_what_was_rehearsed_last_is_proof_and_the_rest_says_that_it_was_not() -> None:
    release = [item for item in route.route(PLAN) if item.kind == "rehearsal"]
    proofs = {item.what: (item.proof, item.done) for item in release}
    assert proofs["Roll back: Order acceptance"] == ("rehearsed on 2026-10-03 by commerce-architect", True)
    assert proofs["Replay: Order acceptance"] == ("not rehearsed yet", False)
    assert "Replay: Payout" not in proofs  # never replayed
    assert "Empty and pause: Checkout check" not in proofs  # may not be paused
    assert "Roll back: Capture" not in proofs  # a part goes with its whole


# --- risks -----------------------------------------------------------------------------------------------------------


def test_every_failure_mode_is_a_risk_with_owner_control_and_runbook() -> None:
    register = risks.register(PLAN)
    assert {risk.mode for risk in register} == set(PLAN.failures)
    assert all(risk.owner in PLAN.teams and risk.controls for risk in register)
    rows = list(csv.DictReader(io.StringIO(MADE["risks.csv"])))
    assert {row["Runbook"] for row in rows} == {f"/runbooks/{mode}" for mode in PLAN.failures}


def test_without_a_hub_the_register_says_that_there_is_no_data_yet() -> None:
    table = risks.table(risks.register(PLAN), None)
    at = [table.columns.index(name) for name in ("Likelihood", "Money at risk", "Median time to decide", "Escalated")]
    assert {row[n] for row in table.rows for n in at} == {"no data yet"}
    assert "no data yet" in words_of(risks.drawing(risks.register(PLAN), None).as_a_file())


def test_what_costs_most_stands_first_then_what_happens_most_often() -> None:
    register = risks.register(PLAN, SEEN)
    assert [risk.mode for risk in register][:2] == ["leg-refused", "system-down"]
    first = dict(zip(risks.table(register, SEEN).columns, risks.table(register, SEEN).rows[0], strict=True))
    assert first["Likelihood"] == "2.0 a week"
    assert first["Money at risk"] == "412.70 EUR"
    assert first["Money exposed"] == "3104.00 EUR + 900 JPY"
    assert first["Median time to decide"] == "3 h"
    assert first["Promises broken"] == "1, worth 5.00 EUR"
    never = next(risk for risk in register if risk.mode == "poison-message")
    assert (risks.likelihood(never), risks.at_risk(never)) == ("never", "none")


def test_an_alert_a_promise_and_what_takes_over_are_controls() -> None:
    said = "; ".join(risks.controls(PLAN, PLAN.failure("ack-at-risk")))
    assert "promise: acknowledge within 12 h" in said
    assert "then acknowledgement missed" in said
    floor = "; ".join(risks.controls(PLAN, PLAN.failure("offer-under-floor")))
    assert floor.startswith("alert: open cases above 3 for 5 min; decided within 8 h")


# --- ownership -------------------------------------------------------------------------------------------------------


def test_every_object_that_must_be_owned_has_a_row_also_when_nobody_owns_it() -> None:
    rows = {row.name: row for row in ownership.objects(PLAN)}
    assert set(OBJECTS) <= set(rows)
    assert rows["payout"].rule is None
    assert "nobody yet" in words_of(MADE["ownership.svg"])


def test_a_party_has_the_rights_the_plan_gives_it_and_no_other() -> None:
    offer = ownership.object_row(PLAN, "offer")
    assert offer is not None
    assert offer.rights["seller"] == ("create", "update", "correct")
    assert offer.rights["operator"] == ("update", "hold", "override", "correct", "request")
    assert offer.rights["customer-care"] == ("request",)
    assert offer.rights["commerce"] == ("consume",)
    assert "supplier" not in offer.rights


def test_every_rule_of_every_field_is_told_in_its_order_with_its_place() -> None:
    rules = ownership.field_rules(PLAN.ownership["offer"])
    assert [(rule.field, rule.path) for rule in rules][:2] == [
        ("price", "ownership.offer.fields.price[0]"),
        ("price", "ownership.offer.fields.price[1]"),
    ]
    assert rules[0].where == "seller model dropship"
    by_field = {rule.field: rule for rule in rules}
    assert by_field["quantity"].between == "ERP (erp-eu) before Seller"
    assert by_field["active"].between == "all of them"
    assert by_field["every other field"].rights["request"] == ("operator",)


def test_the_matrix_as_a_file_names_the_system_of_an_actor() -> None:
    rows = list(csv.DictReader(io.StringIO(MADE["ownership.csv"])))
    quantity = next(row for row in rows if (row["Object"], row["Field"]) == ("offer", "quantity"))
    assert (quantity["erp"], quantity["seller"]) == ("update (erp-eu)", "update, correct")
    whole = next(row for row in rows if (row["Object"], row["Field"]) == ("offer", "the whole"))
    assert (whole["seller"], whole["commerce"], whole["operator"]) == ("create", "consume", "")


def test_the_facts_of_an_object_say_what_happens_when_its_source_is_silent() -> None:
    offer, leg = (dict(ownership.facts(PLAN.ownership[name])) for name in ("offer", "leg"))
    assert offer["When the source is silent"] == "the last known value goes on counting"
    assert leg["When the source is silent"] == "the value of Commerce is used"
    assert offer["Noticed afterwards, held and asked for"] == "what others write at the other side"
    assert offer["An override lasts"] == "14 d at most; above 20 % a second person"


# --- identifiers and cards -------------------------------------------------------------------------------------------


def test_an_object_is_known_by_one_field_per_system_and_not_known_elsewhere() -> None:
    assert identifiers.columns(PLAN) == ("mirakl-fr", "gateway", "storefront", "erp")
    leg, offer = identifiers.rows(PLAN)
    assert leg.fields == ("order_id", "reference", "", "sale.reference")
    assert (leg.financial, leg.prefixed, offer.financial) == (True, True, False)


def test_a_plan_that_joins_nothing_is_still_drawn() -> None:
    plan = PLAN.model_copy(update={"identifiers": {}})
    assert "the plan joins nothing yet" in words_of(identifiers.drawing(plan).as_a_file())


def test_a_card_says_of_each_flow_what_happens_meanwhile_and_who_may_pause_it() -> None:
    duties = {duty.flow: duty for duty in cards.card(PLAN, "mirakl-fr").duties}
    acceptance = duties["order-acceptance"]
    assert acceptance.meanwhile == "Wait and heal by safety check"
    assert acceptance.pause == "up to 4 h, by Marketplace lead"
    assert (acceptance.replay, acceptance.reconcile) == ("replayed after a look at the plan", "order counts")
    assert duties["checkout-check"].pause == "may not be paused"
    assert duties["payout"].replay == "never replayed"
    assert duties["back-office-export"].meanwhile == "Kept and tried again for 1 d"


def test_a_card_tells_the_shop_what_goes_on_and_what_stops() -> None:
    card = cards.card(PLAN, "mirakl-fr")
    assert card.continues == ("browse", "order")
    assert "new prices" in card.stops


def test_a_system_is_on_the_card_of_every_flow_that_reaches_it_by_an_actor() -> None:
    assert [duty.flow for duty in cards.card(PLAN, "erp-eu").duties] == ["back-office-export"]


# --- files that harm nobody ------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=60)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5))
def test_no_cell_is_a_formula_and_every_cell_reads_back(rows: list[tuple[str, str]]) -> None:
    table = Table("t", ("a", "b"), tuple(rows))
    read = list(csv.reader(io.StringIO(to_csv(table), newline="")))[1:]
    assert [[cell.removeprefix("'") for cell in row] for row in read] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    assert not any(cell[:1] in "=+@" for row in read for cell in row if cell)


@given(TEXT, TEXT)
def test_a_table_in_markdown_has_as_many_cells_as_it_has_columns(a: str, b: str) -> None:
    line = to_markdown(Table("t", ("a", "b"), ((a, b),)))[-1]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3
    assert "\n" not in in_markdown("a\nb")
    assert "<" not in in_markdown("<script>").replace("\\<", "")


@given(TEXT, st.integers(20, 400))
def test_words_are_cut_to_the_room_there_is(words: str, room: int) -> None:
    shown = fitted(words, room)
    assert width_of(shown) <= room or shown == "…"
    assert all(width_of(line) <= room or line == "…" for line in wrapped(words, room, lines_max=3))
    assert len(wrapped(words, room, lines_max=3)) <= 3


@settings(max_examples=25, deadline=None)
@given(TEXT.filter(str.strip), TEXT.filter(str.strip))
def test_whatever_things_are_called_the_drawings_are_whole_and_run_nothing(name: str, step: str) -> None:
    plan = PLAN
    failure = plan.failures["leg-refused"].model_copy(update={"recovery": (step,), "effect": step, "name": name})
    hostile = plan.model_copy(update={"failures": {name: failure}})
    svg = risks.drawing(risks.register(hostile), None).as_a_file()
    root = ElementTree.fromstring(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "style", "defs", "marker", "path", "rect", "text",
    }  # fmt: skip


def test_words_that_were_cut_are_whole_in_their_tip() -> None:
    sheet = Sheet("s", "Title", "Summary", 100, 40)
    sheet.text(0, 10, "A very long name that does not fit", room=80)
    [text] = ElementTree.fromstring(sheet.as_a_file()).iter(f"{SVG}text")
    assert "".join(text.itertext()).startswith("A very long name that does not fit")


def test_systems_whose_names_no_file_system_takes_get_files_of_their_own() -> None:
    plan = PLAN
    one = plan.systems["gateway"]
    systems = {name: one.model_copy(update={"name": name}) for name in ("../gate way", "gate/way", "GATE-WAY")}
    made = files(plan.model_copy(update={"systems": {**plan.systems, **systems}}))
    assert {"systems/gate-way.svg", "systems/gate-way-2.svg", "systems/GATE-WAY-3.svg"} < set(made)
    assert not any(".." in path for path in made)
