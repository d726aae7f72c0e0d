"""A blueprint the hub cannot run by is refused with the place, what is wrong, and what to write instead."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.blueprint.load import WrongBlueprint, load, loads
from entrepot.blueprint.references import is_reference, resolve
from entrepot.blueprint.units import duration_text, parse_duration, parse_rate, parse_share
from entrepot.kernel.errors import EntrepotError, WrongSetting

TEXT = (Path(__file__).parent / "small_plan.yaml").read_text("utf-8")

# (what to change, into what, where it must be reported, what must be said)
WRONG = [
    ("party: payment", "partty: payment", "systems.gateway.partty", "did you mean party?"),
    ("  gateway:\n    connector: payment\n", "  gateway:\n", "systems.gateway.connector", "is missing"),
    ("environment: sandbox\n    timezone: UTC", "environment: production\n    timezone: UTC", "systems.gateway.environment", "one environment"),
    ("env:ENTREPOT_GATEWAY_KEY", "sk_live_123", "systems.gateway.credentials.key", "secret in clear"),
    ("env:ENTREPOT_GATEWAY_URL", "gateway", "systems.gateway.url", "http:// or https:// nor env:NAME"),
    ("capture: when-all-decided", "capture: at-some-time", "accounts.mirakl-fr/operator.capture", "'when-all-decided'"),
    ("    capture: when-all-decided # per-leg", "    # per-leg", "accounts.mirakl-fr/operator", "names its capture policy"),
    ("    model: operator\n", "", "accounts.mirakl-fr/operator", "names its model"),
    ("acceptance_window: 12h", "acceptance_window: 12 hours", "accounts.mirakl-fr/operator.acceptance_window", "such as 30s, 10m, 48h or 7d"),
    ("acceptance_window: 12h", "acceptance_window: 1 working-day", "accounts.mirakl-fr/operator.acceptance_window", "is not a duration"),
    ("acceptance_window: 12h", "acceptance_window: 13h", "accounts.mirakl-fr/operator.acceptance_window", "promises 12h. Fix: write the same"),
    ("default: 12%", "default: 0.12", "accounts.mirakl-fr/operator.commission.default", "such as 12% or 12.5%"),
    ("default: 12%", "default: 120%", "accounts.mirakl-fr/operator.commission.default", "more than 100%"),
    ("system: gateway", "system: gatewy", "accounts.gateway/main.system", "there is no system “gatewy”"),
    ("currency: EUR\n    settle: 10s", "currency: EURO\n    settle: 10s", "accounts.gateway/main.currency", "ISO 4217"),
    ('"*": {seller_model', '"2001": {seller_model', "sellers", "rule for every seller"),
    ("hours: Mon-Fri 09-18 Europe/Paris", "hours: nine to five", "teams.commerce-architect.hours", "such as “Mon-Fri 08-18 Europe/Paris”"),
    ("    deputy: commerce-architect\n", "", "teams.on-call", "nobody of this team can"),
    ("deputy: commerce-architect", "deputy: nobody", "teams.on-call.deputy", "there is no team “nobody”"),
    ("deputy: commerce-architect\n", "deputy: commerce-architect\n    escalates_to: order-desk\n", "teams.on-call.escalates_to", "on-call → order-desk → marketplace-lead → on-call"),
    ("hours: 24/7\n    deputy: commerce-architect\n    notify: [env:ENTREPOT_ALERT_WEBHOOK, env:ENTREPOT_ALERT_MAIL]", "hours: 24/7\n    deputy: commerce-architect\n    notify: []", "teams.on-call", "no way to reach"),
    ("pattern: event\n    also: scheduled-job\n    latency: near-real-time\n    decider", "pattern: event\n    latency: near-real-time\n    decider", "flows.order-acceptance.pattern", "events get lost"),
    ("pattern: scheduled-job\n    latency: finance-close\n    deadline: {obligation: statement-due", "pattern: event\n    also: scheduled-job\n    latency: finance-close\n    deadline: {obligation: statement-due", "flows.settlement.pattern", "does not move by event"),
    ("retry: {first: 5s, max: 10m, window: 6h}", "retry: {first: 5s, max: 10m, window: 3d}", "flows.order-acceptance.retry.window", "leave a person no time"),
    ("retry: {first: 5s, max: 10m, window: 6h}", "retry: {first: 20m, max: 10m, window: 12h}", "flows.order-acceptance.retry", "first ≤ max ≤ window"),
    ("failures: [chargeback-opened]", "failures: []", "flows.incident-dispute", "nobody has thought of how it fails"),
    ("failures: [chargeback-opened]", "failures: [chargeback]", "flows.incident-dispute.failures.0", "there is no failure mode “chargeback”"),
    ("from: gateway", "from: bank", "flows.incident-dispute.from", "there is no system “bank”"),
    ("replay: never", "replay: maybe", "flows.payout.replay", "'safe', 'with-review' or 'never'"),
    ("part_of: order-acceptance", "part_of: orders", "flows.capture.part_of", "there is no flow “orders”"),
    ("owner: supplier-operations\n    may", "owner: the-intern\n    may", "failures.ack-at-risk.owner", "there is no team “the-intern”"),
    ("may: [escalate, suppress]\n    actions: [remind-seller, accept", "may: []\n    actions: [remind-seller, accept", "failures.ack-at-risk.may", "may do nothing"),
    ("may: [repair, suppress, retry, escalate]", "may: [retry, repair]", "failures.malformed-message.may.0", "does not mend it"),
    ("may: [repair, suppress, retry, escalate]", "may: [repair, repair]", "failures.malformed-message.may", "a verb twice"),
    ("may: [repair, suppress, retry, escalate]", "may: [delete]", "failures.malformed-message.may.0", "'retry', 'repair', 'suppress' or 'escalate'"),
    ("{at: 50%, to: owner}, {at: 80%, to: marketplace-lead}, {at: 95%, to: on-call}]\n    alert: {measure: open-cases}\n    corrects: seller\n    requests: [operator]\n    when_missed: ack-missed", "{at: 80%, to: owner}, {at: 50%, to: on-call}]\n    corrects: seller", "failures.ack-at-risk.escalate.1.at", "steps go upwards"),
    ("when_missed: ack-missed", "when_missed: too-late", "failures.ack-at-risk.when_missed", "there is no failure mode"),
    ("worth {value} will be refused", "worth {value:>9} will be refused", "failures.ack-at-risk.effect", "is not a plain name in braces"),
    ("worth {value} will be refused", "worth {value.__class__} will be refused", "failures.ack-at-risk.effect", "is not a plain name in braces"),
    ("worth {value} will be refused", "worth {value will be refused", "failures.ack-at-risk.effect", ""),
    ("  chargeback-opened:\n", "  chargeback-closed:\n", "failures", "the hub can meet chargeback-opened"),
    ("  order-desk:\n    party: operator", "  order-desk:\n    name: the desk\n    party: operator", "teams.order-desk.name", "named by its key"),
    ("systems:\n", "hash: abc\nsystems:\n", "hash", "is not a section"),
    ("sellers:\n", "owners: {}\nsellers:\n", "owners", "did you mean ownership?"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "path", "words"), WRONG, ids=[f"{w[2]}-{i}" for i, w in enumerate(WRONG)])
def test_a_wrong_entry_is_found_where_it_stands_and_says_what_to_write(
    old: str, new: str, path: str, words: str
) -> None:
    assert old in TEXT
    with pytest.raises(WrongBlueprint) as caught:
        loads(TEXT.replace(old, new, 1))
    lines = str(caught.value).splitlines()
    assert all(re.match(r"entrepot\.yaml:\d+:\d+ [EW]\d{3} \S+: .+\. Fix: ", line) for line in lines)
    [found, *_] = [line for line in lines if f" {path}: " in line]
    assert words in found


def test_the_position_is_that_of_the_wrong_word() -> None:
    wrong = TEXT.replace(
        "window: 12h}\n    degraded: {mirakl-fr: keep", "window: 12hours}\n    degraded: {mirakl-fr: keep", 1
    )
    with pytest.raises(WrongBlueprint) as caught:
        loads(wrong)
    line, column = map(int, str(caught.value).split(" ")[0].split(":")[1:])
    assert wrong.splitlines()[line - 1][column - 1 :].startswith("12hours")


def test_everything_wrong_is_found_at_once_in_the_order_of_the_file() -> None:
    wrong = (
        TEXT.replace("72h", "72x")
        .replace("party: commerce", "party: shop")
        .replace("replay: never", "replay: no-never")
    )
    with pytest.raises(WrongBlueprint) as caught:
        loads(wrong)
    findings = caught.value.fields["findings"]
    assert len(findings) == 4
    assert [f.position.line for f in findings] == sorted(f.position.line for f in findings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must hold the sections"),
        ("[]", "must hold the sections"),
        ("systems: [", "this is not YAML"),
        ("systems: {a: 1\nb: 2", "this is not YAML"),
        ("systems:\n\t- a", "indented with a tab"),
        ("systems: {a: {}, a: {}}", "written twice; the first is at 1:11"),
        ("a: &a [*a]", "stands inside what it names"),
        ("? [1]\n: 2", "a key must be a plain word"),
        ("!!python/object:os.system {}", "is not read"),
        ("a: \x00", "no editor shows (U+0000)"),
    ],
)
def test_what_is_no_blueprint_at_all_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(WrongSetting, match=re.escape(words)):
        loads(text)


def test_a_file_that_says_a_great_deal_by_aliases_is_stopped() -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    with pytest.raises(WrongSetting, match="aliases counted"):
        loads(bomb)


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match="cannot be read"):
        load(tmp_path / "none.yaml")


def test_a_file_that_is_not_text_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "blueprint.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WrongSetting, match=r"byte 0xff is not UTF-8"):
        load(tmp_path / "blueprint.yaml")


LINES = TEXT.splitlines()


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, len(LINES) - 1),
    st.sampled_from(["", "x", "  y: 1", "- z", "{", "'", "a: b: c", "&a", "*a", "key: !!int x", "%"]),
)
def test_any_broken_line_is_refused_in_our_words_or_harmless(at: int, line: str) -> None:
    try:
        loads("\n".join([*LINES[:at], line, *LINES[at + 1 :]]))
    except EntrepotError as error:
        assert isinstance(error, WrongSetting)
        assert "entrepot.yaml:" in error.message


@settings(deadline=None)
@given(st.integers(0, 999_999), st.sampled_from("smhdw"))
def test_a_duration_reads_back_as_itself(count: int, unit: str) -> None:
    duration = parse_duration(f"{count}{unit}")
    if duration.total_seconds() < 1_000_000:
        assert parse_duration(duration_text(duration)) == duration


@pytest.mark.parametrize(
    "value", ["", "5", 5, 1.5, None, "-5s", "5 s ", "5S", "1e3s", "٥s", "1.5h", "12345678s", ["5s"]]
)
def test_a_duration_without_a_plain_number_and_unit_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("text", "rate"), [("12%", 12_000), ("12.5%", 12_500), ("0.001%", 1), ("100%", 100_000), ("8.05 %", 8_050)]
)
def test_a_rate_is_exact(text: str, rate: int) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("value", ["12", 12, 0.12, "12.1234%", "-1%", "%", None])
def test_a_rate_that_is_not_a_percentage_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        parse_rate(value)


@pytest.mark.parametrize("value", ["0%", "100%", "50.5%", "50", 50, None])
def test_a_share_is_a_whole_percentage_inside_the_window(value: object) -> None:
    with pytest.raises(ValueError, match="is not a share"):
        parse_share(value)


def test_a_reference_is_resolved_at_the_moment_of_use_and_never_named_by_its_value(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("from-file\n")
    assert resolve("env:KEY", {"KEY": "from-env"}) == "from-env"
    assert resolve(f"file:{secret}", {}) == "from-file"
    assert resolve("https://example.org", {}) == "https://example.org"
    with pytest.raises(WrongSetting, match="env:KEY is not set"):
        resolve("env:KEY", {})
    with pytest.raises(WrongSetting, match="cannot be read"):
        resolve(f"file:{tmp_path}/none", {})
    secret.write_text("  \n")
    with pytest.raises(WrongSetting, match="is empty"):
        resolve(f"file:{secret}", {})


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("env:A", True), ("file:/a", True), ("env:", False), ("file://host/a", False), ("A", False), ("http://a", False)],
)
def test_what_is_a_reference(text: str, is_one: bool) -> None:
    assert is_reference(text) is is_one
