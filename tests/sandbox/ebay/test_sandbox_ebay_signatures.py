"""What eBay demands of calls about a European seller's money: a signature over what was sent, by a key it handed out."""

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key
from sandbox.ebay.ebay_market import FINANCES, FULFILLMENT, MACHINE_TIME, Shop

from entrepot.sandbox.ebay.keys import call_key, fits, told

KEYS = "/developer/key_management/v1/signing_key"
PAYOUTS = f"{FINANCES}/payout"
HOST = "apiz.ebay.com"
VECTORS = [  # RFC 8032, 7.1: secret, public, message, signature
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.fixture
def strict() -> Shop:
    return Shop(demands_signatures=True)


def sign(private: str, message: bytes) -> bytes:
    key = load_der_private_key(base64.b64decode(private), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return key.sign(message)


def proof(key: dict[str, Any], method: str, path: str, body: bytes = b"", age_s: int = 0) -> dict[str, str]:
    """The headers of a signed call, written by hand."""
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    said = {"content-digest": digest} if body else {}
    covered = {**said, "x-ebay-signature-key": key["jwe"], "@method": method, "@path": path, "@authority": HOST}
    names = " ".join(f'"{name}"' for name in covered)
    parameters = f"({names});created={int(MACHINE_TIME.timestamp()) - age_s}"
    base = "\n".join(f'"{name}": {value}' for name, value in covered.items()) + f'\n"@signature-params": {parameters}'
    signed = base64.b64encode(sign(key["privateKey"], base.encode())).decode()
    made = {"host": HOST, "x-ebay-signature-key": key["jwe"], "signature-input": f"sig1={parameters}"}
    return said | made | {"signature": f"sig1=:{signed}:"}


def key_of(shop: Shop) -> dict[str, Any]:
    made = shop.post(KEYS, {"signingKeyCipher": "ED25519"})
    assert made.status == 201
    return dict(made.json)


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_signatures_are_judged_as_rfc_8032_does(secret: str, public: str, message: str, signature: str) -> None:
    text, signed = bytes.fromhex(message), bytes.fromhex(signature)
    private, key = call_key(bytes.fromhex(secret))
    assert base64.b64decode(private).hex() == "302e020100300506032b657004220420" + secret
    assert base64.b64decode(told(key)).hex() == "302a300506032b6570032100" + public
    assert fits(key, text, signed)
    assert not fits(key, text + b"!", signed)
    assert not fits(key, text, signed[:-1] + bytes([signed[-1] ^ 1]))
    assert not fits(key, text, b"")


def test_a_key_is_told_whole_once_and_later_without_its_private_half(strict: Shop) -> None:
    key = key_of(strict)
    assert key.keys() >= {"privateKey", "publicKey", "jwe", "signingKeyId", "signingKeyCipher", "expirationTime"}
    again = strict.get(f"{KEYS}/{key['signingKeyId']}").json
    assert again == {name: value for name, value in key.items() if name != "privateKey"}
    assert strict.get(KEYS).json == {"signingKeys": [again]}
    assert strict.get(f"{KEYS}/other").status == 404
    assert strict.post(KEYS, {"signingKeyCipher": "MD5"}).error == 210001


def test_a_signed_call_is_answered_with_and_without_a_body(strict: Shop) -> None:
    key = key_of(strict)
    assert strict.get(PAYOUTS, headers=proof(key, "GET", PAYOUTS)).status == 204
    order_id = strict.portal.place([("ATLAS", 1)])
    body = b'{"reasonForRefund":"OTHER_ADJUSTMENT","orderLevelRefundAmount":{"value":"1.00","currency":"EUR"}}'
    path = f"{FULFILLMENT}/order/{order_id}/issue_refund"
    headers = {**proof(key, "POST", path, body), "content-type": "application/json"}
    assert strict.call("POST", path, body, headers).status == 200
    other = body.replace(b"1.00", b"9.00")
    assert strict.call("POST", path, other, headers).error == 215120


@pytest.mark.parametrize(
    ("missing", "error"), [("x-ebay-signature-key", 215001), ("signature-input", 215002), ("signature", 215003)]
)
def test_an_unsigned_call_is_refused_and_says_what_is_missing(strict: Shop, missing: str, error: int) -> None:
    headers = proof(key_of(strict), "GET", PAYOUTS)
    del headers[missing]
    refused = strict.get(PAYOUTS, headers=headers)
    assert (refused.status, refused.error) == (403, error)


def test_a_signature_over_another_call_another_key_or_another_time_is_refused(strict: Shop) -> None:
    key, stranger = key_of(strict), key_of(strict)
    good = proof(key, "GET", PAYOUTS)
    assert strict.get(f"{FINANCES}/transaction", headers=good).error == 215120
    assert strict.get(PAYOUTS, headers=good | {"host": "api.example"}).error == 215120
    assert strict.get(PAYOUTS, headers=good | {"signature": "sig1=:AAAA:"}).error == 215120
    assert strict.get(PAYOUTS, headers=good | {"signature-input": 'sig1=("@path");created=1'}).error == 215113
    bare = good["signature-input"].replace(' "@authority"', "")
    assert strict.get(PAYOUTS, headers=good | {"signature-input": bare}).error == 215120
    forged = proof({**key, "privateKey": stranger["privateKey"]}, "GET", PAYOUTS)
    assert strict.get(PAYOUTS, headers=forged).error == 215120
    assert strict.get(PAYOUTS, headers=proof({**key, "jwe": "a.b.c.d.e"}, "GET", PAYOUTS)).error == 215122
    assert strict.get(PAYOUTS, headers=proof(key, "GET", PAYOUTS, age_s=3_600)).error == 215113


def test_elsewhere_and_for_other_calls_nothing_is_demanded(strict: Shop) -> None:
    assert strict.get(f"{FULFILLMENT}/order").status == 200
    assert Shop(demands_signatures=True, country="US", marketplace="EBAY_US").get(PAYOUTS).status == 204
