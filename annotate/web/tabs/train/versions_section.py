"""The versions of the Train tab: the tree, one version in detail, its actions, and import."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from annotate.background import BackgroundJob
from annotate.service.studio import Studio
from annotate.versions.export_forms import labels
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.version_cards import (
    exported_card,
    progress_card,
    removal_card,
    tree,
    version_card,
)
from annotate.web.static_files import start_script
from annotate.web.tabs.compare_tab import CompareTab
from annotate.web.tabs.layout import heading, inform
from annotate.web.tabs.train.send_section import SendSection
from annotate.wording import in_bytes

TICK_S = 3


class VersionsSection:
    """Components and events of the section; `timer` ticks only while its tab is in view."""

    def __init__(self, studio: Studio, tab: gr.Tab) -> None:
        self._studio, self._tab = studio, tab
        self._build()
        self._shown = [self._tree, self._card, self._actions, self._export_row, *self._buttons]
        self._shown += [self._name, self._note, self._send_row, self._send.result]
        self._shown += [self._confirm, self._export_result]
        self._listen()
        self._listen_to_jobs()
        self._send.listen(self._selected, self._tab)

    def _build(self) -> None:
        self._selected = gr.State("")
        self.timer = gr.Timer(TICK_S, active=False)
        with gr.Row(elem_classes="halves"):
            with gr.Column(scale=2, min_width=300):
                heading("Versions")
                self._tree = gr.HTML(
                    elem_id="versions", js_on_load=start_script("tree.js"), apply_default_css=False
                )
            with gr.Column(scale=3, min_width=320):
                heading("Selected version")
                self._card = gr.HTML(elem_id="version", apply_default_css=False)
                self._build_actions()

        with gr.Accordion("Import a version", open=False, elem_id="import-version"):
            self._build_import()

    def _build_actions(self) -> None:
        with gr.Column(visible=False) as self._actions:
            with gr.Row():
                self._activate = gr.Button("Make active", variant="primary", elem_id="make-active")
                self._compare = gr.Button("Compare", elem_id="compare-version")
                self._delete = gr.Button("Delete", elem_id="delete-version")

            with gr.Group(visible=False, elem_id="confirm-delete") as self._confirm:
                self._question = gr.HTML(apply_default_css=False)
                with gr.Row():
                    self._do_delete = gr.Button("Delete its files", variant="stop")
                    self._keep = gr.Button("Keep it")

            with gr.Column(visible=False) as self._export_row, gr.Row(equal_height=True):
                self._form = gr.Dropdown(
                    labels(),
                    value="kohya",
                    label="Export as",
                    min_width=180,
                    scale=3,
                    elem_id="export-form",
                )
                self._export = gr.Button("Export", elem_id="export-version", min_width=90)
                self._stop = gr.Button("Stop", visible=False, min_width=90, elem_classes="stop-job")
            self._export_result = gr.HTML(elem_id="export", apply_default_css=False)
            with gr.Column(visible=False) as self._send_row:
                self._send = SendSection(self._studio)
            with gr.Row(equal_height=True):
                self._name = gr.Textbox(
                    label="Name", placeholder="warm colors", max_length=60, elem_id="version-name"
                )
                self._note = gr.Textbox(
                    label="Note", lines=1, max_lines=6, scale=2, elem_id="version-note"
                )
                self._save = gr.Button("Save", min_width=90, elem_id="save-version")

        self._buttons = [self._activate, self._compare, self._delete]

    def _build_import(self) -> None:
        gr.HTML(
            '<p class="soft">A LoRA for this base (diffusers, PEFT or kohya), as one .safetensors '
            "file; or the folder of a tuned model, of which only the UNet is used. It is checked, "
            "copied into the studio, and becomes a version.</p>",
            apply_default_css=False,
        )

        with gr.Row(equal_height=True):
            self._path = gr.Textbox(
                label="File or folder on this machine",
                placeholder="~/loras/cats.safetensors",
                scale=4,
                elem_id="import-path",
            )
            self._upload = gr.UploadButton(
                "Upload a file",
                file_types=[".safetensors"],
                min_width=120,
                elem_id="upload-lora",
            )
            self._import = gr.Button("Check and add", variant="primary", elem_id="import")
            self._stop_import = gr.Button(
                "Stop", visible=False, min_width=90, elem_classes="stop-job"
            )
        self._import_result = gr.HTML(elem_id="imported", apply_default_css=False)

    def _listen(self) -> None:
        shown = self._shown
        chosen = self._selected

        @errors_as_gr_error
        def choose(event: gr.EventData) -> list[Any]:
            version = str(event._data["version"])
            return [version, *self._view(version)]

        @errors_as_gr_error
        def activate(version: str) -> list[Any]:
            # The button says "Use anyway" where a version is held back.
            self._studio.activate(version, force=True)
            inform(f"New pairs are rendered by {self._title(version)} from now on.")
            return self._view(version)

        @errors_as_gr_error
        def save(version: str, name: str, note: str) -> list[Any]:
            self._studio.registry.rename(version, name)
            self._studio.registry.note(version, note)
            inform(f"{self._title(version)} is saved.")
            return self._view(version)

        @errors_as_gr_error
        def delete(version: str) -> list[Any]:
            freed = self._studio.registry.delete(version)
            inform(f"{self._title(version)} is deleted; {in_bytes(freed)} are free.")
            return self._view(version)

        # By default Gradio drops selections that come while an answer is on its way.
        self._tree.select(choose, None, [chosen, *shown], trigger_mode="always_last", **PRIVATE)
        self._activate.click(activate, chosen, shown, **PRIVATE)
        self._save.click(save, [chosen, self._name, self._note], shown, **PRIVATE)
        self._delete.click(self._ask, chosen, [self._confirm, self._question], **PRIVATE)
        self._keep.click(lambda: gr.Group(visible=False), None, self._confirm, **PRIVATE)
        self._do_delete.click(delete, chosen, shown, **PRIVATE)
        self.timer.tick(self._refresh, [chosen, self._tree], self._tree, **PRIVATE)
        self._tab.select(errors_as_gr_error(self._open), chosen, [chosen, *shown], **PRIVATE)

    def _listen_to_jobs(self) -> None:
        exporting = [self._export_result, self._export, self._stop]

        @errors_as_gr_error
        def export(version: str, form: str) -> Iterator[list[Any]]:
            registry = self._studio.registry
            job = BackgroundJob(lambda: registry.export(version, form))
            yield from _watched(
                job, f"Writing {self._title(version)}", registry.durations.expected(form)
            )
            done = job.result()
            yield [exported_card(done, in_bytes(done["bytes"]), registry.titles()), *_idle()]

        started = self._export.click(export, [self._selected, self._form], exporting, **PRIVATE)
        started.failure(lambda: ["", *_idle()], None, exporting, **PRIVATE)
        importing = [self._import_result, self._import, self._stop_import]

        @errors_as_gr_error
        def adopt(path: str) -> Iterator[list[Any]]:
            registry = self._studio.registry
            job = BackgroundJob(lambda: registry.adopt(path))
            yield from _watched(job, "Checking and copying", registry.durations.expected("adopt"))
            gr.Info(f"It is version {job.result()} now.")
            yield ["", *_idle(), job.result(), *self._view(job.result()), ""]

        after = [*importing, self._selected, *self._shown, self._path]
        gr.on(
            [self._import.click, self._path.submit],
            _padded(adopt, len(after)),
            self._path,
            after,
            **PRIVATE,
        ).failure(lambda: ["", *_idle()], None, importing, **PRIVATE)
        self._upload.upload(lambda path: path, self._upload, self._path, **PRIVATE)
        for button in (self._stop, self._stop_import):
            button.click(lambda: self._studio.registry.stop(), None, None, **PRIVATE)

    def compare_in(self, tabs: gr.Tabs, compare: CompareTab) -> None:
        """Make the button open the Compare tab with the selected version and its parent."""

        def open_compare(version: str) -> list[Any]:
            before = self._studio.registry.detail(version)["parent"] or version
            known = {known["version"] for known in self._studio.versions()}
            return [
                gr.Tabs(selected="compare"),
                *compare.choose(before if before in known else "base", version),
            ]

        handler = errors_as_gr_error(open_compare)
        self._compare.click(handler, self._selected, [tabs, *compare.choice], **PRIVATE)

    def _title(self, version: str) -> str:
        return self._studio.registry.titles().of(version)

    def _ask(self, version: str) -> list[Any]:
        return [gr.Group(visible=True), removal_card(self._title(version))]

    def _open(self, version: str) -> list[Any]:
        """Show the version selected last, or the newest one."""
        known = [row["version"] for row in self._studio.registry.lineage()]
        names = [row["version"] for row in self._studio.versions()]
        # Another model that was opened meanwhile has versions of its own.
        chosen = version if version in known else names[-1]
        # An open question stays, and so does the result of an export.
        return [chosen, *self._facts(chosen), *[gr.skip()] * 3]

    def _refresh(self, version: str, shown: str) -> Any:
        """Show versions that runs have added; an unchanged tree is kept, and with it the focus."""
        fresh = tree(self._studio.registry.lineage(), version)
        return gr.skip() if fresh == shown else fresh

    def _view(self, version: str) -> list[Any]:
        """Show a version without a question or a result."""
        return [*self._facts(version), "", gr.Group(visible=False), ""]

    def _facts(self, version: str) -> list[Any]:
        versions = self._studio.registry.lineage()
        detail = self._studio.registry.detail(version)
        exists = detail["deleted"] is None
        tuned = exists and detail["parent"] is not None

        return [
            tree(versions, version),
            version_card(detail, self._studio.registry.titles()),
            gr.Column(visible=exists),
            gr.Column(visible=tuned and not detail["missing"]),
            gr.Button(
                value="Use anyway" if detail["held_back"] else "Make active",
                interactive=exists and not detail["active"] and not detail["missing"],
            ),
            gr.Button(visible=tuned, interactive=not detail["missing"]),
            gr.Button(visible=tuned, interactive=not detail["active"]),
            gr.Textbox(value=detail["name"]),
            gr.Textbox(value=detail["note"]),
            gr.Column(visible=tuned and not detail["missing"]),
        ]


def _watched(job: BackgroundJob, what: str, expected: float | None) -> Iterator[list[Any]]:
    for seconds in job.seconds():
        card = progress_card(what, seconds, expected)
        yield [card, gr.Button(interactive=False), gr.Button(visible=True)]


def _idle() -> list[gr.Button]:
    return [gr.Button(interactive=True), gr.Button(visible=False)]


def _padded(handler: Any, length: int) -> Any:
    """Pad the outputs of a handler with skips: the other components stay as they are."""

    def padded(path: str) -> Iterator[list[Any]]:
        for values in handler(path):
            yield [*values, *[gr.skip()] * (length - len(values))]

    return padded
