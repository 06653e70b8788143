"""Settled votes: the current votes that a snapshot is written from."""

from collections.abc import Sequence
from typing import Any

from storage.records import Verdict
from storage.settling import SETTLED
from storage.snapshot.snapshot_folder import SettledVote, origins_of
from storage.snapshot.sources import of_voters, rendered_with

SETTLED_LABELS = f"""
SELECT {SETTLED.format(id="vote_id", created="candidate_votes.created")} AS settled,
       vote_id, pair_id, prompt, annotator, verdict,
       left_file.sha256, right_file.sha256, coalesce(strength.value::INTEGER, 1),
       coalesce(weight, 1.0), {rendered_with("left_file", "candidate_votes.base")},
       candidate_votes.base,
       coalesce(in_a_row, 0),
       left_file.recipe ->> 'original', left_file.width, left_file.height,
       right_file.recipe ->> 'original', right_file.width, right_file.height,
       excluded_votes.reason
FROM candidate_votes
LEFT JOIN (
    SELECT vote_id, value FROM current_annotations WHERE kind = 'strength'
) AS strength USING (vote_id)
LEFT JOIN excluded_votes USING (vote_id)
LEFT JOIN current_weights USING (base, annotator)
JOIN pairs USING (pair_id)
LEFT JOIN kept_pairs USING (pair_id)
JOIN images AS left_file ON left_file.image_id = pairs.left_image
JOIN images AS right_file ON right_file.image_id = pairs.right_image
WHERE list_contains($bases, candidate_votes.base) AND {of_voters("annotator")}
ORDER BY vote_id
"""


def settled_vote(row: Sequence[Any]) -> SettledVote:
    """Return the vote of a row of SETTLED_LABELS, without its first and last column."""
    vote_id, pair_id, prompt, annotator, verdict, left, right, *rest = row
    strength, weight, prefix, suffix, base, in_a_row, *files = rest
    origins = origins_of([tuple(files[:3]), tuple(files[3:])])
    return SettledVote(
        *(vote_id, pair_id, prompt, annotator, Verdict(verdict), left, right),
        *(strength, weight, prefix, suffix, base),
        origins=origins,
        in_a_row=in_a_row,
    )
