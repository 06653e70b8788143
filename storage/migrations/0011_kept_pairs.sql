-- A pair that shows the winner of a vote again, beside a new image of the same prompt: which pair and
-- vote it follows, who is asked first, and its number in a row.
CREATE TABLE kept_pairs (
    pair_id   VARCHAR PRIMARY KEY,
    of_pair   VARCHAR NOT NULL,
    vote_key  VARCHAR NOT NULL,
    annotator VARCHAR NOT NULL,
    in_a_row  INTEGER NOT NULL,
    created   TIMESTAMP NOT NULL
);

-- Those of votes that were undone, which nobody is asked any more.
CREATE VIEW taken_back_pairs AS
SELECT pair_id FROM kept_pairs WHERE vote_key NOT IN (SELECT key FROM current_votes);
