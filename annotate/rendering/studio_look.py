"""The look of a studio's model, kept with the votes and changed at any time."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from align.contracts.image_sizes import sizes_at
from align.contracts.models import ModelInfo
from align.contracts.rendering import LookFacts, RenderSettings, look_facts
from align.contracts.solvers import solver_names
from annotate.errors import InvalidRequest
from annotate.interfaces import Converter
from annotate.rendering import look_checks
from annotate.rendering.look import BaseLora, Look, Size, own_look
from annotate.rendering.look_checks import LoraGiven, name_of
from annotate.views.look import LookView
from storage.store import Store

logger = logging.getLogger(__name__)

FIELDS = (
    "steps", "guidance", "sizes", "negative_prompt", "prompt_prefix", "prompt_suffix",
    "scheduler", "clip_skip", "loras",
)  # fmt: skip


class StudioLook:
    """The look of one model: its own settings, and what people changed; safe from any thread."""

    def __init__(
        self,
        store: Store,
        model: ModelInfo,
        model_id: str,
        converter: Converter | None = None,
    ) -> None:
        """Read the stored look; `converter` copies LoRAs into the studio."""
        self._store, self._model, self._converter = store, model, converter
        self._model_id = model_id
        self._setting = f"look:{model_id}"
        """Name of the project setting: one for each model of the studio."""
        self._own = own_look(model)
        self._changing, self._publishing = threading.Lock(), threading.Lock()
        self._current = self._stored()

    @property
    def current(self) -> Look:
        """Return the look that images are rendered with now."""
        return self._current

    @property
    def prompt_tokens(self) -> int:
        """Return how many tokens of a prompt the model's encoders take at a time, or fewer."""
        return self._model.prompt_tokens

    def named_settings(self) -> RenderSettings:
        """Return the settings of now for people: LoRAs by the names of the files they brought."""
        return self.current.named_settings()

    @contextmanager
    def holding(self) -> Iterator[Look]:
        """Yield the look, which is not changed inside the block."""
        with self._publishing:
            yield self._current

    def for_runs(self) -> RenderSettings | None:
        """Return what a run is to know of the look: None while it is the model's own."""
        return None if self._current == self._own else self._current.settings()

    def stale_pairs(self) -> set[str]:
        """Return the ids of the stored pairs without a vote that are of another look."""
        look = self._current
        return self._store.pairs.unvoted(self._model_id, lambda recipe: not look.rendered(recipe))

    def stale_quads(self) -> set[str]:
        """Return the ids of the stored quads without a ranking that are of another look."""
        look, recipes = self._current, self._store.quads.unranked_recipes(self._model_id)
        return {quad_id for quad_id, recipe in recipes.items() if not look.rendered(recipe)}

    def view(self) -> LookView:
        """Return the look with what may be chosen."""
        look, own = self._current, self._own
        return {
            **values_of(look),
            "changed": [name for name in FIELDS if getattr(look, name) != getattr(own, name)],
            "own": values_of(own),
            "possible_sizes": possible_sizes(own.sizes[0]),
            "max_clip_skip": self._model.max_clip_skip,
            "schedulers": [own.scheduler, *solver_names(self._model.schedule)],
            "notes": [],
        }

    def change(self, given: Mapping[str, Any], who: str) -> LookView:
        """Change the settings that are given, None for the model's own, and return the look.

        Nothing is changed if one of them cannot be used. Raises InvalidRequest, or what the
        converter raises about a LoRA.
        """
        with self._changing:
            look_checks.refuse_unknown(given, FIELDS)
            checks, notes = self._checks(), list[str]()
            checked = {
                name: getattr(self._own, name) if value is None else checks[name](value)
                for name, value in given.items()
            }
            # Last, since a LoRA that is checked is copied, which takes seconds.
            if given.get("loras") is not None:
                checked["loras"] = self._loras(checked["loras"], notes)

            look = replace(self._current, **checked)
            if look != self._current:
                self._store.project_settings.set(self._setting, self._changes(look), who)
                with self._publishing:
                    self._current = look
        return {**self.view(), "notes": notes}

    def _checks(self) -> dict[str, Callable[[Any], Any]]:
        own = self._own.sizes[0]
        return {
            "steps": look_checks.as_steps,
            "guidance": look_checks.as_guidance,
            "sizes": lambda value: look_checks.as_sizes(value, own),
            "negative_prompt": look_checks.as_negative_prompt,
            "prompt_prefix": look_checks.as_prefix,
            "prompt_suffix": look_checks.as_suffix,
            "scheduler": lambda value: look_checks.as_scheduler(
                value, self._own.scheduler, self._model.schedule
            ),
            "clip_skip": lambda value: look_checks.as_clip_skip(value, self._model.max_clip_skip),
            "loras": look_checks.as_loras,
        }

    def _loras(self, given: Sequence[LoraGiven], notes: list[str]) -> tuple[BaseLora, ...]:
        """Return the LoRAs of these files, those that are not in the studio yet copied into it."""
        known = {lora.file: lora for lora in self._current.loras}
        loras: dict[str, BaseLora] = {}
        for file, weight in given:
            lora = known.get(file) or self._adopt(file, notes)
            if lora.sha256 in loras:
                raise InvalidRequest(f"{lora.file} is there twice. Add up its weights in one line.")
            loras[lora.sha256] = replace(lora, weight=weight)
        names = [lora.file for lora in loras.values()]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InvalidRequest(
                f"Two LoRAs are called {twice}. Give one of the files another name."
            )
        return tuple(loras.values())

    def _adopt(self, file: str, notes: list[str]) -> BaseLora:
        """Check a LoRA against the base, and copy it into the studio."""
        if self._converter is None:
            raise InvalidRequest("This app was started without the means to take in LoRAs.")
        source = Path(file).expanduser()
        if not source.is_file():
            raise InvalidRequest(
                f"There is no file {file} on the machine that Palate runs on. Write the whole path "
                "of a LoRA's .safetensors file."
            )

        with self._store.base_loras.adding() as scratch:
            facts = self._converter.import_weights(source, scratch, self._model)
            if facts["kind"] != "lora":
                raise InvalidRequest(
                    f"{source.name} is a {facts.get('family', 'whole model')}, which cannot be "
                    "added to a base by a weight. Merge it into the checkpoint with the program "
                    "that made it, and open that one."
                )
            path = self._store.base_loras.keep(scratch, facts["sha256"], source.name)
        if left_out := facts.get("text_encoder_weights_left_out"):
            notes.append(
                f"{left_out} text encoder weights of {source.name} were left out: LoRAs are added "
                "to the UNet alone, so prompts may have a slightly different effect."
            )
        return BaseLora(source.name, facts["sha256"], path, 1.0)

    def _changes(self, look: Look) -> dict[str, Any]:
        """Return what differs from the model's own look, as it is stored."""
        changed = [name for name in FIELDS if getattr(look, name) != getattr(self._own, name)]
        stored = {name: getattr(look, name) for name in changed}
        if "loras" in stored:
            stored["loras"] = [[lora.file, lora.sha256, lora.weight] for lora in look.loras]
        return stored

    def _stored(self) -> Look:
        stored: dict[str, Any] = dict(self._store.project_settings.get(self._setting, {}))
        if "clip_skip" in stored:
            # Earlier releases took more than some models have layers, and then nothing rendered.
            stored["clip_skip"] = min(stored["clip_skip"], self._model.max_clip_skip)
        if "sizes" in stored:
            stored["sizes"] = tuple((int(width), int(height)) for width, height in stored["sizes"])
        if "loras" in stored:
            stored["loras"] = tuple(
                BaseLora(file, sha256, self._store.base_loras.path(sha256, file), weight)
                for file, sha256, weight in stored["loras"]
            )
        # A later release may have stored more.
        return replace(self._own, **{name: stored[name] for name in FIELDS if name in stored})


def values_of(look: Look) -> LookFacts:
    """Return a look as JSON values."""
    return {**look_facts(look.settings()), "sizes": look_checks.names_of(look)}


def possible_sizes(own: Size) -> list[str]:
    """Return a model's own size, then SDXL's aspect ratios in as many pixels."""
    sizes = dict.fromkeys([own, *sizes_at(own[0] * own[1])])
    return [name_of(size) for size in sizes]
