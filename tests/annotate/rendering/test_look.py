"""The look of a studio: what its images are rendered with, and what becomes of a change."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from annotate_doubles import Trouble, small_model
from places import Open, Place, until

from align.contracts.rendering import whole_prompt
from annotate.errors import InvalidRequest
from storage.recipes import recipe_key
from storage.records import Image

pytestmark = pytest.mark.slow

WHO = "ada"


def ready(place: Place) -> bool:
    return until(lambda: (place.studio.stats()["ready_pairs"] or 0) >= 4)


def change(place: Place, **settings: Any) -> Any:
    return place.studio.look.change(settings, WHO)


def images_of(place: Place, pair: Any) -> list[Image]:
    ids = [
        pair[side].removeprefix("img/").removesuffix(".png") for side in ("left_url", "right_url")
    ]
    return [image for each in ids if (image := place.store.image(each))]


def next_pair(place: Place, annotator: str = "bob") -> Any:
    return until(lambda: place.studio.pairs_ahead(annotator, [], 1)["pairs"])[0]


def test_clip_skip_goes_as_far_as_the_models_text_encoders(open_place: Open) -> None:
    shallow = replace(small_model(), max_clip_skip=3)
    place = open_place(model=shallow)
    assert change(place, clip_skip=3)["max_clip_skip"] == 3
    with pytest.raises(InvalidRequest, match=r"Clip skip of this model .* from 1 to 3, not 12"):
        change(place, clip_skip=12)
    assert place.studio.look.view()["clip_skip"] == 3


def test_a_clip_skip_that_was_kept_and_is_too_much_does_not_stop_rendering(
    open_place: Open,
) -> None:
    place = open_place()
    change(place, clip_skip=12)
    place.close()
    shallow = replace(small_model(), max_clip_skip=3)
    assert open_place(model=shallow).studio.look.view()["clip_skip"] == 3


def test_a_studio_begins_with_its_models_own_look(place: Place) -> None:
    look = place.studio.look.view()
    assert (look["steps"], look["guidance"], look["sizes"]) == (2, 4.0, ["16 x 16"])
    assert look["changed"] == [] and look["own"]["scheduler"] == look["scheduler"]
    assert look["possible_sizes"][0] == "16 x 16" and "DPM++ 2M Karras" in look["schedulers"]


def test_recipes_of_the_models_own_look_have_the_keys_they_always_had(place: Place) -> None:
    pair = next_pair(place)
    image = images_of(place, pair)[0]
    own = {"steps": 2, "guidance": 4.0, "width": 16, "height": 16, "negative_prompt": ""}
    known = {"base": "emoji-0123456789ab", "version": "base", "prompt": pair["prompt"]}
    seed = image.recipe["seed"]  # type: ignore[typeddict-item]
    recipe: Any = known | own | {"seed": seed, "scheduler": "EulerDiscreteScheduler"}
    assert image.recipe == recipe and image.recipe_key == recipe_key(recipe)


def test_a_change_reaches_the_sampler_and_the_recipes_and_is_kept(open_place: Open) -> None:
    place = open_place()
    ready(place)
    view = change(
        place, steps=7, guidance="5,5", scheduler="dpmpp_2m karras", clip_skip=2,
        prompt_prefix=" masterpiece,\n best quality ", negative_prompt="blurry",
    )  # fmt: skip
    assert (
        view["scheduler"] == "DPM++ 2M Karras"
        and view["prompt_prefix"] == "masterpiece, best quality"
    )
    assert set(view["changed"]) == {
        "steps", "guidance", "scheduler", "clip_skip", "prompt_prefix", "negative_prompt",
    }  # fmt: skip

    recipe: Any = images_of(place, next_pair(place))[0].recipe
    assert (recipe["steps"], recipe["guidance"], recipe["clip_skip"]) == (7, 5.5, 2)
    assert recipe["prompt_prefix"] == "masterpiece, best quality" and "prompt_suffix" not in recipe
    settings = place.sampler.settings[-1]
    assert (settings.steps, settings.scheduler) == (7, "DPM++ 2M Karras")

    place.close()
    assert open_place().studio.look.view()["steps"] == 7


def test_a_setting_returns_to_the_models_own_and_the_others_stay(place: Place) -> None:
    change(place, steps=7, guidance=3)
    view = change(place, steps=None)
    assert (view["steps"], view["guidance"], view["changed"]) == (2, 3.0, ["guidance"])


def test_ready_pairs_of_another_look_are_dropped_and_the_open_one_stays(place: Place) -> None:
    ready(place)
    shown = place.studio.pairs_ahead("bob", [], 3)["pairs"]
    ids = [pair["pair_id"] for pair in shown]
    change(place, steps=9)

    ahead = place.studio.pairs_ahead("bob", ids, 3)
    assert set(ids[1:]) <= set(ahead["passed_over"])
    assert ids[0] == place.studio.next_pair("bob")["pair_id"]  # type: ignore[typeddict-item]
    place.label(1, annotator="bob")
    for _ in range(3):
        recipes: Any = [image.recipe for image in images_of(place, next_pair(place, "bob"))]
        assert [recipe["steps"] for recipe in recipes] == [9, 9]
        place.label(1, annotator="bob")


def test_pairs_of_an_earlier_look_wait_again_once_it_is_back(open_place: Open) -> None:
    place = open_place()
    ready(place)
    place.sampler.brush.clear()
    before = {pair.pair_id for pair in place.store.waiting_pairs("emoji-0123456789ab")}
    change(place, steps=9)
    assert place.studio.stats()["ready_pairs"] == 0
    change(place, steps=None)
    pairs = place.studio.pairs_ahead("bob", [], 3)["pairs"]
    assert {pair["pair_id"] for pair in pairs} <= before and len(pairs) == 3


def test_after_a_restart_no_pair_of_another_look_is_handed_out(open_place: Open) -> None:
    place = open_place()
    ready(place)
    place.sampler.brush.clear()
    change(place, steps=9)
    place.close()
    place = open_place()
    recipe: Any = images_of(place, next_pair(place))[0].recipe
    assert recipe["steps"] == 9


def test_four_images_of_another_look_are_dropped_too(place: Place) -> None:
    quad = until(lambda: place.studio.quads_ahead("bob", [], 2)["pairs"][1:])[0]
    change(place, steps=9)
    assert place.studio.quads_ahead("bob", [quad["pair_id"]], 0)["passed_over"] == [quad["pair_id"]]


def test_of_several_sizes_a_pair_has_one(place: Place) -> None:
    view = change(place, sizes=["16 x 16", [16, 24], "24x16"], steps=5)
    assert view["sizes"] == ["16 x 16", "16 x 24", "24 x 16"]
    sizes: set[tuple[int, int]] = set()
    # A request has one size, so that others come with the next ones.
    for _ in range(120):
        first, second = images_of(place, next_pair(place))
        assert (first.width, first.height) == (second.width, second.height)
        sizes.add((first.width, first.height))
        if len(sizes) > 1:
            return
        place.label(1, annotator="bob")
    raise AssertionError(f"All pairs are of {sizes}.")


def test_a_comparison_has_one_look_and_the_same_size_in_every_column(place: Place) -> None:
    change(place, sizes=["16 x 16", "16 x 24", "24 x 16"], steps=5)
    groups = list(place.studio.compare_columns(["a cat", "a dog"], [1, 2, 3], ["base", "base"]))
    urls = {cell: url for group in groups for cell, url in group.items()}
    sizes = set()
    for row in range(6):
        left, right = (
            place.store.image(urls[row, column].removeprefix("img/").removesuffix(".png"))
            for column in (0, 1)
        )
        assert left == right and left is not None
        sizes.add((left.width, left.height))
    assert len(sizes) > 1


@pytest.mark.slow
def test_a_run_is_told_the_look_that_is_not_the_models_own(place: Place) -> None:
    place.label(1)
    plain = place.studio.fine_tune({})["run_id"]
    place.reach(plain, "done")
    change(place, clip_skip=2, prompt_suffix="absurdres")
    place.label(1)
    changed = place.studio.fine_tune({})["run_id"]
    place.reach(changed, "done")
    configs = [
        json.loads((place.store.run_dir(run) / "config.json").read_text("utf-8"))
        for run in (plain, changed)
    ]
    assert configs[0]["look"] is None
    assert (configs[1]["look"]["clip_skip"], configs[1]["look"]["prompt_suffix"]) == (
        2,
        "absurdres",
    )


def test_votes_say_with_which_text_their_images_were_rendered(place: Place) -> None:
    place.label(1)
    change(place, prompt_prefix="score_9", prompt_suffix=", absurdres")
    until(lambda: place.studio.pairs_ahead("ann", [], 1)["pairs"])
    place.label(1)
    snapshot = place.store.write_snapshot("emoji-0123456789ab", 0.0)
    rows = [json.loads(line) for line in (snapshot.path / "pairs.jsonl").read_text().splitlines()]
    assert "rendered_prompt" not in rows[0]
    assert rows[1]["rendered_prompt"] == f"score_9, {rows[1]['prompt']}, absurdres"


def test_a_lora_is_copied_and_named_in_recipes_by_what_it_holds(
    place: Place, tmp_path: Any
) -> None:
    file = tmp_path / "detail.safetensors"
    file.write_bytes(b"a lora")
    view = change(place, loras=f"{file} 0.8")
    assert view["loras"] == [{"file": "detail.safetensors", "weight": 0.8}]
    file.unlink()

    recipe: Any = images_of(place, next_pair(place))[0].recipe
    ((digest, weight),) = recipe["loras"]
    ((path, _),) = place.sampler.settings[-1].loras
    assert (weight, digest) == (0.8, path.split("/")[-2]) and Path(path).read_bytes() == b"a lora"

    # By its name, the file itself is needed no more.
    assert change(place, loras="detail.safetensors -0.5")["loras"][0]["weight"] == -0.5
    assert change(place, loras="")["loras"] == []


def test_a_lora_that_does_not_fit_changes_nothing(place: Place, tmp_path: Any) -> None:
    file = tmp_path / "other.safetensors"
    file.write_bytes(b"made for another model")
    place.converter.trouble = "It was made for another model."
    with pytest.raises(Trouble, match="another model"):
        change(place, steps=9, loras=[str(file)])
    assert place.studio.look.view()["changed"] == []
    with pytest.raises(InvalidRequest, match=r"There is no file nowhere.safetensors"):
        change(place, loras=["nowhere.safetensors"])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"steps": 0}, "The steps must be a whole number from 1 to 150, not 0"),
        ({"steps": 2.5}, "whole number"),
        ({"steps": True}, "whole number"),
        ({"guidance": "strong"}, "The guidance must be a number from 0 to 30, not 'strong'"),
        ({"guidance": float("nan")}, "must be a number"),
        ({"clip_skip": 13}, "Clip skip of this model must be a whole number from 1 to 12"),
        ({"sizes": []}, "Choose at least one size, such as 16 x 16"),
        ({"sizes": "wide"}, "A size is width x height in pixels, such as 16 x 16: 'wide'"),
        ({"sizes": ["17 x 16"]}, "multiples of 8 pixels. Take 16 x 16"),
        ({"sizes": ["64 x 64"]}, "too far from what this model was made for, 16 x 16"),
        ({"sizes": [[8, 40]]}, "too far"),
        ({"scheduler": "Fastest"}, "There is no sampler 'Fastest'"),
        ({"prompt_prefix": "x" * 501}, "The prefix has 501 characters, and it may have 500"),
        ({"negative_prompt": "bell \x07"}, "holds control characters"),
        ({"negative_prompt": "{blurry|dull}"}, "The negative prompt holds a variation"),
        ({"prompt_prefix": "__style__"}, "variations are chosen in prompts alone"),
        ({"prompt_suffix": "{2$$a}"}, "The suffix holds a variation"),
        ({"prompt_suffix": 3}, "The suffix must be a text, not 3"),
        ({"loras": [{"weight": 1}]}, "must name its file"),
        ({"loras": ["a.safetensors 3"]}, "The weight of a.safetensors must be from -2 to 2"),
        ({"loras": 5}, "Send the LoRAs as a list"),
        ({"color": "red"}, "'color' is no setting of a look. Known ones: steps, guidance"),
    ],
)
def test_what_cannot_be_rendered_is_refused_in_a_sentence(
    place: Place, settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        place.studio.look.change({"steps": 9, **settings}, WHO)
    assert sentence in str(refusal.value)
    assert place.studio.look.view()["changed"] == []


@pytest.mark.parametrize(
    ("prefix", "suffix", "whole"),
    [
        ("", "", "a cat "),
        ("best quality", "", "best quality, a cat"),
        ("best quality,", ", absurdres", "best quality, a cat, absurdres"),
        ("score_9 BREAK", "", "score_9 BREAK a cat"),
    ],
)
def test_a_prefix_and_a_suffix_stand_around_the_prompt(
    prefix: str, suffix: str, whole: str
) -> None:
    assert whole_prompt("a cat ", prefix, suffix) == whole
