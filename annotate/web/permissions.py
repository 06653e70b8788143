"""Permissions of endpoints and server functions, and the annotator they act for.

The page of labelers holds what these tables give labelers and nothing else. Everything that is not
in them is on the page of admins alone, which the middleware opens for no labeler.
"""

import inspect
from collections.abc import Callable
from types import UnionType
from typing import Any, ParamSpec, TypeVar, cast, get_args, get_origin, is_typeddict

import gradio as gr

from annotate.auth.identity import asker
from annotate.errors import NotAllowed
from annotate.web.endpoint_aliases import current_name
from storage.lookalikes import folded
from storage.tables.people import Person, Role

ACTOR_PARAMETER = "who"
P = ParamSpec("P")
R = TypeVar("R")

ENDPOINTS = {
    "next_pair": Role.LABELER,
    "blind_test_pair": Role.ADMIN,
    "vote": Role.LABELER,
    "undo": Role.LABELER,
    "next_quad": Role.LABELER,
    "rank": Role.LABELER,
    "annotate_vote": Role.LABELER,
    "flag_pair": Role.LABELER,
    "flags": Role.ADMIN,
    "decide_flag": Role.ADMIN,
    "project": Role.LABELER,
    "change_project": Role.ADMIN,
    "look": Role.ADMIN,
    "change_look": Role.ADMIN,
    "prepare_pairs": Role.ADMIN,
    "estimate_prepare": Role.ADMIN,
    "prepare": Role.ADMIN,
    "stop_prepare": Role.ADMIN,
    "stats": Role.LABELER,
    "retry_model": Role.ADMIN,
    "models": Role.ADMIN,
    "look_up_model": Role.ADMIN,
    "open_model": Role.ADMIN,
    "readings": Role.ADMIN,
    "render_readings": Role.ADMIN,
    "choose_reading": Role.ADMIN,
    "fine_tune": Role.ADMIN,
    "plan_run": Role.ADMIN,
    "run_settings": Role.ADMIN,
    "change_run_settings": Role.ADMIN,
    "automatic_runs": Role.ADMIN,
    "change_automatic_runs": Role.ADMIN,
    "answer_automatic_run": Role.ADMIN,
    "vote_sources": Role.ADMIN,
    "run_status": Role.ADMIN,
    "cancel_run": Role.ADMIN,
    "resume_run": Role.ADMIN,
    "runs": Role.ADMIN,
    "run_detail": Role.ADMIN,
    "delete_run": Role.ADMIN,
    "versions": Role.ADMIN,
    "activate": Role.ADMIN,
    "start_blind_test": Role.ADMIN,
    "blind_tests": Role.ADMIN,
    "end_blind_test": Role.ADMIN,
    "rename_version": Role.ADMIN,
    "note_version": Role.ADMIN,
    "delete_version": Role.ADMIN,
    "export_version": Role.ADMIN,
    "lora_folder": Role.ADMIN,
    "change_lora_folder": Role.ADMIN,
    "send_version": Role.ADMIN,
    "compare": Role.ADMIN,
    "compare_many": Role.ADMIN,
    "add_prompts": Role.ADMIN,
    "preview_import": Role.ADMIN,
    "import_images": Role.ADMIN,
    "save_blind_test_report": Role.ADMIN,
    "preview_source": Role.ADMIN,
    "import_source": Role.ADMIN,
    "sources": Role.ADMIN,
    "change_source": Role.ADMIN,
    "remove_source": Role.ADMIN,
    "export_votes": Role.ADMIN,
    "data_job": Role.ADMIN,
    "stop_data_job": Role.ADMIN,
    "backup": Role.ADMIN,
    "merge_preview": Role.ADMIN,
    "merge": Role.ADMIN,
    "restore_votes": Role.ADMIN,
    "insights": Role.ADMIN,
    "own_votes": Role.LABELER,
    "own_votes_list": Role.LABELER,
    "change_vote": Role.LABELER,
    "exclude_votes": Role.ADMIN,
    "lift_exclusion": Role.ADMIN,
    "mark_gold": Role.ADMIN,
    "prompts": Role.ADMIN,
    "change_prompts": Role.ADMIN,
    "edit_prompt": Role.ADMIN,
    "choose_prompt_list": Role.ADMIN,
    "let_labelers_add_prompts": Role.ADMIN,
    "more_of_prompt": Role.LABELER,
    # Refused below the endpoint while admins have not let labelers add prompts.
    "queue_prompt": Role.LABELER,
}
"""The least role that may call each endpoint of the API."""
ABOUT_OTHERS = ("insights", "exclude_votes")
"""Endpoints whose `annotator` is the person asked about, not the one who asks."""
SERVER_FUNCTIONS = {
    "stage_pairs": Role.LABELER,
    "stage_send": Role.LABELER,
    "stage_status": Role.LABELER,
    "stage_session": Role.LABELER,
    "stage_own_votes": Role.LABELER,
    "stage_prompts": Role.LABELER,
    "project_prompts": Role.ADMIN,
    "project_data": Role.ADMIN,
    "own_votes_page": Role.LABELER,
    "own_vote_change": Role.LABELER,
    "stage_retry_model": Role.ADMIN,
    "run_notice": Role.ADMIN,
    "answer_long_run": Role.ADMIN,
}
"""The least role for each function that scripts of the page call past Gradio's queue."""


def open_to(role: Role, name: str) -> bool:
    """Return whether an endpoint is for a role; one that the table lacks is for admins."""
    return role is Role.ADMIN or required_role(name) is Role.LABELER


def required_role(name: str) -> Role:
    """Return the least role that may call an endpoint, by its name of today or an old one."""
    return ENDPOINTS.get(current_name(name), Role.ADMIN)


def authorized(endpoint: Callable[P, R]) -> Callable[P, R]:
    """Return an endpoint that checks the caller's role and acts in the caller's name.

    Its public parameters stay the same. A parameter `who` is not public: it is filled with the
    name of the person who is signed in.
    """
    whole, name = inspect.signature(endpoint), endpoint.__name__
    role = required_role(name)
    public = [each for each in whole.parameters.values() if each.name != ACTOR_PARAMETER]
    shape, has_actor = whole.replace(parameters=public), ACTOR_PARAMETER in whole.parameters

    def permitted(request: gr.Request, *args: Any, **kwargs: Any) -> R:
        person = asker(request)
        require(person, role)
        called = shape.bind(*args, **kwargs)
        if "annotator" in called.arguments and current_name(name) not in ABOUT_OTHERS:
            called.arguments["annotator"] = acting_annotator(person, called.arguments["annotator"])
        actor = {ACTOR_PARAMETER: person.name} if person is not None and has_actor else {}
        return cast(R, cast(Any, endpoint)(*called.args, **called.kwargs, **actor))

    # Gradio fills a parameter of this type itself and leaves it out of the API's description.
    first = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    hints = {key: hint for key, hint in endpoint.__annotations__.items() if key != ACTOR_PARAMETER}
    answer = outline(whole.return_annotation)
    permitted.__name__, permitted.__doc__ = name, endpoint.__doc__
    permitted.__annotations__ = {"request": gr.Request, **hints, "return": answer}
    permitted.__dict__["__signature__"] = shape.replace(
        parameters=[first, *public], return_annotation=answer
    )
    return cast(Callable[P, R], permitted)


def outline(answer: Any) -> Any:
    """Return the type of an answer without the keys of its documents.

    Gradio writes the schema of each answer into the page three times, so that the keys of all of
    them would make it load longer; docs/api.md has them.
    """
    if is_typeddict(answer):
        return dict[str, Any]
    if get_origin(answer) is list:
        (item,) = get_args(answer)
        return list[outline(item)]  # type: ignore[misc]
    if isinstance(answer, UnionType):
        outlines = {outline(each) for each in get_args(answer)}
        return outlines.pop() if len(outlines) == 1 else answer
    return answer


def authorized_function(function: Callable[[Any], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return a server function that checks the caller's role and acts in the caller's name.

    Unsent votes that another person left in this browser are refused with "retry": they wait until
    that person signs in again.
    """
    role = SERVER_FUNCTIONS.get(function.__name__, Role.ADMIN)

    def permitted(argument: Any, request: gr.Request) -> dict[str, Any]:
        person = asker(request)
        try:
            require(person, role)
            if person is not None and isinstance(argument, dict):
                named = acting_annotator(person, argument.get("annotator", ""))
                argument = {**argument, "annotator": named}
        except NotAllowed as error:
            return {"ok": False, "retry": True, "error": str(error)}
        return function(argument)

    permitted.__name__, permitted.__doc__ = function.__name__, function.__doc__
    return permitted


def require(person: Person | None, role: Role) -> None:
    """Raise NotAllowed for a labeler where an admin is needed; no person means no sign-in."""
    if person is not None and role is Role.ADMIN and person.role is not Role.ADMIN:
        raise NotAllowed(f"Only an admin may do that, and {person.name} is a labeler.")


def acting_annotator(person: Person | None, annotator: Any) -> Any:
    """Return whose vote it is: the person signed in. Raises NotAllowed for any other name."""
    if person is None:
        return annotator
    named = annotator.strip() if isinstance(annotator, str) else None
    # Compared without case and lookalike letters, as names are unique in that form.
    if named is None or (named and folded(named) != folded(person.name)):
        raise NotAllowed(
            f"You are signed in as {person.name}, and this is in another name. Leave the annotator "
            "empty, or sign in as who it is meant to be."
        )
    return person.name
