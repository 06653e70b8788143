"""Rows that come in: inserted as they were staged, within one transaction of the studio."""

from storage.database import Cursor
from storage.merging.incoming import (
    ACTS,
    ANNOTATIONS,
    EXCLUSIONS,
    FLAG_DECISIONS,
    FLAGS,
    GOLD_MARKS,
    PROMPT_CHANGES,
    PROMPTS,
    RANKINGS,
    RUN_STATES,
    SESSION_STATES,
    TRIAL_STATES,
    VERSION_LABELS,
    VOTES,
    WEIGHTS,
)
from storage.merging.logs import add, move
from storage.merging.merged_sources import insert_sources

UNDONE = "LEFT JOIN other.inc.{0}_keys AS undone ON undone.key = fresh.undone_key"

INSERTS = {
    "images": """
        INSERT INTO images
        SELECT here, sha256, width, height, recipe, recipe_key, version, created
        FROM other.inc.images WHERE is_new AND here = image_id
    """,
    "pairs": """
        INSERT INTO pairs
            (pair_id, number, prompt, left_image, right_image, base, version, created)
        SELECT pair_id, (SELECT coalesce(max(number), 0) FROM palate.pairs)
                   + row_number() OVER (ORDER BY pairs.number),
               prompt, coalesce(lefts.here, left_image), coalesce(rights.here, right_image),
               models.here, coalesce(named.here, pairs.version), pairs.created
        FROM other.pairs JOIN other.inc.models AS models USING (base)
        LEFT JOIN other.inc.named AS named
            ON named.base = pairs.base AND named.name = pairs.version
        LEFT JOIN other.inc.image_ids AS lefts ON lefts.image_id = left_image
        LEFT JOIN other.inc.image_ids AS rights ON rights.image_id = right_image
        WHERE pair_id NOT IN (SELECT pair_id FROM palate.pairs)
        ORDER BY pairs.number
    """,
    "quads": """
        INSERT INTO quads (quad_id, prompt, images, base, version, created)
        SELECT quad_id, prompt, shown, models.here, coalesce(named.here, quads.version), created
        FROM other.quads JOIN other.inc.models AS models USING (base)
        LEFT JOIN other.inc.named AS named
            ON named.base = quads.base AND named.name = quads.version
        JOIN (
            SELECT quad_id, list(coalesce(images.here, image) ORDER BY place) AS shown FROM (
                SELECT quad_id, unnest(images) AS image, generate_subscripts(images, 1) AS place
                FROM other.quads
            ) LEFT JOIN other.inc.image_ids AS images ON images.image_id = image GROUP BY quad_id
        ) AS mapped USING (quad_id)
        WHERE quad_id NOT IN (SELECT quad_id FROM palate.quads)
    """,
    "snapshots": """
        INSERT INTO snapshots (snapshot_id, base, settle_s, counts, created)
        SELECT ids.here, models.here, settle_s, counts, created
        FROM other.snapshots JOIN other.inc.models AS models USING (base)
        JOIN other.inc.snapshots AS ids ON ids.old = snapshot_id WHERE ids.is_new
    """,
    "runs": """
        INSERT INTO runs
            (run_id, number, snapshot_id, base, parent, settings, trigger, created)
        SELECT ids.here, ids.number, taken.here, models.here, coalesce(named.here, parent),
               settings, trigger, created
        FROM other.runs JOIN other.inc.models AS models USING (base)
        JOIN other.inc.runs AS ids ON ids.old = run_id
        JOIN other.inc.snapshots AS taken ON taken.old = snapshot_id
        LEFT JOIN other.inc.named AS named ON named.base = runs.base AND named.name = parent
        WHERE ids.is_new
    """,
    "versions": """
        INSERT INTO versions (base, number, parent, run_id, adapter, summary, created)
        SELECT ids.base_here, ids.here, parents.here, made.here,
               CASE WHEN starts_with(adapter, 'runs/' || run_id || '/')
                    THEN 'runs/' || made.here || adapter[length('runs/' || run_id) + 1:]
                    ELSE adapter END,
               summary, created
        FROM other.versions JOIN other.inc.versions AS ids USING (base, number)
        LEFT JOIN other.inc.versions AS parents
            ON parents.base = versions.base AND parents.number = parent
        LEFT JOIN other.inc.runs AS made ON made.old = run_id
        WHERE ids.is_new ON CONFLICT DO NOTHING
    """,
    "version_deletions": """
        INSERT INTO version_deletions (base, number, created)
        SELECT ids.base_here, ids.here, created
        FROM other.version_deletions JOIN other.inc.versions AS ids USING (base, number)
        WHERE ids.is_new ON CONFLICT DO NOTHING
    """,
    "activations": """
        INSERT INTO activations (base, number, created)
        SELECT ids.base_here, ids.here, created
        FROM other.activations JOIN other.inc.versions AS ids USING (base, number)
        WHERE ids.base_here NOT IN (SELECT base FROM palate.versions) ORDER BY activation_id
    """,
    "trials": """
        INSERT INTO trials (trial_id, number, base, before, after, questions, options, created)
        SELECT ids.here, ids.number, models.here, befores.here, afters.here, questions, options,
               created
        FROM other.trials JOIN other.inc.models AS models USING (base)
        JOIN other.inc.trials AS ids ON ids.old = trial_id
        JOIN other.inc.versions AS befores
            ON befores.base = trials.base AND befores.number = before
        JOIN other.inc.versions AS afters ON afters.base = trials.base AND afters.number = after
        WHERE ids.is_new
    """,
    "trial_prompts": """
        INSERT INTO trial_prompts SELECT ids.here, place, prompt FROM other.trial_prompts
        JOIN other.inc.trials AS ids ON ids.old = trial_id WHERE ids.is_new
    """,
    "trial_pairs": """
        INSERT INTO trial_pairs SELECT pair_id, ids.here, place, question,
            coalesce(befores.here, before), coalesce(afters.here, after)
        FROM other.trial_pairs JOIN other.inc.trials AS ids ON ids.old = trial_id
        LEFT JOIN other.inc.image_ids AS befores ON befores.image_id = before
        LEFT JOIN other.inc.image_ids AS afters ON afters.image_id = after
        WHERE pair_id NOT IN (SELECT pair_id FROM palate.trial_pairs)
    """,
    "control_pairs": """
        INSERT INTO control_pairs SELECT pair_id, of_pair, people.here, kind, created
        FROM other.control_pairs JOIN other.inc.people AS people ON people.name = annotator
        WHERE pair_id NOT IN (SELECT pair_id FROM palate.control_pairs)
    """,
    "kept_pairs": """
        INSERT INTO kept_pairs
        SELECT pair_id, of_pair, vote_key, people.here, in_a_row, created
        FROM other.kept_pairs JOIN other.inc.people AS people ON people.name = annotator
        WHERE pair_id NOT IN (SELECT pair_id FROM palate.kept_pairs)
    """,
    "labeling_sessions": """
        INSERT INTO labeling_sessions SELECT session_id, people.here, goal, created
        FROM other.labeling_sessions JOIN other.inc.people AS people ON people.name = annotator
        WHERE session_id NOT IN (SELECT session_id FROM palate.labeling_sessions)
    """,
    "image_features": """
        INSERT INTO image_features SELECT * FROM other.image_features ON CONFLICT DO NOTHING
    """,
    "model_aliases": """
        INSERT INTO model_aliases SELECT alias, models.here, own, created
        FROM other.model_aliases JOIN other.inc.models AS models USING (base)
        ON CONFLICT DO NOTHING
    """,
    "pair_selection": """
        INSERT INTO pair_selection SELECT ids.here, policy, propensity
        FROM other.pair_selection JOIN other.inc.votes_order AS ids
            ON ids.origin = 1 AND ids.old = vote_id
    """,
    "snapshot_votes": """
        INSERT INTO snapshot_votes SELECT taken.here, ids.here FROM other.snapshot_votes
        JOIN other.inc.snapshots AS taken ON taken.old = snapshot_id AND taken.is_new
        JOIN other.inc.votes_ids AS ids ON ids.old = vote_id WHERE ids.here IS NOT NULL
    """,
    "snapshot_rankings": """
        INSERT INTO snapshot_rankings SELECT taken.here, ids.here FROM other.snapshot_rankings
        JOIN other.inc.snapshots AS taken ON taken.old = snapshot_id AND taken.is_new
        JOIN other.inc.rankings_ids AS ids ON ids.old = ranking_id WHERE ids.here IS NOT NULL
    """,
    "exclusion_lifts": """
        INSERT INTO exclusion_lifts SELECT ids.here, who, created FROM other.exclusion_lifts
        JOIN other.inc.exclusions_ids AS ids ON ids.old = exclusion_id ON CONFLICT DO NOTHING
    """,
    "withdrawals": """
        INSERT INTO withdrawals SELECT key, ids.here, people.here, created
        FROM other.withdrawals JOIN other.inc.acts_ids AS ids ON ids.old = act_id
        JOIN other.inc.people AS people ON people.name = annotator
        WHERE key NOT IN (SELECT key FROM palate.withdrawals)
          AND ids.here NOT IN (SELECT act_id FROM withdrawals)
    """,
    "labeling_session_bounds": """
        INSERT INTO labeling_session_bounds
        SELECT session_id, ended, coalesce(votes.here, 0), coalesce(rankings.here, 0)
        FROM other.labeling_session_bounds AS bounds
        ASOF LEFT JOIN (
            SELECT old, here FROM other.inc.votes_ids WHERE here IS NOT NULL
        ) AS votes ON bounds.vote_id >= votes.old
        ASOF LEFT JOIN (
            SELECT old, here FROM other.inc.rankings_ids WHERE here IS NOT NULL
        ) AS rankings ON bounds.ranking_id >= rankings.old
        WHERE (session_id, ended) NOT IN (
            SELECT (session_id, ended) FROM palate.labeling_session_bounds)
    """,
}
"""How rows without an order of their own come in, in an order in which none needs a later one."""

# An act here that was given after a vote of the other studio is also after it now.
MOVE_ACTS = """
UPDATE acts SET act_id = moved.act_id, after_vote = moved.after_vote
FROM (
    SELECT ours.act_id AS row, coalesce(ordered.here, ours.act_id) AS act_id,
           greatest(coalesce(votes.here, ours.after_vote), coalesce(times.here, 0)) AS after_vote
    FROM other.inc.acts_ours AS ours
    LEFT JOIN other.inc.acts_order AS ordered
        ON ordered.origin = 0 AND ordered.old = ours.act_id
    LEFT JOIN other.inc.votes_keys AS votes ON votes.old = ours.after_vote
    ASOF LEFT JOIN other.inc.times AS times ON ours.moment > times.moment
    WHERE EXISTS (SELECT 1 FROM other.inc.votes_new)
) AS moved
WHERE acts.act_id = moved.row
  AND (acts.act_id <> moved.act_id OR acts.after_vote <> moved.after_vote)
"""
MOVE_WITHDRAWALS = """
UPDATE withdrawals SET act_id = ordered.here FROM other.inc.acts_order AS ordered
WHERE ordered.origin = 0 AND withdrawals.act_id = ordered.old
"""
AFTER_VOTE = """
LEFT JOIN (
    SELECT fresh.act_id AS row,
           greatest(coalesce(ids.here, 0), coalesce(times.here, 0)) AS after_vote
    FROM other.inc.acts_new AS fresh
    ASOF LEFT JOIN (
        SELECT old, here FROM other.inc.votes_ids WHERE here IS NOT NULL
    ) AS ids ON fresh.after_vote >= ids.old
    ASOF LEFT JOIN other.inc.times AS times ON fresh.moment > times.moment
) AS placed ON placed.row = fresh.act_id
"""


def insert_all(cursor: Cursor) -> dict[str, int]:
    """Insert every row that was staged, and return how many came into each table."""
    make_room(cursor)
    added = {}
    for log in (PROMPTS, PROMPT_CHANGES):
        added[log.table] = add(cursor, log)
    for log in (VOTES, RANKINGS):
        added[log.table] = add(cursor, log, {"supersedes": "undone.here"}, UNDONE.format(log.table))
    for log in (ANNOTATIONS, FLAGS, FLAG_DECISIONS, WEIGHTS, GOLD_MARKS, RUN_STATES):
        added[log.table] = add(cursor, log)
    for log in (TRIAL_STATES, SESSION_STATES, VERSION_LABELS):
        added[log.table] = add(cursor, log)
    added["exclusions"] = add(
        cursor,
        EXCLUSIONS,
        {"vote_id": "voted.here"},
        "LEFT JOIN other.inc.votes_keys AS voted ON voted.key = fresh.vote_key",
    )
    added["acts"] = add(cursor, ACTS, {"after_vote": "placed.after_vote"}, AFTER_VOTE)
    for table, sql in INSERTS.items():
        added[table] = int(cursor.execute(sql).fetchall()[0][0])
    return added | insert_sources(cursor)


def make_room(cursor: Cursor) -> None:
    """Move rows here that were given after some of the other studio's."""
    move(cursor, VOTES, "pair_selection.vote_id", "snapshot_votes.vote_id", "exclusions.vote_id",
         "labeling_session_bounds.vote_id")  # fmt: skip
    move(cursor, RANKINGS, "snapshot_rankings.ranking_id", "labeling_session_bounds.ranking_id")
    for log in (PROMPT_CHANGES, ANNOTATIONS, FLAG_DECISIONS, WEIGHTS, GOLD_MARKS, VERSION_LABELS):
        move(cursor, log)
    for log in (RUN_STATES, TRIAL_STATES, SESSION_STATES):
        move(cursor, log)
    cursor.execute(MOVE_ACTS)
    cursor.execute(MOVE_WITHDRAWALS)
