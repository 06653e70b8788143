"""Samples of a run for the page, from files as a trainer writes them."""

import json
from pathlib import Path

import pytest
from PIL import Image
from places import Place

from align.contracts.run_samples import RunSamples, image_name
from annotate.training.samples.run_samples import sample_file, samples_of


def write_samples(run_dir: Path, shares: list[float]) -> RunSamples:
    """Write samples of two prompts at these shares, as a trainer does."""
    samples: RunSamples = {
        "prompts": [
            {"prompt": "a cat", "seed": 7, "voted": True},
            {"prompt": "a lighthouse", "seed": 9, "voted": False},
        ],
        "stages": [
            {
                "step": round(share * 80),
                "share": share,
                "images": [image_name(share, 0), image_name(share, 1)],
            }
            for share in shares
        ],
    }
    (run_dir / "samples").mkdir(parents=True, exist_ok=True)
    for stage in samples["stages"]:
        for image in stage["images"]:
            Image.new("RGB", (8, 8), "red").save(run_dir / image)
    (run_dir / "samples.json").write_text(json.dumps(samples), encoding="utf-8")
    return samples


def test_every_prompt_has_its_images_from_the_base_to_the_version(tmp_path):
    write_samples(tmp_path / "r0001", [1, 0, 0.25])
    cat, lighthouse = samples_of(tmp_path / "r0001")
    assert (cat["prompt"], cat["voted"], cat["seed"]) == ("a cat", True, 7)
    assert (lighthouse["voted"], lighthouse["seed"]) == (False, 9)
    assert cat["stages"] == [
        {"step": 0, "share": 0, "url": "sample/r0001-000-0.png"},
        {"step": 20, "share": 0.25, "url": "sample/r0001-025-0.png"},
        {"step": 80, "share": 1, "url": "sample/r0001-100-0.png"},
    ]


def test_an_older_run_has_no_samples(tmp_path):
    assert samples_of(tmp_path / "r0001") == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"prompts": [{}], "stages": []}', "{"])
def test_a_damaged_file_hides_no_run(tmp_path, text):
    (tmp_path / "samples.json").write_text(text)
    assert samples_of(tmp_path) == []


def test_an_image_that_is_gone_is_left_out(tmp_path):
    write_samples(tmp_path, [0, 1])
    (tmp_path / image_name(1, 0)).unlink()
    cat, lighthouse = samples_of(tmp_path)
    assert [stage["share"] for stage in cat["stages"]] == [0]
    assert [stage["share"] for stage in lighthouse["stages"]] == [0, 1]


def test_names_of_samples_lead_out_of_no_folder(tmp_path):
    write_samples(tmp_path, [0])
    Image.new("RGB", (8, 8)).save(tmp_path / "secret-0.png")
    assert sample_file(tmp_path, "000-1.png") == tmp_path / "samples" / "000-1.png"
    for name in ("../secret-0.png", "secret-0.png", "000-7.png", "", "000-1.png/."):
        assert sample_file(tmp_path, name) is None


@pytest.mark.slow
def test_the_details_of_a_run_name_its_samples(place: Place) -> None:
    place.label(1)
    run_id = place.studio.fine_tune({"steps": 2})["run_id"]
    place.reach(run_id, "done")
    assert place.studio.run_detail(run_id)["samples"] == []

    write_samples(place.store.run_dir(run_id), [0, 1])
    samples = place.studio.run_detail(run_id)["samples"]
    name = samples[0]["stages"][1]["url"].removeprefix(f"sample/{run_id}-")
    file = place.studio.sample_file(run_id, name)
    assert file == place.store.run_dir(run_id) / image_name(1, 0)
