"""The app on cards that are named: what its processes are shown, and what an owner is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from fake_nvidia_smi import write_nvidia_smi
from running import App, fetch, wait_for

from app import main

pytestmark = pytest.mark.slow

QUERY = (
    "--query-gpu=index,uuid,name,driver_version,memory.total,memory.free,compute_cap "
    "--format=csv,noheader,nounits"
)
CARDS = """0, GPU-aa, NVIDIA GeForce RTX 4070, 580.65.06, 12282, 11000, 8.9
1, GPU-bb, NVIDIA GeForce RTX 3060, 580.65.06, 12288, 12000, 8.6"""
NOTICE = "RTX 4070 is here, but this torch is the build for CPUs"


@pytest.fixture(scope="module")
def app(small_model_folder, tmp_path_factory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("devices")
    with pytest.MonkeyPatch.context() as patch:
        write_nvidia_smi(folder, patch, {QUERY: CARDS})
        options = ("--train-every", "0", "--model", str(small_model_folder), "--devices", "0,1")
        running = App(folder / "studio", *options, PATH=os.environ["PATH"])
    running.start()
    yield running
    running.stop()


def sampler_of(app: App) -> psutil.Process:
    children = psutil.Process(app.process.pid).children()
    return next(child for child in children if "serve" in child.cmdline())


def test_the_image_model_is_shown_the_first_card_alone(app):
    variables = sampler_of(app).environ()
    assert variables["CUDA_VISIBLE_DEVICES"] == "0"
    assert variables["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_the_terminal_and_the_page_tell_the_device_once_the_model_is_ready(app):
    line = wait_for(
        lambda: [each for each in app.log.read_text().splitlines() if "model runs on" in each],
        "the line that tells the device",
    )
    assert len(line) == 1 and "(CPU)" in line[0]
    told = app.client().predict(api_name="/retry_model")["device_summary"]
    assert told and line[0].endswith(f"runs on {told}.")


def test_what_does_not_fit_is_told_before_anything_loads_and_to_admins(app):
    log = app.log.read_text()
    assert NOTICE in log.splitlines()[0] and "whl/cu130" in log.splitlines()[0]
    (notice,) = app.client().predict(api_name="/stats")["notices"]
    assert NOTICE in notice
    assert NOTICE in fetch(f"{app.url}config")[1].decode()


def test_a_card_that_is_not_there_is_refused_before_the_studio_is_opened(
    tmp_path: Path, monkeypatch, capsys
):
    write_nvidia_smi(tmp_path, monkeypatch, {QUERY: CARDS})
    assert main(["--home", str(tmp_path / "studio"), "--devices", "0,2"]) == 2
    assert "There is no card 2 here: there are 0, 1." in capsys.readouterr().err
    assert not (tmp_path / "studio").exists()
