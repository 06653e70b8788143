-- Nothing in this schema is ever updated: tables are appended to, and "now" is a view.

CREATE SEQUENCE prompt_ids;
CREATE TABLE prompts (
    prompt_id BIGINT PRIMARY KEY DEFAULT nextval('prompt_ids'),
    text      VARCHAR NOT NULL UNIQUE,
    source    VARCHAR NOT NULL,
    created   TIMESTAMP NOT NULL
);

CREATE TABLE images (
    image_id   VARCHAR PRIMARY KEY,
    sha256     VARCHAR NOT NULL,
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    recipe     JSON NOT NULL,
    recipe_key VARCHAR NOT NULL UNIQUE,
    version    VARCHAR NOT NULL,
    created    TIMESTAMP NOT NULL
);

CREATE SEQUENCE pair_numbers;
CREATE TABLE pairs (
    pair_id     VARCHAR PRIMARY KEY,
    number      BIGINT NOT NULL DEFAULT nextval('pair_numbers'),
    prompt      VARCHAR NOT NULL,
    left_image  VARCHAR NOT NULL,
    right_image VARCHAR NOT NULL,
    base        VARCHAR NOT NULL,
    version     VARCHAR NOT NULL,
    created     TIMESTAMP NOT NULL
);

-- A row is a vote (it has a verdict) or an undo (it has the vote that it supersedes).
-- The winner is stored by picture, so it outlives any change of sides; the picture shown on the
-- left is stored beside it, so position bias can be measured.
CREATE SEQUENCE vote_ids;
CREATE TABLE votes (
    vote_id     BIGINT PRIMARY KEY DEFAULT nextval('vote_ids'),
    key         VARCHAR NOT NULL UNIQUE,
    base        VARCHAR NOT NULL,
    pair_id     VARCHAR NOT NULL,
    annotator   VARCHAR NOT NULL,
    verdict     VARCHAR CHECK (
        verdict IN ('left', 'right', 'tie', 'both_good', 'both_bad', 'skip')
    ),
    winner      VARCHAR,
    left_image  VARCHAR NOT NULL,
    response_ms BIGINT,
    supersedes  BIGINT UNIQUE,
    created     TIMESTAMP NOT NULL,
    CHECK ((verdict IS NULL) <> (supersedes IS NULL)),
    CHECK ((winner IS NOT NULL) = coalesce(verdict IN ('left', 'right'), false))
);
CREATE INDEX votes_by_pair ON votes (pair_id);

CREATE VIEW current_votes AS
SELECT * FROM votes
WHERE verdict IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM votes AS undo WHERE undo.supersedes = votes.vote_id);

CREATE TABLE snapshots (
    snapshot_id VARCHAR PRIMARY KEY,
    base        VARCHAR NOT NULL,
    settle_s    DOUBLE NOT NULL,
    counts      JSON NOT NULL,
    created     TIMESTAMP NOT NULL
);

CREATE TABLE snapshot_votes (
    snapshot_id VARCHAR NOT NULL,
    vote_id     BIGINT NOT NULL
);

CREATE TABLE runs (
    run_id      VARCHAR PRIMARY KEY,
    number      BIGINT NOT NULL UNIQUE,
    snapshot_id VARCHAR NOT NULL,
    base        VARCHAR NOT NULL,
    parent      VARCHAR NOT NULL,
    settings    JSON NOT NULL,
    trigger     VARCHAR NOT NULL,
    created     TIMESTAMP NOT NULL
);

CREATE SEQUENCE run_state_ids;
CREATE TABLE run_states (
    run_state_id BIGINT PRIMARY KEY DEFAULT nextval('run_state_ids'),
    run_id       VARCHAR NOT NULL,
    state        VARCHAR NOT NULL CHECK (
        state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')
    ),
    error        VARCHAR,
    created      TIMESTAMP NOT NULL
);

CREATE VIEW current_runs AS
SELECT runs.*, newest.state, newest.error
FROM runs
JOIN (
    SELECT run_id, arg_max(state, run_state_id) AS state, arg_max_null(error, run_state_id) AS error
    FROM run_states
    GROUP BY run_id
) AS newest USING (run_id);

CREATE TABLE versions (
    base    VARCHAR NOT NULL,
    number  INTEGER NOT NULL,
    parent  INTEGER,
    run_id  VARCHAR UNIQUE,
    adapter VARCHAR,
    summary JSON NOT NULL,
    created TIMESTAMP NOT NULL,
    PRIMARY KEY (base, number),
    CHECK ((number = 0) = (parent IS NULL))
);

CREATE SEQUENCE activation_ids;
CREATE TABLE activations (
    activation_id BIGINT PRIMARY KEY DEFAULT nextval('activation_ids'),
    base          VARCHAR NOT NULL,
    number        INTEGER NOT NULL,
    created       TIMESTAMP NOT NULL
);
