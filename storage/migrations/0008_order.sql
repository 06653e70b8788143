-- Where a sitting begins and ends among the votes and rankings, by their order: the clock may be put
-- right meanwhile. Sittings of before have no such rows, and go by their times.
CREATE TABLE sitting_bounds (
    sitting_id VARCHAR NOT NULL,
    ended      BOOLEAN NOT NULL,
    vote_id    BIGINT NOT NULL,
    ranking_id BIGINT NOT NULL,
    PRIMARY KEY (sitting_id, ended)
);
