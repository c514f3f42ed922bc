"""One-time codes as RFC 6238 counts them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from infra_shared.totp import SeedError, TotpSeed, without_seeds

# Appendix B of the RFC: seed, algorithm and the code at these Unix times.
RFC = {
    "sha1": (b"12345678901234567890", {59: "94287082", 1111111109: "07081804", 20000000000: "65353130"}),
    "sha256": (b"12345678901234567890123456789012", {59: "46119246", 1111111109: "68084774"}),
    "sha512": (b"1234567890" * 6 + b"1234", {59: "90693936", 1111111109: "25091201"}),
}
SEED = "JBSW Y3DP EHPK 3PXP"


@pytest.mark.parametrize("algorithm", RFC)
def test_the_codes_are_those_of_the_rfc(algorithm: str):
    raw, codes = RFC[algorithm]
    fields = {"totp_seed": base64.b32encode(raw).decode(), "digits": "8", "algorithm": algorithm}
    seed = TotpSeed.of(fields)

    for at, code in codes.items():
        assert seed.code(seed.step_at(datetime.fromtimestamp(at, UTC))) == code


def test_an_address_of_a_square_code_says_all_of_it():
    seed = TotpSeed.of(
        {"totp_seed": "otpauth://totp/Shop:anna?secret=JBSWY3DPEHPK3PXP&issuer=Shop&digits=8&period=60"}
    )

    assert (seed.secret, seed.digits, seed.period_seconds) == ("JBSWY3DPEHPK3PXP", 8, 60)
    assert seed.secret not in repr(seed)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"totp_seed": "not base32!"}, "base32"),
        ({"totp_seed": "JBSWY3DP"}, "too short"),
        ({"totp_seed": SEED, "digits": "12"}, "digits"),
        ({"totp_seed": SEED, "period": "soon"}, "period"),
        ({"totp_seed": SEED, "algorithm": "md5"}, "algorithm"),
        ({"totp_seed": "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=1"}, "time-based"),
        ({"totp_seed": "otpauth://totp/x"}, "otpauth"),
    ],
)
def test_what_makes_no_codes_is_refused_with_words_and_without_the_seed(fields: dict[str, str], words: str):
    with pytest.raises(SeedError, match=words) as refused:
        TotpSeed.of(fields)

    assert fields["totp_seed"] not in str(refused.value)


def test_an_automation_is_given_codes_and_never_the_seed():
    given = {"shop": {"username": "anna", "totp_seed": SEED, "digits": "8"}, "die": {"digits": "6"}}

    rest, seeds = without_seeds(given)

    assert rest == {"shop": {"username": "anna"}, "die": {"digits": "6"}}
    assert seeds["shop"].digits == 8
