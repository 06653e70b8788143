"""Files that get their names when they are whole."""

from __future__ import annotations

import os

import pytest
import torch
from safetensors.torch import save_file

from align.files import replacing
from align.weights.merge import create_folder

pytestmark = pytest.mark.slow


@pytest.fixture(params=[0o022, 0o002, 0o077])
def permissions(request):
    """What a new file has under a umask."""
    if os.name == "nt":
        pytest.skip("Windows has no umask.")
    before = os.umask(request.param)
    yield 0o666 & ~request.param
    os.umask(before)


def mode_of(file):
    return file.stat().st_mode & 0o777


def test_weights_have_the_permissions_of_any_new_file(tmp_path, permissions):
    with replacing(tmp_path / "a.safetensors") as scratch:
        save_file({"a": torch.zeros(1)}, scratch)
        scratch.chmod(0o600)
    assert mode_of(tmp_path / "a.safetensors") == permissions
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]


def test_weights_in_a_folder_have_them_too(tmp_path, permissions):
    with create_folder(tmp_path / "model") as scratch:
        (scratch / "unet").mkdir()
        save_file({"a": torch.zeros(1)}, scratch / "unet/a.safetensors")
        (scratch / "unet/a.safetensors").chmod(0o600)
    assert mode_of(tmp_path / "model/unet/a.safetensors") == permissions
