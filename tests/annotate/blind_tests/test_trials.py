"""Blind tests: who is shown what, what it says, and what comes of it."""

from typing import Any

import pytest
from places import Open, Place, until

from annotate.errors import InvalidRequest, ReleaseBlocked
from annotate.labeling.items import QUESTION_TEXTS
from annotate.labeling.new_acts import as_vote
from annotate.rendering.prompts.prompt_sources import prompts_for
from annotate.service.labeler_view import LabelerView
from annotate.web.stage import _status_function
from annotate.web.stage_events import StageEvents
from storage.errors import InvalidTrial, UnknownTrial, UnknownVersion

pytestmark = pytest.mark.slow

PROMPTS = [f"an evaluation prompt {number}" for number in range(6)]


@pytest.fixture
def tuned(place: Place) -> Place:
    """A studio with a version."""
    place.label(2)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    return place


def begin(place: Place, **options: Any) -> str:
    given = {"prompts": PROMPTS} | options
    return str(place.studio.blind_tests.begin("base", "v1", **given)["trial"])


def vote_for(place: Place, trial: str, wanted: str, count: int, annotator: str = "ann") -> None:
    """Vote for one side of a trial, which a person could not, as they do not know it."""
    for _ in range(count):
        answer = until(lambda: place.studio.pairs_ahead(annotator, [], 1, trial)["pairs"])[0]
        pair = place.store.pair(answer["pair_id"])
        image = place.store.image(pair.left)
        assert image is not None and pair.trial == trial
        side = wanted
        if wanted in ("after", "before"):
            side = "left" if (image.version == "v1") == (wanted == "after") else "right"
        place.studio.vote(as_vote(pair.pair_id, side, annotator, f"{annotator}-{pair.pair_id}"))


def test_votes_add_up_to_a_verdict_that_is_called_once_it_is_clear(tuned: Place) -> None:
    trial = begin(tuned)
    assert tuned.studio.blind_tests.results(trial)["outcome"] is None
    vote_for(tuned, trial, "after", 5)
    vote_for(tuned, trial, "tie", 1)
    early = tuned.studio.blind_tests.results(trial)
    assert early["outcome"] is None and early["votes_needed"][0] >= 1
    vote_for(tuned, trial, "after", 6)
    report = tuned.studio.blind_tests.results(trial)
    told = report["questions"]["overall"]
    assert (told["wins"], told["losses"], told["ties"]) == (11, 0, 1)
    assert report["outcome"] == "better" and report["votes_needed"] is None
    assert report["by_person"] == {"ann": (11, 0, 1)}
    assert set(report["by_prompt"]) <= set(PROMPTS)


def test_a_trial_shows_one_prompt_and_seed_from_both_versions_on_shuffled_sides(
    tuned: Place,
) -> None:
    trial = begin(tuned)
    sides = []
    stored = tuned.store.blind_tests
    for pair in until(lambda: stored.waiting(trial)[11:] and stored.waiting(trial)):
        assert pair.prompt in PROMPTS
        left, right = tuned.store.image(pair.left), tuned.store.image(pair.right)
        assert left is not None and right is not None
        assert {left.version, right.version} == {"base", "v1"}
        assert (left.recipe["prompt"], left.recipe["seed"]) == (
            right.recipe["prompt"],
            right.recipe["seed"],
        )
        sides.append(left.version)
    assert set(sides) == {"base", "v1"}


def test_nothing_is_learned_from_a_trial(tuned: Place) -> None:
    before = tuned.studio.stats()
    trial = begin(tuned)
    vote_for(tuned, trial, "after", 3)
    after = tuned.studio.stats()
    # Pairs are rendered meanwhile, and their pace is measured.
    measured = ("ready_pairs", "pairs_per_hour", "rendering_speed")
    assert after == before | {name: after[name] for name in measured}
    tuned.label(1)
    run = tuned.store.run(tuned.studio.fine_tune({})["run_id"])
    snapshot = tuned.store.images_dir.parent / "snapshots" / run.snapshot_id / "pairs.jsonl"
    text = snapshot.read_text("utf-8")
    assert len(text.splitlines()) == 3 and "evaluation prompt" not in text
    assert tuned.studio.add_prompts([PROMPTS[0], "a new one"])["added"] == 1


def test_a_vote_in_a_trial_can_be_taken_back(tuned: Place) -> None:
    trial = begin(tuned)
    vote_for(tuned, trial, "after", 2)
    pair = tuned.studio.undo("ann")["pair"]
    assert tuned.studio.blind_tests.results(trial)["votes"] == 1
    assert tuned.studio.next_pair("ann", trial)["pair_id"] == pair["pair_id"]


def test_who_leaves_a_trial_gets_pairs_to_learn_from_again(tuned: Place) -> None:
    trial = begin(tuned)
    open_pair = until(lambda: tuned.studio.pairs_ahead("ann", [], 2, trial)["pairs"])[0]
    answer = until(lambda: tuned.studio.pairs_ahead("ann", [open_pair["pair_id"]], 1))
    assert open_pair["pair_id"] in answer["passed_over"]
    for pair in answer["pairs"]:
        assert tuned.store.pair(pair["pair_id"]).trial is None


def test_a_mixed_trial_comes_in_between_for_everybody(tuned: Place) -> None:
    trial = begin(tuned, mixed=True)
    until(lambda: len(tuned.store.blind_tests.waiting(trial)) >= 8)
    tuned.label(40, "tie", "bob")
    votes = tuned.studio.blind_tests.results(trial)["votes"]
    assert 2 <= votes <= 20


def test_a_settled_verdict_acts_where_it_was_asked_to(tuned: Place) -> None:
    trial = begin(tuned, act=True)
    vote_for(tuned, trial, "after", 9)
    assert tuned.studio.versions()[1]["active"]
    assert tuned.studio.blind_tests.results(trial)["note"] == "v1 was made active."
    second = begin(tuned, prompts=[f"again {n}" for n in range(6)], act=True)
    vote_for(tuned, second, "before", 9)
    assert tuned.studio.versions()[0]["active"]
    assert tuned.studio.blind_tests.results(second)["note"] == "base was made active again."


def test_three_questions_are_asked_about_the_same_images(tuned: Place) -> None:
    trial = begin(tuned, questions=["overall", "appeal", "fidelity"])
    vote_for(tuned, trial, "after", 3)
    report = tuned.studio.blind_tests.results(trial)
    assert [told["wins"] for told in report["questions"].values()] == [1, 1, 1]
    assert report["votes"] == 1
    stored = tuned.store.blind_tests
    waiting = until(lambda: stored.waiting(trial)[2:] and stored.waiting(trial))
    assert {pair.question for pair in waiting[:3]} == {"overall", "appeal", "fidelity"}
    assert len({frozenset((pair.left, pair.right)) for pair in waiting[:3]}) == 1
    told = until(lambda: tuned.studio.pairs_ahead("eve", [], 1, trial)["pairs"])[0]
    assert told.get("question") in (None, QUESTION_TEXTS["appeal"], QUESTION_TEXTS["fidelity"])


def test_a_restarted_app_goes_on_with_an_open_trial(open_place: Open) -> None:
    place = open_place()
    place.label(2)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    trial = begin(place)
    vote_for(place, trial, "after", 3)
    place.close()
    place = open_place()
    vote_for(place, trial, "after", 1)
    assert place.studio.blind_tests.results(trial)["votes"] == 4


def test_an_ended_trial_asks_for_no_more(tuned: Place) -> None:
    trial = begin(tuned)
    vote_for(tuned, trial, "after", 1)
    assert tuned.studio.blind_tests.end(trial)["state"] == "ended"
    with pytest.raises(InvalidRequest, match="has ended"):
        tuned.studio.pairs_ahead("ann", [], 1, trial)
    assert tuned.studio.blind_tests.results(trial)["votes"] == 1


def test_versions_that_draw_the_same_end_the_trial(tuned: Place) -> None:
    v1 = tuned.store.version(tuned.studio._model_id, "v1")
    assert v1.adapter is not None
    v1.adapter.write_bytes(b"")
    trial = begin(tuned)
    until(lambda: tuned.studio.blind_tests.results(trial)["state"] == "ended")
    assert "render the same images" in tuned.studio.blind_tests.results(trial)["note"]


def test_what_cannot_be_tested_is_refused(tuned: Place) -> None:
    with pytest.raises(InvalidTrial, match="against itself"):
        tuned.studio.blind_tests.begin("v1", "v1", PROMPTS)
    with pytest.raises(UnknownVersion):
        tuned.studio.blind_tests.begin("base", "v9", PROMPTS)
    with pytest.raises(InvalidTrial, match="questions"):
        begin(tuned, questions=["taste"])
    with pytest.raises(InvalidRequest, match="at least 4"):
        begin(tuned, prompts=["one", "two"])
    with pytest.raises(UnknownTrial):
        tuned.studio.pairs_ahead("ann", [], 1, "t9999")


def test_prompts_that_were_labeled_are_left_out(tuned: Place) -> None:
    labeled = tuned.studio.next_pair("ann")["prompt"]
    trial = begin(tuned, prompts=[*PROMPTS, labeled])
    assert tuned.studio.blind_tests.results(trial)["prompts"] == len(PROMPTS)


def test_a_version_that_failed_its_checks_is_held_back(tuned: Place) -> None:
    check = {"name": "variety", "passed": False, "sentence": "Images are all alike."}
    summary = {"held_back": True, "checks": [check]}
    base = tuned.studio._model_id
    run = tuned.store.create_run("s0001", base, "base", {}, "person")
    file = tuned.store.images_dir / "x"
    file.write_bytes(b"weights")
    tuned.store.add_version(base, "base", run.run_id, file, summary)
    for refused in (
        lambda: tuned.studio.blind_tests.begin("base", "v2", PROMPTS),
        lambda: tuned.studio.activate("v2"),
    ):
        with pytest.raises(ReleaseBlocked, match="held back: Images are all alike"):
            refused()
    assert tuned.studio.activate("v2", force=True)[2]["active"]


def test_a_fifth_of_many_given_prompts_is_set_aside_and_none_of_few() -> None:
    many = [f"a prompt number {number}" for number in range(200)]
    labeled, aside = prompts_for("emoji", many)
    assert sorted(labeled + aside) == sorted(many) and 20 <= len(aside) <= 60
    assert prompts_for("emoji", many) == (labeled, aside)
    assert prompts_for("emoji", many[:10]) == (many[:10], [])


@pytest.mark.parametrize("path", ["emoji", "some/model"])
def test_built_in_lists_share_no_prompt(path: str) -> None:
    labeled, aside = prompts_for(path, None)
    assert len(aside) >= 30 and not set(labeled) & set(aside)


class Observer:
    """Somebody who labels and keeps every answer, to find out which pairs are a test's."""

    def __init__(self, studio: Any, name: str) -> None:
        self.studio, self.name = studio, name
        self.send = StageEvents(studio).take
        pulse = read_pulse(studio)
        self.asked = {
            "stats": studio.stats,
            "pulse": lambda: pulse({"annotator": name, "trial": ""}),
            "own": lambda: {
                key: value for key, value in studio.insights.own(name).items()
                if key in ("votes", "decisive")
            },
        }  # fmt: skip
        self.before = self.look()

    def look(self) -> dict[str, Any]:
        return dict(flattened({name: ask() for name, ask in self.asked.items()}))

    def change(self) -> dict[str, Any]:
        """What moved since the look before, by how much."""
        before, self.before = self.before, self.look()
        return {
            name: value - before[name] if isinstance(value, int) else (before[name], value)
            for name, value in self.before.items()
            if value != before[name]
        }

    def label(self, number: int) -> tuple[str, list[Any]]:
        """Get a pair, vote, take it back, report it, take that back, vote; note all that moves."""
        answer = until(lambda: self.studio.pairs_ahead(self.name, [], 1)["pairs"] and 1)
        pair = self.studio.pairs_ahead(self.name, [], 1)["pairs"][0]
        noted = [answer, sorted(pair), self.change()]
        vote = {"kind": "vote", "pair_id": pair["pair_id"], "verdict": "left", "response_ms": 900}
        report = {"kind": "report", "pair_id": pair["pair_id"], "note": ""}
        for step, act in enumerate((vote, {"kind": "undo"}, report, {"kind": "undo"}, vote)):
            known = self.before["stats.votes"]
            reply = self.send({"annotator": self.name, "key": f"{number}-{step}", **act})
            noted += [sorted(flattened(reply, hide=True)), reply["votes"] - known, self.change()]
        return pair["pair_id"], [*noted, *self.look_back(number, pair["pair_id"])]

    def look_back(self, number: int, pair_id: str) -> list[Any]:
        """Find the vote in the gallery, change it, and ask for more of its prompt; note it all."""
        (vote, *_), noted = self.studio.own_votes_list(self.name)["votes"], []
        assert vote["pair_id"] == pair_id
        noted.append(sorted(vote))
        key = vote["vote_key"]
        for step, verdict in enumerate(("tie", "", "left")):
            if key:
                changed = self.studio.change_vote(self.name, key, verdict, f"{number}-c{step}")
                noted += [sorted(flattened(changed, hide=True)), self.change()]
            key = f"{number}-c{step}" if verdict else ""
        self.send({"annotator": self.name, "key": f"{number}-end", "kind": "vote",
                   "pair_id": pair_id, "verdict": "left", "response_ms": 900})  # fmt: skip
        noted.append(self.change())
        with pytest.raises(InvalidRequest) as refused:
            self.studio.prompts.more_of(self.name, pair_id, False)
        return [*noted, str(refused.value)]


def read_pulse(studio: Any) -> Any:
    return _status_function(studio)


def test_a_better_version_becomes_active_by_itself_where_the_project_says_so(tuned: Place) -> None:
    tuned.studio.next_run.change_automatic(0, "", "blind_test", "ann")
    tuned.studio.registry.rename("v1", "warm colors")
    trial = begin(tuned)
    vote_for(tuned, trial, "after", 12)
    assert tuned.store.active(tuned.store.blind_tests.get(trial).base).version == "v1"
    assert tuned.studio.blind_tests.results(trial)["note"] == "v1 became active by itself."
    (told,) = tuned.studio.next_run.automatic()["activated"]
    begins = "warm colors (v1) became active by itself: preferred in "
    assert told["sentence"].startswith(begins)
    assert "votes of a blind test against base" in told["sentence"]


def test_without_that_a_verdict_changes_nothing(tuned: Place) -> None:
    trial = begin(tuned)
    vote_for(tuned, trial, "after", 12)
    assert tuned.store.active(tuned.store.blind_tests.get(trial).base).version == "base"
    assert tuned.studio.next_run.automatic()["activated"] == []


def flattened(value: Any, name: str = "", hide: bool = False) -> Any:
    """Return every part of an answer by its name; `hide` leaves what names this very pair."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from flattened(part, f"{name}.{key}".lstrip("."), hide)
    elif not hide:
        yield name, value
    elif not name.endswith(("key", "_id", "prompt", "_url", "of", "votes", "pace_hint")):
        yield name, value


def test_nothing_that_a_labeler_is_told_gives_the_pairs_of_a_mixed_test_away(
    open_place: Open,
) -> None:
    tuned = open_place(train_every=1000)
    tuned.label(2)
    tuned.reach(tuned.studio.fine_tune({})["run_id"], "done")
    tuned.studio.insights.change("repeat_share", 0.0, "me")
    trial = begin(tuned, mixed=True)
    until(lambda: len(tuned.store.blind_tests.waiting(trial)) >= 8)
    studios = [tuned.studio, LabelerView(tuned.studio, tuned.store.people)]
    for studio in studios:
        observer = Observer(studio, "eve")
        found: dict[bool, set[str]] = {True: set(), False: set()}
        number = 0
        while number < 12 or min(map(len, found.values())) == 0:
            pair_id, noted = observer.label(f"{id(studio)}-{number}")
            found[tuned.store.pair(pair_id).trial is not None].add(repr(noted))
            number += 1
        assert found[True] == found[False] and len(found[True]) == 1
    told = studios[0].stats()
    assert told["until_next_run"] is None and told["ready_pairs"] is None
    tuned.studio.blind_tests.end(trial)
    assert tuned.studio.stats()["ready_pairs"] is not None
