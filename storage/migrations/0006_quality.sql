-- A check is a pair that one person is asked on purpose: one they voted on before with its sides
-- swapped, or one whose answer is known. It teaches nothing.
CREATE TABLE checks (
    pair_id   VARCHAR PRIMARY KEY,
    of_pair   VARCHAR NOT NULL,
    annotator VARCHAR NOT NULL,
    kind      VARCHAR NOT NULL CHECK (kind IN ('repeat', 'gold')),
    created   TIMESTAMP NOT NULL
);

-- The pairs whose answer is known; the newest mark of a pair counts, and an empty winner takes it
-- away.
CREATE SEQUENCE gold_mark_ids;
CREATE TABLE gold_marks (
    gold_mark_id BIGINT PRIMARY KEY DEFAULT nextval('gold_mark_ids'),
    base    VARCHAR NOT NULL,
    pair_id VARCHAR NOT NULL,
    winner  VARCHAR NOT NULL,
    who     VARCHAR NOT NULL,
    created TIMESTAMP NOT NULL
);

CREATE VIEW gold_pairs AS
SELECT base, pair_id, winner, who, created
FROM gold_marks
WHERE winner <> '' AND gold_mark_id IN (SELECT max(gold_mark_id) FROM gold_marks GROUP BY pair_id);

-- What is not learned from, and why: one vote, or all votes of a person. A lift ends an exclusion.
CREATE SEQUENCE exclusion_ids;
CREATE TABLE exclusions (
    exclusion_id BIGINT PRIMARY KEY DEFAULT nextval('exclusion_ids'),
    base      VARCHAR NOT NULL,
    annotator VARCHAR,
    vote_id   BIGINT,
    reason    VARCHAR NOT NULL,
    who       VARCHAR NOT NULL,
    created   TIMESTAMP NOT NULL,
    CHECK ((annotator IS NULL) <> (vote_id IS NULL))
);

CREATE TABLE exclusion_lifts (
    exclusion_id BIGINT PRIMARY KEY,
    who          VARCHAR NOT NULL,
    created      TIMESTAMP NOT NULL
);

CREATE VIEW excluded_people AS
SELECT base, annotator AS person, arg_min(reason, exclusion_id) AS reason
FROM exclusions
WHERE annotator IS NOT NULL
  AND exclusion_id NOT IN (SELECT exclusion_id FROM exclusion_lifts)
GROUP BY base, annotator;

CREATE VIEW excluded_votes AS
SELECT votes.vote_id, arg_min(open.reason, open.exclusion_id) AS reason
FROM exclusions AS open
JOIN current_votes AS votes
  ON votes.base = open.base
 AND (votes.vote_id = open.vote_id OR votes.annotator = open.annotator)
WHERE open.exclusion_id NOT IN (SELECT exclusion_id FROM exclusion_lifts)
GROUP BY votes.vote_id;

-- How much a person's votes count to a run, and why; the newest row of a person counts.
CREATE SEQUENCE voter_weight_ids;
CREATE TABLE voter_weights (
    voter_weight_id BIGINT PRIMARY KEY DEFAULT nextval('voter_weight_ids'),
    base      VARCHAR NOT NULL,
    annotator VARCHAR NOT NULL,
    weight    DOUBLE NOT NULL CHECK (weight > 0 AND weight <= 1),
    reason    VARCHAR NOT NULL,
    who       VARCHAR NOT NULL,
    created   TIMESTAMP NOT NULL
);

CREATE VIEW current_weights AS
SELECT base, annotator, weight, reason, who, created
FROM voter_weights
WHERE voter_weight_id IN (SELECT max(voter_weight_id) FROM voter_weights GROUP BY base, annotator);

-- What pictures look like, in numbers, so that no file is measured twice.
CREATE TABLE looks (
    sha256  VARCHAR NOT NULL,
    measure INTEGER NOT NULL,
    numbers DOUBLE[] NOT NULL,
    PRIMARY KEY (sha256, measure)
);

-- Votes that could teach; of these, `lessons` leaves out what is excluded.
CREATE OR REPLACE VIEW labels AS
SELECT vote_id, key, base, pair_id, annotator, verdict, winner, left_image, response_ms, created
FROM current_votes
WHERE pair_id NOT IN (SELECT pair_id FROM trial_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM hidden_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM checks);

CREATE VIEW lessons AS
SELECT vote_id, key, base, pair_id, annotator, verdict, winner, left_image, response_ms, created
FROM labels
WHERE vote_id NOT IN (SELECT vote_id FROM excluded_votes);
