"""Report of a blind test: a folder with evaluation.json, the images, and a page about both.

The folder has the layout of `python -m align evaluate`, with verdicts added, so that one report
writer serves both.
"""

import json
import math
import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from align.contracts.evaluation_files import (
    EVALUATION,
    FORMAT,
    GRID,
    EvaluationFile,
    ImageEntry,
    VerdictEntry,
    VersionEntry,
)
from align.contracts.run_files import CheckEntry
from annotate.blind_tests.verdict import DECIDING_QUESTION
from annotate.errors import InvalidRequest
from annotate.report.write import PAGE, write_report
from annotate.validation import as_text
from annotate.versions.naming import version_title
from annotate.views.blind_test_results import BlindTestView, SavedReport
from storage.records import Trial
from storage.store import Store
from storage.tables.blind_tests import VersionImages

MAX_IMAGES = 64
"""Images per version in a report, which embeds them all in one HTML file."""
GRID_ROWS, GRID_COLUMNS = 16, 8
TILE_PX = 128
MAX_LOG_E = 700.0
"""Largest exponent that is written: a longer test exceeds what a float holds."""
TRIAL_ID = re.compile(r"t[0-9]{4,9}")


class BlindTestReports:
    """Reports of blind tests, saved among the exports."""

    def __init__(
        self, store: Store, model_id: str, model_name: str, results: Callable[[str], BlindTestView]
    ) -> None:
        """Take `results`, which returns what a blind test's votes say."""
        self._store, self._model_id, self._results = store, model_id, results
        self._model_name = model_name

    def save(self, trial: str) -> SavedReport:
        """Write a blind test's report, in place of an earlier one, and return where it is.

        Raises UnknownTrial, InvalidRequest (no image yet), BrokenEvaluation or DiskFull.
        """
        known = self._store.blind_tests.get(as_text(trial, "The trial"))
        shown = self._store.blind_tests.image_pairs(known.trial_id)[:MAX_IMAGES]
        if not shown:
            raise InvalidRequest(
                f"Nothing of {known.trial_id} is rendered yet. Vote in it, then save its report."
            )

        folder = self._folder(known.trial_id)
        with self._store.version_labels.writing_export(known.base, folder.name) as scratch:
            (scratch / "images").mkdir(parents=True)
            images = self._copy_images(known, shown, scratch)
            evaluation = self._evaluation(known, shown, images)
            (scratch / EVALUATION).write_text(
                json.dumps(evaluation, indent=1) + "\n", encoding="utf-8"
            )
            write_grid([scratch / image["file"] for image in images], scratch / GRID)
            write_report(scratch, scratch)

        return {
            "trial": known.trial_id,
            "saved": f"exports/{folder.parent.name}/{folder.name}",
            "url": self.url(known.trial_id),
        }

    def url(self, trial: str) -> str | None:
        """Return the relative URL of a saved report; None if there is none."""
        return f"report/{trial}.html" if self.file(trial) else None

    def file(self, trial: str) -> Path | None:
        """Return the HTML file of a saved report; None if there is none."""
        page = self._folder(trial) / PAGE
        return page if TRIAL_ID.fullmatch(trial) and page.is_file() else None

    def _folder(self, trial: str) -> Path:
        return self._store.version_labels.exports(self._model_id) / f"report-{trial}"

    def _copy_images(
        self, trial: Trial, shown: Sequence[VersionImages], scratch: Path
    ) -> list[ImageEntry]:
        """Copy every image into the folder, and list them as evaluation.json does.

        The true seeds differ by prompt, so a seed here is the number of the pair within its prompt.
        """
        prompts = prompts_of(shown)
        seeds: Counter[str] = Counter()

        listed: list[ImageEntry] = []
        for pair in shown:
            seeds[pair.prompt] += 1
            for version, image_id in ((trial.before, pair.before), (trial.after, pair.after)):
                image = self._store.image(image_id)
                if image is None:
                    continue
                number, seed = prompts.index(pair.prompt), seeds[pair.prompt]
                name = f"images/{version}-{number}-{seed}.png"
                shutil.copyfile(self._store.image_path(image.sha256), scratch / name)
                listed.append({"version": version, "prompt": number, "seed": seed, "file": name})
        return listed

    def _evaluation(
        self, trial: Trial, shown: Sequence[VersionImages], images: list[ImageEntry]
    ) -> EvaluationFile:
        """Return the contents of evaluation.json."""
        checks = self._checks(trial)

        return {
            "format": FORMAT,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": {"name": self._model_name, "identity": self._model_id},
            "versions": [self._version(name) for name in (trial.before, trial.after)],
            "prompts": prompts_of(shown),
            "seeds": sorted({image["seed"] for image in images}),
            "images": images,
            "grids": [GRID],
            "checks": checks,
            "passed": all(check["passed"] for check in checks),
            "scores": [],
            "verdicts": verdicts(self._results(trial.trial_id)),
        }

    def _version(self, name: str) -> VersionEntry:
        """Return a version's name, run, objective and number of pairs, as far as known."""
        entry: VersionEntry = {"name": name}
        for version in self._store.version_labels.versions(self._model_id):
            if version.version == name:
                if version.name:
                    entry["title"] = version_title(version)
                if version.run_id is not None:
                    entry["run"] = version.run_id
                if (objective := version.summary.get("objective")) is not None:
                    entry["objective"] = objective
                if (pairs := version.summary.get("pairs")) is not None:
                    entry["pairs"] = pairs
        return entry

    def _checks(self, trial: Trial) -> list[CheckEntry]:
        """Return the release checks of both versions."""
        found: list[CheckEntry] = []
        for version in self._store.version_labels.versions(self._model_id):
            if version.version in (trial.before, trial.after):
                for check in version.summary.get("checks", []):
                    found.append({"version": version.version, **check})
        return found


def prompts_of(shown: Sequence[VersionImages]) -> list[str]:
    """Return the prompts in the order in which they were rendered, each once."""
    return list(dict.fromkeys(pair.prompt for pair in shown))


def verdicts(results: BlindTestView) -> list[VerdictEntry]:
    """Return a blind test's results by question, as evaluation.json holds them."""
    listed: list[VerdictEntry] = []
    for question, numbers in results["questions"].items():
        # Counts by prompt and by person are kept for the deciding question alone.
        deciding = question == DECIDING_QUESTION
        listed.append(
            {
                "before": results["before"],
                "after": results["after"],
                "question": question,
                "wins": numbers["wins"],
                "losses": numbers["losses"],
                "ties": numbers["ties"],
                "rate": numbers["rate"],
                "low": numbers["low"],
                "high": numbers["high"],
                "e_value": math.exp(min(MAX_LOG_E, numbers["log_e"])),
                "outcome": numbers["outcome"],
                "by_prompt": results["by_prompt"] if deciding else {},
                "by_person": results["by_person"] if deciding else {},
            }
        )
    return listed


def write_grid(files: Sequence[Path], target: Path) -> None:
    """Write a grid of thumbnails: `before` and `after` side by side, four pairs in a row."""
    files = files[: GRID_COLUMNS * GRID_ROWS]
    rows = math.ceil(len(files) / GRID_COLUMNS)
    grid = Image.new("RGB", (GRID_COLUMNS * TILE_PX, rows * TILE_PX), "white")
    for number, file in enumerate(files):
        with Image.open(file) as image:
            thumbnail = image.convert("RGB").resize((TILE_PX, TILE_PX))
        row, column = divmod(number, GRID_COLUMNS)
        grid.paste(thumbnail, (column * TILE_PX, row * TILE_PX))

    grid.save(target)
