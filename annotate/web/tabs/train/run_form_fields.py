"""Fields of a run's settings: each with its default and a line of help, and the same as JSON."""

import json
from collections.abc import Mapping
from typing import Any, cast

import gradio as gr
from gradio.components import Component

from align.contracts.run_settings import RunSettingFields
from annotate.training.planning.run_form import defaults, field_of, form_values
from annotate.versions.naming import version_title
from annotate.views.model_versions import ListedVersion
from annotate.views.next_run import RunPreview
from annotate.views.training import ImportedSource, VoteSource
from annotate.wording import quantity

BUDGETS = [
    ("Gentle: half the time", "gentle"),
    ("Normal", "normal"),
    ("Strong: twice the time", "strong"),
]
INVALID = "invalid"
EVERYBODY = "Nobody chosen: everybody's choices count."
ONLY_SOURCES = "Nobody chosen: only the choices of the sources below count."
ALL_SOURCES = "Choices that came in from files. None chosen: all that are in use count."
ONLY_PEOPLE = "None chosen: only the choices of the people above count."
OTHER_MODELS = "Choices between images of other models of this studio; people's taste is the same."
JSON_HELP = "Only what differs from the defaults. {} is all defaults."


class RunFormFields:
    """Components of the form, in the order of `names`; the JSON text is what counts."""

    def __init__(self, known: RunSettingFields) -> None:
        self.known = known
        self._components: dict[str, Component] = {}

    def build_budget(self) -> None:
        """Build the choice of how long a run takes."""
        self._components["budget"] = gr.Radio(
            BUDGETS,
            value="normal",
            label="How far it goes",
            info="Half, one or twice the steps and the time of a normal run, and nothing else.",
            elem_id="run-budget",
        )

    def build_more(self) -> None:
        """Build the other fields."""
        self._add_number("steps", "Steps", precision=0)
        self._add_number("rank", "Size of the change (LoRA rank)", precision=0)
        self._add_number("learning_rate", "Learning rate", step=0.0001)
        objectives = self.known["objectives"]
        self._components["objective"] = gr.Dropdown(
            [(f"{each['plain']} ({each['title']})", each["name"]) for each in objectives],
            label="What it learns from a choice (objective)",
            elem_id="run-objective",
        )
        self._components["init_from"] = gr.Dropdown(
            [("base: anew from all choices", "base")], label="Starts from", elem_id="run-init-from"
        )
        self._components["voter"] = gr.Dropdown(
            [], multiselect=True, label="Whose choices", elem_id="run-voter", visible=False
        )
        self._components["sources"] = gr.Dropdown(
            [], multiselect=True, label="Sources", elem_id="run-sources", visible=False
        )
        self._components["also_votes_of"] = gr.CheckboxGroup(
            [], label="Also learn from", elem_id="other-votes", visible=False
        )

    def build_json(self) -> None:
        """Build the settings as JSON, folded."""
        with gr.Accordion("Settings as JSON", open=False, elem_id="run-json"):
            self.json = gr.Textbox(
                value="",
                label="JSON",
                info=JSON_HELP,
                placeholder="{}",
                lines=2,
                elem_id="settings",
                elem_classes="mono",
            )

    @property
    def named(self) -> Mapping[str, Component]:
        """Return the fields by the names of the settings."""
        return self._components

    @property
    def outputs(self) -> list[Component]:
        """Return what `updates` returns updates of."""
        return [self.json, *self._components.values()]

    def updates(
        self,
        settings: dict[str, Any] | None,
        preview: RunPreview,
        values: bool | tuple[str, ...] = True,
        typed: bool = False,
    ) -> list[Any]:
        """Return updates that show settings, and an error beside the field that it is about.

        Args:
            settings: The settings; None where the JSON cannot be read, and the form stays.
            values: Fields whose value is set, or all or none of them.
            typed: The JSON is what somebody types, and stays.
        """
        shown = form_values(settings or {}, self.known)
        error, field = preview["error"], preview["field"]
        elsewhere = error and field not in self._components
        json_update: dict[str, Any] = note(error if elsewhere else "", JSON_HELP)
        if not typed:
            json_update["value"] = json.dumps(settings or {}, ensure_ascii=False)
        changes = [gr.update(**{**json_update, "elem_classes": ["mono", *classes(elsewhere)]})]
        for name in self._components:
            wrong = error if name == field else ""
            change: dict[str, Any] = note(wrong, self.help_of(name, shown))
            if settings is not None and (values is True or (values and name in values)):
                change["value"] = cast(dict[str, Any], shown)[name]
            changes.append(gr.update(**{**change, "elem_classes": classes(wrong)}))
        return changes

    def choices(
        self,
        versions: list[ListedVersion],
        annotators: Mapping[str, int],
        sources: list[VoteSource],
        imported: list[ImportedSource],
    ) -> list[Any]:
        """Return updates of what may be chosen: versions, annotators, sources, other models."""
        titles = [("base: anew from all choices", "base")]
        titles += [(version_title(each), each["version"]) for each in versions if each["parent"]]
        people = [(f"{who} ({quantity(n, 'choice')})", who) for who, n in annotators.items()]
        models = [(f"{e['model']} ({quantity(e['votes'], 'choice')})", e["id"]) for e in sources]
        files = [(f"{e['name']} ({quantity(e['votes'], 'choice')})", e["name"]) for e in imported]
        return [
            gr.update(choices=titles),
            gr.update(choices=people, visible=bool(people) and bool(people[1:] or files)),
            gr.update(choices=files, visible=bool(files)),
            gr.update(choices=models, visible=bool(models)),
        ]

    @property
    def chosen_from(self) -> list[Component]:
        """Return what `choices` returns updates of."""
        return [
            self._components[name] for name in ("init_from", "voter", "sources", "also_votes_of")
        ]

    def help_of(self, name: str, shown: Any) -> str:
        """Return a field's default and its line of help."""
        if name == "budget":
            return "Half, one or twice the steps and the time of a normal run, and nothing else."
        if name == "voter":
            return ONLY_SOURCES if shown and shown["sources"] else EVERYBODY
        if name == "sources":
            return ONLY_PEOPLE if shown and shown["voter"] else ALL_SOURCES
        if name == "also_votes_of":
            return OTHER_MODELS
        if name == "objective":
            offered = {each["name"]: each for each in self.known["objectives"]}
            usual = offered[defaults(self.known)[name]]["title"]
            chosen = offered.get(shown[name])
            return f"Default {usual}. {chosen['about'] if chosen else ''}".strip()
        field = field_of(name, self.known)
        return f"Default {plainly(field['default'])}. {field['help'].replace('`', '')}"

    def _add_number(self, name: str, label: str, **options: Any) -> None:
        default = defaults(self.known)[name]
        self._components[name] = gr.Number(
            default,
            label=label,
            info=self.help_of(name, None),
            placeholder=plainly(default),
            elem_id=f"run-{name.replace('_', '-')}",
            **options,
        )


def note(error: str, help_text: str) -> dict[str, str]:
    """Return what stands below a field's label: an error, or its help."""
    return {"info": f"Error: {error}" if error else help_text}


def classes(wrong: object) -> list[str]:
    """Return the classes of a field."""
    return [INVALID] if wrong else []


def plainly(value: object) -> str:
    """Return a default as a person writes it."""
    return f"{value:g}" if isinstance(value, float) else str(value)
