"""No form of a secret survives redaction, and what is no secret does."""

from __future__ import annotations

import base64
import html
import io
import json
import time
import zipfile
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_shared.markup import tree_without_cut_secrets, without_cut_secrets
from infra_shared.own_patterns import problem_of
from infra_shared.redaction import MASK, NOTES_MEMBER, Redactor, UnreadableArchiveError

SECRET = 'p&ss "wörd"/<7\\é>'
FORMS = {
    "plain": lambda s: s,
    "quote": quote,
    "quote_all": lambda s: quote(s, safe=""),
    "quote_plus": quote_plus,
    "quote_lower": lambda s: quote(s, safe="").replace("%C3%B6", "%c3%b6"),
    "quote_twice": lambda s: quote(quote(s, safe=""), safe=""),
    "json": lambda s: json.dumps(s)[1:-1],
    "json_unicode": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "json_twice": lambda s: json.dumps(json.dumps(s))[3:-3],
    "html": html.escape,
    "html_in_json": lambda s: json.dumps(html.escape(s))[1:-1],
    "html_hexadecimal": lambda s: "".join(c if c.isalnum() else f"&#X0{ord(c):X};" for c in s),
    "html_numeric": lambda s: "".join(c if c.isalnum() else f"&#{ord(c)};" for c in s),
}
secrets = st.text(st.characters(exclude_characters="•", codec="utf-8"), min_size=8, max_size=30)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_found_in_the_form_a_page_or_log_carries_it(form):
    carried = f"before {form(SECRET)} after"

    assert Redactor([SECRET]).text(carried) == f"before {MASK} after"
    assert Redactor([SECRET]).data(carried.encode()) == f"before {MASK} after".encode()


@given(secret=secrets, form=st.sampled_from(list(FORMS.values())), around=st.text(max_size=20))
def test_no_secret_is_left_in_any_form(secret, form, around):
    redactor = Redactor([secret])

    clean = redactor.text(f"{around}{form(secret)}{around}")

    assert MASK in clean
    assert not redactor.contains(clean)


@given(secret=secrets, prefix=st.binary(max_size=7), suffix=st.binary(max_size=7))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_inside_base64_is_found_at_every_alignment(encode, secret, prefix, suffix):
    encoded = encode(prefix + secret.encode() + suffix)

    clean = Redactor([secret]).data(b"data:" + encoded)

    assert MASK.encode() in clean
    assert encoded not in clean


@given(known=st.lists(secrets, min_size=1, max_size=4), text=st.text(max_size=60))
def test_overlapping_secrets_leave_nothing_of_each_other(known, text):
    redactor = Redactor(known)
    joined = text.join(known) + known[0][:-2] + known[-1]

    assert not redactor.contains(redactor.text(joined))


def test_secrets_that_overlap_in_the_text_become_one_mask():
    assert Redactor(["abcdefgh", "efghijkl"]).text("x abcdefghijkl y") == f"x {MASK} y"


def test_a_very_short_secret_is_hunted_only_where_it_stands_alone():
    clean = Redactor(["abc"]).text("pin=abc in abcdef, 'abc'")

    assert clean == f"pin={MASK} in abcdef, '{MASK}'"


@pytest.mark.parametrize(
    "carried",
    [
        "?pin=s-c4nx&a",
        "a%3Ds-c4nx%26",
        json.dumps("line\ns-c4nx"),
        "\\u003ds-c4nx",
        base64.b64encode(b"user:s-c4nx;").decode(),
    ],
)
def test_a_secret_below_eight_characters_is_found_as_a_token_behind_an_escape_and_in_base64(carried):
    redactor = Redactor(["s-c4nx"])

    assert redactor.contains(carried)
    assert redactor.holds(carried.encode())
    assert not redactor.contains(redactor.text(carried))


def test_a_secret_below_eight_characters_inside_a_longer_word_is_left():
    assert Redactor(["c4nary1"]).text("xc4nary1y") == "xc4nary1y"


def test_what_is_left_of_a_word_when_a_secret_was_taken_out_is_searched_again():
    assert Redactor(["long-secret", "abc"]).text("xlong-secretabc") == f"x{MASK}{MASK}"


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("<p>can<b>ary&amp;Z</b>q7 x</p>", f"<p>{MASK}<b></b> x</p>"),
        ("<i title='a>b'>canary&am<!-- -->p;Zq7</i>", f"<i title='a>b'>{MASK}<!-- --></i>"),
        ("<p>can</p><p>opener</p>", "<p>can</p><p>opener</p>"),
    ],
)
def test_a_secret_that_markup_cuts_in_two_is_taken_out_and_the_markup_stays(written, clean):
    assert without_cut_secrets(written, Redactor(["canary&Zq7"])) == clean


def test_a_secret_that_the_lines_of_an_accessibility_tree_cut_is_taken_out():
    tree = '- paragraph:\n  - strong: can\n  - text: ary&Zq7 end\n- heading "can" [level=2]\n- text: opener\n'

    clean = tree_without_cut_secrets(tree, Redactor(["canary&Zq7"]))

    assert clean == tree.replace("strong: can", f"strong: {MASK}").replace("ary&Zq7", "")


def test_own_patterns_are_taken_out_of_texts_and_bytes_and_are_no_secrets():
    redactor = Redactor([], patterns=["[0-9]{4} [0-9]{4}"])

    assert redactor.text("é 1234 5678") == f"é {MASK}"
    assert redactor.data("é 1234 5678".encode()) == f"é {MASK}".encode()
    assert redactor.data("é 1234 5678".encode("latin-1")) == b"\xe9 " + MASK.encode()
    assert redactor.data(b"\x89PNG\0 1234 5678") == b"\x89PNG\0 1234 5678"
    assert redactor.json({"card": ["1234 5678"]}) == {"card": [MASK]}
    assert not redactor.contains("1234 5678")


@pytest.mark.parametrize("pattern", ["(a", "x*", r"(a)\1", "(?=a)b", "a" * 501])
def test_an_own_pattern_that_cannot_be_used_is_refused_with_the_reason(pattern):
    assert problem_of(pattern)
    with pytest.raises(ValueError, match="pattern"):
        Redactor([], patterns=[pattern])


def test_an_own_pattern_takes_no_longer_for_a_text_made_to_be_slow():
    slow = "a" * 200_000 + "!"

    # With the standard library's matcher this does not end within the age of the universe.
    assert Redactor([], patterns=["(a+)+$"]).text(slow) == slow


def test_text_without_secrets_comes_back_unchanged_and_an_empty_redactor_is_false():
    assert Redactor([SECRET]).text("nothing here") == "nothing here"
    assert not Redactor(["", MASK])
    assert Redactor(["abcd"])
    assert "abcd" not in repr(Redactor(["abcd"]))


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("Authorization: Bearer abc.def\nHost: x", f"Authorization: {MASK}\nHost: x"),
        ("< Set-Cookie: sid=1; Path=/\r\nA: b", f"< Set-Cookie: {MASK}\r\nA: b"),
        ('{"cookie":"a=\\"b\\"; c=d","n":1}', f'{{"cookie":"{MASK}","n":1}}'),
        ('{"name":"Cookie","value":"sid=1"}', f'{{"name":"Cookie","value":"{MASK}"}}'),
        ("curl -H 'Authorization: Basic dTpw' x", f"curl -H 'Authorization: Basic {MASK}' x"),
        ("curl -H 'Cookie: a=1; b=2' x", f"curl -H 'Cookie: {MASK}' x"),
        ("Proxy-Authorization: Basic dTpw", f"Proxy-Authorization: {MASK}"),
        ("x-csrftoken: abc\nX-API-Key: abc", f"x-csrftoken: {MASK}\nX-API-Key: {MASK}"),
        ('{"name":"x-auth-token","value":"abc"}', f'{{"name":"x-auth-token","value":"{MASK}"}}'),
        ('{"X-XSRF-TOKEN": "abc"}', f'{{"X-XSRF-TOKEN": "{MASK}"}}'),
        ("We use a cookie: it is needed.", "We use a cookie: it is needed."),
        ("x={cookie:function(){}}", "x={cookie:function(){}}"),
    ],
)
def test_values_of_credential_headers_never_pass_even_when_no_secret_is_known(line, clean):
    assert Redactor([]).text(line) == clean
    assert Redactor([]).data(line.encode()) == clean.encode()


def test_json_is_cleaned_in_keys_values_numbers_and_header_pairs():
    value = {
        "x12345678y": [12345678, 5, True, None, "a 12345678 b"],
        "Cookie": ["a=b"],
        "headers": [{"value": "t", "name": "Authorization"}, {"name": "Host", "value": "h"}],
        "X-Session-Token": "t",
        "sent": {"name": "Set-Cookie", "value": "t"},
    }

    assert Redactor(["12345678"]).json(value) == {
        f"x{MASK}y": [MASK, 5, True, None, f"a {MASK} b"],
        "Cookie": MASK,
        "headers": [{"value": MASK, "name": "Authorization"}, {"name": "Host", "value": "h"}],
        "X-Session-Token": MASK,
        "sent": {"name": "Set-Cookie", "value": MASK},
    }


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def test_an_archive_is_rewritten_member_by_member_also_inside_another():
    inner = _zip({"log.txt": b"hunter22"})

    clean = Redactor(["hunter22"]).archive(_zip({"hunter22.txt": b"a hunter22", "in.zip": inner}))

    with zipfile.ZipFile(io.BytesIO(clean)) as archive:
        assert archive.namelist() == [f"{MASK}.txt", "in.zip"]
        assert archive.read(f"{MASK}.txt") == f"a {MASK}".encode()
        with zipfile.ZipFile(io.BytesIO(archive.read("in.zip"))) as nested:
            assert nested.read("log.txt") == MASK.encode()


def test_a_damaged_member_is_left_out_and_named():
    whole = _zip({"good.txt": b"fine", "bad.txt": b"0123456789" * 50})
    damaged = bytearray(whole)
    damaged[whole.rindex(b"bad.txt", 0, whole.index(b"PK\x01\x02")) + 12] ^= 0xFF

    with zipfile.ZipFile(io.BytesIO(Redactor([]).archive(bytes(damaged)))) as archive:
        assert archive.namelist() == ["good.txt", NOTES_MEMBER]
        assert b"bad.txt" in archive.read(NOTES_MEMBER)


def test_bytes_that_are_no_archive_are_refused():
    with pytest.raises(UnreadableArchiveError):
        Redactor([]).archive(b"not a zip")


def test_a_large_page_with_many_secrets_is_cleaned_about_as_fast_as_it_is_read():
    page = b'<td class="cell">INV-00017 &amp; Sons, 12.40 EUR; cookie: no</td>\n' * 100_000
    redactor = Redactor([f"s3cret-&-{n}-value" for n in range(20)])

    # Processor time, and a bound far above the 0.3 s it takes: only a pattern gone quadratic can fail this.
    began = time.process_time()
    assert redactor.data(page) == page

    assert time.process_time() - began < 20
