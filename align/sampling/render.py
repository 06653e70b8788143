"""Render images: batched, with a generator per image, stored by content."""

from __future__ import annotations

import copy
import hashlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from PIL import Image
from safetensors import SafetensorError, safe_open

from align.adapters.lora import merged
from align.contracts.rendering import Rendered, RenderItem, RenderSettings
from align.device import Compute
from align.errors import BrokenModel, InvalidSettings, ModelNotFound, first_line
from align.families.family import Pipeline
from align.families.lookup import family_of
from align.files import replacing
from align.sampling.cpu_threads import map_in_threads, split_batch
from align.weights.full import WeightSwapper, holds_full_weights

MAX_ADAPTERS = 4
PNG_COMPRESSION = 4
"""Of 9: files 4 % larger than by the usual 6 of PNG are there in half the time."""
IMAGES_PER_DECODE = 2
"""On a CPU the activations of more images do not fit into its cache.

Sixteen images of the embedded model, side by side on two cores, take 1.12 s one by one, 1.09 by
two, 1.03 by four and 1.21 by eight; by two and not side by side, 1.31.
"""
DOWN_ENDS = (".lora_A.weight", ".lora_down.weight", ".lora.down.weight")
"""Ends of the names of a layer's first half, in the formats that diffusers reads."""


def render(
    pipeline: Pipeline,
    compute: Compute,
    items: Sequence[RenderItem],
    settings: RenderSettings,
    between: Callable[[], None] = lambda: None,
) -> list[Image.Image]:
    """Render one image per item, which depends on its own prompt and seed alone.

    Batches of different size may differ by rounding (about 1e-6), so keep files and do not render
    again. `between` is called after every denoising step; an exception in it ends the rendering.
    """
    return decode(pipeline, compute, render_latents(pipeline, compute, items, settings, between))


def render_latents(
    pipeline: Pipeline,
    compute: Compute,
    items: Sequence[RenderItem],
    settings: RenderSettings,
    between: Callable[[], None] = lambda: None,
) -> torch.Tensor:
    """Render scaled latents [B, C, H, W], one per item.

    `between` is called after every denoising step; an exception in it ends the rendering.
    """
    texts = _encode_texts(pipeline, compute, items, settings)
    scheduler = family_of(pipeline).rendering_scheduler(pipeline, settings.scheduler)

    def denoise(part: slice) -> torch.Tensor:
        # A pipeline and its scheduler store the state of the call that is running.
        own = copy.copy(pipeline)
        own.scheduler = copy.deepcopy(scheduler)
        given = {name: text[part] for name, text in texts.items()}
        with torch.inference_mode(), compute.autocasting():
            return _denoise(own, items[part], settings, given, between)

    parts = split_batch(len(items), compute.device)
    with merged(family_of(pipeline).denoiser(pipeline)):
        return torch.cat(map_in_threads(denoise, parts))


def _encode_texts(
    pipeline: Pipeline,
    compute: Compute,
    items: Sequence[RenderItem],
    settings: RenderSettings,
) -> dict[str, torch.Tensor]:
    """Encode the prompts as arguments of the pipeline's call, by name."""
    prompts = [settings.whole_prompt(item.prompt) for item in items]
    with torch.inference_mode(), compute.autocasting():
        return family_of(pipeline).rendering_inputs(
            pipeline, compute, prompts, settings.negative_prompt, settings.guidance
        )


def _denoise(
    pipeline: Pipeline,
    items: Sequence[RenderItem],
    settings: RenderSettings,
    texts: dict[str, torch.Tensor],
    between: Callable[[], None],
) -> torch.Tensor:
    def on_step(
        _: object, step: int, timestep: int, tensors: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        between()
        return tensors

    latents: torch.Tensor = pipeline(
        **texts,
        generator=[torch.Generator().manual_seed(item.seed) for item in items],
        width=settings.width,
        height=settings.height,
        num_inference_steps=settings.steps,
        guidance_scale=settings.guidance,
        output_type="latent",
        callback_on_step_end=on_step,
    ).images
    return latents


def decode(pipeline: Pipeline, compute: Compute, latents_BCHW: torch.Tensor) -> list[Image.Image]:
    """Decode scaled latents to images."""
    at_once = IMAGES_PER_DECODE if compute.device.type == "cpu" else len(latents_BCHW)

    def decoded(part_BCHW: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return family_of(pipeline).decode_latents(pipeline, compute, part_BCHW)

    with torch.inference_mode():
        images = torch.cat(map_in_threads(decoded, torch.split(latents_BCHW, at_once)))
        decoded_images: list[Image.Image] = pipeline.image_processor.postprocess(images)
        return decoded_images


def batches(count: int, megapixels: float, prefer_throughput: bool = False) -> Iterator[range]:
    """Yield index ranges in batches that grow 2, 4, 8, so that the first images come soon.

    If `prefer_throughput`, the first batch is as large as the others: on a CPU sixteen emoji images
    at once cost half as much as two at a time.
    """
    largest = max(1, min(16, int(4 / max(megapixels, 1e-9))))
    start, size = 0, largest if prefer_throughput else min(2, largest)
    while start < count:
        yield range(start, min(start + size, count))
        start, size = start + size, min(size * 2, largest)


def store_image(image: Image.Image, images_dir: Path) -> Rendered:
    """Write an image without metadata to ab/<sha256>.png and return its digest and size."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=PNG_COMPRESSION)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path = images_dir / digest[:2] / f"{digest}.png"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as scratch:
            scratch.write_bytes(buffer.getvalue())
    return Rendered(digest, image.width, image.height)


class AdapterSwitcher:
    """Switches a pipeline between its base, weighted sums of adapters, and full weights.

    The most recently used adapters stay loaded, and always all that are in use.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._names: dict[str, str] = {}
        self._denoiser = family_of(pipeline).denoiser(pipeline)
        self._swapper = WeightSwapper(self._denoiser)
        self._under: list[tuple[str, float]] = []
        self._on_top: list[tuple[str, float]] = []

    def use(
        self, adapters: Sequence[tuple[str, float]], loras: Sequence[tuple[str, float]] = ()
    ) -> None:
        """Render with these adapter files from now on, each by its weight; none is the base alone.

        `loras` are under the base, so that whatever is compared has them in common.

        Raises:
            ModelNotFound: a file is gone.
            BrokenModel: a file is damaged, or made for another model.
            InvalidSettings: full weights with a weight or another file, or a DoRA with a weight or
                on LoRAs.
        """
        for path, _ in (*loras, *adapters):
            if not Path(path).is_file():
                raise ModelNotFound(f"{_short_path(path)} is gone. Put it back from a copy.")

        whole = _full_weights_file(adapters)
        self._swapper.use(whole)
        self._under, self._on_top = list(loras), [] if whole else list(adapters)
        self._make_room({path for path, _ in (*self._under, *self._on_top)})
        for path, _ in (*self._under, *self._on_top):
            self._names[path] = self._names.pop(path, "") or self._load(path)
        self._refuse_weighted_dora()
        self._switch_on([*self._under, *self._on_top])

    @contextmanager
    def as_reference(self) -> Iterator[None]:
        """Leave only the LoRAs under the base on inside the block."""
        self._switch_on(self._under)
        try:
            yield
        finally:
            self._switch_on([*self._under, *self._on_top])

    def _switch_on(self, adapters: Sequence[tuple[str, float]]) -> None:
        if not adapters:
            self._pipeline.disable_lora()
            return
        self._pipeline.enable_lora()
        names = [self._names[path] for path, _ in adapters]
        self._pipeline.set_adapters(names, [weight for _, weight in adapters])

    def _refuse_weighted_dora(self) -> None:
        """Raise InvalidSettings for a DoRA that is not alone, or not at full strength."""
        for path, weight in self._on_top:
            if not self._denoiser.peft_config[self._names[path]].use_dora:
                continue
            if weight != 1:
                raise InvalidSettings(
                    f"{_short_path(path)} is a DoRA, which scales whole columns of the weights and "
                    "so has no strength but 1. Render it at 1."
                )
            if self._under:
                raise InvalidSettings(
                    f"{_short_path(path)} is a DoRA, which scales whole columns of the weights, so "
                    "that it fits the bare base alone. Take the LoRAs out of the look to render it."
                )

    def _make_room(self, wanted: set[str]) -> None:
        """Unload adapters that are not wanted, the least recently used first."""
        spare = [path for path in self._names if path not in wanted]
        for path in spare[: max(0, len(wanted.union(spare)) - MAX_ADAPTERS)]:
            self._forget(self._names.pop(path))

    def _forget(self, name: str) -> None:
        with _several_adapters():
            self._pipeline.delete_adapters(name)

    def _load(self, adapter: str) -> str:
        name = "a" + hashlib.sha256(adapter.encode()).hexdigest()[:12]
        path = Path(adapter)
        try:
            with _several_adapters():
                self._pipeline.load_lora_weights(
                    str(path.parent), weight_name=path.name, adapter_name=name
                )
            missing = len(lora_layers(path)) - _loaded_layers(self._pipeline, name)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
            raise BrokenModel(
                f"{_short_path(adapter)} is damaged, or made for another model than this one. "
                f"({first_line(error)})"
            ) from error
        if missing > 0:
            # Diffusers only logs it, and would render with the layers it knows.
            self._forget(name)
            raise BrokenModel(
                f"{_short_path(adapter)} is made for another model: {missing} of its layers are "
                "not in this one."
            )
        return name


@contextmanager
def _several_adapters() -> Iterator[None]:
    """Silence peft's warnings about several adapters in one model, which are intended here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Already found a `peft_config` attribute")
        warnings.filterwarnings("ignore", "Adapter .* was active which is now deleted")
        yield


def _full_weights_file(adapters: Sequence[tuple[str, float]]) -> Path | None:
    """Return the file of full weights, None for adapters; raises InvalidSettings for a mix."""
    whole = next((Path(path) for path, _ in adapters if holds_full_weights(Path(path))), None)
    if whole and (len(adapters) > 1 or adapters[0][1] != 1):
        raise InvalidSettings(
            f"{_short_path(str(whole))} trained all weights instead of an adapter. Render it alone "
            "and at strength 1; only adapters have a strength and can be mixed."
        )
    return whole


def lora_layers(path: Path) -> list[str]:
    """List the layers of an adapter file, by the name of their first half."""
    with safe_open(path, framework="pt") as file:
        return [key for key in file.keys() if key.endswith(DOWN_ENDS)]


def _loaded_layers(pipeline: Pipeline, name: str) -> int:
    family = family_of(pipeline)
    parts = (family.denoiser(pipeline), *family.text_encoders(pipeline))
    ending = f".lora_A.{name}.weight"
    return sum(key.endswith(ending) for part in parts for key in part.state_dict())


def _short_path(path: str) -> str:
    """Return a file's name with its folder's: enough to find it, and no path of the machine."""
    return "/".join(filter(None, (Path(path).parent.name, Path(path).name)))
