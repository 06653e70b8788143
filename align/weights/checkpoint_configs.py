"""The configurations of a pipeline that are not SDXL's own, for a file to store them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import CLIPTextConfig, PreTrainedModel

from align.client.single_file.configs import (
    INDEX,
    SCHEDULER,
    TOKENIZER_FILES,
    TOKENIZERS,
    ZEROED,
    sdxl_config,
)
from align.client.single_file.names import PREFIXES
from align.client.single_file.prediction import EPSILON, VELOCITY, with_prediction
from align.families.family import Pipeline
from align.files import read_json
from align.weights.clip_tokenizers import sdxl_tokenizer

Config = dict[str, Any]
UNUSED = ("vae", "sample_size")
"""Part and setting that says nothing about how the part computes."""
LOCAL_KEYS = ("name_or_path",)
"""Of a tokenizer's configuration: paths of the machine that it was made on."""


def changed_configs(pipeline: Pipeline) -> dict[str, Config]:
    """Return the configurations that differ from SDXL's, by the names of their files."""
    return dict(_changed(pipeline))


def _changed(pipeline: Pipeline) -> Iterator[tuple[str, Config]]:
    for part in PREFIXES:
        name, module = f"{part}/config.json", getattr(pipeline, part)
        config, common = plain_config(module), complete(module, sdxl_config(f"{part}/config.json"))
        used = (key for key in common if (part, key) != UNUSED)
        if any(config.get(key) != common[key] for key in used):
            yield name, config

    config = plain_config(pipeline.scheduler)
    config["_class_name"] = scheduler_class(pipeline.scheduler)
    if config != _common_scheduler(pipeline.scheduler, config):
        yield SCHEDULER, config
    if not pipeline.config[ZEROED]:
        yield INDEX, {ZEROED: False}
    for number, part in enumerate(TOKENIZERS):
        yield from _changed_tokenizer(getattr(pipeline, part), part, number)


def scheduler_class(scheduler: Any) -> str:
    """Return the name of a scheduler's class in diffusers, of which it may be a kind of ours."""
    kinds = type(scheduler).__mro__
    return next(kind.__name__ for kind in kinds if kind.__module__.startswith("diffusers."))


def plain_config(module: Any) -> Config:
    """Return the settings of a part or a scheduler as JSON has them, without facts of files."""
    config = module.config
    values = config.to_dict() if isinstance(module, PreTrainedModel) else dict(config)
    named = {key: value for key, value in values.items() if not key.startswith("_")}
    plain: Config = json.loads(json.dumps(named, default=str))
    return plain


def complete(module: Any, config: Mapping[str, Any]) -> Config:
    """Return a configuration with the defaults of all settings that it leaves out."""
    given = {key: value for key, value in config.items() if not key.startswith("_")}
    if isinstance(module, PreTrainedModel):
        whole = CLIPTextConfig(**given).to_dict()
        given = {key: whole[key] for key in given if key != "architectures"}
    else:
        parameters = inspect.signature(type(module).__init__).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        given = defaults | given
    plain: Config = json.loads(json.dumps(given, default=str))
    return plain


def _common_scheduler(scheduler: Any, config: Mapping[str, Any]) -> Config:
    """Return SDXL's own scheduler for this prediction, as a file without configurations has it."""
    kind = config.get("prediction_type", EPSILON)
    zero_snr = kind == VELOCITY and bool(config.get("rescale_betas_zero_snr"))
    common = with_prediction(sdxl_config(SCHEDULER), kind, zero_snr)
    return complete(scheduler, common) | {"_class_name": common["_class_name"]}


def _changed_tokenizer(tokenizer: Any, part: str, number: int) -> Iterator[tuple[str, Config]]:
    """Yield a tokenizer's files unless it is CLIP's."""
    common = sdxl_tokenizer(number)
    facts = ("pad_token_id", "bos_token_id", "eos_token_id", "model_max_length")
    is_common = all(getattr(tokenizer, fact) == getattr(common, fact) for fact in facts)
    if is_common and tokenizer.get_vocab() == common.get_vocab():
        return
    with TemporaryDirectory(prefix="palate-") as scratch:
        tokenizer.save_pretrained(scratch)
        for file in TOKENIZER_FILES:
            config = read_json(Path(scratch) / file)
            yield f"{part}/{file}", {k: v for k, v in config.items() if k not in LOCAL_KEYS}
