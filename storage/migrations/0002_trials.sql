-- A trial is a blind test of two versions. Its pairs are voted on like others, in the same table,
-- but teach nothing: `labels` are the votes that runs learn from.

CREATE TABLE trials (
    trial_id  VARCHAR PRIMARY KEY,
    number    BIGINT NOT NULL UNIQUE,
    base      VARCHAR NOT NULL,
    before    INTEGER NOT NULL,
    after     INTEGER NOT NULL,
    questions JSON NOT NULL,
    options   JSON NOT NULL,
    created   TIMESTAMP NOT NULL
);

-- Prompts are kept for trials from the first one on, so that no version learns from them.
CREATE TABLE trial_prompts (
    trial_id VARCHAR NOT NULL,
    place    INTEGER NOT NULL,
    prompt   VARCHAR NOT NULL,
    PRIMARY KEY (trial_id, place)
);

CREATE TABLE trial_pairs (
    pair_id  VARCHAR PRIMARY KEY,
    trial_id VARCHAR NOT NULL,
    place    INTEGER NOT NULL,
    question VARCHAR NOT NULL,
    before   VARCHAR NOT NULL,
    after    VARCHAR NOT NULL
);

CREATE SEQUENCE trial_state_ids;
CREATE TABLE trial_states (
    trial_state_id BIGINT PRIMARY KEY DEFAULT nextval('trial_state_ids'),
    trial_id       VARCHAR NOT NULL,
    state          VARCHAR NOT NULL CHECK (state IN ('open', 'ended')),
    note           VARCHAR,
    created        TIMESTAMP NOT NULL
);

CREATE VIEW labels AS
SELECT * FROM current_votes WHERE pair_id NOT IN (SELECT pair_id FROM trial_pairs);
