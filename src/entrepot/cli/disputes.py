"""dispute list, answer: what buyers question at channels, by the date for an answer; and our answer to one of them."""

from entrepot.cli.cases import As
from entrepot.cli.channels import selling_account
from entrepot.cli.opening import clean, login_name, opened
from entrepot.cli.output import Cell, Style, paper, say_json
from entrepot.cli.output import note as beside
from entrepot.kernel.errors import WrongSetting

DONE, FAILED, REFUSED = 0, 1, 5


def list_(*, account: str = "", json: bool = False) -> int:
    """Open disputes of every channel, the one that is to be answered first on top.

    Parameters
    ----------
    account
        Only of this account.
    json
        One JSON document on stdout.
    """
    from entrepot.cli.channel_pages import disputes_page, document
    from entrepot.web.selling import sold_on
    from entrepot.web.store.channel_tables import NEVER, disputes
    from entrepot.web.views.channels import ChannelFilter, DisputeRow

    with opened() as house:
        now, plan = house.clock.now(), house.plan
        accounts = [selling_account(house, clean(account))] if account else sold_on(plan)
        with house.db.transaction() as conn:
            pages = [disputes(conn, plan, name, ChannelFilter("disputes")) for name in accounts]
    rows = [row for found, _ in pages for row in found if isinstance(row, DisputeRow)]
    rows.sort(key=lambda row: (row.respond_by or NEVER, row.account, row.dispute_id))
    more = any(after for _, after in pages)
    if json:
        say_json({"business_now": now, "disputes": document(rows), "more": more})
    else:
        disputes_page(paper(), rows, now, more)
    return DONE


def answer(
    dispute: str,
    /,
    *,
    accept: bool = False,
    contest: bool = False,
    note: str = "",
    reason: str = "",
    account: str = "",
    by: str = "",
    as_team: As = "",
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Answer a dispute: accept it, or contest it with a note that the channel reads.

    Parameters
    ----------
    dispute
        The channel's number of it, or our id.
    accept
        The buyer keeps the money.
    contest
        The money is ours; the note says why.
    note
        What the channel reads; needed to contest.
    reason
        Why; it stays with the dispute and its case.
    account
        At which account, when several know the number.
    by
        Who answers; else the login name.
    as_team
        For which team of the plan you act; else as the operator of this machine, who may all there is.
    dry_run
        Say what would happen, and change nothing.
    json
        One JSON document on stdout.
    """
    from entrepot.flows import dispute_desk as desk

    if accept == contest:
        raise WrongSetting("say one of them: --accept, or --contest with --note TEXT")
    if not clean(reason):
        raise WrongSetting("say why: --reason TEXT stays with the dispute")
    said_by, team = clean(by) or login_name(), clean(as_team)
    asked = desk.AnswerAsked(
        clean(dispute), "accept" if accept else "contest", said_by, clean(reason), clean(note), team, clean(account)
    )
    with opened() as house:
        verdict = desk.answer(house.ctx, house.plan, asked, dry_run=dry_run)
    return _said(verdict, asked.answer, said_by, dry_run=dry_run, json=json)


def _said(verdict: object, given: str, by: str, *, dry_run: bool, json: bool) -> int:
    from entrepot.flows.dispute_desk import AnswerPlanned, NotAnswered

    if isinstance(verdict, NotAnswered):
        if json:
            say_json({"dispute": verdict.dispute, "answer": given, "done": False, "words": verdict.why})
        else:
            beside(verdict.why)
        return REFUSED if verdict.not_yours else FAILED
    assert isinstance(verdict, AnswerPlanned)
    document = {
        "dispute": verdict.dispute_id,
        "account": verdict.account,
        "answer": given,
        "done": not dry_run,
        "words": verdict.words,
    }
    if json:
        say_json({**document, "by": by, "key": verdict.key or None, "state": verdict.state or None})
    else:
        lead = "not done yet: " if dry_run else ""
        paper().line(
            Cell(f"Dispute {verdict.dispute_id} of {verdict.account}:", Style.STRONG),
            f"{lead}{verdict.words}",
            Cell(verdict.key, Style.QUIET),
        )
    return DONE
