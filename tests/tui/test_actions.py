"""The table of actions: no key means two things, footers stay short, and users cannot take what the terminal owns."""

from __future__ import annotations

from collections import Counter

import pytest

from clients.tui.actions import ACTIONS, MOST_HINTS, RESERVED_KEYS, keymap


def test_defaults_have_no_conflict_and_no_reserved_key() -> None:
    assert keymap({}) == {}
    assert not {key for a in ACTIONS for key in a.key.split(",")} & RESERVED_KEYS
    assert max(Counter(a.id for a in ACTIONS).values()) == 1


PANES = sorted({a.place for a in ACTIONS} - {"app", "home", "run"})


@pytest.mark.parametrize("places", [("app", "home"), *(("app", "run", pane) for pane in PANES)])
@pytest.mark.parametrize("now", ["at rest", "running"])
def test_no_footer_has_more_than_seven_hints(places: tuple[str, ...], now: str) -> None:
    valid = {"", now}
    if now == "running" and {"merge", "refine", "compare"} & set(places):
        valid.add("training")
    if now == "at rest" and "compare" in places:
        valid.add("compared")
    assert sum(bool(a.hint) for a in ACTIONS if a.place in places and a.when in valid) <= MOST_HINTS


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"no.such": "q"}, "there is no action"),
        ({"map.accept": "ctrl+c"}, "belongs to the terminal"),
        ({"map.accept": "x"}, "would mean both"),
        ({"map.accept": "ctrl+g"}, "would mean both"),
    ],
)
def test_an_impossible_change_of_keys_is_refused(changed: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        keymap(changed)


def test_one_key_may_serve_two_panes() -> None:
    assert keymap({"map.accept": "m"}) == {"map.accept": "m"}
