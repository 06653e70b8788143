"""The card "It changed": what it shows and which buttons it has, for each kind of change."""

import re

import pytest

from annotate.web.html.change_card import change_card, compare_link, news_title, news_words
from annotate.web.tabs.compare_board import read_link

MARKUP = "<script>alert(1)</script>"
CAT = {"prompt": "a cat", "seed": 7, "voted": True, "before": "s/b.png", "after": "s/a.png"}
SEA = {"prompt": "the sea", "seed": 9, "voted": False, "before": "s/c.png", "after": "s/d.png"}


def change(**changes):
    view = {"key": "r0003 2026", "run_id": "r0003", "version": "v3", "name": "v3"}
    view |= {
        "kept": "base",
        "kept_name": "base",
        "kind": "moved",
        "title": "It moved your way",
        "sure": True,
    }
    view |= {
        "sentence": "It agrees with you on 24 of 30 pairs kept apart from training.",
        "active": False,
    }
    return view | {"samples": [CAT, SEA]} | changes


def buttons(html):
    """The texts of the buttons below the images, in order."""
    return re.findall(r">([^<>]+)</button>", html.split("change-acts")[1])


def test_each_prompt_is_shown_before_and_after_and_says_whether_it_was_voted_on():
    html = change_card(change())
    assert html.index("s/b.png") < html.index("s/a.png") < html.index("s/c.png")
    cat, sea = html.split("<figure>")[1:]
    assert "you voted on this prompt" in cat and "new to the model" in sea
    assert html.count('type="range"') == 2


@pytest.mark.parametrize(
    ("kind", "offered"),
    [
        ("moved", ["Use it", "See more", "Test it blind"]),
        (
            "hardly",
            [
                *("Show it at 1.5 strength", "Train on from v3"),
                *("Train again, twice as long", "Use it as it is"),
            ],
        ),
        ("worse", ["Keep the base", "See more", "Use it anyway"]),
    ],
)
def test_each_kind_offers_what_helps_then(kind, offered):
    assert buttons(change_card(change(kind=kind))) == offered


def test_a_version_that_is_in_use_is_not_offered_again():
    for kind in ("moved", "hardly", "worse"):
        html = change_card(change(kind=kind, active=True))
        assert not {"Use it", "Use it as it is", "Use it anyway"} & set(buttons(html))
        assert "In use" in html and buttons(html)[-1] == "Go back to the base"


def test_a_version_that_is_used_in_spite_of_its_checks_can_be_tested_blind():
    assert "Test it blind" in buttons(change_card(change(kind="worse", active=True)))


def test_a_run_that_went_on_from_a_version_keeps_that_one():
    assert "Keep v2" in buttons(change_card(change(kind="worse", kept="v2", kept_name="v2")))


def test_the_prompts_of_the_card_are_compared_at_more_strength():
    link = compare_link([CAT, SEA], ["base", "v3", "v3@1.5"])
    assert read_link(link) == ("a cat\nthe sea", "7", ["base", "v3", "v3@1.5"])


def test_a_run_of_before_has_a_card_without_images():
    html = change_card(change(samples=[]))
    assert "no images" in html and "Use it" in buttons(html)
    assert read_link(compare_link([], ["base", "v3"])) == ("", "", ["base", "v3"])


def test_the_title_and_the_notification_name_the_version():
    view = change(name="warm colors (v3)")
    assert news_title(view) == "warm colors (v3) is ready"
    assert news_words(view).startswith("It moved your way. It agrees")


def test_nothing_that_a_person_wrote_becomes_markup_on_the_card():
    sample = CAT | {"prompt": MARKUP}
    for kind in ("moved", "hardly", "worse"):
        html = change_card(change(kind=kind, name=MARKUP, sentence=MARKUP, samples=[sample]))
        assert MARKUP not in html and "<script" not in html
