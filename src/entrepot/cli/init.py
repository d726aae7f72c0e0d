"""init: a complete plan of one's own, from the shipped texts and a few answers."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from entrepot.blueprint.answered import plan_files
from entrepot.blueprint.files import Files, document_of, examined
from entrepot.blueprint.questions import Question, checked, questions
from entrepot.blueprint.references import references
from entrepot.blueprint.templates import FIRST, Model
from entrepot.connectors.facts import facts
from entrepot.kernel.errors import OurBug, WrongSetting

TRIES_MAX = 5
Ask = Callable[[str], str]


def init(folder: Path, /, *, model: Model, answers: Path | None = None, yes: bool = False) -> int:
    """Write a complete plan of your own, from a few answers.

    Parameters
    ----------
    folder
        Where the files are written. It may exist, but hold none of them.
    model
        operator: you host the storefront. syndication: you are the seller on others'. both: accounts of either.
    answers
        A file with answers, `question: answer` a line; what it leaves out has its default. No questions are asked.
    yes
        No questions: every answer is the default.
    """
    given = _from_file(answers) if answers is not None else {}
    if answers is None and not yes and sys.stdin.isatty() and sys.stdout.isatty():
        given = asked(model, input)
    files = plan_files(model, given)
    looked = examined(files, facts())
    if looked.plan is None:
        raise OurBug(f"the answers lead to a plan that is wrong: {looked.findings[0]}", answers=dict(given))
    written(folder, files)
    plan = looked.plan
    print(
        f"{folder}: {len(files)} files, {len(plan.flows)} flows, {len(plan.failures)} failure modes, hash {plan.hash}"
    )
    for line in next_steps(folder, files):
        print(line)
    return 0


def asked(model: Model, ask: Ask) -> dict[str, str]:
    """Every question in turn; a wrong answer says why, and is asked again. An empty answer is the default."""
    answers: dict[str, str] = {}
    for number, question in enumerate(asking := questions(model), 1):
        print(f"\n{number}/{len(asking)} {question.ask}\n    {question.why}")
        answers[question.name] = _answer(model, question, ask)
    checked(model, answers)
    return answers


def _answer(model: Model, question: Question, ask: Ask) -> str:
    default = question.default[model]
    for _ in range(TRIES_MAX):
        try:
            return question.check(ask(f"    [{default}] ").strip() or default)
        except ValueError as error:
            print(f"    {error}")
        except EOFError:
            break
    raise WrongSetting(f"{question.name}: no answer that could be used; nothing was written")


def _from_file(path: Path) -> Mapping[str, str]:
    try:
        data = document_of(path.read_text("utf-8"), path.name).data
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"the answers {path} cannot be read: {error}") from error
    if not isinstance(data, dict | None):
        raise WrongSetting(f"{path.name}: write one answer a line, such as currency: EUR")
    return {name: _line(value) for name, value in (data or {}).items()}


def _line(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else "" if value is None else str(value)


def written(folder: Path, files: Files) -> None:
    """Write the files where none of them is. Errors: WrongSetting that names those in the way; nothing is written then."""
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise WrongSetting(f"{folder} holds {', '.join(there)} already: name an empty folder, or move them away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise WrongSetting(f"{folder} cannot be written: {error}") from error


def next_steps(folder: Path, files: Files) -> list[str]:
    named = sorted(
        {one.partition(":")[2] for text in files.values() for one in references(text) if one.startswith("env:")}
    )
    return [
        f"1. Set what it refers to: {', '.join(named)}.",
        f"2. Read it with those who will live by it (entrepot workshop export plan.xlsx --blueprint {folder / FIRST}), then entrepot check {folder / FIRST}.",
        f"3. Run by it: ENTREPOT_BLUEPRINT={folder / FIRST} entrepot up",
    ]
