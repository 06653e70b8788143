"""Mixes of versions: their notation, and the images rendered for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import Place

from annotate.comparison.mixes import BASE, parse_mix
from annotate.errors import InvalidRequest, VersionFileMissing
from storage.errors import UnknownVersion

WEIGHTS = st.integers(0, 2000).map(lambda thousandths: thousandths / 1000)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("base", "base"),
        (" v2 ", "v2"),
        ("v2@1", "v2"),
        ("v2@1.000", "v2"),
        ("v2@.5", "v2@0.5"),
        ("v2 @ 0.50", "v2@0.5"),
        ("v2@0.5+v1@0.5", "v1@0.5+v2@0.5"),
        ("v1+v2", "v1+v2"),
        ("v1@0.5+v1@0.5", "v1"),
        ("v1@0", "base"),
        ("v1@0+v2", "v2"),
        ("v1@0.33333", "v1@0.333"),
    ],
)
def test_equal_blends_have_one_name(text: str, name: str) -> None:
    assert parse_mix(text).name == name


@given(st.dictionaries(st.sampled_from(["v1", "v2", "v10"]), WEIGHTS, min_size=1))
def test_the_name_of_a_blend_means_that_blend(weights: dict[str, float]) -> None:
    blend = parse_mix("+".join(f"{version}@{weight}" for version, weight in weights.items()))
    assert parse_mix(blend.name) == blend
    assert dict(blend.parts) == {version: weight for version, weight in weights.items() if weight}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a text"),
        (None, "must be a text"),
        ("v1@", "no strength from 0 to 2"),
        ("v1@2.5", "'2.5' in 'v1@2.5' is no strength"),
        ("v1@-1", "no strength"),
        ("v1@nan", "no strength"),
        ("v1@1e3", "no strength"),
        ("v1@1.5+v1@1.5", "'3' in"),
        ("+v1", "A version is missing"),
        ("base@0.5", "Write base alone"),
        ("base+v1", "Write base alone"),
        ("v1+v2+v3+v4+v5", "mixes 5 versions"),
    ],
)
def test_what_is_no_blend_gets_a_sentence(text: object, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        parse_mix(text)


def tuned(place: Place, versions: int) -> None:
    for version in range(versions):
        place.label(1)
        place.reach(place.studio.fine_tune({})["run_id"], "done")
        assert place.studio.versions()[-1]["version"] == f"v{version + 1}"


def drawn(place: Place, columns: list[str], prompts: list[str]) -> dict[tuple[int, int], str]:
    cells: dict[tuple[int, int], str] = {}
    for group in place.studio.compare_columns(prompts, [7], columns):
        cells |= group
    return cells


@pytest.mark.slow
def test_every_strength_and_mix_is_an_image_of_its_own_and_found_again(place: Place) -> None:
    tuned(place, 2)
    columns = [BASE, "v1@0.5", "v1", "v2", "v1@0.5+v2@0.5", "v2@0.5+v1@0.5"]
    cells = drawn(place, columns, ["a cat"])
    assert len({cells[0, column] for column in range(5)}) == 5
    assert cells[0, 4] == cells[0, 5]
    place.sampler.brush.clear()
    assert drawn(place, columns, ["a cat"]) == cells
    assert drawn(place, ["v1@1", "v1@0"], ["a cat"]) == {(0, 0): cells[0, 2], (0, 1): cells[0, 0]}


@pytest.mark.slow
def test_a_plain_version_keeps_the_recipe_it_had(place: Place) -> None:
    tuned(place, 1)
    url = drawn(place, [BASE, "v1"], ["a cat"])[0, 1]
    image = place.store.image(url.removeprefix("img/").removesuffix(".png"))
    assert image is not None and image.version == image.recipe["version"] == "v1"
    assert set(image.recipe) == {
        *("base", "version", "prompt", "negative_prompt", "seed"),
        *("steps", "guidance", "width", "height", "scheduler"),
    }


@pytest.mark.slow
def test_columns_that_are_stored_come_at_once_and_the_others_after_them(place: Place) -> None:
    tuned(place, 1)
    drawn(place, [BASE, "v1"], ["a cat", "a dog"])
    groups = place.studio.compare_columns(["a cat", "a dog"], [7], ["v1", "v1@0.5", BASE])
    assert sorted(next(groups)) == [(0, 0), (0, 2), (1, 0), (1, 2)]
    assert [sorted(group) for group in groups] == [[(0, 1), (1, 1)]]


@pytest.mark.slow
def test_a_version_whose_file_is_gone_is_named_and_stored_images_are_shown(place: Place) -> None:
    tuned(place, 1)
    stored = drawn(place, [BASE, "v1"], ["a cat"])
    adapter = place.store.versions(place.studio._model_id)[-1].adapter
    assert adapter is not None
    adapter.unlink()
    assert drawn(place, [BASE, "v1"], ["a cat"]) == stored
    groups = place.studio.compare_columns(["a cat", "a dog"], [7], [BASE, "v1"])
    assert next(groups) == stored
    assert list(next(groups)) == [(1, 0)]
    with pytest.raises(
        VersionFileMissing, match=r"v1 cannot be rendered: .*adapter\.safetensors is gone"
    ):
        next(groups)
    assert place.studio.compare("a cat", 7, BASE, "v1")["before_url"] == stored[0, 0]


@pytest.mark.parametrize("columns", ["v1", [BASE], [BASE] * 7, None])
def test_too_few_and_too_many_columns_are_refused_at_once(place: Place, columns: object) -> None:
    with pytest.raises(InvalidRequest, match="2 to 6 versions"):
        place.studio.compare_columns(["a cat"], [1], columns)  # type: ignore[arg-type]


def test_a_mix_with_an_unknown_version_is_refused_at_once(place: Place) -> None:
    with pytest.raises(UnknownVersion, match="v9"):
        place.studio.compare_columns(["a cat"], [1], [BASE, "v9@0.5"])
