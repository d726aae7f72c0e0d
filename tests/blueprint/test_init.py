"""`entrepot init`: a plan from answers is right whatever the answers are, every answer stands where it belongs, and nothing is overwritten."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from depth import examples
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from entrepot.blueprint import questions
from entrepot.blueprint.answered import plan_files
from entrepot.blueprint.files import examined
from entrepot.blueprint.finding import Severity
from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.blueprint.questions import QUESTIONS, checked, defaults
from entrepot.blueprint.templates import CHANNELS, FIRST, MODELS, Model, files_of
from entrepot.blueprint.without import OUR_SYSTEMS
from entrepot.cli.init import asked, next_steps
from entrepot.cli.main import run
from entrepot.connectors.facts import facts
from entrepot.kernel.errors import WrongSetting

EVERY_MODEL = pytest.mark.parametrize("model", MODELS)

HOURS = st.builds(lambda n: f"{n}h", st.integers(4, 80))
SYSTEM = st.from_regex(r"[a-z][a-z0-9]{1,6}-[a-z]{2}", fullmatch=True)
OURS = st.sets(st.sampled_from(OUR_SYSTEMS))
ANSWERS = {
    "marketplace": SYSTEM,
    "channels": st.sets(st.sampled_from(CHANNELS), min_size=1).flatmap(
        lambda chosen: st.permutations(sorted(chosen)).flatmap(
            lambda names: st.sampled_from([", ".join(names), ", ".join([f"{names[0]} as our-{names[0]}", *names[1:]])])
        )
    ),
    "environment": st.sampled_from(["sandbox", "production"]),
    "timezone": st.sampled_from(["UTC", "Europe/Lisbon", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]),
    "holidays": st.sampled_from(questions.HOLIDAYS),
    "currency": st.sampled_from(["EUR", "USD", "JPY", "KWD", "CHF"]),
    "acceptance": HOURS,
    "capture": st.sampled_from(["per-leg", "when-all-decided"]),
    "authorisation": st.sampled_from(["7d", "168h", "165h"]),
    "shipping": HOURS,
    "payer": st.sampled_from(["provider", "treasury", "bank-file"]),
    "payer_basis": st.sampled_from(
        ["Lemonway", 'the "agent" rule: § 675 BGB # see file', "{braces}, [lists] and 'quotes'", "yes", "12"]
    ),
    "commission": st.sampled_from(["0%", "12.5%", "100%"]),
    "taking": st.sampled_from(["1h", "90m", "24h"]),
    "sending": HOURS,
    "fee": st.sampled_from(["8%", "15.125%"]),
    "hours": st.sampled_from(["", "Mon-Fri 08-18", "Mon-Sat 09:30-12,13-17", "Mon-Fri 08-12; Sun 10-11"]),
    "alerts": st.sampled_from(["env:ALERTS", "env:A, file:/run/secrets/mail"]),
    "systems": OURS.map(lambda names: ", ".join(sorted(names)) or "none"),
}


@st.composite
def answered(draw: st.DrawFn, model: Model) -> dict[str, str]:
    names = draw(st.sets(st.sampled_from(sorted(defaults(model)))))
    given_ = {name: draw(ANSWERS[name]) for name in sorted(names)}
    systems = given_.get("systems", "oms").split(", ")
    if "taking" in given_ and "walmart-us" in given_.get("channels", defaults(model)["channels"]):
        given_["taking"] = draw(st.sampled_from(["1h", "90m", "4h"]))
    if model == "both" and not {"oms", "erp"} & set(systems):
        given_["systems"] = "oms"
    if model == "syndication" and "oms" in systems:
        given_.pop("systems", None)
    return given_


@EVERY_MODEL
@settings(max_examples=examples(6, deep=60), deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.data())
def test_a_plan_from_any_answers_has_no_errors(model: Model, data: st.DataObject) -> None:
    given_ = data.draw(answered(model))
    looked = examined(plan_files(model, given_), facts())
    assert [str(f) for f in looked.findings if f.severity is Severity.ERROR] == []
    assert looked.plan is not None
    assert looked.plan.environment == given_.get("environment", "sandbox")


@cache
def of(model: Model, **given_: str) -> Plan:
    looked = examined(plan_files(model, given_), facts())
    assert looked.plan is not None, [str(f) for f in looked.findings]
    return looked.plan


@EVERY_MODEL
def test_without_answers_a_plan_differs_from_the_shipped_one_only_where_that_is_the_demos(model: Model) -> None:
    shipped, mine = files_of(model), plan_files(model, {})
    assert list(shipped) == list(mine)
    same = [name for name in shipped if shipped[name] == mine[name]]
    assert {FIRST, "failures.yaml", "ownership.yaml", "identifiers.yaml", "mappings.yaml", "questions.yaml"} <= set(
        same
    )
    assert "demo" not in "".join(mine.values())


def test_the_names_of_the_systems_stand_everywhere() -> None:
    channels = "amazon-de as mirakl-fr, walmart-us, ebay-de, channelengine, mirakl-shop"  # crossed on purpose
    files = plan_files("both", {"marketplace": "amazon-de", "channels": channels})
    plan = of("both", marketplace="amazon-de", channels=channels)
    assert plan.account("amazon-de/operator").model == "operator"
    assert plan.account("mirakl-fr/main").model == "syndication"
    assert plan.flow("order-acceptance").sources == ("amazon-de",)
    assert plan.flow("order-intake").sources == ("mirakl-fr", "walmart-us", "ebay-de", "channelengine", "mirakl-shop")
    assert plan.ownership["offer"].fields["price"][0].where.account == "mirakl-fr/main"
    assert plan.identifiers["leg"].join["amazon-de"] == "order_id"
    assert list(files) == list(files_of("both"))


def test_time_zone_and_hours_reach_every_team_and_calendar() -> None:
    plan = of("operator", timezone="Asia/Kolkata", hours="Mon-Sat 10-19")
    assert {team.hours.text for team in plan.teams.values()} == {"Mon-Sat 10-19 Asia/Kolkata", "24/7"}
    assert plan.teams["on-call"].hours.always
    assert plan.calendars["FR"].hours.zone == "Asia/Kolkata"
    assert {system.timezone for system in plan.systems.values()} == {"Asia/Kolkata", "UTC"}


def test_without_an_answer_every_team_keeps_its_own_hours_in_the_new_zone() -> None:
    assert of("operator", timezone="UTC").teams["finance-compliance"].hours.text == "Mon-Fri 09-17 UTC"


@pytest.mark.parametrize(("holidays", "name", "days"), [("FR", "FR", 22), ("DE", "DE", 18), ("none", "WORKDAYS", 0)])
def test_the_holidays_are_those_of_one_calendar_that_every_deadline_names(holidays: str, name: str, days: int) -> None:
    for model in MODELS:
        plan = of(model, holidays=holidays)
        abroad = {"US"} - {name} if model != "operator" else set()  # of the channel that sells there
        assert set(plan.calendars) == {name} | abroad
        assert len(plan.calendars[name].holidays) == days
        assert {f.deadline.calendar for f in plan.flows.values() if f.deadline} <= {name, None}


@pytest.mark.parametrize(("currency", "floor"), [("EUR", "1.00"), ("JPY", "1"), ("KWD", "1.000")])
def test_prices_are_written_as_the_currency_is(currency: str, floor: str) -> None:
    account = of("operator", currency=currency).account("mirakl-fr/operator")
    assert account.currency == currency
    assert account.commission is not None
    assert account.commission.currency == currency
    assert account.price_limits["*"].floor == floor


def test_the_acceptance_window_is_promised_where_it_is_set_and_retries_end_before_it() -> None:
    plan = of("operator", acceptance="1h", shipping="4h")
    flow = plan.flow("order-acceptance")
    assert flow.deadline is not None
    assert (flow.deadline.within, plan.account("mirakl-fr/operator").acceptance_window) == (timedelta(hours=1),) * 2
    assert flow.retry.window == timedelta(minutes=45)
    assert flow.retry.max <= flow.retry.window
    assert flow.pause.max <= flow.deadline.within
    shipped = plan.flow("shipment").deadline
    assert shipped is not None
    assert shipped.within == timedelta(hours=4)


def test_who_pays_the_sellers_and_by_what_right_stands_at_the_account() -> None:
    provider = of("operator", payer="provider", payer_basis="Lemonway").account("mirakl-fr/operator").payout
    treasury = of("operator", payer="treasury", payer_basis="agent: § 675").account("mirakl-fr/operator").payout
    assert provider is not None and treasury is not None
    assert (provider.by, provider.licensed_provider, provider.legal_basis) == ("provider", "Lemonway", "")
    assert (treasury.by, treasury.licensed_provider, treasury.legal_basis) == ("treasury", "", "agent: § 675")


def test_alerts_go_where_the_answer_says() -> None:
    plan = of("both", alerts="env:A, file:/run/secrets/b")
    assert {team.notify for team in plan.teams.values()} == {("env:A", "file:/run/secrets/b")}


def test_in_production_nothing_acts_before_its_way_back_was_rehearsed() -> None:
    assert {flow.mode for flow in of("operator", environment="production").flows.values()} == {"observe"}
    assert "act" in {flow.mode for flow in of("operator").flows.values()}


def actors(plan: Plan) -> Iterator[str]:
    for rule in plan.ownership.values():
        yield from (rule.source_of_truth or "", *rule.create, *rule.consume)
        for parts in rule.fields.values():
            for part in parts:
                yield from (*part.update, *part.hold, *part.override, *part.correct, *part.request, *part.precedence)


@EVERY_MODEL
@pytest.mark.parametrize("missing", OUR_SYSTEMS)
def test_a_system_that_is_not_there_is_named_nowhere(model: Model, missing: str) -> None:
    there = [name for name in OUR_SYSTEMS if name != missing and (model, name) != ("syndication", "oms")]
    plan = of(model, systems=", ".join(there))
    assert missing not in plan.systems
    assert missing not in {end for flow in plan.flows.values() for end in (*flow.sources, *flow.to, *flow.degraded)}
    assert missing not in {key for rule in plan.identifiers.values() for key in rule.join}
    assert set(plan.ownership) == set(of(model).ownership)
    assert set(plan.flows) == set(of(model).flows)
    if missing == "oms" and model != "operator":
        return  # the back office is one, and keeps its rights
    assert missing not in set(actors(plan))
    assert missing not in {flow.decider for flow in plan.flows.values()}
    assert missing not in {party for mode in plan.failures.values() for party in (mode.corrects, *mode.requests)}


SELLERS = pytest.mark.parametrize("model", ["syndication", "both"])


@SELLERS
@pytest.mark.parametrize("kept", CHANNELS)
def test_a_channel_we_do_not_sell_on_is_named_nowhere(model: Model, kept: str) -> None:
    plan, files = of(model, channels=kept), plan_files(model, {"channels": kept})
    said = [line.partition("#")[0] for text in files.values() for line in text.splitlines()]
    for gone in set(CHANNELS) - {kept}:
        assert [line for line in said if re.search(rf"(?<![\w-]){gone}(?![\w-])", line)] == []
    assert set(plan.flows) == set(of(model).flows)
    assert set(plan.failures) == set(of(model).failures)
    assert {flow.name for flow in plan.flows.values() if not flow.sources or not flow.to} == set()
    assert kept in plan.flow("settlement-intake").sources


@SELLERS
@pytest.mark.parametrize("kept", [*CHANNELS, "walmart-us, channelengine", "amazon-de as amazon-fr, ebay-de"])
def test_a_plan_of_some_channels_has_neither_errors_nor_warnings(model: Model, kept: str) -> None:
    looked = examined(plan_files(model, {"channels": kept}), facts())
    assert [str(f) for f in looked.findings if f.severity is not Severity.NOTE] == []


def test_channels_are_answered_in_any_order_and_some_under_a_name_of_their_own() -> None:
    assert checked("syndication", {"channels": "ebay-de,  amazon-de as amazon-fr"})["channels"] == (
        "amazon-de as amazon-fr, ebay-de"
    )
    plan = of("syndication", channels="ebay-de, amazon-de as amazon-fr")
    assert set(plan.accounts) == {"amazon-fr/main", "ebay-de/main", "backoffice/main", "supplier-edi/main"}
    assert plan.systems["amazon-fr"].connector == "amazon"
    assert plan.systems["amazon-fr"].url == "env:ENTREPOT_AMAZON_URL"
    assert plan.mappings["category-amazon-de"].system == "amazon-fr"
    renamed = of("both", channels=", ".join(f"{name} as our-{name}" for name in CHANNELS), marketplace="ours")
    assert {f"our-{name}" for name in CHANNELS} <= set(renamed.systems)
    assert renamed.systems["our-channelengine"].connector == "channelengine"  # which has the system's name as it ships
    assert renamed.questions["stock-buffer-per-channel"].about == "accounts.our-amazon-de/main.buffer"


def test_the_country_of_a_channel_keeps_its_money_its_zone_and_its_holidays() -> None:
    plan = of("syndication", currency="JPY", timezone="Asia/Tokyo", holidays="none")
    ours, theirs = plan.account("amazon-de/main"), plan.account("walmart-us/main")
    assert (ours.currency, ours.price_limits["*"].floor, ours.calendar) == ("JPY", "1", "WORKDAYS")
    assert (theirs.currency, theirs.price_limits["*"].floor, theirs.calendar) == ("USD", "1.00", "US")
    assert plan.system_of("walmart-us/main").timezone == "America/New_York"
    assert set(of("syndication", channels="ebay-de").calendars) == {"DE"}


def test_what_we_promise_over_all_channels_ends_within_each_ones_window() -> None:
    with pytest.raises(WrongSetting, match="taking: “48h” is not between 1h and 24h"):
        checked("syndication", {"taking": "48h"})
    with pytest.raises(WrongSetting, match="taking: my-shop waits 4h for an order to be taken, not 5h"):
        checked("syndication", {"taking": "5h", "channels": "walmart-us as my-shop, ebay-de"})
    flow = of("syndication", taking="24h", fee="8%", channels="amazon-de, mirakl-shop").flow("order-intake")
    assert flow.deadline is not None
    assert flow.deadline.within == timedelta(hours=24)
    fees = {
        a.commission.default
        for a in of("both", fee="8%").accounts.values()
        if a.commission and a.model == "syndication"
    }
    assert fees == {8_000}


# --- answers that are wrong ----------------------------------------------------------------------------------------

WRONG = [
    ("operator", {"currncy": "EUR"}, "currncy: there is no such question; did you mean currency?"),
    ("operator", {"channels": "amazon-de"}, "channels: there is no such question"),
    ("syndication", {"channels": "amazon"}, "write some of amazon-de, walmart-us, ebay-de, channelengine, mirakl-shop"),
    ("syndication", {"channels": ","}, "a seller sells somewhere"),
    ("syndication", {"channels": "amazon-de as erp"}, "cannot name a system"),
    ("syndication", {"channels": "amazon-de as ebay-de, ebay-de"}, "channels: ebay-de names two systems"),
    ("operator", {"currency": "EURO"}, "currency: “EURO” is not an ISO 4217 currency code"),
    ("operator", {"timezone": "Europe/Atlantis"}, "is not a time zone"),
    ("operator", {"acceptance": "soon"}, "acceptance: “soon” is not a duration"),
    ("operator", {"acceptance": "20d"}, "acceptance: “20d” is not between 1h and 10d"),
    ("operator", {"marketplace": "Mirakl FR"}, "cannot name a system"),
    ("operator", {"marketplace": "erp"}, "cannot name a system"),
    ("operator", {"environment": "live"}, "write one of sandbox, production"),
    ("operator", {"commission": "0.12"}, "is not a rate"),
    ("operator", {"hours": "nine to five"}, "hours:"),
    ("operator", {"alerts": "mailto://ops@shop.example"}, "write references"),
    ("operator", {"payer_basis": ""}, "write one line"),
    ("operator", {"systems": "crm"}, "some of pim, oms, erp"),
    ("syndication", {"systems": "oms"}, "some of pim, erp, or none"),
    ("both", {"systems": "pim"}, "name oms or erp"),
    ("operator", {"acceptance": "100h", "shipping": "80h"}, "authorisation: 168h is not longer than acceptance and shipping together"),
    ("both", {"marketplace": "shop-eu", "channels": "ebay-de as shop-eu"}, "channels: shop-eu names two systems"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "given_", "words"), WRONG, ids=[f"{w[0]}-{n}" for n, w in enumerate(WRONG)])
def test_a_wrong_answer_says_what_to_write(model: Model, given_: dict[str, str], words: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        checked(model, given_)
    assert words in caught.value.message


def test_every_wrong_answer_is_told_at_once() -> None:
    with pytest.raises(WrongSetting) as caught:
        checked("operator", {"currency": "X", "timezone": "Y", "nonsense": "Z", "commission": "W"})
    assert len(caught.value.fields["findings"]) == 4


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: f"{q.name}-{'-'.join(q.default)}")
def test_every_question_has_a_reason_of_one_line_and_a_default_it_would_take(question: questions.Question) -> None:
    assert question.ask.endswith("?")
    assert question.why.endswith(".")
    assert len(question.why) <= 100
    for default in question.default.values():
        assert question.check(default) is not None


# --- the command ---------------------------------------------------------------------------------------------------

Entrepot = Callable[..., tuple[int, str, str]]


@pytest.fixture
def entrepot(capsys: pytest.CaptureFixture[str]) -> Entrepot:
    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@EVERY_MODEL
def test_init_writes_a_plan_that_check_finds_no_error_in(entrepot: Entrepot, model: Model, tmp_path: Path) -> None:
    code, out, _ = entrepot("init", "--model", model, tmp_path / "plan")
    assert code == 0
    assert len(out.splitlines()) == 1 + 3
    assert entrepot("check", tmp_path / "plan")[0] == 0
    assert load(tmp_path / "plan" / FIRST).hash in out


def test_a_folder_that_holds_one_of_the_files_is_left_alone(entrepot: Entrepot, tmp_path: Path) -> None:
    (tmp_path / "flows.yaml").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine too")
    code, out, err = entrepot("init", "--model", "operator", tmp_path)
    assert (code, out) == (2, "")
    assert "holds flows.yaml already" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flows.yaml", "notes.txt"]
    assert (tmp_path / "flows.yaml").read_text() == "mine"


def test_answers_come_from_a_file(entrepot: Entrepot, tmp_path: Path) -> None:
    (tmp_path / "answers.yaml").write_text(
        "# ours\nmarketplace: shop-eu\nacceptance: 24h\nsystems: [erp, oms]\nhours:\n"
    )
    code, _, _ = entrepot("init", "--model", "operator", tmp_path / "plan", "--answers", tmp_path / "answers.yaml")
    assert code == 0
    plan = load(tmp_path / "plan" / FIRST)
    assert plan.account("shop-eu/operator").acceptance_window == timedelta(hours=24)
    assert "pim" not in plan.systems


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("currency: X\ntimezone: Y\n", "currency: “X”"),
        ("- a\n", "one answer a line"),
        ("a: [", "not YAML"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_file_of_answers_writes_nothing(
    entrepot: Entrepot, tmp_path: Path, text: str | None, words: str
) -> None:
    if text is not None:
        (tmp_path / "answers.yaml").write_text(text)
    code, out, err = entrepot("init", "--model", "operator", tmp_path / "plan", "--answers", tmp_path / "answers.yaml")
    assert (code, out) == (2, "")
    assert words in err
    assert not (tmp_path / "plan").exists()


def test_a_folder_that_cannot_be_made_is_one_line(entrepot: Entrepot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = entrepot("init", "--model", "operator", tmp_path / "file" / "plan")
    assert code == 2
    assert "cannot be written" in err
    assert len(err.splitlines()) == 1


@EVERY_MODEL
def test_on_a_terminal_every_question_is_asked_and_an_empty_answer_is_its_default(
    model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    given_ = asked(model, lambda prompt: "")
    said = capsys.readouterr().out
    assert checked(model, given_) == checked(model, {})
    assert all(question.ask in said and question.why in said for question in questions.questions(model))


def test_a_wrong_answer_on_the_terminal_is_asked_again_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter(["Mirakl FR", "shop-eu"])
    given_ = asked("operator", lambda prompt: next(answers, ""))
    assert given_["marketplace"] == "shop-eu"
    assert "“Mirakl FR” cannot name a system" in capsys.readouterr().out


def test_whoever_gives_up_has_nothing_written(tmp_path: Path) -> None:
    def hang_up(prompt: str) -> str:
        raise EOFError

    with pytest.raises(WrongSetting, match="nothing was written"):
        asked("operator", hang_up)
    with pytest.raises(WrongSetting, match="nothing was written"):
        asked("operator", lambda prompt: "Nonsense Answer!")


def test_what_to_do_next_names_every_reference_that_must_be_set() -> None:
    answers = {"alerts": "env:OUR_ALERTS", "channels": "mirakl-shop"}
    lines = next_steps(Path("plan"), plan_files("syndication", answers))
    assert lines[0] == (
        "1. Set what it refers to: ENTREPOT_BACKOFFICE_KEY, ENTREPOT_BACKOFFICE_URL, ENTREPOT_BACKOFFICE_WEBHOOK_SECRET,"
        " ENTREPOT_MIRAKL_SHOP_KEY, ENTREPOT_MIRAKL_SHOP_URL, OUR_ALERTS."
    )
    assert len(lines) == 3
