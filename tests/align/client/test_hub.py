"""Models by hub name, on a server that answers as the hub does."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
from dataclasses import asdict, replace

import pytest
from hub_server import GB, Repository, hub_server, sdxl
from tiny_models import write_tiny_model

from align.client.catalog.hub_cache import download_of
from align.client.hub import Hub, download
from align.client.models import PARTS, describe_model
from align.contracts.models import embedded_folder
from align.errors import BrokenModel, ModelNotFound, WrongModel

pytestmark = pytest.mark.slow

EULER = {"_class_name": "EulerDiscreteScheduler", "prediction_type": "epsilon"}
TURBO = {"_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "trailing"}
ZERO_SNR = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
VELOCITY = EULER | ZERO_SNR | {"prediction_type": "v_prediction"}
PLAIN, FEW = (30, 5.0), (4, 1.0)
KINDS = {
    "one/plain": (sdxl(EULER), "sdxl", 1024, PLAIN),
    "one/velocity": (sdxl(VELOCITY), "sdxl-v", 1024, PLAIN),
    "one/fast": (sdxl(TURBO, sample_size=64), "sdxl", 512, FEW),
    "one/consistent": (sdxl({"_class_name": "LCMScheduler"}), "sdxl", 1024, FEW),
    "one/told-guidance": (sdxl(EULER, time_cond_proj_dim=256), "sdxl", 1024, FEW),
    "one/SomethingXL-Lightning": (sdxl(EULER), "sdxl", 1024, FEW),
    "one/trailing": (sdxl(EULER | ZERO_SNR), "sdxl", 1024, PLAIN),
    "one/edm": (sdxl({"_class_name": "EDMEulerScheduler"}), "sdxl-v", 1024, PLAIN),
}
REFUSED = {
    "two/small-sd": (sdxl(EULER, kind="StableDiffusionPipeline"), WrongModel, "StableDiffusionPip"),
    "two/flux": (sdxl(EULER, kind="FluxPipeline"), WrongModel, "holds a FluxPipeline"),
    "two/transformer": (
        Repository(
            {"model_index.json": b'{"_class_name": "ZImagePipeline"}'}, {"transformer/x": GB}
        ),
        WrongModel,
        "two/transformer holds a ZImagePipeline: Z-Image, a transformer",
    ),
    "two/flow": (
        sdxl({"_class_name": "UniPCMultistepScheduler", "use_flow_sigmas": True}),
        WrongModel,
        "two/flow is a flow-matching model",
    ),
    "two/fill": (sdxl(EULER, in_channels=9), WrongModel, "fills in or edits"),
    "two/file": (
        Repository({}, {"xl.safetensors": GB}),
        WrongModel,
        r"xl\.safetensors and no mod.*--model xl\.saf",
    ),
    "two/nothing": (Repository({}), WrongModel, "is no diffusers pipeline"),
    "two/gated": (replace(sdxl(EULER), refusal=(401, "GatedRepo")), ModelNotFound, "gated.*HF_TOK"),
    "two/shut": (replace(sdxl(EULER), refusal=(403, "GatedRepo")), ModelNotFound, "Accept them at"),
    "two/pickled": (
        replace(sdxl(EULER), sizes={"unet/diffusion_pytorch_model.bin": GB}),
        BrokenModel,
        "no weights of its unet in safetensors",
    ),
    "two/torn": (
        Repository(sdxl(EULER).files | {"unet/config.json": b"{"}, sdxl(EULER).sizes),
        BrokenModel,
        r"unet/config\.json of two/torn cannot be read",
    ),
    "two/lacking": (
        Repository({"model_index.json": b"{}"}, sdxl(EULER).sizes),
        BrokenModel,
        "not complete on the hub",
    ),
}


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="module")
def address():
    known = {name: case[0] for name, case in (KINDS | REFUSED).items()}
    with hub_server(known) as address:
        yield address


@pytest.fixture
def hub(address, tmp_path):
    return Hub(address, tmp_path / "cache")


@pytest.mark.parametrize("name", KINDS)
def test_a_model_is_what_its_configurations_say(hub, name):
    _, preset, side, steps = KINDS[name]
    model = describe_model(name, hub)
    assert (model.preset, model.width, (model.steps, model.guidance)) == (preset, side, steps)
    assert (model.name, model.path, model.variant, model.doubt) == (name, name, "fp16", "")
    assert model.identity == f"{name}@0123456789ab" and model.aliases == (name,)
    assert model.revision == KINDS[name][0].commit


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_tuned_is_refused_in_a_sentence(hub, name):
    _, kind, words = REFUSED[name]
    with pytest.raises(kind, match=f"(?s)^.*{words}") as refused:
        describe_model(name, hub)
    assert name in str(refused.value)


def test_the_clip_skip_that_its_text_encoders_allow_is_looked_up(hub):
    assert describe_model("one/plain", hub).max_clip_skip == 12


def test_a_name_that_nobody_has_is_said_so(hub):
    with pytest.raises(ModelNotFound, match=r"no folder no/body here, and .* no model no/body"):
        describe_model("no/body", hub)


def test_without_the_hub_it_is_what_it_was_before(hub):
    online = describe_model("one/velocity", hub)
    away = replace(hub, endpoint="http://127.0.0.1:9")
    for unreachable in (replace(hub, offline=True), away):
        assert describe_model("one/velocity", unreachable).preset == online.preset
        assert describe_model("one/velocity", unreachable).identity == online.identity
        assert describe_model("one/velocity", unreachable).doubt


@pytest.mark.parametrize(
    ("name", "preset", "side", "steps"),
    [
        ("one/plain-new", "sdxl", 1024, 30),
        ("org/some-v-pred-model", "sdxl-v", 1024, 30),
        ("org/sdxl-turbo", "sdxl", 512, 4),
    ],
)
def test_an_unknown_one_goes_by_its_name_and_says_so(hub, name, preset, side, steps):
    model = describe_model(name, replace(hub, offline=True))
    assert (model.preset, model.width, model.steps) == (preset, side, steps)
    assert "HF_HUB_OFFLINE" in model.doubt and model.identity == name


def test_a_hub_that_does_not_answer_is_given_up_soon(tmp_path, monkeypatch):
    monkeypatch.setattr("align.client.hub.TIMEOUT_S", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hub = Hub(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path)
        assert "does not answer" in describe_model("one/plain", hub).doubt


def test_a_model_in_the_cache_is_read_like_a_folder_without_the_network(hub, tmp_path):
    commit = "f" * 40
    repository = hub.cache / "models--org--name"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    folder = write_tiny_model(repository / "snapshots" / commit)
    shutil.copytree(folder, tmp_path / "moved")

    model = describe_model("org/name", replace(hub, endpoint="http://127.0.0.1:9"))

    assert (model.name, model.path, model.load_path) == ("org/name", "org/name", str(folder))
    assert model.identity == describe_model(str(tmp_path / "moved")).identity
    assert {f"org/name@{commit[:12]}", "org/name"} < set(model.aliases)


def test_a_cache_that_lacks_weights_is_no_model(hub):
    repository = hub.cache / "models--one--plain"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("f" * 40)
    folder = write_tiny_model(repository / "snapshots" / ("f" * 40))
    (folder / "text_encoder" / "model.safetensors").unlink()

    model = describe_model("one/plain", hub)

    assert model.revision == KINDS["one/plain"][0].commit


def test_a_model_of_several_variants_is_downloaded_whole_and_is_the_same(hub, model, tmp_path):
    folder = embedded_folder()
    parts = ("scheduler", "tokenizer", "tokenizer_2", *PARTS)
    files = [folder / "model_index.json", *(file for p in parts for file in (folder / p).iterdir())]
    content = {str(file.relative_to(folder).as_posix()): file.read_bytes() for file in files}
    mixed = {
        name if name.startswith("vae") else name.replace(".safetensors", ".fp16.safetensors"): each
        for name, each in content.items()
    } | {"notes/long/story.json": b"{}", "unet/openvino.bin": b"other"}
    with hub_server({"org/mixed": Repository(mixed)}) as address:
        away = replace(hub, endpoint=address)
        described = describe_model("org/mixed", away)
        place = download(away, "org/mixed", described.revision, PARTS)

    here = describe_model("org/mixed", away)

    assert described.preset == here.preset == "embedded" and described.variant == "fp16"
    assert here.identity == model.identity and described.identity in here.aliases
    assert (here.load_path, here.variant) == (str(place), "fp16")
    assert not (place / "notes").exists() and not (place / "unet" / "openvino.bin").exists()


@pytest.fixture
def broken(hub, tmp_path):
    """A model on a hub that breaks off in the middle of the first large file."""
    folder = write_tiny_model(tmp_path / "files")
    content = {
        str(file.relative_to(folder).as_posix()): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }
    repository = Repository(content, breaks_after=100_000)
    with hub_server({"org/broken": repository}) as address:
        yield repository, replace(hub, endpoint=address)


def test_a_download_that_broke_off_goes_on_where_it_stopped(broken, monkeypatch):
    # The library keeps whole chunks, of 10 MB.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)
    repository, hub = broken
    described = describe_model("org/broken", hub)
    weights = {at: each for at, each in repository.files.items() if at.endswith(".safetensors")}
    assert described.download_bytes == sum(map(len, weights.values()))

    with pytest.raises(Exception, match="503"):
        download(hub, "org/broken", described.revision, PARTS)
    assert 100_000 <= download_of(described, hub.cache).there < described.download_bytes
    repository.breaks_after = None
    place = download(hub, "org/broken", described.revision, PARTS)

    assert repository.ranges == ["", "bytes=100000-", "", "", ""]
    assert all((place / at).read_bytes() == each for at, each in weights.items())
    assert describe_model("org/broken", hub).download_bytes == 0


def test_content_that_changed_on_the_way_is_downloaded_anew(broken):
    repository, hub = broken
    repository.breaks_after = None
    file = "unet/diffusion_pytorch_model.safetensors"
    etag = hashlib.sha256(repository.files[file]).hexdigest()
    partial = hub.cache / "models--org--broken" / "blobs" / f"{etag}.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"other")
    described = describe_model("org/broken", hub)
    with pytest.raises(OSError, match="damaged on the way"):
        download(hub, "org/broken", described.revision, PARTS)
    place = download(hub, "org/broken", described.revision, PARTS)
    assert (place / file).read_bytes() == repository.files[file]


def test_a_description_can_be_kept_in_a_run(hub):
    model = describe_model("one/edm", hub)
    assert type(model)(**json.loads(json.dumps(asdict(model)))).is_same(model)
