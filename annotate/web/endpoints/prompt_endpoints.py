"""The endpoints about prompts: which there are, how often they come, and which come next."""

from annotate.service.studio import Studio
from annotate.validation import as_numbers
from annotate.views.prompts import AskedPrompt, PromptsPage


class PromptEndpoints:
    """The endpoints as methods: what their names, parameters and docstrings say is public."""

    _studio: Studio

    def prompts(self, search: str = "", page: int = 1, removed: bool = False) -> PromptsPage:
        """Return fifty prompts of the project that hold every word of `search`, in use or not."""
        return self._studio.prompts.page(search, page, removed is True)

    def change_prompts(
        self,
        prompts: list[int],
        removed: bool | None = None,
        weight: float | None = None,
        who: str = "me",
    ) -> PromptsPage:
        """Remove prompts by number, use them again, or let them come 0.5, 1, 2 or 4 times."""
        return self._studio.prompts.change(as_numbers(prompts), who, removed, weight)

    def edit_prompt(self, prompt: int, text: str, who: str = "me") -> PromptsPage:
        """Let a text take the place of a prompt for new pairs; votes keep the one before."""
        return self._studio.prompts.edit(prompt, text, who)

    def choose_prompt_list(self, name: str, who: str = "me") -> PromptsPage:
        """Use sentences, tags, emoji or own prompts alone; "" is what suits the model."""
        return self._studio.prompts.choose_list(name, who)

    def let_labelers_add_prompts(self, allowed: bool, who: str = "me") -> PromptsPage:
        """Let labelers add prompts on the stage, or only admins."""
        return self._studio.prompts.let_labelers_add(allowed, who)

    def more_of_prompt(self, pair_id: str, annotator: str) -> AskedPrompt:
        """Let four more pairs of a pair's prompt come next for the annotator."""
        return self._studio.prompts.more_of(annotator, pair_id, False)

    def queue_prompt(self, prompt: str, annotator: str) -> AskedPrompt:
        """Add a prompt to the project, and let four pairs of it come next for the annotator."""
        return self._studio.prompts.queue(annotator, prompt, False)
