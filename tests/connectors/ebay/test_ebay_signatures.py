"""Calls about the money of a seller in the EU or the UK are signed as eBay's guide says; nowhere else is anything signed."""

import dataclasses
from base64 import b64encode
from datetime import timedelta

import pytest
from connectors.ebay.shop import Shop, signing_key
from connectors.ebay.stories import buy
from connectors.market import make_ctx
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from entrepot.connectors.ebay.keys import NotAKey, private_key
from entrepot.connectors.ebay.signing import KEY_HEADER, KEY_PATH, Key, signature
from entrepot.connectors.exchange import CREDENTIALS_REFUSED, Call
from entrepot.connectors.registry import connect
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.http import HttpAnswer, HttpRequest, NotReached
from entrepot.kernel.outcome import Done, Later, Refused

# eBay's verification sample: key, header and the signature that its own service takes
PRIVATE = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF"
JWE = (
    "eyJ6aXAiOiJERUYiLCJlbmMiOiJBMjU2R0NNIiwidGFnIjoiSGdLcjNSSWFlZll0Mkd4blBUUTEwUSIsImFsZyI6IkEyNTZHQ01LVyIsIml2"
    "IjoiQTVOQXFYUXlITkNIT01GVSJ9.z3JcS0vvxrYboqpySAq_Znww-3V6AllxmJP5JEMkuLY.K1f4MVMEc8ylbfSS.fASwJyMCk2tXZsNWk13I"
    "cuVgSWTOcynSdAoJrK4WApZANlxAP9J0qr0Jz_4aFldFDSZ5tfuxLGqzJmWU7CiZWwNjk2XoVy8q5ogMrFNFwFXP4SrX1XORhNLZPTyS5DEqLDPY"
    "n2NX944xendEwfcxxXsTSeNCUnmSyfitiscUC04GYOfn0UWQ2buSWx7Yod0IR2GtTGUsM9o3J-riuNDKhw.rRsWM1Sl_2stTnZLJkWVmQ"
)

HEAD, FOOT = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"


def signed(shop: Shop) -> list[HttpRequest]:
    return [one for one in shop.http.sent if KEY_HEADER in one.headers]


def keys_asked(shop: Shop) -> int:
    return sum(one.url.endswith(KEY_PATH) for one in shop.http.sent)


def test_the_sample_of_ebays_guide_comes_out_to_the_letter() -> None:
    call = Call("POST", "/verifysignature", body=b'{"hello": "world"}')
    told = signature(Key(private_key(PRIVATE), JWE), 1659651955, "http://localhost:8080", call)
    assert told == {
        "content-digest": "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        KEY_HEADER: JWE,
        "signature-input": 'sig1=("content-digest" "x-ebay-signature-key" "@method" "@path" "@authority");created=1659651955',
        "signature": "sig1=:uunxYrXKC8KaoupD5D1DKdmQmrOhz6b4Xbhb3o9d4x4xFIpg++XzEZztOyeOI59rMMjM3NIcFgxBH0c1ckpfBw==:",
    }


def test_a_call_without_a_body_has_no_digest_and_the_usual_port_is_not_named() -> None:
    call = Call("GET", "/sell/finances/v1/payout", (("limit", "1"),))
    told, other = (
        signature(Key(private_key(PRIVATE), JWE), 1659651955, host, call)
        for host in ("https://apiz.ebay.com", "https://APIZ.ebay.com:443/")
    )
    assert "content-digest" not in told
    assert told["signature-input"] == 'sig1=("x-ebay-signature-key" "@method" "@path" "@authority");created=1659651955'
    assert told == other


def test_signatures_are_those_of_rfc_8032() -> None:
    secret = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
    key = private_key(b64encode(bytes.fromhex("302e020100300506032b657004220420" + secret)).decode())
    expected = (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    assert key.sign(bytes.fromhex("af82")).hex() == expected


def test_a_key_is_read_from_one_line_or_from_many() -> None:
    bare = private_key(PRIVATE).private_bytes_raw()
    for text in (f"{PRIVATE[:40]}\n{PRIVATE[40:]}\r\n", f"{HEAD}{PRIVATE}{FOOT}", f"{HEAD}\n{PRIVATE}\n{FOOT}\n"):
        assert private_key(text).private_bytes_raw() == bare


def in_pkcs8(key: Ed25519PrivateKey | EllipticCurvePrivateKey, lock: KeySerializationEncryption) -> str:
    return b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, lock)).decode()


OF_ANOTHER_KIND = in_pkcs8(derive_private_key(7, SECP256R1()), NoEncryption())
LOCKED = in_pkcs8(private_key(PRIVATE), BestAvailableEncryption(b"a password"))


@pytest.mark.parametrize("text", ["", "rubbish!", "AAAA", "ä" * 8, PRIVATE[:-4], OF_ANOTHER_KIND, LOCKED])
def test_what_is_no_private_key_is_said_to_be_none(text: str) -> None:
    with pytest.raises(NotAKey):
        private_key(text)


def test_a_german_sellers_refund_and_his_payouts_are_signed_with_one_key_and_nothing_else_is(shop: Shop) -> None:
    order_id = buy(shop)
    assert isinstance(shop.do("ebay.refund", shop.money_back(order_id)), Done)
    assert shop.sweep("payouts").problem is None
    assert shop.sweep("orders").problem is None
    paths = {one.url.partition("://")[2].partition("/")[2] for one in signed(shop)}
    assert paths == {f"sell/fulfillment/v1/order/{order_id}/issue_refund", "sell/finances/v1/payout"}
    assert keys_asked(shop) == 1
    assert len(shop.books()["refunds"]) == 1


def test_a_seller_in_the_united_states_signs_nothing_and_asks_for_no_key() -> None:
    shop = Shop(country="US", marketplace="EBAY_US", currency="USD")
    order_id = buy(shop)
    assert isinstance(shop.do("ebay.refund", shop.money_back(order_id) | {"currency": "USD"}), Done)
    assert (signed(shop), keys_asked(shop)) == ([], 0)


def test_a_key_that_ebay_takes_no_longer_is_made_anew_and_the_refund_done_once(shop: Shop) -> None:
    order_id = buy(shop)
    assert shop.sweep("payouts").problem is None
    shop.system.signatures.revoke()
    assert isinstance(shop.do("ebay.refund", shop.money_back(order_id)), Done)
    assert keys_asked(shop) == 2
    assert len(shop.books()["refunds"]) == 1


def test_a_key_is_used_until_it_ends() -> None:
    shop = Shop(signing_key_life=timedelta(days=1))
    assert shop.sweep("payouts").problem is None
    shop.clock.advance(shop.settings.signing_key_life.total_seconds() + 1)
    assert shop.sweep("payouts").problem is None
    assert keys_asked(shop) == 2


def test_the_accounts_own_key_is_used_and_none_is_asked_for(shop: Shop) -> None:
    key = signing_key(shop)
    own = {"signing_key": lambda: str(key["privateKey"]), "signing_jwe": lambda: str(key["jwe"])}
    access = dataclasses.replace(shop.access, secrets={**shop.access.secrets, **own})
    page = next(iter(connect("ebay", access).sources["payouts"].fetch(shop.ctx, None)))
    assert page.problem is None
    assert signed(shop)[-1].headers[KEY_HEADER] == key["jwe"]
    assert keys_asked(shop) == 0


def test_an_own_key_that_ebay_does_not_know_is_refused_in_its_words_once() -> None:
    shop = Shop({"signing_key": PRIVATE, "signing_jwe": JWE})
    outcome = shop.do("ebay.refund", shop.money_back(buy(shop)))
    assert outcome == Refused("215122", "Signature validation failed to fulfill the request.")
    assert len([one for one in signed(shop) if one.url.endswith("issue_refund")]) == 1


def test_an_own_key_nobody_can_read_sends_nothing() -> None:
    shop = Shop({"signing_key": "not a key", "signing_jwe": JWE})
    outcome = shop.do("ebay.refund", shop.money_back(buy(shop)))
    assert isinstance(outcome, Refused)
    assert outcome.code == CREDENTIALS_REFUSED
    assert signed(shop) == []


def test_half_a_key_is_said_when_the_account_is_opened() -> None:
    with pytest.raises(WrongSetting, match="signing_key alone"):
        Shop({"signing_key": PRIVATE})


def test_while_no_key_is_to_be_had_nothing_leaves_and_it_is_tried_later(shop: Shop) -> None:
    order_id = buy(shop)

    class NoKeys:
        def send(self, request: HttpRequest) -> HttpAnswer:
            return NotReached("refused") if request.url.endswith(KEY_PATH) else shop.http.send(request)

    effect = shop.effect("ebay.refund", "k", shop.money_back(order_id))
    outcome, detail = shop.channel.operations["ebay.refund"].send(make_ctx(NoKeys(), shop.clock), effect)
    assert isinstance(outcome, Later)
    assert "no signing key" in str(detail["error"])
    assert shop.books()["refunds"] == []
    assert isinstance(shop.do("ebay.refund", shop.money_back(order_id)), Done)
