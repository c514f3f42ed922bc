"""A secret is noticed that is entered one character at a time."""

from __future__ import annotations

from webgraph.evidence.scrub import Scrub
from webgraph.keystrokes import Keystrokes, Spelt

SECRETS = {"shop": {"password": "Horse-7", "pin": "4711"}}


def test_the_beginning_of_a_secret_is_hidden_and_from_three_characters_on_it_is_told():
    keys = Keystrokes(Scrub(SECRETS))

    assert keys.entered("9") == Spelt()
    assert [keys.entered(character) for character in "471"] == [
        Spelt(begun=True),
        Spelt(begun=True),
        Spelt(begun=True, secrets=("4711",)),
    ]


def test_keys_are_read_as_what_they_type_and_others_end_nothing():
    keys = Keystrokes(Scrub(SECRETS))

    spelt = [keys.pressed(key) for key in ("Shift+h", "Tab", "KeyO", "ArrowLeft", "r", "Control+A")]

    assert [item.begun for item in spelt] == [True, False, True, False, True, False]
    assert spelt[4].secrets == ("Horse-7",)


def test_a_longer_text_in_between_ends_what_was_spelt():
    keys = Keystrokes(Scrub(SECRETS))

    spelt = [keys.entered(text) for text in ("4", "7", "something else", "1")]

    assert spelt[-1] == Spelt()


def test_without_secrets_nothing_is_hidden():
    assert not Keystrokes(Scrub({})).pressed("a").begun
