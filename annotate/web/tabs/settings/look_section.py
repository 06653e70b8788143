"""The look of the studio: a form of what every image is rendered with."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from align.contracts.errors import PalateError
from align.contracts.rendering import BaseLoraFacts
from align.contracts.solvers import name_of_class
from annotate.auth.identity import name_of
from annotate.service.studio import Studio
from annotate.views.look import LookView
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.look_cards import look_summary, refused_card, saved_card
from annotate.web.tabs.layout import setting

DEFAULT_ACTOR = "me"
FIELDS = (
    "steps", "guidance", "scheduler", "clip_skip", "sizes", "negative_prompt", "prompt_prefix",
    "prompt_suffix", "loras",
)  # fmt: skip


class LookSection:
    """The form, and below it what became of the last change."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with setting("Look", "Steps, sampler, sizes and LoRAs of every image.", "look") as section:
            self._summary = gr.HTML(elem_id="look-summary", apply_default_css=False)
            # Hidden until it is filled, because that would overwrite what somebody typed before.
            with gr.Column(visible=False) as self._form:
                self._build_numbers()
                self._build_texts()
                self._build_buttons()
        self._shown = [self._summary, *self._fields, self._result]
        self._listen(section)

    def follow(self, openings: Sequence[Any]) -> None:
        """Fill the form anew after events that open a model, which has a look of its own."""
        for opening in openings:
            opening.then(self._open, None, [*self._shown, self._form], **PRIVATE)

    def _build_numbers(self) -> None:
        with gr.Row():
            steps = gr.Number(
                label="Steps",
                info="More take longer.",
                precision=0,
                min_width=110,
                elem_id="look-steps",
            )
            guidance = gr.Number(
                label="Guidance", info="1 is none.", min_width=110, elem_id="look-guidance"
            )
            scheduler = gr.Dropdown(
                [],
                label="Sampler",
                info="By the names of A1111.",
                min_width=220,
                scale=2,
                elem_id="look-sampler",
            )
            clip_skip = gr.Number(
                label="Clip skip",
                info="As A1111 counts; 1 is usual.",
                precision=0,
                minimum=1,
                min_width=110,
                elem_id="look-clip-skip",
            )
        sizes = gr.Dropdown(
            [],
            label="Sizes",
            info="Of several, each pair gets one at random. You can also write one, such as "
            "896 x 1152.",
            multiselect=True,
            allow_custom_value=True,
            elem_id="look-sizes",
        )
        self._fields: list[Any] = [steps, guidance, scheduler, clip_skip, sizes]

    def _build_texts(self) -> None:
        negative = gr.Textbox(
            label="Negative prompt",
            info="It needs guidance above 1.",
            lines=2,
            elem_id="look-negative",
        )
        with gr.Row():
            prefix = gr.Textbox(
                label="Before every prompt",
                placeholder="masterpiece, best quality",
                elem_id="look-prefix",
            )
            suffix = gr.Textbox(
                label="After every prompt", placeholder="absurdres", elem_id="look-suffix"
            )
        loras = gr.Textbox(
            label="LoRAs under the base, one per line",
            info="A file on this machine and its weight. Versions are trained and rendered on top.",
            placeholder="~/loras/detail.safetensors 0.8",
            lines=2,
            elem_id="look-loras",
        )
        self._fields += [negative, prefix, suffix, loras]

    def _build_buttons(self) -> None:
        with gr.Row():
            self._save = gr.Button("Save", size="sm", variant="primary", elem_id="save-look")
            self._reset = gr.Button("As the model has it", size="sm", elem_id="reset-look")
        self._result = gr.HTML(elem_id="look-result", apply_default_css=False)

    def _listen(self, section: gr.Accordion) -> None:
        @errors_as_gr_error
        def save(request: gr.Request, *values: Any) -> list[Any]:
            return self._change(dict(zip(FIELDS, values, strict=True)), request)

        @errors_as_gr_error
        def reset(request: gr.Request) -> list[Any]:
            return self._change(dict.fromkeys(FIELDS), request)

        section.expand(self._open, None, [*self._shown, self._form], **PRIVATE)
        self._save.click(save, self._fields, self._shown, **PRIVATE)
        self._reset.click(reset, None, self._shown, **PRIVATE)

    def _open(self) -> list[Any]:
        return [*self._view(self._studio.look.view()), "", gr.Column(visible=True)]

    def _change(self, given: dict[str, Any], request: gr.Request) -> list[Any]:
        """Change the look; a refusal leaves the form as it is and says why below it."""
        try:
            look = self._studio.look.change(given, name_of(request, DEFAULT_ACTOR))
        except PalateError as error:
            return [*[gr.skip()] * (len(self._shown) - 1), refused_card(str(error))]
        return [*self._view(look), saved_card(look)]

    def _view(self, look: LookView) -> list[Any]:
        own = look["schedulers"][0]
        samplers = [(f"The model's own ({name_of_class(own)})", own)]
        samplers += [(name, name) for name in look["schedulers"][1:]]
        return [
            look_summary(look),
            look["steps"],
            look["guidance"],
            gr.Dropdown(samplers, value=look["scheduler"]),
            gr.Number(value=look["clip_skip"], maximum=look["max_clip_skip"]),
            gr.Dropdown(look["possible_sizes"], value=look["sizes"]),
            look["negative_prompt"],
            look["prompt_prefix"],
            look["prompt_suffix"],
            "\n".join(map(lora_line, look["loras"])),
        ]


def lora_line(lora: BaseLoraFacts) -> str:
    """Return a LoRA as the form shows it: its name, and its weight unless that is 1."""
    return lora["file"] if lora["weight"] == 1 else f"{lora['file']} {lora['weight']:g}"
