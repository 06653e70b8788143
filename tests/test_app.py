"""The whole app, from its command line and through its API, as programs use it."""

from __future__ import annotations

import re
import time
import urllib.error
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client.exceptions import AppError
from running import App, fetch, open_pair, run_app, run_ended, wait_for

from app import main

pytestmark = pytest.mark.slow

CONTRACT = {
    "/next_pair": ["annotator"],
    "/vote": ["pair_id", "verdict", "annotator", "key", "keep_winner"],
    "/undo": ["annotator"],
    "/next_quad": ["annotator"],
    "/rank": ["quad_id", "best", "worst", "annotator", "key"],
    "/annotate_vote": ["vote_key", "kind", "name", "value", "annotator", "key"],
    "/flag_pair": ["pair_id", "note", "annotator", "key"],
    "/flags": [],
    "/decide_flag": ["flag", "decision"],
    "/project": [],
    "/change_project": ["reasons", "criteria", "overlap", "purpose"],
    "/stats": [],
    "/retry_model": [],
    "/models": [],
    "/look_up_model": ["model", "vae", "prediction"],
    "/open_model": ["model", "vae", "prediction"],
    "/fine_tune": ["settings"],
    "/run_status": ["run_id"],
    "/cancel_run": ["run_id"],
    "/resume_run": ["run_id"],
    "/runs": [],
    "/run_detail": ["run_id"],
    "/delete_run": ["run_id"],
    "/versions": [],
    "/activate": ["version", "force"],
    "/blind_test_pair": ["annotator", "blind_test"],
    "/start_blind_test": ["before", "after", "prompts", "questions", "mixed", "activate_winner"],
    "/blind_tests": [],
    "/end_blind_test": ["blind_test"],
    "/rename_version": ["version", "name"],
    "/note_version": ["version", "note"],
    "/delete_version": ["version"],
    "/export_version": ["version", "form"],
    "/insights": ["annotator"],
    "/own_votes": ["annotator"],
    "/own_votes_list": ["annotator", "before", "verdict", "prompt"],
    "/change_vote": ["vote_key", "verdict", "annotator", "key"],
    "/exclude_votes": ["annotator", "reason"],
    "/lift_exclusion": ["exclusion"],
    "/mark_gold": ["pair_id", "better"],
    "/compare": ["prompt", "seed", "before", "after"],
    "/compare_many": ["prompts", "seeds", "before", "after"],
    "/add_prompts": ["prompts"],
    "/preview_import": ["folder"],
    "/import_images": ["folder"],
    "/save_blind_test_report": ["blind_test"],
    "/preview_source": ["path", "layout", "mapping"],
    "/import_source": ["path", "name", "layout", "mapping", "copy"],
    "/sources": [],
    "/change_source": ["source", "name", "weight", "used"],
    "/remove_source": ["source"],
    "/export_votes": ["form", "target", "whose", "names"],
    "/data_job": [],
    "/stop_data_job": [],
    "/backup": ["target"],
    "/merge_preview": ["path"],
    "/merge": ["path"],
    "/restore_votes": ["path"],
    "/look": [],
    "/change_look": ["settings"],
    "/prepare_pairs": ["pairs"],
    "/estimate_prepare": ["pairs"],
    "/prepare": [],
    "/stop_prepare": [],
    "/readings": [],
    "/render_readings": ["prompt", "seed"],
    "/choose_reading": ["reading"],
    "/vote_sources": [],
    "/plan_run": ["settings"],
    "/run_settings": [],
    "/change_run_settings": ["settings"],
    "/automatic_runs": [],
    "/change_automatic_runs": ["every", "at", "activation"],
    "/answer_automatic_run": ["answer"],
    "/lora_folder": [],
    "/change_lora_folder": ["folder"],
    "/send_version": ["version", "strength"],
    "/prompts": ["search", "page", "removed"],
    "/change_prompts": ["prompts", "removed", "weight"],
    "/edit_prompt": ["prompt", "text"],
    "/choose_prompt_list": ["name"],
    "/let_labelers_add_prompts": ["allowed"],
    "/more_of_prompt": ["pair_id", "annotator"],
    "/queue_prompt": ["prompt", "annotator"],
}
OLD_NAMES = {
    "/mark_known": ["pair_id", "better"],
    "/activate_anyway": ["version"],
    "/report_pair": ["pair_id", "note", "annotator", "key"],
    "/reports": [],
    "/decide_report": ["report", "decision"],
    "/remark": ["vote_key", "kind", "name", "value", "annotator", "key"],
    "/trial_pair": ["annotator", "trial"],
    "/start_trial": ["before", "after", "prompts", "questions", "mixed", "act"],
    "/trials": [],
    "/end_trial": ["trial"],
    "/report_trial": ["trial"],
    "/look_at_folder": ["folder"],
}
"""Endpoints as they were called before, kept for one release."""
SMALL = {"steps": 4, "train_batch_size": 2, "rank": 2, "check_prompts": 0}


NOWHERE = {
    "http_proxy": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "socks5://127.0.0.1:9",
}
"""Proxies of the environment, as companies have them; its own page the app asks of none."""


@pytest.fixture(scope="module")
def app(small_model_folder, tmp_path_factory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("app") / "studio"
    running = App(home, "--train-every", "0", "--model", str(small_model_folder), **NOWHERE)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def api(app):
    return app.client()


def vote(api, verdict: str = "left", annotator: str = "ada", key: str | None = None) -> dict:
    pair = open_pair(api, annotator)
    arguments = (pair["pair_id"], verdict, annotator, key or uuid.uuid4().hex)
    return api.predict(*arguments, api_name="/vote")


def test_the_endpoints_and_their_parameters_are_the_contract(api):
    endpoints = api.view_api(return_format="dict")["named_endpoints"]
    found = {
        name: [parameter["parameter_name"] for parameter in endpoint["parameters"]]
        for name, endpoint in endpoints.items()
    }
    assert found == CONTRACT | OLD_NAMES


def test_the_open_pair_is_repeated_until_it_is_voted(api):
    pair = open_pair(api, "ada")
    assert set(pair) == {"pair_id", "prompt", "left_url", "right_url"}
    assert open_pair(api, "ada") == pair
    vote(api)
    assert open_pair(api, "ada")["pair_id"] != pair["pair_id"]


def test_image_addresses_work_and_name_nothing(app, api):
    pair = open_pair(api, "ada")
    for side in ("left_url", "right_url"):
        assert re.fullmatch(r"img/[0-9a-f]{16}\.png", pair[side])
        status, body = fetch(app.url + pair[side])
        assert status == 200 and body.startswith(b"\x89PNG")
        assert b"tEXt" not in body
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(f"{app.url}img/{'0' * 16}.png")


def test_the_same_key_counts_once(api):
    pair, key = open_pair(api, "ada"), uuid.uuid4().hex
    replies = [api.predict(pair["pair_id"], "tie", "ada", key, api_name="/vote") for _ in range(2)]
    assert [set(reply) for reply in replies] == [{"accepted", "key", "votes", "until_next_run"}] * 2
    assert all(reply["accepted"] and reply["key"] == key for reply in replies)
    assert replies[0]["votes"] == replies[1]["votes"]
    assert replies[0]["until_next_run"] is None


def test_undo_gives_the_pair_back(api):
    pair = open_pair(api, "bob")
    before = api.predict(api_name="/stats")
    counts = {"votes", "decisive", "ties", "skipped", "until_next_run", "ready_pairs", "counts"}
    counts |= {"pairs_per_hour", "rendering_speed"}
    assert set(before) == {*counts, "notices"}
    vote(api, "right", "bob")
    assert api.predict(api_name="/stats")["decisive"] == before["decisive"] + 1
    assert api.predict("bob", api_name="/undo")["pair_id"] == pair["pair_id"]
    assert open_pair(api, "bob")["pair_id"] == pair["pair_id"]
    assert api.predict(api_name="/stats")["votes"] == before["votes"]


def test_from_votes_to_a_version_that_renders_differently(app, api):
    for verdict in ("left", "right", "left", "tie"):
        vote(api, verdict)
    run = api.predict(SMALL, api_name="/fine_tune")["run_id"]
    status = run_ended(api, run)
    assert set(status) == {"state", "progress", "eta_s", "version", "error"}
    assert (status["state"], status["progress"], status["error"]) == ("done", 1.0, None)
    versions = api.predict(api_name="/versions")
    assert [v["version"] for v in versions] == ["base", status["version"]]
    told = {"version", "parent", "run_id", "active", "created", "held_back", "name", "note"}
    assert set(versions[0]) == told
    assert (versions[0]["active"], versions[1]["run_id"]) == (True, run)
    same = api.predict("a cat face", 7, "base", "base", api_name="/compare")
    assert fetch(app.url + same["before_url"]) == fetch(app.url + same["after_url"])
    other = api.predict("a cat face", 7, "base", status["version"], api_name="/compare")
    assert other["before_url"] == same["before_url"]
    assert fetch(app.url + other["before_url"]) != fetch(app.url + other["after_url"])
    activated = api.predict(status["version"], api_name="/activate")
    assert [v["active"] for v in activated] == [False, True]
    api.predict("base", api_name="/activate")
    named = api.predict(status["version"], "warm", api_name="/rename_version")
    assert named[1]["name"] == "warm"
    noted = api.predict(status["version"], "likes red", api_name="/note_version")
    assert noted[1]["note"] == "likes red"
    exported = api.predict(status["version"], "diffusers", api_name="/export_version")
    assert (app.home / exported["saved"]).stat().st_size == exported["bytes"]
    assert len(fetch(app.url + exported["url"])[1]) == exported["bytes"]


def test_insights_are_plain_values_for_one_person_and_for_everybody(api):
    vote(api, "left", "eve")
    mine = api.predict("eve", api_name="/insights")
    assert (mine["person"], mine["people"], mine["votes"]) == ("eve", ["eve"], 1)
    assert "eve" in api.predict("", api_name="/insights")["people"]
    (row, *_) = api.predict("eve", "a test", api_name="/exclude_votes")
    assert api.predict(row["exclusion"], api_name="/lift_exclusion")[0]["lifted"]


def test_prompts_can_be_added_as_a_list_or_as_text(api):
    assert api.predict(["a purple yak"], api_name="/add_prompts")["added"] == 1
    reply = api.predict("a purple yak\na blue yak", api_name="/add_prompts")
    assert reply["added"] == 1


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (("/vote", "0" * 16, "left", "ada", "k1"), "pair"),
        (("/vote", None, "best", "ada", "k2"), "best"),
        (("/compare", "a cat", 1, "base", "v99"), "v99"),
        (("/compare", "", 1, "base", "base"), "prompt"),
        (("/compare", "x" * 5000, 1, "base", "base"), "2,000"),
        (("/compare", "a cat", -1, "base", "base"), "seed"),
        (("/activate", "v99"), "v99"),
        (("/rename_version", "base", "v3"), "number"),
        (("/rename_version", "base", "a\x00b"), "control characters"),
        (("/note_version", "v99", "x"), "v99"),
        (("/delete_version", "base"), "cannot be deleted"),
        (("/export_version", "base", "onnx"), "onnx"),
        (("/export_version", "base", "kohya"), "model itself"),
        (("/exclude_votes", "nobody-voted", "why"), "nobody-voted"),
        (("/lift_exclusion", 99), "no exclusion 99"),
        (("/mark_gold", "0" * 16, "left"), "pair"),
        (("/run_status", "r9999"), "r9999"),
        (("/run_detail", "r9999"), "r9999"),
        (("/delete_run", "r9999"), "r9999"),
        (("/cancel_run", "r9999"), "r9999"),
        (("/fine_tune", {"stpes": 1}), "stpes"),
        (("/fine_tune", "{"), "JSON"),
        (("/save_blind_test_report", "t9999"), "t9999"),
        (("/preview_import", "no/such/folder"), "does not exist"),
        (("/import_images", "no/such/folder"), "does not exist"),
        (("/add_prompts", [""]), "Prompt 1 is empty"),
        (("/add_prompts", "x" * 5000), "2,000"),
        (("/undo", "nobody-voted"), "nothing to take back"),
    ],
)
def test_bad_input_gets_one_sentence(api, call, sentence):
    name, *arguments = call
    if name == "/vote" and arguments[0] is None:
        arguments[0] = open_pair(api, "ada")["pair_id"]
    with pytest.raises(AppError, match=sentence) as refusal:
        api.predict(*arguments, api_name=name)
    assert "Traceback" not in str(refusal.value)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counted by Linux")
def test_an_app_that_nobody_asks_anything_sleeps(app):
    def woken() -> dict[str, int]:
        found = {}
        for status in Path(f"/proc/{app.process.pid}/task").glob("*/status"):
            [count] = re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.M)
            found[status.parent.name] = int(count)
        return found

    before = woken()
    time.sleep(2)
    assert max(count - before.get(thread, count) for thread, count in woken().items()) < 2 * 400


def test_a_second_app_on_the_studio_is_refused(app):
    refused = run_app("--home", str(app.home), "--port", str(app.port + 1))
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 1 and str(app.home) in refused.stderr


def test_a_taken_port_is_refused(app, tmp_path, capsys):
    assert main(["--home", str(tmp_path / "other"), "--port", str(app.port)]) == 2
    assert "--port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "content", "sentence"),
    [
        ("--model", None, "No model at"),
        ("--model", "folder", "model_index.json"),
        ("--prompts", None, "missing"),
        ("--prompts", b"\x89PNG\x00\xff", "text"),
        ("--prompts", b"# nothing\n\n", "prompt"),
        ("--prompts", b"x" * 5000, "2,000"),
    ],
)
def test_a_bad_option_ends_in_one_sentence(tmp_path, capsys, option, content, sentence):
    target = tmp_path / "missing"
    if content == "folder":
        target.mkdir()
    elif content is not None:
        target.write_bytes(content)
    assert main(["--home", str(tmp_path / "studio"), option, str(target)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("palate: ") and sentence in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--host", "no-such-host.invalid", "Cannot listen on no-such-host.invalid"),
        ("--port", "70000", "Cannot listen on 127.0.0.1:70000"),
        ("--home", "cats or dogs?/s", "question mark"),
        ("--allow-host", "http://palate.example", "no name of a host"),
        ("--allow-host", "*", "no name of a host"),
        ("--root-path", "a path", "no path to serve the page at"),
        ("--root-path", "/../x", "no path to serve the page at"),
    ],
)
def test_an_address_that_cannot_be_served_ends_in_one_sentence(
    tmp_path, monkeypatch, capsys, option, value, sentence
):
    monkeypatch.chdir(tmp_path)
    assert main(["--port", "0", option, value]) == 2
    told = capsys.readouterr().err
    assert told.startswith("palate: ") and sentence in told
    assert len(told.strip().splitlines()) == 1 and list(tmp_path.iterdir()) == []


def test_every_example_of_the_help_has_a_line_of_its_own():
    told = run_app("--help").stdout.splitlines()
    examples = [line for line in told if line.startswith("$ python app.py")]
    assert len(examples) == 4 and all(line.count("python app.py") == 1 for line in examples)


def test_a_killed_app_finds_its_votes_and_its_trainer_again(small_model_folder, tmp_path):
    app = App(tmp_path / "studio", "--train-every", "0", "--model", str(small_model_folder))
    app.start()
    api = app.client()
    keys = [vote(api)["key"] for _ in range(3)]
    run = api.predict(SMALL | {"steps": 90}, api_name="/fine_tune")["run_id"]
    first_step = lambda: api.predict(run, api_name="/run_status")["progress"] > 0.1  # noqa: E731
    wait_for(first_step, "a tenth of the run")
    app.kill()
    app.start()
    api = app.client()
    assert api.predict(api_name="/stats")["votes"] == len(keys)
    assert run_ended(api, run)["state"] == "done"
    versions = api.predict(api_name="/versions")
    assert [v["run_id"] for v in versions] == [None, run]
    steps = (app.home / "runs" / run / "metrics.jsonl").read_text().splitlines()
    assert len(steps) == 90
    app.stop()
