-- What a project asks for; the newest value of a name counts.
CREATE SEQUENCE project_setting_ids;
CREATE TABLE project_settings (
    project_setting_id BIGINT PRIMARY KEY DEFAULT nextval('project_setting_ids'),
    name    VARCHAR NOT NULL,
    value   JSON NOT NULL,
    who     VARCHAR NOT NULL,
    created TIMESTAMP NOT NULL
);

-- What a person adds to a vote once it is given, so that nothing stands before the vote itself: how
-- clear it was, why the loser lost, and what won by a criterion (a picture, or 'tie').
CREATE SEQUENCE remark_ids;
CREATE TABLE remarks (
    remark_id BIGINT PRIMARY KEY DEFAULT nextval('remark_ids'),
    key       VARCHAR NOT NULL UNIQUE,
    vote_key  VARCHAR NOT NULL,
    kind      VARCHAR NOT NULL CHECK (kind IN ('strength', 'reason', 'criterion')),
    name      VARCHAR NOT NULL,
    value     VARCHAR NOT NULL,
    created   TIMESTAMP NOT NULL
);

-- The newest of a kind and name counts, and an empty value takes one away.
CREATE VIEW current_remarks AS
SELECT newest.vote_key, newest.kind, newest.name, newest.value, current_votes.vote_id
FROM (
    SELECT vote_key, kind, name, arg_max(value, remark_id) AS value
    FROM remarks GROUP BY vote_key, kind, name
) AS newest
JOIN current_votes ON current_votes.key = newest.vote_key
WHERE newest.value <> '';

-- A reported pair is shown to nobody and teaches nothing until somebody decides to show it again.
CREATE SEQUENCE report_ids;
CREATE TABLE reports (
    report_id BIGINT PRIMARY KEY DEFAULT nextval('report_ids'),
    key       VARCHAR NOT NULL UNIQUE,
    pair_id   VARCHAR NOT NULL,
    annotator VARCHAR NOT NULL,
    note      VARCHAR NOT NULL,
    created   TIMESTAMP NOT NULL
);

CREATE SEQUENCE report_decision_ids;
CREATE TABLE report_decisions (
    report_decision_id BIGINT PRIMARY KEY DEFAULT nextval('report_decision_ids'),
    report_id BIGINT NOT NULL,
    decision  VARCHAR NOT NULL CHECK (decision IN ('shown', 'hidden')),
    who       VARCHAR NOT NULL,
    created   TIMESTAMP NOT NULL
);

CREATE VIEW current_reports AS
SELECT reports.report_id, reports.pair_id, reports.annotator, reports.note, reports.created,
       newest.decision
FROM reports
LEFT JOIN (
    SELECT report_id, arg_max(decision, report_decision_id) AS decision
    FROM report_decisions GROUP BY report_id
) AS newest USING (report_id);

CREATE VIEW hidden_pairs AS
SELECT DISTINCT pair_id FROM current_reports WHERE coalesce(decision, 'hidden') = 'hidden';

CREATE OR REPLACE VIEW labels AS
SELECT vote_id, key, base, pair_id, annotator, verdict, winner, left_image, response_ms, created
FROM current_votes
WHERE pair_id NOT IN (SELECT pair_id FROM trial_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM hidden_pairs);

-- How a pair came to be shown: the rule that chose it, and how likely it was to.
CREATE TABLE choices (
    vote_id    BIGINT PRIMARY KEY,
    policy     VARCHAR NOT NULL,
    propensity DOUBLE NOT NULL
);

-- Four pictures of a prompt, of which a person names the best and the worst. A row of rankings is
-- a ranking (it has a best and a worst, or neither: a skip) or an undo, as with votes.
CREATE TABLE quads (
    quad_id VARCHAR PRIMARY KEY,
    prompt  VARCHAR NOT NULL,
    images  VARCHAR[] NOT NULL,
    base    VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    created TIMESTAMP NOT NULL
);

CREATE SEQUENCE ranking_ids;
CREATE TABLE rankings (
    ranking_id  BIGINT PRIMARY KEY DEFAULT nextval('ranking_ids'),
    key         VARCHAR NOT NULL UNIQUE,
    base        VARCHAR NOT NULL,
    quad_id     VARCHAR NOT NULL,
    annotator   VARCHAR NOT NULL,
    best        VARCHAR,
    worst       VARCHAR,
    response_ms BIGINT,
    supersedes  BIGINT UNIQUE,
    created     TIMESTAMP NOT NULL,
    CHECK ((best IS NULL) = (worst IS NULL)),
    CHECK (best <> worst)
);

CREATE VIEW current_rankings AS
SELECT ranking_id, key, base, quad_id, annotator, best, worst, response_ms, created
FROM rankings
WHERE supersedes IS NULL
  AND NOT EXISTS (SELECT 1 FROM rankings AS undo WHERE undo.supersedes = rankings.ranking_id);

CREATE TABLE snapshot_rankings (
    snapshot_id VARCHAR NOT NULL,
    ranking_id  BIGINT NOT NULL
);

-- A sitting is a goal of so many votes that a person sets; it goes on wherever they go on.
CREATE TABLE sittings (
    sitting_id VARCHAR PRIMARY KEY,
    annotator  VARCHAR NOT NULL,
    goal       INTEGER NOT NULL,
    created    TIMESTAMP NOT NULL
);

CREATE SEQUENCE sitting_state_ids;
CREATE TABLE sitting_states (
    sitting_state_id BIGINT PRIMARY KEY DEFAULT nextval('sitting_state_ids'),
    sitting_id VARCHAR NOT NULL,
    state      VARCHAR NOT NULL CHECK (state IN ('open', 'paused', 'ended')),
    created    TIMESTAMP NOT NULL
);
