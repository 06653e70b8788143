"""What a run reads out of votes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from align.client.config import holdout_count
from align.data.rows import count_pairs, rows_in, vote_shares
from align.data.snapshot import hold_out, read_snapshot, split_by_prompt
from align.errors import SnapshotError

pytestmark = pytest.mark.slow


def vote(kind: str, *images: str, prompt: str = "a cat") -> dict:
    sides = ("chosen", "rejected") if kind == "preference" else None
    named = dict(zip(sides, images, strict=True)) if sides else {"images": list(images)}
    return {"kind": kind, "prompt": prompt, **named}


def test_a_share_counts_every_vote_on_the_same_two_images_with_half_a_vote_of_doubt():
    rows = [vote("preference", "a", "b")] * 2 + [
        vote("preference", "b", "a"),
        vote("tie", "a", "b"),
    ]
    shares = vote_shares(rows)
    assert shares["a cat", "a", "b"] == pytest.approx((2.5 + 0.5) / 5)
    assert shares["a cat", "a", "b"] + shares["a cat", "b", "a"] == pytest.approx(1.0)
    assert vote_shares(rows[:1])["a cat", "a", "b"] == 0.75


def test_a_clear_choice_counts_twice():
    clear = vote("preference", "a", "b") | {"strength": 2}
    assert vote_shares([clear])["a cat", "a", "b"] == pytest.approx(2.5 / 3)
    assert vote_shares([clear, vote("preference", "b", "a")])["a cat", "a", "b"] == 2.5 / 4


def test_other_prompts_and_other_images_are_other_votes():
    rows = [vote("preference", "a", "b"), vote("preference", "a", "b", prompt="a dog")]
    assert vote_shares(rows)["a dog", "a", "b"] == 0.75


@pytest.mark.parametrize(
    "line", ["{", "[]", "[" * 100_000, '"a"', '{"kind": "tie"}', '{"prompt": "a cat"}']
)
def test_a_line_that_is_no_vote_is_named(make_snapshot, line):
    folder = make_snapshot(2)
    with (folder / "pairs.jsonl").open("a", encoding="utf-8") as votes:
        votes.write(line + "\n")
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(SnapshotError, match="line 3, is not a vote"):
        read_snapshot(folder)


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


def rank(folder, *ranks):
    """Append a ranking of the first images of the snapshot."""
    images = [f"images/{number // 2}-{number % 2}.png" for number in range(len(ranks))]
    row = {"kind": "ranking", "prompt": "a cat", "images": images, "ranks": ranks}
    with (folder / "pairs.jsonl").open("a", encoding="utf-8") as votes:
        votes.write(json.dumps(row) + "\n")
    (folder / "manifest.json").write_text("{}")
    return images


def test_the_best_and_the_worst_of_four_make_five_weighted_pairs(make_snapshot):
    folder = make_snapshot(2)
    images = rank(folder, 2, 1, 3, 2)
    pairs = read_snapshot(folder).pairs[2:]
    told = {(pair.chosen.name, pair.rejected.name): pair.weight for pair in pairs}
    best, worst = images[1][7:], images[2][7:]
    assert len(told) == 5
    assert told[best, worst] == max(told.values()) > 0
    assert told[best, "0-0.png"] == told[best, "1-1.png"]
    assert all(pair.share == 0.75 and pair.prompt == "a cat" for pair in pairs)


def test_a_ranking_counts_in_the_plan_as_the_pairs_it_tells_apart(make_snapshot):
    folder = make_snapshot(2, ties=1)
    rank(folder, 1, 2, 2)
    rows = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    assert count_pairs(rows, ("preference",)) == (4, {"tie": 1}, 4)


def test_a_ranking_of_equals_tells_nothing(make_snapshot):
    folder = make_snapshot(1)
    rank(folder, 1, 1)
    assert len(read_snapshot(folder).pairs) == 1


@pytest.mark.parametrize("weight", [0.25, None])
def test_how_much_a_voter_counts_is_read_from_the_line(make_snapshot, weight):
    folder = make_snapshot(2)
    rank(folder, 1, 2)
    rows = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    for row in rows[1:]:
        row |= {} if weight is None else {"weight": weight}
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [pair.trust for pair in read_snapshot(folder).pairs] == [1, weight or 1, weight or 1]


@pytest.mark.parametrize("weight", [0, -1, 2, "much"])
def test_a_weight_that_is_none_is_named(make_snapshot, weight):
    folder = make_snapshot(1)
    row = json.loads((folder / "pairs.jsonl").read_text()) | {"weight": weight}
    (folder / "pairs.jsonl").write_text(json.dumps(row) + "\n")
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(SnapshotError, match="line 1, is not a vote"):
        read_snapshot(folder)


def test_pairs_in_which_a_winner_stayed_are_read_and_never_split_from_those_before(make_snapshot):
    folder = make_snapshot(8)
    lines = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    # Two rows of four: the winner stays beside the image that the next line had as its loser.
    for number, line in enumerate(lines):
        first = lines[number - number % 4]
        line |= {"prompt": f"prompt {number // 4}", "chosen": first["chosen"]}
        line |= {"in_a_row": number % 4} if number % 4 else {}
    (folder / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "manifest.json").write_text("{}")

    pairs = read_snapshot(folder).pairs
    assert len(pairs) == 8
    for seed in range(6):
        train, holdout = split_by_prompt(pairs, 5, seed)
        assert (len(train), len(holdout)) == (4, 4), "a whole row or none of it"
        assert {pair.prompt for pair in train}.isdisjoint(pair.prompt for pair in holdout)


def with_source(folder: Path, own: int) -> None:
    """Let all rows but the first ones have come in from a file."""
    lines = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    for number, line in enumerate(lines):
        line |= {"prompt": f"prompt {number % 30}"}
        line |= {"source": "pickapic"} if number >= own else {}
    (folder / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "manifest.json").write_text("{}")


def test_pairs_chosen_here_are_held_out_alone_where_there_are_enough(make_snapshot):
    folder = make_snapshot(60)
    with_source(folder, 25)
    pairs = read_snapshot(folder).pairs
    assert count_pairs(rows_in(folder / "pairs.jsonl"), ("preference",)) == (60, {}, 25)
    train, holdout = hold_out(pairs, 0.2, 7)
    assert len(holdout) == holdout_count(60, 0.2, 25) == 5
    assert not any(pair.brought for pair in holdout)
    # No run trains on a prompt that judges it, whoever chose there.
    assert {pair.prompt for pair in train}.isdisjoint(pair.prompt for pair in holdout)


def test_pairs_of_files_are_held_out_where_too_few_were_chosen_here(make_snapshot):
    folder = make_snapshot(60)
    with_source(folder, 4)
    train, holdout = hold_out(read_snapshot(folder).pairs, 0.2, 7)
    assert (len(train), len(holdout)) == (48, 12) and holdout_count(60, 0.2, 4) == 12
    assert holdout_count(1_000_000, 0.12, 0) == 1_000
