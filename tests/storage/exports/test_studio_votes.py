"""What an export takes of a studio: every current vote once, with all that belongs to it."""

import pytest
from every_kind import ANN, BOB, PROMPTS, add_pair, give_every_kind, vote
from storage_making import BASE

from storage import Store
from storage.exports.exported_votes import ExportChoice, ExportedVote
from storage.snapshot.snapshot_folder import pseudonym

pytestmark = pytest.mark.slow
USUAL = ExportChoice()
ALL = ExportChoice(tests=True, excluded=True)


@pytest.fixture
def studio(store: Store) -> Store:
    give_every_kind(store)
    return store


def votes(store: Store, choice: ExportChoice = USUAL) -> list[ExportedVote]:
    with store.exports.votes(choice) as found:
        return list(found)


def of_prompt(found: list[ExportedVote], prompt: str) -> ExportedVote:
    return next(vote for vote in found if vote.prompt == prompt)


def test_every_current_vote_and_ranking_is_there_once(studio):
    found = votes(studio, ALL)

    (current,) = studio._database.read("SELECT count(*) FROM current_votes")
    (ranked,) = studio._database.read("SELECT count(*) FROM current_rankings")
    assert len(found) == current[0] + ranked[0]
    assert len({vote.key for vote in found}) == len(found)
    assert [vote.number for vote in found] == list(range(len(found)))
    assert {vote.verdict for vote in found} == {
        *("left", "right", "tie", "both_good", "both_bad", "skip", "ranking")
    }
    assert set(PROMPTS) <= {vote.prompt for vote in found}


def test_a_vote_has_all_that_was_said_of_it(studio):
    clear = next(vote for vote in votes(studio) if vote.strength == 2)

    assert clear.reasons == ("=text", "hands")
    assert clear.criteria == (("detail", clear.images[0].uid), ("prompt", "tie"))
    assert clear.annotator == pseudonym(ANN) and clear.response_ms == 900
    assert [image.known["seed"] for image in clear.images] == [0, 1]
    chosen = of_prompt(votes(studio), "chosen")
    assert chosen.selection == ("uncertain", 0.25)


def test_the_better_image_is_known_whichever_side_it_was_on(studio):
    for found in votes(studio):
        if found.verdict in ("left", "right"):
            first = found.images[found.verdict == "right"]
            assert found.better_first[0] == first
    ranking = next(vote for vote in votes(studio) if vote.kind == "ranking")
    assert ranking.ranks == (2, 1, 0, 1)
    assert ranking.better_first[0] == ranking.images[2]
    assert ranking.better_first[-1] == ranking.images[0]


def test_tests_and_excluded_votes_come_only_when_asked_for(studio):
    usual, tests = votes(studio), votes(studio, ExportChoice(tests=True))
    excluded = votes(studio, ExportChoice(excluded=True))

    assert {vote.asked_as for vote in usual} == {""}
    assert {vote.asked_as for vote in tests} == {"", "repeat", "gold", "overall"}
    assert not any(vote.is_excluded for vote in usual)
    assert {vote.prompt for vote in excluded if vote.is_excluded} == {
        *("excluded", "of a third", "flagged")
    }


def test_whose_votes_which_model_and_skips_can_be_chosen(studio):
    assert {vote.annotator for vote in votes(studio, ExportChoice(voters=(BOB,)))} == {
        pseudonym(BOB)
    }
    assert votes(studio, ExportChoice(bases=("other",))) == []
    assert votes(studio, ExportChoice(bases=(BASE,))) == votes(studio)
    assert "skip" not in {vote.kind for vote in votes(studio, ExportChoice(skips=False))}


def test_nobody_is_named_and_nothing_is_quoted_unless_asked_for(studio):
    said = repr(votes(studio, ALL))
    for word in (ANN, "carl", "Carl", "robot", "disagrees", "face of mine"):
        assert word not in said

    told = votes(studio, ExportChoice(excluded=True, names=True, notes=True))
    assert {vote.annotator for vote in told} == {ANN, BOB, "carl"}
    assert of_prompt(told, "excluded").excluded_vote == "Carl said he clicked"
    assert of_prompt(told, "of a third").excluded_annotator == "carl is a robot"
    assert "often disagrees" in {vote.weight_reason for vote in told}
    assert of_prompt(told, "kept").annotator == ANN


def test_text_around_a_prompt_is_told_apart_from_it(studio):
    looked = of_prompt(votes(studio), "a look")
    assert looked.caption == "score_9, a look, best"
    assert of_prompt(votes(studio), "brought").caption == "brought"


def test_a_kept_pair_names_the_pair_before(studio):
    first, kept = [vote for vote in votes(studio) if vote.prompt == "kept"]
    assert kept.kept is not None and kept.kept.pair_id == first.item_id
    assert kept.kept.in_a_row == 1 and kept.kept.annotator == pseudonym(ANN)


def test_a_vote_on_an_image_that_is_gone_or_damaged_is_counted(studio):
    gone, _, damaged, *_ = votes(studio)
    gone.images[0].place.file.unlink()
    damaged.images[1].place.file.write_bytes(b"damaged")

    with studio.exports.votes(ExportChoice()) as found:
        left = list(found)
        assert found.left_out == {"an image is gone": 2, "an image is damaged": 2}
        assert len(left) + 4 == len(found)


def test_votes_that_are_given_meanwhile_come_with_the_next_export(studio):
    with studio.exports.votes(ExportChoice()) as found:
        before = list(found)
        vote(studio, add_pair(studio, 90, "later"), "left", "later")
        studio.undo(BOB)
        assert list(found) == before
    assert "later" in {vote.prompt for vote in votes(studio)}


def test_a_model_that_was_a_folder_is_named_without_its_path(store):
    store.ensure_base("/home/ann/models/sdxl")
    store.ensure_base("C:\\models\\other")
    for number, base in enumerate(("/home/ann/models/sdxl", "C:\\models\\other")):
        shown = add_pair(store, number, base=base)
        pair = store.add_pair("a cat", shown.left, shown.right, base, "base")
        vote(store, pair, "left", f"k{number}")

    found = votes(store)
    assert [vote.base for vote in found] == ["sdxl", "other"]
    assert [image.model for vote in found for image in vote.images] == [
        *("sdxl/base", "sdxl/base", "other/base", "other/base")
    ]
