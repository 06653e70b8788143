"""Label Studio's tasks with annotations: pairs of images, the better one selected."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from storage.exports.exported_votes import TIE, ExportedVote
from storage.exports.forms.form import Form, check_images, hash_in, time_text
from storage.exports.forms.json_list import JsonListWriter, read_list

TASKS, CONFIG = "tasks.json", "label_config.xml"
SERVED = "/data/local-files/?d="
"""Under which Label Studio serves files of LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT."""
NEITHER = ("tie", "both_good", "both_bad")
LABELING = """<View>
  <Text name="prompt" value="$prompt"/>
  <Pairwise name="preference" toName="left,right"/>
  <View style="display: flex; gap: 1em">
    <Image name="left" value="$left"/>
    <Image name="right" value="$right"/>
  </View>
  <Choices name="neither" toName="left" choice="single">
    <Choice value="tie"/>
    <Choice value="both_good"/>
    <Choice value="both_bad"/>
  </Choices>
</View>
"""


class LabelStudio(Form):
    """One task with one annotation for each vote, and the labeling configuration they are for."""

    title = "Label Studio: tasks with pairwise annotations"
    read_by = "Label Studio (Import), its converter and SDK"
    loses: ClassVar = {
        "number": "The order of the rows is kept, the numbers of an export are not.",
        "ranks": "Rankings are left out and counted: Label Studio compares two.",
        "weight_reason": "Why its annotator has that weight.",
        "kept": "From which pair an image was kept.",
        "selection": "How its pair was selected.",
        "flagged": "Which pairs were flagged.",
        "excluded_vote": "Which votes are excluded from training.",
        "excluded_annotator": "Whose votes are excluded from training.",
        "details": "What else a source told.",
        "image.uid": "The ids of images: their names are the SHA-256 of their bytes.",
        "image.version": "Which images somebody brought.",
        "image.recipe": "How an image was made, but for its model and version.",
    }

    def write(self, work: Path, votes: Iterable[ExportedVote]) -> None:
        """Write the tasks, their images and the labeling configuration."""
        (work / CONFIG).write_text(LABELING, encoding="utf-8")
        with (
            (work / TASKS).open("w", encoding="utf-8", newline="") as file,
            JsonListWriter(file) as tasks,
        ):
            for vote in votes:
                if len(vote.images) != 2:
                    self.left_out["a ranking"] += 1
                    continue
                left, right = (self.put_image(work, image) for image in vote.images)
                # Its converter wants numbers; an import gives the tasks new ones.
                number = len(self.written) + 1
                task = {
                    "id": number,
                    "data": {**data_of(vote), "left": SERVED + left, "right": SERVED + right},
                    "annotations": [{"id": number, **annotation_of(vote)}],
                }
                self.written.add(task)
                tasks.add(task)

    def read(self, work: Path) -> Iterator[dict[str, Any]]:
        """Yield the tasks; raises BrokenExport if an image is missing or is another."""
        for task in read_list(work / TASKS):
            for side in ("left", "right"):
                hash_in(work, task["data"][side].removeprefix(SERVED))
            yield task
        check_images(work)


def data_of(vote: ExportedVote) -> dict[str, Any]:
    """Return what a task shows, and what is known of its vote."""
    uids = [image.uid for image in vote.images]
    sides = ("left", "right")
    return {
        "id": vote.key,
        "pair_id": vote.item_id,
        "kind": vote.kind,
        "prompt": vote.prompt,
        "rendered_prompt": vote.caption,
        **{f"{side}_model": image.model for side, image in zip(sides, vote.images, strict=True)},
        "annotator": vote.annotator,
        "strength": vote.strength,
        "share": vote.share,
        # As texts: whoever looks for prompts and answers among the data finds no others.
        "reasons": json.dumps(vote.reasons),
        "criteria": json.dumps(
            {
                name: TIE if value == TIE else sides[uids.index(value)]
                for name, value in vote.criteria
            }
        ),
        "weight": vote.weight,
        "source": vote.source,
        "base": vote.base,
        "version": vote.version,
        "asked_as": vote.asked_as,
    }


def annotation_of(vote: ExportedVote) -> dict[str, Any]:
    """Return a vote as Label Studio has it; whom it is by stands in the task's data."""
    annotation: dict[str, Any] = {"result": result_of(vote), "was_cancelled": vote.kind == "skip"}
    if vote.response_ms is not None:
        annotation["lead_time"] = vote.response_ms / 1000
    if vote.created is not None:
        annotation["created_at"] = time_text(vote.created)
    return annotation


def result_of(vote: ExportedVote) -> list[dict[str, Any]]:
    """Return the answer: the side that was selected, or one of the choices beside."""
    if vote.kind == "preference":
        value, kind = {"selected": vote.verdict}, "pairwise"
        return [_result(vote, "preference", "left,right", kind, value)]
    if vote.kind in NEITHER:
        return [_result(vote, "neither", "left", "choices", {"choices": [vote.kind]})]
    return []


def _result(
    vote: ExportedVote, control: str, shown: str, kind: str, value: dict[str, Any]
) -> dict[str, Any]:
    return {"id": vote.key, "from_name": control, "to_name": shown, "type": kind, "value": value}
