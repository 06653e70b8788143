"""A blind test as a folder: evaluation.json with its votes, its images, and the report of both.

The folder is what `python -m align evaluate` writes, with verdicts, so that one report serves both.
"""

import json
import math
import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from annotate.errors import InvalidRequest
from annotate.report.evaluation import FILE, FORMAT
from annotate.report.write import PAGE, write_report
from annotate.validation import as_text
from storage.records import Trial
from storage.store import Store
from storage.tables.blind_tests import VersionImages

MOST_IMAGES = 64
"""Images of each version that go into a report, which holds them all in one file."""
GRID = "grid.png"
GRID_ROWS = 16
TILE = 128
NAME = re.compile(r"t[0-9]{4,9}")


class BlindTestReports:
    """Saves reports of blind tests among the exports."""

    def __init__(
        self, store: Store, model_id: str, model_name: str, report: Callable[[str], dict[str, Any]]
    ) -> None:
        """`report` says what a trial's votes say."""
        self._store, self._model_id, self._report = store, model_id, report
        self._model_name = model_name

    def save(self, trial: str) -> dict[str, Any]:
        """Write a blind test's folder anew, and say where it is.

        Raises UnknownTrial, InvalidRequest (no image yet), BrokenEvaluation or DiskFull.
        """
        known = self._store.blind_tests.get(as_text(trial, "The trial"))
        shown = self._store.blind_tests.image_pairs(known.trial_id)[:MOST_IMAGES]
        if not shown:
            raise InvalidRequest(
                f"Nothing of {known.trial_id} is drawn yet. Vote in it, then save its report."
            )
        folder = self._folder(known.trial_id)
        with self._store.version_labels.writing_export(known.base, folder.name) as scratch:
            (scratch / "images").mkdir(parents=True)
            images = self._copied(known, shown, scratch)
            whole = self._evaluation(known, shown, images)
            (scratch / FILE).write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
            grid([scratch / each["file"] for each in images], scratch / GRID)
            write_report(scratch, scratch)
        return {
            "trial": known.trial_id,
            "saved": f"exports/{folder.parent.name}/{folder.name}",
            "url": self.url(known.trial_id),
        }

    def url(self, trial: str) -> str | None:
        """Where the saved report is served; None while there is none."""
        return f"report/{trial}.html" if self.file(trial) else None

    def file(self, trial: str) -> Path | None:
        """Return the page of a saved report; None where there is none."""
        page = self._folder(trial) / PAGE
        return page if NAME.fullmatch(trial) and page.is_file() else None

    def _folder(self, trial: str) -> Path:
        return self._store.version_labels.exports(self._model_id) / f"report-{trial}"

    def _copied(
        self, trial: Trial, shown: Sequence[VersionImages], scratch: Path
    ) -> list[dict[str, Any]]:
        """Copy every image, and list it as an evaluation does; seeds are counted by prompt."""
        prompts = prompts_of(shown)
        seeds: Counter[str] = Counter()
        listed = []
        for one in shown:
            seeds[one.prompt] += 1
            for version, image_id in ((trial.before, one.before), (trial.after, one.after)):
                image = self._store.image(image_id)
                if image is None:
                    continue
                place, seed = prompts.index(one.prompt), seeds[one.prompt]
                name = f"images/{version}-{place}-{seed}.png"
                shutil.copyfile(self._store.image_path(image.sha256), scratch / name)
                listed.append({"version": version, "prompt": place, "seed": seed, "file": name})
        return listed

    def _evaluation(
        self, trial: Trial, shown: Sequence[VersionImages], images: list[dict[str, Any]]
    ) -> dict[str, Any]:
        checks = self._checks(trial)
        return {
            "format": FORMAT,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": {"name": self._model_name, "identity": self._model_id},
            "versions": [self._version(name) for name in (trial.before, trial.after)],
            "prompts": prompts_of(shown),
            "seeds": sorted({each["seed"] for each in images}),
            "images": images,
            "grids": [GRID],
            "checks": checks,
            "passed": all(check["passed"] for check in checks),
            "scores": [],
            "verdicts": verdicts(self._report(trial.trial_id)),
        }

    def _version(self, name: str) -> dict[str, Any]:
        for version in self._store.version_labels.versions(self._model_id):
            if version.version == name:
                told = {key: version.summary.get(key) for key in ("objective", "pairs")}
                whole = {"name": name, "run": version.run_id, **told}
                return {key: value for key, value in whole.items() if value is not None}
        return {"name": name}

    def _checks(self, trial: Trial) -> list[dict[str, Any]]:
        found = []
        for version in self._store.version_labels.versions(self._model_id):
            if version.version in (trial.before, trial.after):
                for check in version.summary.get("checks") or []:
                    found.append({"version": version.version, **check})
        return found


def prompts_of(shown: Sequence[VersionImages]) -> list[str]:
    """The prompts in the order in which they were drawn, each once."""
    return list(dict.fromkeys(one.prompt for one in shown))


def verdicts(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What a trial's report says by question, as evaluation.json holds it."""
    told = []
    for question, said in report["questions"].items():
        first = question == "overall"
        told.append(
            {
                "before": report["before"],
                "after": report["after"],
                "question": question,
                "wins": said["wins"],
                "losses": said["losses"],
                "ties": said["ties"],
                "rate": said["rate"],
                "low": said["low"],
                "high": said["high"],
                # A long one-sided test goes beyond what a float holds.
                "e_value": math.exp(min(700.0, said["log_e"])),
                "outcome": said["outcome"],
                "by_prompt": report["by_prompt"] if first else {},
                "by_person": report["by_person"] if first else {},
            }
        )
    return told


def grid(files: Sequence[Path], target: Path) -> None:
    """Write a sheet: before and after side by side, four times in a row."""
    files = files[: 8 * GRID_ROWS]
    sheet = Image.new("RGB", (8 * TILE, -(-len(files) // 8) * TILE), "white")
    for place, file in enumerate(files):
        with Image.open(file) as image:
            small = image.convert("RGB").resize((TILE, TILE))
        sheet.paste(small, (place % 8 * TILE, place // 8 * TILE))
    sheet.save(target)
