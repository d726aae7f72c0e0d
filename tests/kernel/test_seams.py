"""All that is not deterministic comes through ctx: only the seam modules ask the machine for time, sleep or chance; and SQL takes them as parameters."""

import ast
import re
from functools import cache
from pathlib import Path

import entrepot

HOUSE = Path(entrepot.__file__).parent

# Who may ask the machine itself. Everything else is handed a clock, ids, a sender or a database.
SEAMS = {
    "kernel/clock.py",
    "kernel/ids.py",
    "process.py",
    "outbox/http.py",  # the total timeout of a call is machine time by definition
    "store/postgres",  # starts servers; its waits are handed in
    "sandbox/__main__.py",
    "cli/simulate.py",  # says how long a proof took
    "cli/opening.py",  # reads the database's clock, as process.py does
    "cli/health",  # compares the clocks
    "proof/sim/proving.py",
}
BANNED = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("time", "time"), ("time", "monotonic"), ("time", "perf_counter"), ("time", "sleep"),
    ("uuid", "uuid4"), ("uuid", "uuid1"), ("random", "random"), ("random", "choice"), ("random", "randint"), ("random", "shuffle"),
    ("secrets", "token_urlsafe"), ("secrets", "randbits"), ("secrets", "token_hex"), ("os", "urandom"),
}  # fmt: skip
SQL_CLOCKS = re.compile(
    r"\b(now\(\)|current_timestamp|clock_timestamp\(\)|gen_random_uuid\(\)|random\(\))", re.IGNORECASE
)
WORTH_READING = re.compile(
    rf"{SQL_CLOCKS.pattern}|\.({'|'.join(sorted({name for _, name in BANNED}))})\b", re.IGNORECASE
)


@cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Every node of every module that is no seam and holds such a word at all, with the module's name: read once for all that look at them."""
    return [
        (name, node)
        for path in sorted(HOUSE.rglob("*.py"))
        for name in [path.relative_to(HOUSE).as_posix()]
        if not any(name == seam or name.startswith(f"{seam}/") for seam in SEAMS)
        for text in [path.read_text("utf-8")]
        if WORTH_READING.search(text)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute | ast.Constant)
    ]


def test_only_seam_modules_ask_the_machine_for_time_sleep_or_chance() -> None:
    found = [
        f"{name}:{node.lineno} {node.value.id}.{node.attr}"
        for name, node in nodes()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (node.value.id, node.attr) in BANNED
    ]
    assert found == []


def test_sql_takes_time_and_ids_as_parameters() -> None:
    found = [
        f"{name}:{node.lineno} {match[0]}"
        for name, node in nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
        for match in [SQL_CLOCKS.search(node.value)]
        if match and re.search(r"\b(SELECT|UPDATE|INSERT|DELETE|WHERE)\b", node.value)
    ]
    schema = [
        f"{path.name}: {match[0]}"
        for path in sorted((HOUSE / "store" / "schema").glob("*.sql"))
        for line in path.read_text("utf-8").splitlines()
        for match in [SQL_CLOCKS.search(line.split("--")[0])]
        if match
    ]
    assert found + schema == []
