"""A folder of checkpoints, as ComfyUI and A1111 have it, is listed by headers."""

from __future__ import annotations

import json
import os
import pickle
import time
import zipfile

import pytest
from header_files import write_header, write_pickle
from published_names import LDM, SDXL, WRONG, names

from align.client.architectures.listing import ModelFolder
from align.contracts.model_files import ModelFile
from align.errors import BrokenModel


@pytest.fixture
def folder(tmp_path):
    """Checkpoints in folders and behind links, and what else lies among them."""
    root, elsewhere = tmp_path / "checkpoints", tmp_path / "other disk"
    for place in (root / "Anime", elsewhere / "more", root / ".cache"):
        place.mkdir(parents=True)
    write_header(root / "Anime" / "illustrious.safetensors", SDXL, size=6_500_000_000)
    write_header(root / "v1-5.safetensors", WRONG["Stable Diffusion 1.5"])
    write_header(elsewhere / "more" / "pony.safetensors", SDXL)
    write_header(root / ".cache" / "hidden.safetensors", SDXL)
    write_pickle(root / "old.ckpt", WRONG["Stable Diffusion 2"], tmp_path / "ran")
    (root / "put checkpoints here").write_text("")
    (root / "preview.png").write_bytes(b"\x89PNG")
    (root / "broken.safetensors").write_bytes(b"<html>")
    os.mkfifo(root / "pipe.safetensors")
    (root / "linked").symlink_to(elsewhere)
    (root / "nowhere.safetensors").symlink_to(tmp_path / "gone.safetensors")
    (root / "same.safetensors").symlink_to(root / "v1-5.safetensors")
    (elsewhere / "around").symlink_to(root)
    return root


def by_name(folder) -> dict[str, ModelFile]:
    return {file.name: file for file in ModelFolder(folder).listing().files}


def test_what_opens_comes_first_and_everything_else_has_its_reason(folder):
    listing = ModelFolder(folder).listing()
    assert [(file.name, file.kind, file.opens) for file in listing.files] == [
        ("Anime/illustrious.safetensors", "SDXL", True),
        ("linked/more/pony.safetensors", "SDXL", True),
        ("broken.safetensors", "unreadable", False),
        ("old.ckpt", "Stable Diffusion 2 (pickle)", False),
        ("same.safetensors", "Stable Diffusion 1.5", False),
    ]
    assert listing.notes == ()
    for file in listing.files:
        assert file.opens or file.reason.startswith(f"{file.name} is ")
        assert not file.reason or file.reason.endswith(".")


def test_sizes_and_paths_are_those_for_the_command_line(folder):
    file = by_name(folder)["Anime/illustrious.safetensors"]
    assert file.path == str(folder / "Anime" / "illustrious.safetensors")
    assert file.size == os.stat(file.path).st_size > 6_500_000_000


def test_a_pipeline_folder_is_one_entry(folder):
    pipelines = {"sdxl": "StableDiffusionXLPipeline", "flux": "FluxPipeline"}
    for name, kind in pipelines.items():
        (folder / name / "unet").mkdir(parents=True)
        (folder / name / "model_index.json").write_text(f'{{"_class_name": "{kind}"}}')
        weights = folder / name / "unet" / "diffusion_pytorch_model.safetensors"
        write_header(weights, SDXL)
    (folder / "torn").mkdir()
    (folder / "torn" / "model_index.json").write_text("{")
    found = by_name(folder)
    assert (found["sdxl"].kind, found["sdxl"].reason) == ("SDXL", "")
    assert found["sdxl"].size > 1_000_000
    assert found["flux"].kind == "FLUX.1"
    assert found["flux"].reason.startswith("flux holds a FluxPipeline: FLUX.1, a transformer")
    assert found["torn"].reason.startswith("torn has a model_index.json that cannot be read")
    assert not any(name.startswith(("sdxl/", "flux/", "torn/")) for name in found)


def test_a_header_is_read_again_once_the_file_changes(folder):
    models, file = ModelFolder(folder), folder / "broken.safetensors"
    models.listing()
    status = file.stat()

    def kind() -> str:
        return {each.name: each for each in models.listing().files}["broken.safetensors"].kind

    file.write_bytes(b"GGUF\x03\0")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file.stat().st_size == status.st_size and kind() == "unreadable"
    os.utime(file, ns=(1, 1))
    assert kind() == "GGUF"
    file.unlink()
    assert file.name not in {each.name for each in models.listing().files}


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may look into every folder")
def test_a_folder_that_nobody_may_look_into_is_noted(folder):
    (folder / "Anime").chmod(0)
    try:
        listing = ModelFolder(folder).listing()
    finally:
        (folder / "Anime").chmod(0o755)
    assert listing.notes == (f"{folder / 'Anime'} cannot be looked into: Permission denied.",)


def test_a_folder_that_is_not_there_is_noted(tmp_path):
    listing = ModelFolder(tmp_path / "gone").listing()
    assert listing.files == ()
    assert listing.notes == (
        f"{tmp_path / 'gone'} cannot be looked into: No such file or directory.",
    )


def test_one_file_that_cannot_be_read_leaves_the_others_listed(folder, monkeypatch):
    def fail(path):
        raise MemoryError("too much") if path.name == "old.ckpt" else BrokenModel("no")

    monkeypatch.setattr("align.client.architectures.sentences.read_weight_header", fail)
    reason = by_name(folder)["old.ckpt"].reason
    assert reason == "old.ckpt cannot be read (too much). Copy or download it again."
    assert len(by_name(folder)) == 5


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_pickle_in_a_damaged_archive_is_listed_without_its_names(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.ckpt", "w", method) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({f"{n}.b.c": n for n in range(9999)}))
    content = bytearray((tmp_path / "a.ckpt").read_bytes())
    content[60:400] = b"\xff" * 340
    (tmp_path / "a.ckpt").write_bytes(content)
    assert by_name(tmp_path)["a.ckpt"].kind == "pickle"


def test_a_number_of_thousands_of_digits_in_a_name_is_no_block(tmp_path):
    block = f"input_blocks.4.1.transformer_blocks.{'1' * 5000}.attn2.to_k.weight"
    weights = {LDM + block: (640, 2048), f"{LDM}input_blocks.0.0.weight": (320, 4, 3, 3)}
    write_header(tmp_path / "a.safetensors", weights)
    assert by_name(tmp_path)["a.safetensors"].kind == "SDXL"


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_that_is_no_utf_8_is_shown_with_escapes(tmp_path):
    write_header(tmp_path / os.fsdecode(b"caf\xe9.safetensors"), SDXL)
    write_header(tmp_path / "good.safetensors", SDXL | {"\ud800.weight": (1,)})
    files = by_name(tmp_path)
    assert files["good.safetensors"].opens
    odd = files["caf\\udce9.safetensors"]
    assert "is no UTF-8" in odd.reason and "Rename it" in odd.reason
    json.dumps([vars_of(file) for file in files.values()], ensure_ascii=False).encode()


def vars_of(file: ModelFile) -> list[str]:
    return [file.name, file.path, file.kind, file.reason]


def test_hundreds_of_files_are_listed_within_seconds(tmp_path):
    lora = names(*(f"lora_unet_{n}.lora_down.weight" for n in range(100)))
    for number in range(200):
        write_header(tmp_path / f"{number:04}.safetensors", lora)
    models, began = ModelFolder(tmp_path), time.perf_counter()
    assert len(models.listing().files) == 200
    once, began = time.perf_counter() - began, time.perf_counter()
    models.listing()
    assert time.perf_counter() - began < max(once, 1)
    assert once < 10
