"""Easy Diffusion: each setting a text chunk of a PNG, in JPEG and WebP JSON in EXIF's UserComment.

The keys are `prompt`, `negative_prompt`, `use_stable_diffusion_model`, or in words: `Prompt`,
`Negative Prompt`, `Stable Diffusion model`.
"""

from annotate.image_import.programs.layers import looks_json
from annotate.image_import.programs.prompt_marks import shown
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH, Fields, FoundPrompt, NoPrompt

PROGRAM = "Easy Diffusion"
OWN = ("use_stable_diffusion_model", "stable diffusion model", "use_vae_model", "vae model",
       "use_lora_model", "guidance_scale", "guidance scale")  # fmt: skip
STEPS = ("num_inference_steps", "steps", "seed")


def read(fields: Fields) -> FoundPrompt | None:
    """Return the prompt in Easy Diffusion's metadata; raises NoPrompt where it is empty."""
    text = fields.get("prompt", "")
    own = [name for name in OWN if name in fields]
    is_own_format = any(name in fields for name in STEPS) and "model" not in fields
    if not own or not is_own_format or looks_json(text):
        return None
    if words := shown(text):
        return FoundPrompt(words, text[:MAX_TEXT_LENGTH].strip(), PROGRAM)
    raise NoPrompt(f"{PROGRAM} metadata without a prompt")
