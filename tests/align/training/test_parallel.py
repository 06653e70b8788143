"""Ways to share a run that would give a wrong result are refused."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from accelerate import Accelerator
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.utils import DistributedType

from align.errors import InvalidSettings
from align.training.parallel import require_data_parallel

pytestmark = pytest.mark.slow

RECIPE = Path(__file__).parents[3] / "docs" / "several-gpus.md"


@pytest.mark.parametrize(("kind", "name"), [("FSDP", "FSDP"), ("DEEPSPEED", "DeepSpeed")])
def test_split_weights_are_refused_in_a_sentence(kind, name):
    launched = SimpleNamespace(distributed_type=DistributedType[kind], num_processes=2)
    with pytest.raises(InvalidSettings, match=f"launched with {name}"):
        require_data_parallel(launched, 8)


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    launched = SimpleNamespace(distributed_type=DistributedType.MULTI_GPU, num_processes=3)
    with pytest.raises(InvalidSettings, match="multiple of the 3 processes"):
        require_data_parallel(launched, 8)
    require_data_parallel(launched, 9)
    require_data_parallel(Accelerator(cpu=True), 7)


def test_the_recipe_in_the_docs_is_one_that_accelerate_reads(tmp_path):
    found = re.search(r"```yaml\n(.*?)```", RECIPE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    (tmp_path / "ddp.yaml").write_text(found[1], "utf-8")
    recipe = load_config_from_file(str(tmp_path / "ddp.yaml"))
    assert recipe.distributed_type == DistributedType.MULTI_GPU
    assert (recipe.num_processes, recipe.mixed_precision) == (2, "no")
