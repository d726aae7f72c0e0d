"""eBay's notifications: signed by a key fetched by its name; whoever signs otherwise is not let in."""

import hashlib
from base64 import b64decode, b64encode
from typing import Any

import msgspec
import pytest
from connectors.ebay.shop import Shop
from connectors.market import START, Answers, make_ctx, said
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.connectors.ebay.keys import NotAKey, PublicKey, public_key, signed_by
from entrepot.connectors.ebay.webhook import UNKNOWN_KEYS_MAX, EbayWebhook
from entrepot.connectors.port import Forged, ProblemCode, Verified
from entrepot.inbox.model import MALFORMED
from entrepot.sandbox.core import Request
from entrepot.trade.order.model import Hint

# RFC 6979, A.2.5: a key on P-256 and two signatures of "sample".
X = 0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6
Y = 0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299
N = ec.SECP256R1.group_order
VECTORS = {
    "SHA1": (
        0x61340C88C3AAEBEB4F6D667F672CA9759A6CCAA9FA8811313039EE4A35471D32,
        0x6D7F147DAC089441BB2E2FE8F7A3FA264B9C475098FDCF6E00D7C996E1B8B7EB,
    ),
    "SHA256": (
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    ),
}


def der(*numbers: int) -> bytes:
    parts = b"".join(b"\x02" + bytes([len(one)]) + one for one in map(whole, numbers))
    return b"\x30" + bytes([len(parts)]) + parts


def whole(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1)


def one_line(raw: bytes) -> str:
    return f"-----BEGIN PUBLIC KEY-----{b64encode(raw).decode()}-----END PUBLIC KEY-----"


def written(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> str:
    return one_line(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def pem(x: int = X, y: int = Y, head: str = "3059301306072a8648ce3d020106082a8648ce3d030107034200") -> str:
    return one_line(bytes.fromhex(head) + b"\x04" + x.to_bytes(32) + y.to_bytes(32))


SHA1_KEY = public_key(pem(), "SHA1")


# -- keys and signatures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digest", sorted(VECTORS))
def test_published_signatures_fit_and_nothing_near_them_does(digest: str) -> None:
    key, (r, s) = public_key(pem(), digest), VECTORS[digest]
    assert signed_by(key, b"sample", der(r, s))
    assert not signed_by(key, b"Sample", der(r, s))
    assert not signed_by(key, b"sample", der(r, s + 1))
    assert not signed_by(key, b"sample", der(s, r))
    assert not signed_by(public_key(pem(), "SHA1" if digest == "SHA256" else "SHA256"), b"sample", der(r, s))
    another = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    assert not signed_by(public_key(written(another), digest), b"sample", der(r, s))


@pytest.mark.parametrize("pair", [(0, 1), (1, 0), (N, 1), (1, N), (0, 0), (N, N)])
def test_numbers_outside_the_curve_fit_nothing_and_are_no_error(pair: tuple[int, int]) -> None:
    assert not signed_by(SHA1_KEY, b"sample", der(*pair))


@settings(max_examples=60, deadline=None)
@given(signature=st.binary(max_size=80))
def test_no_bytes_at_all_are_a_signature_by_chance_nor_an_error(signature: bytes) -> None:
    assert not signed_by(SHA1_KEY, b"sample", signature)


def test_a_signature_written_another_way_does_not_fit() -> None:
    r, s = VECTORS["SHA1"]
    good = der(r, s)
    for spoilt in (good + b"\0", good[:-1], b"\x31" + good[1:], good[:1] + b"\x81" + good[1:]):
        assert not signed_by(SHA1_KEY, b"sample", spoilt)
    padded = b"\x02\x22\0\0" + r.to_bytes(32) + b"\x02\x21\0" + s.to_bytes(32)
    assert not signed_by(SHA1_KEY, b"sample", b"\x30" + bytes([len(padded)]) + padded)


def test_a_key_is_read_from_one_line_or_from_many() -> None:
    in_lines = pem().replace("KEY-----", "KEY-----\n", 1).replace("-----END", "\n-----END")
    point = ec.EllipticCurvePublicNumbers(X, Y, ec.SECP256R1()).public_key()
    assert public_key(pem(), "SHA1") == public_key(in_lines, "sha-1") == PublicKey(point, "SHA1")


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (pem(), "MD5"),
        (pem(y=Y ^ 1), "SHA1"),
        (pem(x=2**256 - 1), "SHA1"),
        (pem(head="3059301306072a8648ce3d020106082a8648ce3d030107034201"), "SHA1"),
        (one_line(b64decode(pem()[26:-24]) + b"\0"), "SHA1"),
        (written(ec.derive_private_key(7, ec.SECP384R1()).public_key()), "SHA1"),
        (written(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()), "SHA1"),
        ("-----BEGIN PUBLIC KEY-----%%%-----END PUBLIC KEY-----", "SHA1"),
        ("", "SHA1"),
    ],
)
def test_what_is_no_key_on_the_curve_is_not_taken_for_one(text: str, digest: str) -> None:
    with pytest.raises(NotAKey):
        public_key(text, digest)


# -- the door ------------------------------------------------------------------------------------------------------


def door(shop: Shop) -> EbayWebhook:
    found = shop.channel.webhook
    assert isinstance(found, EbayWebhook)
    return found


def told(shop: Shop) -> Request:
    shop.portal.place([("LAMP-1", 1)])
    (one,) = shop.told()
    return one


def test_a_notification_is_let_in_with_its_key_and_becomes_a_hint(shop: Shop) -> None:
    one = told(shop)
    assert door(shop).learn(shop.ctx, one.headers) is None
    verified = door(shop).verify(START, one.headers, one.body)
    assert verified == Verified(one.json()["notification"]["notificationId"])
    (record,) = door(shop).split(one.body)
    order_id = one.json()["notification"]["data"]["orderId"]
    assert (record.kind, record.root) == ("hint", f"basket:{order_id}")
    assert shop.seen(record) == Hint("order", order_id)


def test_without_the_key_the_door_stays_shut(shop: Shop) -> None:
    one = told(shop)
    assert isinstance(door(shop).verify(START, one.headers, one.body), Forged)


def test_a_key_is_fetched_once(shop: Shop) -> None:
    one = told(shop)
    for _ in range(3):
        assert door(shop).learn(shop.ctx, one.headers) is None
    assert shop.world.calls["ebay", "getPublicKey"] == 1


def test_a_body_that_was_changed_is_forged(shop: Shop) -> None:
    one = told(shop)
    door(shop).learn(shop.ctx, one.headers)
    assert isinstance(door(shop).verify(START, one.headers, one.body.replace(b"LAMP-1", b"LAMP-2")), Forged)
    assert isinstance(door(shop).verify(START, one.headers, one.body + b" "), Forged)


def test_every_notification_of_a_busy_day_is_let_in_and_known_by_its_number() -> None:
    shop = Shop(duplicate_per_1000=400)
    for _ in range(5):
        shop.portal.place([("BOOK-1", 1)])
    shop.told()
    assert len(shop.webhooks) > 5
    ids = []
    for one in shop.webhooks:
        door(shop).learn(shop.ctx, one.headers)
        verified = door(shop).verify(START, one.headers, one.body)
        assert isinstance(verified, Verified)
        ids.append(verified.event_id)
    assert len(set(ids)) == 5


def spoilt(header: str, **changed: Any) -> dict[str, str]:
    inside = msgspec.json.decode(b64decode(header))
    return {"x-ebay-signature": b64encode(msgspec.json.encode({**inside, **changed})).decode()}


@pytest.mark.parametrize(
    "changed",
    [{"signature": "AAAA"}, {"signature": "%"}, {"kid": "another"}, {"kid": ""}, {"kid": "x" * 200}, {"kid": 7}],
)
def test_a_header_that_was_changed_is_forged(shop: Shop, changed: dict[str, Any]) -> None:
    one = told(shop)
    headers = spoilt(one.headers["x-ebay-signature"], **changed)
    door(shop).learn(shop.ctx, one.headers)
    door(shop).learn(shop.ctx, headers)
    assert isinstance(door(shop).verify(START, headers, one.body), Forged)


@pytest.mark.parametrize("header", ["", "%%%", "bm90IGpzb24=", "e30=", "A" * 5_000])
def test_no_header_worth_reading_is_forged_and_asks_nobody(shop: Shop, header: str) -> None:
    headers = {"X-EBAY-SIGNATURE": header}
    assert isinstance(door(shop).verify(START, headers, b"{}"), Forged)
    assert door(shop).learn(shop.ctx, headers) is None
    assert shop.http.sent == []


def test_a_forger_cannot_make_us_ask_on_and_on(shop: Shop) -> None:
    one = told(shop)
    for n in range(UNKNOWN_KEYS_MAX + 20):
        headers = spoilt(one.headers["x-ebay-signature"], kid=f"made-up-{n}")
        for _ in range(2):
            door(shop).learn(shop.ctx, headers)
    assert shop.world.calls["ebay", "getPublicKey"] == UNKNOWN_KEYS_MAX
    shop.move(minutes=6)
    assert door(shop).learn(shop.ctx, one.headers) is None
    assert isinstance(door(shop).verify(START, one.headers, one.body), Verified)


@pytest.mark.parametrize("kind", ["503", "html", "truncated", "timeout-after"])
def test_a_key_that_cannot_be_fetched_is_a_problem_and_is_asked_for_again(shop: Shop, kind: str) -> None:
    one = told(shop)
    shop.trouble("getPublicKey", kind)
    problem = door(shop).learn(shop.ctx, one.headers)
    assert problem is not None
    assert problem.code in (ProblemCode.SYSTEM_DOWN, ProblemCode.UNREADABLE, ProblemCode.NO_ANSWER)
    assert isinstance(door(shop).verify(START, one.headers, one.body), Forged)
    assert door(shop).learn(shop.ctx, one.headers) is None
    assert isinstance(door(shop).verify(START, one.headers, one.body), Verified)


def test_a_key_that_is_none_is_not_kept(shop: Shop) -> None:
    one = told(shop)
    http = Answers(said(200, '{"access_token":"t"}'), said(200, '{"key":"nonsense","digest":"SHA1"}'))
    problem = door(shop).learn(make_ctx(http, shop.clock), one.headers)
    assert problem is not None
    assert problem.code is ProblemCode.UNREADABLE


def event(topic: str, data: str) -> bytes:
    return b'{"metadata":{"topic":"%s"},"notification":{"notificationId":"n1","data":%s}}' % (
        topic.encode(),
        data.encode(),
    )


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ('{"orderId":"12-3"}', Hint("order", "12-3")),
        ('{"order":{"orderId":"12-3"}}', Hint("order", "12-3")),
        ('{"sku":"LAMP-1"}', Hint("listing", "LAMP-1")),
        ('{"paymentDisputeId":"5","orderId":"12-3"}', Hint("dispute", "5")),
    ],
)
def test_a_hint_names_what_to_read_again(shop: Shop, data: str, hint: Hint) -> None:
    (record,) = door(shop).split(event("ANY", data))
    assert shop.seen(record) == hint
    assert hint.kind in shop.channel.lookups


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", event("NEW", '{"x":1}'), event("NEW", '{"orderId":7}')])
def test_an_event_nobody_can_read_is_kept_for_a_person(shop: Shop, body: bytes) -> None:
    (record,) = door(shop).split(body)
    assert record.kind == MALFORMED


def test_a_buyer_who_leaves_ebay_is_no_record_of_ours(shop: Shop) -> None:
    assert door(shop).split(event("MARKETPLACE_ACCOUNT_DELETION", '{"username":"a"}')) == ()


def test_their_challenge_is_answered_for_the_address_they_know(shop: Shop) -> None:
    answer = door(shop).challenge("abc")
    assert answer is not None
    text = f"abc{shop.settings.verification_token}http://hub.example/hooks/ebay"
    assert msgspec.json.decode(answer) == {"challengeResponse": hashlib.sha256(text.encode()).hexdigest()}
    assert door(shop).challenge("") is None
    assert EbayWebhook(door(shop).wire, door(shop).records).challenge("abc") is None
