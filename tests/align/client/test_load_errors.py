"""Why a model cannot be loaded, in one sentence: errors of the real libraries."""

from __future__ import annotations

import errno
import importlib
import json
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from diffusers import UNet2DConditionModel
from huggingface_hub import HfApi
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from align.client.load_errors import model_load_error
from align.client.models import describe_model
from align.contracts.models import embedded_folder
from align.errors import BrokenModel, ModelNotFound, ModelUnavailable
from align.files import link_tree
from align.weights.library_logs import collect_logs, logged_reason
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

ANSWERS = {
    "gated": (401, {"X-Error-Code": "GatedRepo", "X-Error-Message": "You must be granted access."}),
    "refused": (403, {}),
    "gone": (404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}),
    "busy": (503, {}),
    "hasty": (429, {}),
}


class Hub(BaseHTTPRequestHandler):
    """Answers for each owner as the hub answers."""

    def do_GET(self) -> None:
        status, headers = ANSWERS[self.path.split("/")[-2]]
        self.send_response(status)
        for name, value in (headers | {"Content-Length": "0"}).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def asked(endpoint: str, name: str) -> OSError:
    """What diffusers raises for a hub name: a sentence about its cache, caused by what matters."""
    try:
        try:
            HfApi(endpoint=endpoint).model_info(name, timeout=5)
        except Exception as error:
            raise OSError(f"Cannot load model {name}: look at the stacktrace above.") from error
    except OSError as error:
        return error
    raise AssertionError(f"{name} is there")


def raised(act) -> Exception:
    try:
        act()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def check_is_a_sentence(told: str) -> None:
    assert told.endswith(".") and "\n" not in told and "stacktrace" not in told
    assert told.count("(") == told.count(")") >= 1


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("gated/m", ModelNotFound, "You must be granted access"),
        ("refused/m", ModelNotFound, "ask for access"),
        ("gone/m", ModelNotFound, "not on the hub"),
        ("busy/m", ModelUnavailable, "503 Service Unavailable"),
        ("hasty/m", ModelUnavailable, "429"),
    ],
)
def test_what_the_hub_answers_is_told_with_its_own_reason(hub, name, kind, words):
    error = model_load_error(name, asked(hub, name))
    assert type(error) is kind and words in str(error)
    check_is_a_sentence(str(error))


def test_a_hub_that_cannot_be_reached_is_worth_another_try():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        silent = f"http://127.0.0.1:{taken.getsockname()[1]}"
        error = model_load_error("a/model", asked(silent, "a/model"))
    assert type(error) is ModelUnavailable and "Connection refused" in str(error)
    assert str(error).count("a/model") == 1
    check_is_a_sentence(str(error))


def test_a_name_that_no_server_answers_to_is_no_network_either():
    error = model_load_error("a/model", asked("http://hub.invalid", "a/model"))
    assert type(error) is ModelUnavailable and "cannot be reached" in str(error)


def test_a_full_disk_and_a_full_memory_are_named_and_may_pass():
    full = OSError(errno.ENOSPC, "No space left on device", "blobs/1")
    told = str(model_load_error("m", full))
    assert "disk is full" in told and "HF_HOME" in told
    # What a library wraps is looked through.
    wrapped = RuntimeError("download failed")
    wrapped.__cause__ = full
    assert str(model_load_error("m", wrapped)) == told
    memory = raised(lambda: torch.empty(2**58))
    for error in (memory, MemoryError(), OSError(errno.ENOMEM, "Cannot allocate memory")):
        known = model_load_error("m", error)
        assert type(known) is ModelUnavailable and "does not fit into the memory" in str(known)


def test_libraries_that_are_missing_and_files_that_do_not_fit_keep_their_own_words(tmp_path):
    absent = raised(lambda: importlib.import_module("no_such_driver"))
    assert "No module named 'no_such_driver'" in str(model_load_error("m", absent))

    weights = tmp_path / "m.safetensors"
    weights.write_bytes(b"\x08" + b"\0" * 7 + b"no json.")
    broken = raised(lambda: safe_open(weights, "pt").__enter__())
    assert isinstance(broken, SafetensorError) and str(broken) in str(model_load_error("m", broken))

    (tmp_path / "config.json").write_text(json.dumps({"block_out_channels": "wide"}), "utf-8")
    config = raised(lambda: UNet2DConditionModel.from_config(str(tmp_path)))
    missing = raised(lambda: (tmp_path / "vae").open())
    for error in (absent, broken, config, missing, KeyError("unet"), ValueError()):
        known = model_load_error("m", error)
        assert type(known) is BrokenModel
        check_is_a_sentence(str(known))


def test_a_reason_of_many_lines_is_one_line_of_whole_words():
    keys = "\n".join(f"\tsize mismatch for layer.{number}.weight" for number in range(500))
    told = str(model_load_error("m", RuntimeError(f"Error(s) in loading state_dict:\n{keys}")))
    assert len(told) < 1200 and told.count("\n") == 0
    assert "loading state_dict: size mismatch for layer.0.weight; size" in told
    reason = told.split("(", 1)[1].split(" …")[0]
    assert set(reason.split()[4:]) <= {f"layer.{n}.weight;" for n in range(500)} | {
        "size",
        "mismatch",
        "for",
    }


def test_causes_in_a_circle_are_looked_at_once_each():
    first, second = ValueError("one"), ValueError("two")
    first.__cause__, second.__cause__ = second, first
    assert "(one)" in str(model_load_error("m", first))


@pytest.fixture
def broken(tmp_path):
    """A copy of the embedded model, to break; its weights are shared with the original."""
    folder = tmp_path / "mine"
    link_tree(embedded_folder(), folder)
    return folder


def loading(folder, compute) -> str:
    """What a person is told whose model was broken in a way that only shows while it loads."""
    with pytest.raises(BrokenModel) as told:
        load_pipeline(describe_model(str(folder)), compute)
    return str(told.value)


def test_a_reason_that_was_only_logged_is_told_too(broken, compute):
    config = broken / "text_encoder" / "config.json"
    values = json.loads(config.read_text("utf-8")) | {"hidden_size": 100}
    config.unlink()
    config.write_text(json.dumps(values), encoding="utf-8")
    told = loading(broken, compute)
    assert "MISMATCH" in told and "vs model:torch.Size([100" in told
    assert "\n" not in told and "\x1b" not in told and "|" not in told
    check_is_a_sentence(told)


def test_a_tokenizer_without_its_words_is_no_model(broken, compute):
    for file in (broken / "tokenizer_2").iterdir():
        file.unlink()
    assert "its tokenizer_2 knows 2 of" in loading(broken, compute)


@pytest.mark.parametrize("part", ["text_encoder", "text_encoder_2"])
def test_a_text_encoder_that_lacks_weights_is_not_made_up(broken, compute, part):
    file = broken / part / "model.safetensors"
    weights = load_file(file)
    lost = [name for name in weights if ".layers.0." in name and "fc1" in name]
    file.unlink()
    save_file({name: w for name, w in weights.items() if name not in lost}, file, {"format": "pt"})
    told = loading(broken, compute)
    assert f"lacks {len(lost)} weights of its {part}, such as " in told and "fc1" in told
    assert told.endswith("download the files of that folder again.")


def test_what_libraries_log_is_kept_and_their_settings_are_as_before():
    root = logging.getLogger("transformers")
    logger, before = root.getChild("modeling_utils"), (root.level, len(root.handlers))
    with collect_logs() as kept:
        logger.warning("\x1b[1mREPORT\x1b[0m\na | MISSING")
    assert kept == ["REPORT\na | MISSING"]
    assert logged_reason(ValueError("look at the above report!"), kept) == "REPORT; a MISSING"
    assert logged_reason(ValueError("no such file"), kept) == ""
    assert (root.level, len(root.handlers)) == before
