"""Made-up offers, corrections and single-use links for the console's own tests."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from entrepot.kernel.errors import OwnerDecides
from entrepot.kernel.money import Money
from entrepot.ownership.model import Value
from entrepot.web import offer_words, words
from entrepot.web.offer_ports import Acting
from entrepot.web.views import State, Tone
from entrepot.web.views.offers import (
    AnswerTaken,
    AskedRow,
    AskedView,
    ChangeRow,
    CorrectionFilter,
    CorrectionGroup,
    CorrectionPage,
    CorrectionRow,
    FieldView,
    GivenAnswer,
    HoldView,
    OfferDetail,
    OfferFilter,
    OfferPage,
    OfferRow,
    OverrideView,
    RefusedView,
    ReturnedFile,
)

AT = datetime(2026, 11, 23, 14, 2, 11, tzinfo=UTC)
ACCOUNT = "mirakl-fr/operator"
HELD = "15.00 EUR is under the floor of TOYS, 21.00 EUR"
TOKEN = "K7Q2ZK3V0000000000000000"


def ago(**span: float) -> datetime:
    return AT - timedelta(**span)


def offer_row(number: int = 1) -> OfferRow:
    held = (HELD,) if number % 3 == 1 else ()
    state = State("Held", Tone.BAD) if held else State("Sells", Tone.GOOD)
    return OfferRow(ACCOUNT, f"O-{number}", "2001", "TOYS", "Wooden train <b>" if number == 2 else "", Money(2500 + number, "EUR"), "4", state, held,
                    ("category",) if number == 1 else (), number % 2, ago(hours=number))  # fmt: skip


def override(state: str = "live") -> OverrideView:
    return OverrideView("ovr_1", "category", "GAMES", "TOYS", words.state(offer_words.OVERRIDE, state), "Mari Lind", "It is a game", True,
                        "Per Dahl" if state == "live" else "", ago(days=1), AT + timedelta(days=6), "", state == "asked", state == "live")  # fmt: skip


def correction(number: int = 1) -> CorrectionRow:
    return CorrectionRow(f"cor_{number}", ACCOUNT, "offer", f"O-{number}", "price", "Under the floor", HELD, "Hub asks seller", "2001",
                         words.state(offer_words.CORRECTION, "delivered" if number % 2 else "declined"), "marketplace thread", ago(hours=5 + number), AT + timedelta(hours=40),
                         None if number % 2 else ago(hours=1), "" if number % 2 else "Seller: it is our price", "15.00 EUR")  # fmt: skip


def offer_field(name: str, value: str, kind: str, laid: OverrideView | None = None, held: bool = False) -> FieldView:
    return FieldView(name, words.plain(name), laid.value if laid else value, value, "seller@mirakl-fr", "offer export of 08:14, row 118", "msg_1",
                     f"ownership.offer.fields.{name}[0]", "", "seller sets it; operator may hold it", ago(hours=6), ago(hours=6), 3, laid, held, kind)  # fmt: skip


def offer_detail(offer_id: str) -> OfferDetail:
    return OfferDetail(
        row=replace(offer_row(), id=offer_id),
        seller_model="marketplace",
        currency="EUR",
        fields=(offer_field("price", "25.00 EUR", "money", held=True), offer_field("quantity", "4", "number"), offer_field("active", "yes", "yes-no"),
                offer_field("category", "TOYS", "text", override())),
        holds=(HoldView("hld_1", "price", "Under the floor", HELD, "hub", ago(hours=5), AT + timedelta(days=13), None, ""),
               HoldView("hld_0", "price", "Held by a person", "recall <script>", "Mari Lind", ago(days=5), ago(days=3), ago(days=4), "Mari Lind: over")),
        overrides=(override(), replace(override("asked"), id="ovr_2", field="title", value="Train")),
        corrections=(correction(1), correction(2)),
        refused=(RefusedView("price", "15.00 EUR", "seller@mirakl-fr", "Under the floor", HELD, "offer export of 09:14, row 118", 3, ago(hours=5), ago(minutes=9), ""),),
        history=(ChangeRow(ago(hours=6), "price", "24.00 EUR", "25.00 EUR", "seller@mirakl-fr", "offer export of 08:14, row 118", 3),),
        put_back=(("2026-11-23", "category", 2),),
    )  # fmt: skip


class OfferRecords:
    """The questions about offers, answered from the records above."""

    def offers(self, wanted: OfferFilter) -> OfferPage:
        rows = tuple(offer_row(number) for number in range(1, 8))
        rows = tuple(row for row in rows if wanted.show != "held" or row.held)
        return OfferPage(wanted, () if wanted.seller == "nobody" else rows, "" if wanted.after else "more", (ACCOUNT,))

    def every_offer(self, wanted: OfferFilter) -> Iterator[OfferRow]:
        yield from self.offers(wanted).rows

    def offer(self, account: str, offer_id: str, places: Callable[[str], str]) -> OfferDetail | None:
        return offer_detail(offer_id) if offer_id.startswith("O-") else None

    def corrections(self, wanted: CorrectionFilter) -> CorrectionPage:
        group = CorrectionGroup("2001", "under-floor", "Under the floor", 2, ago(hours=7), AT + timedelta(hours=40))
        rows = (correction(1), correction(3)) if wanted.show == "open" else (correction(2),)
        return CorrectionPage(wanted, rows, (group,), "" if wanted.after else "more")

    def every_correction(self, wanted: CorrectionFilter) -> Iterator[CorrectionRow]:
        yield from self.corrections(wanted).rows

    def returned_file(self, digest_id: str) -> ReturnedFile | None:
        return ReturnedFile("offers-to-correct.csv", "sku;error-message\n") if digest_id == "dig_1" else None


@dataclass
class FakeOffers:
    """Keeps which levers were pulled; refuses the one that `refuses` names."""

    pulled: list[tuple[object, ...]] = field(default_factory=list)
    refuses: str = ""

    def _keep(self, verb: str, *more: object) -> str:
        if self.refuses == verb:
            raise OwnerDecides("the plan gives this on the price to the seller; you may ask for a correction")
        self.pulled.append((verb, *more))
        return f"Done: {verb}."

    def hold(self, account: str, offer_id: str, field: str, by: Acting, reason: str, until: datetime) -> str:
        return self._keep("hold", account, offer_id, field, by, reason, until)

    def release(self, hold_id: str, by: Acting, reason: str) -> str:
        return self._keep("release", hold_id, by, reason)

    def override(
        self, account: str, offer_id: str, field: str, value: Value, by: Acting, reason: str, until: datetime
    ) -> str:
        return self._keep("override", account, offer_id, field, value, by, reason, until)

    def confirm(self, override_id: str, by: Acting, reason: str) -> str:
        return self._keep("confirm", override_id, by, reason)

    def end(self, override_id: str, by: Acting, reason: str) -> str:
        return self._keep("end", override_id, by, reason)

    def ask(self, account: str, offer_id: str, field: str, wanted: Value, by: Acting, reason: str) -> str:
        return self._keep("ask", account, offer_id, field, wanted, by, reason)


@dataclass
class FakeAnswers:
    """One message with two rows behind one link, which works once."""

    used: bool = False
    expired: bool = False
    given: list[GivenAnswer] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    def asked(self, token: str) -> AskedView | None:
        if token != TOKEN or self.used:
            return None
        rows = (
            AskedRow("cor_1", "O-1", "price", "15.00 EUR", HELD, "money"),
            AskedRow("cor_2", "O-2 <i>", "category", "TOYSS", "TOYSS is no category of ours."),
        )
        return AskedView(
            "Marketplace mirakl-fr", "2001", "Under the floor", rows, AT + timedelta(hours=40), "EUR", self.expired
        )

    def answer(self, token: str, given: Sequence[GivenAnswer]) -> AnswerTaken | None:
        if self.used:
            return None
        if self.problems:
            return AnswerTaken(problems=self.problems)
        self.used = True
        self.given += given
        return AnswerTaken("The corrected price is in, and the offer sells again.")
