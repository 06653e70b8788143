"""Prompts on the page: those asked for on the stage, and the list of the project's prompts."""

from collections.abc import Callable
from typing import Any

from annotate.errors import InvalidRequest
from annotate.service.labeler_view import AnyStudio
from annotate.service.studio import Studio
from annotate.validation import as_numbers
from annotate.views.prompts import AskedItems, AskedPrompt, PromptsHtml
from annotate.web.html.prompt_cards import prompt_options, prompt_rows
from annotate.web.payloads import AskedPromptRequest, PromptsRequest, read


def prompts_function(studio: AnyStudio) -> Callable[[Any], AskedPrompt | AskedItems[Any]]:
    """Return the function by which a stage asks for prompts, and for what was rendered of them."""

    def stage_prompts(sent: Any) -> AskedPrompt | AskedItems[Any]:
        request = read(AskedPromptRequest, sent)
        annotator, four = request.annotator, request.four is True
        if request.action == "arrived":
            return studio.prompts.arrived(annotator, four)
        if request.blind_test:
            raise InvalidRequest("A blind test shows its own pairs only.")
        if request.action == "queue":
            return studio.prompts.queue(annotator, request.prompt, four)
        return studio.prompts.more_of(annotator, request.pair_id, four)

    return stage_prompts


def project_prompts_function(studio: Studio) -> Callable[[Any], PromptsHtml]:
    """Return the function behind the list of prompts in Settings."""

    def project_prompts(sent: Any) -> PromptsHtml:
        request = read(PromptsRequest, sent)
        message = change_prompts(studio, request) if request.change else ""
        page = studio.prompts.page(request.search, request.page, request.removed)
        return {
            "rows": prompt_rows(page, request.search, request.removed),
            "options": prompt_options(page),
            "in_use": page["in_use"],
            "removed": page["removed"],
            "page": page["page"],
            "message": message,
        }

    return project_prompts


def change_prompts(studio: Studio, request: PromptsRequest) -> str:
    """Do what somebody chose in the list of prompts, and return a sentence about it."""
    change, prompts, who = request.change or {}, studio.prompts, request.annotator or "me"
    action, value = change.get("action"), change.get("value")
    if action == "add":
        counts = prompts.add(value, who=who)
        known = "" if counts["added"] else " They were all here already."
        return f"{counts['added']:,} added, {counts['total']:,} in all.{known}"
    if action == "list":
        prompts.choose_list(value, who)
        return "New pairs are made from this list."
    if action == "labelers":
        prompts.let_labelers_add(value is True, who)
        return "Labelers may add prompts." if value is True else "Only admins add prompts."

    numbers = as_numbers(change.get("prompts"))
    if action == "edit":
        prompts.edit(numbers[0], value, who)
        return "Changed. Votes given before keep the old prompt."
    if action == "weight":
        prompts.change(numbers, who, None, value)
        return ""
    if action in ("remove", "restore"):
        prompts.change(numbers, who, action == "remove", None)
        return "Removed: no new pairs are made of it." if action == "remove" else "In use again."
    raise InvalidRequest(f"{action!r} is no change of prompts. Reload the page.")
