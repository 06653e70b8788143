"""The cards of the Train tab as plain values: no server needed."""

import pytest

from annotate.web.disk_wording import FILE_KINDS, promise
from annotate.web.html.version_cards import exported_card, progress_card, tree, version_card
from annotate.web.tabs.settings.disk_section import preview_card, usage_table
from annotate.wording import in_bytes
from storage import DiskUsage
from storage.disk.usage import KINDS as STORED

MARKUP = "<script>alert(1)</script>"


def told(version, parent=None, **changes):
    base = {"version": version, "parent": parent, "run_id": "r0001" if parent else None}
    base |= {"name": "", "note": "", "active": False, "created": "2026-01-01T00:00:00Z"}
    base |= {
        "deleted": None,
        "missing": False,
        "held_back": [],
        "imported": None,
        "objective": "dpop",
    }
    base |= {"result": {}, "snapshot": "s0001", "counts": {"preference": 8, "tie": 1}, "undone": 0}
    base |= {"thumbnail_urls": ["sample/r0001-1-0.png"]}
    return base | changes


def test_the_tree_follows_parents_and_keeps_the_deleted():
    html = tree(
        [told("base"), told("v1", "base"), told("v2", "v1", deleted="2026-01-01T00:00:00Z")], "v1"
    )
    assert html.index("base") < html.index("v1") < html.index("v2")
    assert html.count("<ul>") == 3
    assert html.count('aria-current="true"') == 1
    assert "Deleted" in html


def test_a_version_shows_small_images_of_itself_in_the_tree_and_in_detail():
    html = tree([told("base"), told("v1", "base")], "v1") + version_card(told("v1", "base"))
    assert html.count('<img src="sample/r0001-1-0.png?side=128" alt="" loading="lazy">') == 3
    assert "<img" not in version_card(told("v1", "base", thumbnail_urls=[]))


def test_a_version_tells_its_votes_by_kind_and_those_undone():
    html = version_card(told("v1", "base", undone=3))
    assert all(text in html for text in ("8", "choices", "tie", "3 votes were undone since"))
    assert "was undone since" in version_card(told("v1", "base"))


def test_a_file_that_is_gone_and_one_that_was_imported_say_so():
    assert "Its file is gone" in version_card(told("v1", "base", missing=True))
    imported = {"file": "cats.safetensors", "kind": "lora", "rank": 4, "alpha": 2.0, "layers": 9}
    imported |= {"text_encoder_weights_left_out": 5}
    html = version_card(told("v1", "base", run_id=None, counts={}, imported=imported))
    assert "cats.safetensors" in html and "5 text encoder weights" in html
    whole = version_card(told("v1", "base", run_id=None, imported={"file": "m", "kind": "whole"}))
    assert "Only the UNet" in whole


def test_what_kind_of_adapter_was_imported_and_which_words_were_left_out_is_told():
    facts = {"file": "m", "kind": "whole", "family": "LoKr", "embeddings_left_out": ["cat", MARKUP]}
    html = version_card(told("v1", "base", run_id=None, counts={}, imported=facts))
    assert all(text in html for text in ("LoKr", "merged into the base", "embeddings of cat"))
    # It is the base's UNet, and no other model's.
    assert "Only the UNet" not in html and MARKUP not in html
    thin = facts | {"kind": "lora", "family": "LoHa", "rank": 4, "alpha": 2.0, "layers": 9}
    assert "LoHa" in version_card(told("v1", "base", run_id=None, counts={}, imported=thin))


def test_a_version_that_is_held_back_says_so_and_why():
    result = {"held_back": True, "checks": [{"passed": False, "sentence": "It draws noise."}]}
    html = version_card(told("v1", "base", held_back=["It draws noise."], result=result))
    assert "Held back" in html and "It draws noise." in html
    used = version_card(told("v1", "base", held_back=["It draws noise."], active=True))
    assert "Held back" not in used and "Failed a check" in used


def test_nothing_a_person_wrote_becomes_markup():
    evil = told("v1", "base", name=MARKUP, note=MARKUP, objective=MARKUP)
    evil["imported"] = {"file": MARKUP, "kind": "lora"}
    exported = {"version": "v1", "saved": f"exports/{MARKUP}", "url": f"export/{MARKUP}"}
    exported["read_by"] = MARKUP
    shown = [
        tree([told("base"), evil], "base"),
        version_card(evil),
        exported_card(exported, MARKUP),
        progress_card(MARKUP, 3.0, None),
        preview_card(DiskUsage("images", 1, 1, (MARKUP,))),
    ]
    assert not any(MARKUP in html for html in shown)


def test_time_left_is_told_once_it_is_known():
    assert "12 s so far" in progress_card("Writing v1", 12.0, None)
    assert "28 s left" in progress_card("Writing v1", 12.0, 40.0)


def test_every_kind_of_file_has_words():
    assert tuple(FILE_KINDS) == STORED
    html = usage_table([DiskUsage(kind, 1_500_000, 2) for kind in STORED])
    assert html.count("data-kind") == 4 and "12.0 MB" in html


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "2 kB"), (2_340_000, "2.3 MB"), (3e12, "3000 GB")],
)
def test_sizes_are_said_in_the_unit_that_fits(size, said):
    assert in_bytes(size) == said


def test_nothing_to_remove_is_said():
    assert promise(DiskUsage("caches", 0, 0)).startswith("Nothing")
    assert promise(DiskUsage("caches", 1000, 1)) == "1 file would go, and 1 kB be free."


def test_a_version_says_how_far_it_moved_from_its_base_where_that_was_measured():
    moved = version_card(told("v1", "base", result={"movement": 0.126}))
    assert "<b>13%</b><span>moved from base</span>" in moved
    assert "It moved" in moved
    assert "moved from base" not in version_card(told("v1", "base"))
