"""Prompts of a project: found, edited, removed, weighted, and of which list."""

import random
from collections import Counter

import pytest
from annotate_doubles import small_model
from places import Open, Place, until

from annotate.errors import InvalidPrompts, InvalidRequest, NotAllowed
from annotate.rendering.prompts.prompt_sampler import PromptSampler
from annotate.rendering.prompts.prompt_sources import built_in_list, prompts_of_list
from annotate.rendering.prompts.prompt_variations import may_become
from annotate.service.labeler_view import LabelerView

NAMES = ("emoji", "sentences", "tags")


@pytest.mark.parametrize("name", ["sentences", "tags"])
def test_the_built_in_lists_hold_three_hundred_prompts_each_once(name: str) -> None:
    prompts = prompts_of_list(name)
    assert len(prompts) == 300
    assert len({text.casefold() for text in prompts}) == 300


def test_no_built_in_prompt_is_one_of_a_blind_test() -> None:
    kept = [text for name in NAMES for text in prompts_of_list(name, "evaluation_prompts")]
    labeled = {text.casefold() for name in NAMES for text in prompts_of_list(name)}
    assert len(kept) > 100
    assert not [text for text in kept if text.casefold() in labeled]


def test_tags_are_lists_and_sentences_are_none() -> None:
    assert all(text.count(",") >= 4 for text in prompts_of_list("tags"))
    assert all(text.count(",") <= 3 for text in prompts_of_list("sentences"))


@pytest.mark.parametrize(
    ("path", "name", "suited"),
    [
        ("emoji", "emoji", "emoji"),
        ("emoji-fast", "emoji-fast", "emoji"),
        ("stabilityai/stable-diffusion-xl-base-1.0", "sd_xl", "sentences"),
        ("/models/anime/juggernautXL_v9.safetensors", "juggernautXL_v9", "sentences"),
        ("/models/Illustrious-XL-v1.0.safetensors", "Illustrious-XL-v1.0", "tags"),
        ("Laxhar/noobai-XL-Vpred-1.0", "noobai-XL-Vpred-1.0", "tags"),
        ("/models/ponyDiffusionV6XL.safetensors", "ponyDiffusionV6XL", "tags"),
        ("cagliostrolab/animagine-xl-4.0", "animagine-xl-4.0", "tags"),
    ],
)
def test_the_name_of_a_model_tells_which_list_suits_it(path: str, name: str, suited: str) -> None:
    assert built_in_list(path, name, None) == suited


def test_a_prompt_comes_as_often_as_it_weighs() -> None:
    sampler = PromptSampler(["a"], random.Random(1))
    sampler.choose_from({"a": 1.0, "b": 2.0, "c": 4.0, "d": 0.5})
    # New ones come once first; then whole rounds.
    came = Counter(sampler.sample() for _ in range(3 + 7500))
    assert came["a"] == pytest.approx(1000, rel=0.03)
    assert came["b"] / came["a"] == pytest.approx(2, rel=0.03)
    assert came["c"] / came["a"] == pytest.approx(4, rel=0.03)
    assert came["d"] / came["a"] == pytest.approx(0.5, rel=0.15)


def test_a_choice_of_no_prompt_changes_nothing() -> None:
    sampler = PromptSampler(["a", "b"], random.Random(1))
    sampler.drop(["b"])
    sampler.choose_from({"b": 1.0})
    assert {sampler.sample() for _ in range(4)} == {"a"}


def numbers(place: Place) -> dict[str, int]:
    return {each["text"]: each["prompt"] for each in place.studio.prompts.page()["prompts"]}


def test_prompts_are_found_by_words_fifty_a_page(open_place: Open) -> None:
    place = open_place(prompts=[f"a cat, number {n}" for n in range(15)])
    place.studio.add_prompts([f"a dog {n}" for n in range(60)])
    first = place.studio.prompts.page()
    assert (len(first["prompts"]), first["pages"], first["found"]) == (50, 2, 75)
    assert first["prompts"][0]["text"] == "a dog 59", "own ones come first, newest first"
    assert len(place.studio.prompts.page(page=2)["prompts"]) == 25
    assert place.studio.prompts.page("DOG a")["found"] == 60
    assert place.studio.prompts.page("cat 14")["prompts"][0]["source"] == "file"
    assert place.studio.prompts.page(page=99)["page"] == 2


@pytest.mark.slow
def test_pairs_and_votes_are_counted_by_prompt(open_place: Open) -> None:
    place = open_place(prompts=["a violin", "a drum"], min_ready=4)
    until(lambda: place.studio.stats()["ready_pairs"] >= 4)
    place.label(3)
    shown = place.studio.prompts.page()["prompts"]
    assert sum(each["votes"] for each in shown) == 3
    assert sum(each["pairs"] for each in shown) >= 4


@pytest.mark.slow
def test_ready_pairs_of_a_removed_prompt_are_shown_to_nobody_until_it_is_back(
    open_place: Open,
) -> None:
    place = open_place(prompts=["a violin", "a drum"], min_ready=8)
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    held = place.studio.pairs_ahead("ann", [], 4)["pairs"]
    number = numbers(place)["a violin"]

    place.studio.prompts.change([number], "ann", True, None)
    ahead = place.studio.pairs_ahead("ann", [pair["pair_id"] for pair in held], 4)
    gone = {pair["pair_id"] for pair in held[1:] if pair["prompt"] == "a violin"}
    assert gone <= set(ahead["passed_over"])
    assert {pair["prompt"] for pair in ahead["pairs"]} <= {"a drum"}
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)

    place.studio.prompts.change([number], "ann", False, None)
    prompts = {pair["prompt"] for pair in place.studio.pairs_ahead("bob", [], 16)["pairs"]}
    assert prompts == {"a violin", "a drum"}


@pytest.mark.slow
def test_ready_pairs_of_a_removed_prompt_with_variations_are_shown_to_nobody(
    open_place: Open,
) -> None:
    place = open_place(prompts=["a {red|blue} violin", "a {big|small} drum"], min_ready=8)
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    number = numbers(place)["a {red|blue} violin"]
    assert place.studio.pairs_ahead("ann", [], 1)["pairs"]
    place.studio.prompts.change([number], "bob", True, None)
    ahead = {pair["prompt"] for pair in place.studio.pairs_ahead("bob", [], 8)["pairs"]}
    assert ahead and ahead <= {"a big drum", "a small drum"}


@pytest.mark.parametrize(
    ("prompt", "text", "possible"),
    [
        ("a {red|blue} cat", "a red cat", True),
        ("a {red|} cat", "a cat", True),
        ("{a {b|c}|d} cat, __style__", "a b cat, in oil", True),
        ("a {red|blue} cat", "a dog", False),
        ("{a|b}", "anything", True),
    ],
)
def test_what_a_prompt_with_variations_may_have_become_is_known(
    prompt: str, text: str, possible: bool
) -> None:
    assert may_become(prompt, text) is possible


def test_an_edit_takes_the_place_of_a_prompt_and_stays_after_a_restart(open_place: Open) -> None:
    place = open_place(prompts=["a violin", "a drum"])
    place.studio.prompts.edit(numbers(place)["a violin"], "  a red violin ", "ann")
    assert set(numbers(place)) == {"a red violin", "a drum"}
    [old] = place.studio.prompts.page(removed=True)["prompts"]
    assert (old["text"], old["replaced_by"]) == ("a violin", "a red violin")
    place.close()

    place = open_place(prompts=["a violin", "a drum"])
    assert set(numbers(place)) == {"a red violin", "a drum"}
    assert place.studio.add_prompts(["a violin"]) == {"added": 1, "total": 3}


def test_the_last_prompt_cannot_be_removed(open_place: Open) -> None:
    place = open_place(prompts=["a violin", "a drum"])
    with pytest.raises(InvalidPrompts, match="At least one prompt must stay"):
        place.studio.prompts.change(list(numbers(place).values()), "ann", True, None)
    assert place.studio.prompts.page()["in_use"] == 2
    with pytest.raises(InvalidRequest, match=r"0\.5, 1, 2 or 4"):
        place.studio.prompts.change(list(numbers(place).values()), "ann", None, 3.0)
    with pytest.raises(InvalidRequest, match="is true or false, not 'false'"):
        place.studio.prompts.change([numbers(place)["a drum"]], "ann", "false", None)


def test_another_list_is_chosen_and_kept(open_place: Open) -> None:
    place = open_place()
    usual = place.studio.prompts.page()
    assert usual["lists"][0]["title"] == "What suits the model: subjects of emoji"
    with pytest.raises(InvalidPrompts, match="no prompts of its own"):
        place.studio.prompts.choose_list("own", "ann")
    place.studio.add_prompts(["a purple yak"])

    assert place.studio.prompts.choose_list("tags", "ann")["in_use"] == 301
    assert place.studio.prompts.choose_list("own", "ann")["in_use"] == 1
    place.close()
    place = open_place()
    assert set(numbers(place)) == {"a purple yak"}
    assert place.studio.prompts.choose_list("", "ann")["in_use"] == usual["in_use"] + 1


def test_a_model_of_anime_gets_tags(open_place: Open) -> None:
    model = small_model(name="noobaiXL", path="/models/noobaiXL.safetensors")
    place = open_place(model=model)
    page = place.studio.prompts.page("1girl")
    assert page["in_use"] == 300 and page["found"] > 100


@pytest.mark.slow
def test_four_pairs_of_a_prompt_come_next_for_the_one_who_asked(open_place: Open) -> None:
    place = open_place(prompts=["a violin"], min_ready=8)
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    held = place.studio.pairs_ahead("ann", [], 4)["pairs"]

    asked = place.studio.prompts.queue("ann", "a green yak", False)
    assert asked == {"prompt": "a green yak", "coming": 4, "wait_s": None}
    came: list[str] = []

    def all_there() -> bool:
        arrived = place.studio.prompts.arrived("ann", False)
        came.extend(pair["pair_id"] for pair in arrived["items"])
        return not arrived["coming"]

    until(all_there)
    assert len(set(came)) == len(came) == 4
    ahead = place.studio.pairs_ahead("ann", [pair["pair_id"] for pair in held], 4)["pairs"]
    assert {pair["pair_id"] for pair in ahead} == set(came), "before the others that wait"
    assert "a green yak" in numbers(place)


@pytest.mark.slow
def test_more_of_the_prompt_that_is_shown_comes_as_a_set_where_four_are_labeled(
    open_place: Open,
) -> None:
    place = open_place(prompts=["a violin"])
    quad = until(lambda: place.studio.quads_ahead("ann", [], 1)["pairs"])[0]
    assert place.studio.prompts.more_of("ann", quad["pair_id"], True)["coming"] == 1
    [more] = until(lambda: place.studio.prompts.arrived("ann", True)["items"])
    assert len(more["urls"]) == 4 and more["prompt"] == quad["prompt"]


def test_labelers_ask_for_more_and_add_prompts_only_where_admins_allow_it(place: Place) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] >= 1)
    view = LabelerView(place.studio, place.store.people)
    pair = view.pairs_ahead("bea", [], 1)["pairs"][0]
    assert view.prompts.more_of("bea", pair["pair_id"], False)["coming"] == 4
    more = until(lambda: view.prompts.arrived("bea", False)["items"])[0]
    image_id = more["left_url"].removeprefix("img/").removesuffix(".png")
    assert view.image("bea", image_id), "what came is shown to who asked"
    assert view.image("carl", image_id) is None

    with pytest.raises(NotAllowed, match="Only admins add prompts"):
        view.prompts.queue("bea", "a purple yak", False)
    place.studio.prompts.let_labelers_add(True, "ann")
    assert view.prompts.queue("bea", "a purple yak", False)["prompt"] == "a purple yak"


def test_nobody_asks_for_the_prompts_of_blind_tests(place: Place) -> None:
    reserved = prompts_of_list("emoji", "evaluation_prompts")[0]
    with pytest.raises(InvalidRequest, match="kept for blind tests"):
        place.studio.prompts.queue("ann", reserved, False)
    with pytest.raises(InvalidPrompts, match="kept for blind tests"):
        place.studio.prompts.edit(next(iter(numbers(place).values())), reserved, "ann")


@pytest.mark.slow
def test_sets_of_four_are_rendered_ahead_once_somebody_labeled_some(open_place: Open) -> None:
    place = open_place(prompts=["a violin"], min_ready=2)
    quad = until(lambda: place.studio.quads_ahead("ann", [], 1)["pairs"])[0]
    place.close()

    place = open_place(prompts=["a violin"], min_ready=2)
    assert place.studio.best_worst.ahead("base") == 0, "nobody ranked any, nor asked for any"
    from annotate.labeling.new_acts import as_ranking  # noqa: PLC0415

    place.studio.best_worst.rank(as_ranking(quad["pair_id"], 0, 1, "ann", "k" * 16))
    place.close()
    place = open_place(prompts=["a violin"], min_ready=2)
    until(lambda: place.studio.best_worst.ahead("base") == 0)
    assert len(place.studio.quads_ahead("ann", [], 4)["pairs"]) == 4


@pytest.mark.slow
def test_a_prompt_of_another_list_that_somebody_added_is_shown_like_any_other(
    open_place: Open,
) -> None:
    place = open_place(min_ready=2)
    for name in ("tags", ""):
        place.studio.prompts.choose_list(name, "ann")
    text = prompts_of_list("tags")[0]
    place.studio.prompts.queue("ann", text, False)
    until(lambda: place.studio.prompts.arrived("ann", False)["coming"] == 0)

    place.studio.add_prompts(["a purple yak"])
    held = [pair["prompt"] for pair in place.studio.pairs_ahead("ann", [], 16)["pairs"]]
    assert held.count(text) == 4
