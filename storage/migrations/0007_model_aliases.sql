-- The names that a model goes by, and the one under which this studio keeps what belongs to it. That
-- one is whatever it was called when the studio first met it, and it never changes: a folder may be
-- renamed, weights may be stored in another format, and a hub model may arrive on the disk.
CREATE TABLE model_aliases (
    alias   VARCHAR PRIMARY KEY,
    base    VARCHAR NOT NULL,
    -- Whether a model was opened by this name. Names that it would only have in another form are kept
    -- too, but lead nobody else to it.
    own     BOOLEAN NOT NULL,
    created TIMESTAMP NOT NULL
);
