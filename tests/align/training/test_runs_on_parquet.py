"""Runs on images in Parquet files give what runs on the same images as files give."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import torch
from parquet_snapshots import paint, write_as_cells, write_as_files, write_both
from safetensors.torch import load_file
from toy_runs import prepare_run

from align.client.run_folder import RunFolder
from align.errors import SnapshotError
from align.scoring.implicit_reward import load_implicit
from align.scoring.scorers import score_folder
from align.training.fine_tune import fine_tune
from align.training.session import plan_of_folder, train_folder

pytestmark = pytest.mark.slow


def same_tensors(one: RunFolder, two: RunFolder) -> bool:
    first, second = load_file(one.adapter), load_file(two.adapter)
    same = all(tensor.equal(second[name]) for name, tensor in first.items())
    return same and first.keys() == second.keys() and any(map(torch.any, first.values()))


def train(folder, snapshot, model, **settings):
    run = prepare_run(folder, snapshot, model, **settings)
    train_folder(run)
    return RunFolder(run)


def test_the_adapter_is_the_same_to_the_bit(tmp_path, model):
    files, cells = write_both(tmp_path, pairs=8)

    one = train(tmp_path / "one", files, model)
    two = train(tmp_path / "two", cells, model)

    assert same_tensors(one, two)
    assert not (two.snapshot / "images").exists()
    assert one.status().result["held_out"] == two.status().result["held_out"]
    assert plan_of_folder(one.path) == plan_of_folder(two.path)


def test_one_call_trains_on_such_a_snapshot_and_needs_its_file_no_more(tmp_path, model):
    _, cells = write_both(tmp_path, pairs=4)
    settings = {"steps": 1, "train_batch_size": 2, "rank": 2, "check_prompts": 0}

    first = fine_tune(cells, tmp_path / "one", model=model, cache=tmp_path / "cache", **settings)
    (tmp_path / "cells.parquet").unlink()
    second = fine_tune(cells, tmp_path / "two", model=model, cache=tmp_path / "cache", **settings)

    assert same_tensors(first, second)


def test_png_jpeg_and_webp_files_are_trained_on_and_scored_by_what_was_learned(
    tmp_path, model, compute
):
    files, _ = write_both(tmp_path, pairs=6)
    run = train(tmp_path / "run", files, model)

    scored = score_folder(load_implicit(run.path, compute), run.snapshot / "images", "a cat")

    suffixes = Counter(each.image.suffix for each in scored)
    assert suffixes == {".png": 4, ".jpg": 4, ".webp": 4}


def test_a_pair_with_a_bad_cell_is_left_out_as_one_with_a_bad_file_is(tmp_path, model):
    rows = [
        (f"a cat number {number}", *(paint(number, side, (64, 64), "PNG") for side in (0, 1)))
        for number in range(5)
    ]
    rows[2] = (rows[2][0], b"no image at all", rows[1][1])
    files, cells = write_as_files(tmp_path / "f", rows), write_as_cells(tmp_path / "c", rows)

    one = train(tmp_path / "one", files, model)
    two = train(tmp_path / "two", cells, model)

    assert one.status().result["left_out"] == {"unreadable image": 1}
    assert two.status().result["left_out"] == {"unreadable image": 1}
    assert same_tensors(one, two)


def test_a_run_whose_reader_cannot_read_fails_with_its_sentence(tmp_path, model):
    _, cells = write_both(tmp_path, pairs=3)
    (tmp_path / "cells.parquet").write_bytes(b"PAR1 and no more")
    run = prepare_run(tmp_path / "run", cells, model)

    with pytest.raises(SnapshotError, match="No pair is left to learn from"):
        train_folder(run)

    status = json.loads((run / "status.json").read_text())
    assert status["state"] == "failed" and "cells.parquet" in status["error"]
