-- Tables, views and columns get the names of the field. No row changes.
--
-- A view keeps the text of its query, so every view that reads a renamed table is made anew. A table
-- with an index of its own cannot be renamed in DuckDB (votes keeps its name), and neither can a
-- sequence: report_ids, remark_ids, sitting_state_ids go on to number flags, annotations and states.
DROP VIEW lessons;
DROP VIEW labels;
DROP VIEW hidden_pairs;
DROP VIEW current_reports;
DROP VIEW current_remarks;

ALTER TABLE choices RENAME TO pair_selection;

ALTER TABLE looks RENAME TO image_features;
ALTER TABLE image_features RENAME COLUMN numbers TO features;

ALTER TABLE remarks RENAME TO vote_annotations;
ALTER TABLE vote_annotations RENAME COLUMN remark_id TO annotation_id;

ALTER TABLE reports RENAME TO flags;
ALTER TABLE flags RENAME COLUMN report_id TO flag_id;
ALTER TABLE report_decisions RENAME TO flag_decisions;
ALTER TABLE flag_decisions RENAME COLUMN report_decision_id TO flag_decision_id;
ALTER TABLE flag_decisions RENAME COLUMN report_id TO flag_id;

ALTER TABLE checks RENAME TO control_pairs;

ALTER TABLE sittings RENAME TO labeling_sessions;
ALTER TABLE labeling_sessions RENAME COLUMN sitting_id TO session_id;
ALTER TABLE sitting_states RENAME TO labeling_session_states;
ALTER TABLE labeling_session_states RENAME COLUMN sitting_state_id TO session_state_id;
ALTER TABLE labeling_session_states RENAME COLUMN sitting_id TO session_id;
ALTER TABLE sitting_bounds RENAME TO labeling_session_bounds;
ALTER TABLE labeling_session_bounds RENAME COLUMN sitting_id TO session_id;

-- The newest annotation of a kind and name counts, unless it was taken back or is empty.
CREATE VIEW current_annotations AS
SELECT newest.vote_key, newest.kind, newest.name, newest.value, current_votes.vote_id
FROM (
    SELECT vote_key, kind, name, arg_max(value, annotation_id) AS value
    FROM vote_annotations
    WHERE key NOT IN (SELECT key FROM withdrawn_acts WHERE kind = 'remark')
    GROUP BY vote_key, kind, name
) AS newest
JOIN current_votes ON current_votes.key = newest.vote_key
WHERE newest.value <> '';

CREATE VIEW current_flags AS
SELECT flags.flag_id, flags.pair_id, flags.annotator, flags.note, flags.created, newest.decision,
       flags.key IN (SELECT key FROM withdrawn_acts WHERE kind = 'report') AS withdrawn
FROM flags
LEFT JOIN (
    SELECT flag_id, arg_max(decision, flag_decision_id) AS decision
    FROM flag_decisions GROUP BY flag_id
) AS newest USING (flag_id);

-- Pairs that are shown to nobody: flagged, and not decided to be shown again.
CREATE VIEW hidden_pairs AS
SELECT DISTINCT pair_id FROM current_flags
WHERE NOT withdrawn AND coalesce(decision, 'hidden') = 'hidden';

-- Votes that a run could train on; of these, `trainable_votes` leaves out what an admin excluded.
CREATE VIEW candidate_votes AS
SELECT vote_id, key, base, pair_id, annotator, verdict, winner, left_image, response_ms, created
FROM current_votes
WHERE pair_id NOT IN (SELECT pair_id FROM trial_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM hidden_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM control_pairs);

CREATE VIEW trainable_votes AS
SELECT vote_id, key, base, pair_id, annotator, verdict, winner, left_image, response_ms, created
FROM candidate_votes
WHERE vote_id NOT IN (SELECT vote_id FROM excluded_votes);
