"""`palate train --data`: from files of preferences to an adapter, with no studio."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import psutil
import pytest
from PIL import Image

from align.data.snapshot import read_snapshot
from annotate.console import palate

pytestmark = pytest.mark.slow

SMALL = {"steps": 2, "train_batch_size": 2, "rank": 2, "check_prompts": 0, "checkpoint_every": 1}
SMALL |= {"micro_batch_size": 2, "gradient_checkpointing": "none"}


def jpeg(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 20 + number % 90).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def write_pickapic(path: Path, labels: list[float | None]) -> Path:
    """Write Pick-a-Pic's columns with a row for each label of the first image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "CREATE TABLE t (caption VARCHAR, jpg_0 BLOB, jpg_1 BLOB, label_0 DOUBLE, "
            "label_1 DOUBLE, has_label BOOLEAN)"
        )
        for number, label in enumerate(labels):
            both = [jpeg(2 * number), jpeg(2 * number + 1)]
            other = None if label is None else 1 - label
            row = [f"a cat number {number}", *both, label, other, label is not None]
            connection.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", row)
        connection.execute("COPY t TO ? (FORMAT parquet)", [str(path)])
    return path


@pytest.fixture
def data(tmp_path) -> Path:
    return write_pickapic(tmp_path / "pickapic" / "a.parquet", [1, 0, 1, 1, 0, 0.5, None])


@pytest.fixture
def words(data, tmp_path, small_model_folder) -> list[str]:
    model, settings = str(small_model_folder), json.dumps(SMALL)
    return [
        *("train", "--data", str(data), "--out", str(tmp_path / "run")),
        *("--model", model, "--settings", settings),
    ]


def test_a_dry_run_says_what_would_be_learned_from_and_writes_nothing(words, tmp_path, capsys):
    before = sorted(tmp_path.rglob("*"))

    assert palate([*words, "--dry-run"]) == 0

    said = capsys.readouterr().out
    assert "1 file, 7 rows, in the layout of Pick-a-Pic." in said
    assert "5 preference, 1 tie; 12 images" in said
    assert "Left out: 1 because nobody has chosen between its images." in said
    assert "row 1: preference, a cat number 0" in said
    assert "The run: 5 pairs" in said and "of main memory" in said
    mapping = said.partition("As --mapping: ")[2].splitlines()[0]
    assert json.loads(mapping)["columns"]["image_0"] == "jpg_0"
    assert sorted(tmp_path.rglob("*")) == before

    assert palate([*words, "--dry-run", "--mapping", mapping]) == 0
    assert capsys.readouterr().out == said


def test_files_become_an_adapter_in_a_run_folder_without_a_copy_of_an_image(
    words, tmp_path, capsys
):
    run = tmp_path / "run"

    assert palate(words) == 0, capsys.readouterr().err

    said = capsys.readouterr().out
    assert "Of 7 rows: 5 preference, 1 tie, on 12 images." in said
    assert f"The adapter is {run / 'adapter.safetensors'}." in said
    assert (run / "adapter.safetensors").is_file()
    assert list((run / "snapshot" / "images").iterdir()) == []
    pairs = read_snapshot(run / "snapshot").pairs
    assert [pair.prompt for pair in pairs][:2] == ["a cat number 0", "a cat number 1"]
    assert palate(words) == 0
    assert "holds this run already, and it is done" in capsys.readouterr().out


def test_without_a_name_for_its_folder_the_same_command_goes_on_and_another_begins(
    words, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    words = [word for word in words if word not in ("--out", str(tmp_path / "run"))]
    assert palate(words) == 0
    assert "Training in a-run." in capsys.readouterr().out

    assert palate(words) == 0
    assert "a-run holds this run already, and it is done" in capsys.readouterr().out

    other = json.dumps({**SMALL, "steps": 1})
    assert palate([*words, "--settings", other, "--dry-run"]) == 0
    assert "in a-run-2." in capsys.readouterr().out


def test_pairs_that_the_trainer_leaves_out_are_told_with_a_command_that_can_be_copied(
    data, words, tmp_path, capsys
):
    with duckdb.connect() as connection:
        image = io.BytesIO()
        Image.effect_noise((64, 64), 50).save(image, "PNG")
        broken = image.getvalue().replace(b"IDAT", b"IDAT\xff\xff", 1)
        connection.execute("CREATE TABLE t AS FROM read_parquet(?)", [str(data)])
        connection.execute("UPDATE t SET jpg_0 = ? WHERE caption = 'a cat number 0'", [broken])
        connection.execute("COPY t TO ? (FORMAT parquet)", [str(data)])
    run = tmp_path / "my run"

    assert palate([*words, "--out", str(run)]) == 0

    said = capsys.readouterr().out
    assert "It learned from 4 pairs. Left out: 1 tie, 1 unreadable image." in said
    assert f"--with '{run}'" in said


def test_folders_of_chosen_and_rejected_images_are_referred_to_as_files(
    tmp_path, small_model_folder, capsys
):
    for side, start in (("chosen", 0), ("rejected", 50)):
        (tmp_path / "mine" / side).mkdir(parents=True)
        for number in range(3):
            (tmp_path / "mine" / side / f"{number}.jpg").write_bytes(jpeg(start + number))
            (tmp_path / "mine" / side / f"{number}.txt").write_text(f"a dog number {number}")
    run, settings = tmp_path / "run", json.dumps(SMALL)
    words = ["train", "--data", str(tmp_path / "mine"), "--out", str(run), "--settings", settings]

    assert palate([*words, "--model", str(small_model_folder)]) == 0, capsys.readouterr().err

    index = (run / "snapshot" / "image_references.jsonl").read_text().splitlines()
    files = [Path(json.loads(line)["file"]) for line in index]
    assert len(files) == 6 and all(file.suffix == ".jpg" and file.is_file() for file in files)
    assert (run / "adapter.safetensors").is_file()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["--settings", '{"stpes": 2}'], "stpes"),
        (["--settings", "{"], "The settings are not JSON"),
        (["--model", "/no/such/folder"], "/no/such/folder"),
        (["--mapping", "layout=nothing"], "There is no layout 'nothing'"),
        (["--mapping", "image_0=picture"], "picture"),
        (["--data", "/no/such/file.parquet"], "There is no '/no/such/file.parquet'"),
        (["--data"], "No files are named"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence_before_anything_is_written(
    words, changes, told, tmp_path, capsys
):
    assert palate([*words, *changes]) == 1

    said = capsys.readouterr().err
    assert said.startswith("palate: ") and told in said and said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_something_else_is_left_alone(words, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("long work")

    assert palate(words) == 1

    assert "holds something else than a run, such as thesis.txt" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]


def test_files_without_a_choice_leave_no_run_folder_behind_that_looks_whole(
    words, tmp_path, capsys
):
    write_pickapic(tmp_path / "pickapic" / "a.parquet", [0.5, None])

    assert palate(words) == 1

    assert "none says which of two images is better" in capsys.readouterr().err
    assert not (tmp_path / "run" / "config.json").exists()
    assert not (tmp_path / "run" / "snapshot").exists()


def test_a_place_that_cannot_be_written_to_is_told_in_a_sentence(words, tmp_path, capsys):
    (tmp_path / "file").write_text("no folder")
    assert palate([*words, "--out", str(tmp_path / "file" / "run")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"palate: {tmp_path / 'file'}") and said.count("\n") == 1


def started(words: list[str]) -> subprocess.Popen[str]:
    code = "import sys; from annotate.console import palate; sys.exit(palate())"
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, *words],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(path: Path) -> None:
    until = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < until, f"{path} never came"
        time.sleep(0.02)


def test_ctrl_c_stops_after_a_step_and_the_same_command_goes_on(words, tmp_path, capsys):
    run = tmp_path / "run"
    words += ["--settings", json.dumps({**SMALL, "steps": 300, "checkpoint_every": 100})]
    process = started(words)
    wait_for(run / "metrics.jsonl")
    # The trainer waits for the word to reach it, or on a busy machine it would be over before.
    trainer = psutil.Process(json.loads((run / "status.json").read_text())["pid"])
    trainer.suspend()
    process.send_signal(signal.SIGINT)
    wait_for(run / "pause")
    trainer.resume()
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert f"Go on with: palate train {run}" in said
    steps = len((run / "metrics.jsonl").read_text().splitlines())
    assert 0 < steps < 300 and not (run / "adapter.safetensors").exists()

    assert palate(words) == 0

    assert f"{run} holds this run. It goes on." in capsys.readouterr().out
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 300
    assert palate([*words, "--settings", "{}"]) == 1
    assert "holds a run of other files" in capsys.readouterr().err


def test_a_process_that_is_killed_while_it_reads_leaves_a_folder_that_the_same_command_fills(
    words, tmp_path, capsys
):
    write_pickapic(tmp_path / "pickapic" / "a.parquet", [1.0] * 400)
    run = tmp_path / "run"
    process = started(words)
    wait_for(run / "data.json")
    process.kill()
    process.communicate(timeout=60)
    assert not (run / "config.json").exists()

    assert palate(words) == 0

    assert not (run / ".unfinished").exists() and (run / "adapter.safetensors").is_file()
    assert "Of 400 rows: 400 preference" in capsys.readouterr().out
