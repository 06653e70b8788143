-- What a person gives besides votes, in the order in which it came: after which vote of the studio,
-- and among those by act_id. An undo takes back the newest by this order, whatever the clock says.
CREATE SEQUENCE act_ids;
CREATE TABLE acts (
    act_id     BIGINT PRIMARY KEY DEFAULT nextval('act_ids'),
    kind       VARCHAR NOT NULL CHECK (kind IN ('ranking', 'report', 'remark')),
    key        VARCHAR NOT NULL,
    annotator  VARCHAR NOT NULL,
    after_vote BIGINT NOT NULL,
    UNIQUE (kind, key)
);

-- Of what was given before there was this order, the times tell it.
INSERT INTO acts (kind, key, annotator, after_vote)
SELECT given.kind, given.key, given.annotator,
       greatest(coalesce(votes.vote_id, 0), given.own_vote)
FROM (
    SELECT 'ranking' AS kind, key, annotator, created, ranking_id AS place, 0 AS own_vote
    FROM rankings WHERE supersedes IS NULL
    UNION ALL
    SELECT 'report', key, annotator, created, report_id, 0 FROM reports
    UNION ALL
    SELECT 'remark', remarks.key, about.annotator, remarks.created, remark_id, about.vote_id
    FROM remarks JOIN votes AS about ON about.key = remarks.vote_key
) AS given
ASOF LEFT JOIN votes ON given.created >= votes.created
ORDER BY given.created, given.place;

-- The undo of a report or of a remark; that of a vote or a ranking is a row of its own table.
CREATE TABLE withdrawals (
    key       VARCHAR PRIMARY KEY,
    act_id    BIGINT NOT NULL UNIQUE,
    annotator VARCHAR NOT NULL,
    created   TIMESTAMP NOT NULL
);

CREATE VIEW withdrawn_acts AS
SELECT acts.kind, acts.key FROM acts JOIN withdrawals USING (act_id);

-- The newest of a kind and name counts that was not taken back.
CREATE OR REPLACE VIEW current_remarks AS
SELECT newest.vote_key, newest.kind, newest.name, newest.value, current_votes.vote_id
FROM (
    SELECT vote_key, kind, name, arg_max(value, remark_id) AS value
    FROM remarks
    WHERE key NOT IN (SELECT key FROM withdrawn_acts WHERE kind = 'remark')
    GROUP BY vote_key, kind, name
) AS newest
JOIN current_votes ON current_votes.key = newest.vote_key
WHERE newest.value <> '';

CREATE OR REPLACE VIEW current_reports AS
SELECT reports.report_id, reports.pair_id, reports.annotator, reports.note, reports.created,
       newest.decision,
       reports.key IN (SELECT key FROM withdrawn_acts WHERE kind = 'report') AS withdrawn
FROM reports
LEFT JOIN (
    SELECT report_id, arg_max(decision, report_decision_id) AS decision
    FROM report_decisions GROUP BY report_id
) AS newest USING (report_id);

CREATE OR REPLACE VIEW hidden_pairs AS
SELECT DISTINCT pair_id FROM current_reports
WHERE NOT withdrawn AND coalesce(decision, 'hidden') = 'hidden';
