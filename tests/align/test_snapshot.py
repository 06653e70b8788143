"""What a run reads out of votes."""

from __future__ import annotations

import json

import pytest

from align.snapshot import read_snapshot, vote_shares


def vote(kind: str, *pictures: str, prompt: str = "a cat") -> dict:
    sides = ("chosen", "rejected") if kind == "preference" else None
    named = dict(zip(sides, pictures, strict=True)) if sides else {"images": list(pictures)}
    return {"kind": kind, "prompt": prompt, **named}


def test_a_share_counts_every_vote_on_the_same_two_pictures_with_half_a_vote_of_doubt():
    rows = [vote("preference", "a", "b")] * 2 + [
        vote("preference", "b", "a"),
        vote("tie", "a", "b"),
    ]
    shares = vote_shares(rows)
    assert shares["a cat", "a", "b"] == pytest.approx((2.5 + 0.5) / 5)
    assert shares["a cat", "a", "b"] + shares["a cat", "b", "a"] == pytest.approx(1.0)
    assert vote_shares(rows[:1])["a cat", "a", "b"] == 0.75


def test_other_prompts_and_other_pictures_are_other_votes():
    rows = [vote("preference", "a", "b"), vote("preference", "a", "b", prompt="a dog")]
    assert vote_shares(rows)["a dog", "a", "b"] == 0.75


def test_both_good_and_both_bad_are_read_only_by_who_asks_for_them(make_snapshot):
    folder = make_snapshot(2, ties=2)
    lines = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    lines[2]["kind"], lines[3]["kind"] = "both_good", "both_bad"
    (folder / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "manifest.json").write_text("{}")
    plain = read_snapshot(folder)
    assert (len(plain.pairs), plain.left_out) == (2, {"both_good": 1, "both_bad": 1})
    rated = read_snapshot(folder, ("preference", "both_good", "both_bad"))
    assert [pair.liked for pair in rated.pairs] == [(1, -1), (1, -1), (1, 1), (-1, -1)]
    assert rated.left_out == {}
