-- Votes that came in from files. They are not among `votes`: nobody gave them here, nobody can undo
-- one of them, and there may be a million. A source is weighed, left out and removed as one.
CREATE SEQUENCE source_ids;
CREATE TABLE sources (
    source_id BIGINT PRIMARY KEY DEFAULT nextval('source_ids'),
    base      VARCHAR NOT NULL,
    name      VARCHAR NOT NULL,
    layout    VARCHAR NOT NULL,
    -- Its files with their digests, the mapping of columns, and what was left out by reason.
    facts     JSON NOT NULL,
    who       VARCHAR NOT NULL,
    created   TIMESTAMP NOT NULL
);

-- What became of a source; the newest row of a kind counts. Its votes come in many transactions, and
-- until there is a row 'complete' it is no source yet: what a crash left of it goes at the next start.
CREATE SEQUENCE source_change_ids;
CREATE TABLE source_changes (
    source_change_id BIGINT PRIMARY KEY DEFAULT nextval('source_change_ids'),
    source_id BIGINT NOT NULL,
    kind      VARCHAR NOT NULL CHECK (kind IN ('complete', 'name', 'weight', 'used', 'removed')),
    value     VARCHAR NOT NULL,
    who       VARCHAR NOT NULL,
    created   TIMESTAMP NOT NULL
);

CREATE VIEW current_sources AS
SELECT sources.source_id, base, coalesce(newest.name, sources.name) AS name, layout, facts,
       coalesce(newest.weight, 1.0) AS weight, coalesce(newest.used, TRUE) AS used,
       newest.counts, who, created
FROM sources JOIN (
    SELECT source_id,
           arg_max(value, source_change_id) FILTER (kind = 'complete') AS counts,
           arg_max(value, source_change_id) FILTER (kind = 'name') AS name,
           arg_max(try_cast(value AS DOUBLE), source_change_id) FILTER (kind = 'weight') AS weight,
           arg_max(try_cast(value AS BOOLEAN), source_change_id) FILTER (kind = 'used') AS used,
           count(*) FILTER (kind = 'removed') AS removed
    FROM source_changes GROUP BY source_id
) AS newest USING (source_id)
WHERE newest.counts IS NOT NULL AND newest.removed = 0;

-- Without an index: rows are appended by the thousand and read from the first to the last.
CREATE TABLE source_votes (
    source_id BIGINT NOT NULL,
    file      INTEGER NOT NULL,   -- index in the files of the source
    row       BIGINT NOT NULL,    -- number of the row in that file
    prompt    VARCHAR NOT NULL,
    kind      VARCHAR NOT NULL,   -- preference, tie, both_good, both_bad, skip or ranking
    images    INTEGER[] NOT NULL, -- numbers in source_images, the better one of a preference first
    share     DOUBLE,             -- probability that the first one is better, where it was told
    ranks     INTEGER[],          -- of a ranking, the lowest for the best
    annotator VARCHAR NOT NULL,
    strength  INTEGER NOT NULL,
    given     TIMESTAMP,
    details   JSON,
    digest    UBIGINT NOT NULL    -- of all that it says, to find votes that came in twice
);

-- One row for each content: numbers instead of hashes keep a million votes small.
CREATE TABLE source_images (
    source_id BIGINT NOT NULL,
    image     INTEGER NOT NULL,   -- from 0 in each source, in the order in which they came
    sha256    VARCHAR NOT NULL,
    suffix    VARCHAR NOT NULL,   -- .png, .jpg or .webp, by the bytes
    width     INTEGER NOT NULL,
    height    INTEGER NOT NULL,
    file      INTEGER,            -- index in the files of the source; empty for a file of the studio's
    row       BIGINT,             -- where it is a cell of a Parquet file
    cell      VARCHAR             -- its column, with the path into it
);
