"""The look of a studio: what its images are rendered with."""

from align.contracts.rendering import LookFacts


class LookView(LookFacts):
    """The look, and what may be chosen."""

    changed: list[str]
    """Names of the settings that are not the model's own."""
    own: LookFacts
    """The model's own settings."""
    possible_sizes: list[str]
    """SDXL's aspect ratios in this model's area, its own size first."""
    max_clip_skip: int
    """The largest that the model's text encoders have layers for."""
    schedulers: list[str]
    notes: list[str]
    """Sentences about what was left out of LoRAs."""
