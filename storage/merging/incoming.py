"""Rows of the other studio as they would be here: queries, in the order in which they build on
each other.

Each maps what differs between two studios: `inc.models`, `inc.people` and `inc.named` hold the
names here, `inc.images` the ids of images, `inc.runs`, `inc.snapshots`, `inc.trials` and
`inc.versions` what their numbers become.
"""

from storage.database import Cursor
from storage.merging.logs import Log

# Known by what it is and when it began; its number here is the next one.
NUMBERED = """
CREATE TABLE other.inc.{table} AS
WITH theirs AS (
    SELECT {table}.{id} AS old, models.here AS base_here, {table}.* EXCLUDE ({id})
    FROM other.{table} JOIN other.inc.models USING (base) WHERE {some}
), known AS (
    SELECT theirs.old, min(ours.{id}) AS here
    FROM theirs JOIN palate.{table} AS ours ON ours.base = base_here
        AND ours.created = theirs.created AND {same}
    GROUP BY theirs.old
)
SELECT theirs.old, known.here IS NULL AS is_new, number, coalesce(
    known.here, '{letter}' || CASE WHEN number < 10000 THEN lpad(number::VARCHAR, 4, '0')
                                   ELSE number::VARCHAR END
) AS here
FROM (
    SELECT theirs.* {without}, greatest({taken}, (
        SELECT coalesce(max({id}[2:]::BIGINT), 0) FROM palate.{table}
    )) + row_number() OVER (
        PARTITION BY old IN (SELECT old FROM known) ORDER BY theirs.{order}
    ) AS number FROM theirs
) AS theirs LEFT JOIN known USING (old)
"""
# A run that has not ended stays where it is: here it would be trained again.
ENDED = """
run_id IN (
    SELECT run_id FROM (
        SELECT run_id, arg_max(state, run_state_id) AS state FROM other.run_states GROUP BY run_id
    ) WHERE state IN ('done', 'failed', 'cancelled')
)
"""

VERSIONS = """
CREATE TABLE other.inc.versions AS
WITH theirs AS (
    SELECT versions.*, models.here AS base_here
    FROM other.versions JOIN other.inc.models USING (base)
), known AS (
    SELECT theirs.base, theirs.number, min(ours.number) AS here
    FROM theirs LEFT JOIN other.inc.runs AS runs ON runs.old = theirs.run_id
    JOIN palate.versions AS ours ON ours.base = base_here AND (
        ours.run_id = runs.here OR (ours.number = 0 AND theirs.number = 0)
        OR (ours.number > 0 AND theirs.number > 0 AND ours.created = theirs.created
            AND ours.summary::VARCHAR = theirs.summary::VARCHAR)
    )
    GROUP BY theirs.base, theirs.number
)
SELECT base, number, base_here, known.here IS NULL AS is_new, coalesce(
    known.here, CASE WHEN number = 0 THEN 0 ELSE (
        SELECT coalesce(max(ours.number), 0) FROM palate.versions AS ours
        WHERE ours.base = base_here
    ) + row_number() OVER (
        PARTITION BY base_here, known.here IS NULL AND number > 0 ORDER BY base, number
    ) END
) AS here
FROM theirs LEFT JOIN known USING (base, number)
"""


def stage_numbers(stage: Cursor, snapshots_taken: int) -> None:
    """Stage the numbers here of snapshots, runs, versions and blind tests.

    `snapshots_taken` is the highest number of a snapshot's folder, which may have no row.
    """
    needed = f"snapshot_id IN (SELECT snapshot_id FROM other.runs WHERE {ENDED})"
    stage.execute(
        NUMBERED.format(
            table="snapshots", id="snapshot_id", order="created", letter="s", some=needed,
            same="ours.settle_s = theirs.settle_s", taken=snapshots_taken, without="",
        )
    )  # fmt: skip
    stage.execute(
        NUMBERED.format(
            table="runs", id="run_id", order="number", letter="r", some=ENDED, taken=0,
            without="EXCLUDE (number)",
            same="ours.trigger = theirs.trigger "
            "AND ours.settings::VARCHAR = theirs.settings::VARCHAR",
        )
    )  # fmt: skip
    stage.execute(
        NUMBERED.format(
            table="trials", id="trial_id", order="number", letter="t", some="TRUE", taken=0,
            without="EXCLUDE (number)",
            same="ours.questions::VARCHAR = theirs.questions::VARCHAR",
        )
    )  # fmt: skip
    stage.execute(VERSIONS)


MODEL = "JOIN other.inc.models AS models USING (base)"
PERSON = "JOIN other.inc.people AS people ON people.name = annotator"

VOTES = Log(
    "votes",
    "vote_id",
    ("key", "base", "pair_id", "annotator", "verdict", "winner", "left_image", "response_ms",
     "supersedes", "created"),
    """
    SELECT votes.vote_id, votes.key, models.here AS base, votes.pair_id,
           people.here AS annotator, votes.verdict, winners.here AS winner,
           coalesce(lefts.here, votes.left_image) AS left_image, votes.response_ms,
           votes.supersedes, votes.created, gone.key AS undone_key
    FROM other.votes JOIN other.inc.models AS models ON models.base = votes.base
    JOIN other.inc.people AS people ON people.name = votes.annotator
    LEFT JOIN other.inc.image_ids AS winners ON winners.image_id = winner
    LEFT JOIN other.inc.image_ids AS lefts ON lefts.image_id = left_image
    LEFT JOIN other.votes AS gone ON gone.vote_id = votes.supersedes
    """,
    ("key",),
    undoes=True,
)  # fmt: skip
RANKINGS = Log(
    "rankings",
    "ranking_id",
    ("key", "base", "quad_id", "annotator", "best", "worst", "response_ms", "supersedes",
     "created"),
    """
    SELECT rankings.ranking_id, rankings.key, models.here AS base, rankings.quad_id,
           people.here AS annotator, bests.here AS best, worsts.here AS worst,
           rankings.response_ms, rankings.supersedes, rankings.created, gone.key AS undone_key
    FROM other.rankings JOIN other.inc.models AS models ON models.base = rankings.base
    JOIN other.inc.people AS people ON people.name = rankings.annotator
    LEFT JOIN other.inc.image_ids AS bests ON bests.image_id = rankings.best
    LEFT JOIN other.inc.image_ids AS worsts ON worsts.image_id = rankings.worst
    LEFT JOIN other.rankings AS gone ON gone.ranking_id = rankings.supersedes
    """,
    ("key",),
    undoes=True,
)  # fmt: skip
ANNOTATIONS = Log(
    "vote_annotations",
    "annotation_id",
    ("key", "vote_key", "kind", "name", "value", "created"),
    """
    SELECT annotation_id, key, vote_key, kind, name, coalesce(images.here, value) AS value, created
    FROM other.vote_annotations LEFT JOIN other.inc.image_ids AS images ON images.image_id = value
    """,
    ("key",),
)
FLAGS = Log(
    "flags",
    "flag_id",
    ("key", "pair_id", "annotator", "note", "created"),
    f"SELECT flags.* REPLACE (people.here AS annotator) FROM other.flags {PERSON}",
    ("key",),
    moves=False,
)
FLAG_DECISIONS = Log(
    "flag_decisions",
    "flag_decision_id",
    ("flag_id", "decision", "who", "created"),
    "SELECT flag_decision_id, ids.here AS flag_id, decision, who, created "
    "FROM other.flag_decisions JOIN other.inc.flags_ids AS ids ON ids.old = flag_id",
    ("flag_id", "decision", "who", "created"),
)
GIVEN_AT = """
(SELECT 'ranking' AS kind, key, created FROM {catalog}.rankings UNION ALL
 SELECT 'report', key, created FROM {catalog}.flags UNION ALL
 SELECT 'remark', key, created FROM {catalog}.vote_annotations)
"""
ACTS = Log(
    "acts",
    "act_id",
    ("kind", "key", "annotator", "after_vote"),
    "SELECT act_id, kind, key, people.here AS annotator, after_vote, given.created "
    f"FROM other.acts {PERSON} JOIN {GIVEN_AT.format(catalog='other')} AS given USING (kind, key)",
    ("kind", "key"),
    "SELECT acts.*, given.created FROM palate.acts "
    f"JOIN {GIVEN_AT.format(catalog='palate')} AS given USING (kind, key)",
)
PROMPTS = Log(
    "prompts",
    "prompt_id",
    ("text", "source", "created"),
    "SELECT * FROM other.prompts",
    ("text",),
    moves=False,
)
PROMPT_CHANGES = Log(
    "prompt_changes",
    "prompt_change_id",
    ("prompt_id", "state", "weight", "replaced_by", "own", "who", "created"),
    """
    SELECT prompt_change_id, ids.here AS prompt_id, state, weight, others.here AS replaced_by, own,
           who, created
    FROM other.prompt_changes JOIN other.inc.prompts_ids AS ids ON ids.old = prompt_id
    LEFT JOIN other.inc.prompts_ids AS others ON others.old = replaced_by
    """,
    ("prompt_id", "state", "weight", "replaced_by", "own", "who", "created"),
)
EXCLUSIONS = Log(
    "exclusions",
    "exclusion_id",
    ("base", "annotator", "vote_id", "reason", "who", "created"),
    """
    SELECT exclusion_id, models.here AS base, people.here AS annotator, votes.key AS vote_key,
           reason, who, exclusions.created
    FROM other.exclusions JOIN other.inc.models AS models ON models.base = exclusions.base
    LEFT JOIN other.inc.people AS people ON people.name = exclusions.annotator
    LEFT JOIN other.votes ON votes.vote_id = exclusions.vote_id
    """,
    ("base", "annotator", "vote_key", "reason", "who", "created"),
    "SELECT exclusions.*, votes.key AS vote_key FROM palate.exclusions "
    "LEFT JOIN palate.votes ON votes.vote_id = exclusions.vote_id",
    moves=False,
)
WEIGHTS = Log(
    "voter_weights",
    "voter_weight_id",
    ("base", "annotator", "weight", "reason", "who", "created"),
    "SELECT voter_weight_id, models.here AS base, people.here AS annotator, weight, reason, who, "
    f"created FROM other.voter_weights {MODEL} {PERSON}",
    ("base", "annotator", "weight", "reason", "who", "created"),
)
GOLD_MARKS = Log(
    "gold_marks",
    "gold_mark_id",
    ("base", "pair_id", "winner", "who", "created"),
    "SELECT gold_mark_id, models.here AS base, pair_id, coalesce(images.here, winner) AS winner, "
    f"who, created FROM other.gold_marks {MODEL} "
    "LEFT JOIN other.inc.image_ids AS images ON images.image_id = winner",
    ("base", "pair_id", "winner", "who", "created"),
)
VERSION_LABELS = Log(
    "version_labels",
    "version_label_id",
    ("base", "number", "kind", "text", "created"),
    """
    SELECT version_label_id, versions.base_here AS base, versions.here AS number, kind,
           CASE WHEN kind = 'name' AND versions.is_new AND lower(text) IN (
               SELECT lower(name) FROM palate.current_versions
               WHERE current_versions.base = versions.base_here AND deleted IS NULL
           ) AND text <> '' THEN text || ' (merged)' ELSE text END AS text, created
    FROM other.version_labels JOIN other.inc.versions AS versions USING (base, number)
    """,
    ("base", "number", "kind", "created"),
)
RUN_STATES = Log(
    "run_states",
    "run_state_id",
    ("run_id", "state", "error", "created"),
    "SELECT run_state_id, runs.here AS run_id, state, error, created FROM other.run_states "
    "JOIN other.inc.runs AS runs ON runs.old = run_id",
    ("run_id", "state", "error", "created"),
)
TRIAL_STATES = Log(
    "trial_states",
    "trial_state_id",
    ("trial_id", "state", "note", "created"),
    """
    SELECT trial_state_id, trials.here AS trial_id, state, note, created
    FROM other.trial_states JOIN other.inc.trials AS trials ON trials.old = trial_id
    UNION ALL
    SELECT 1000000000000 + row_number() OVER (), trials.here, 'ended',
           'It was open in the studio that was merged in.', created + INTERVAL 1 MICROSECOND
    FROM other.trial_states JOIN other.inc.trials AS trials ON trials.old = trial_id
    WHERE trials.is_new AND state = 'open' AND trial_state_id IN (
        SELECT max(trial_state_id) FROM other.trial_states GROUP BY trial_id
    )
    """,
    ("trial_id", "state", "note", "created"),
)
SESSION_STATES = Log(
    "labeling_session_states",
    "session_state_id",
    ("session_id", "state", "created"),
    "SELECT * FROM other.labeling_session_states",
    ("session_id", "state", "created"),
)
PLAIN_LOGS = (
    PROMPTS, PROMPT_CHANGES, ANNOTATIONS, FLAGS, FLAG_DECISIONS, EXCLUSIONS, WEIGHTS, GOLD_MARKS,
    VERSION_LABELS, RUN_STATES, TRIAL_STATES, SESSION_STATES,
)  # fmt: skip
"""Logs in an order in which none names one after it."""
