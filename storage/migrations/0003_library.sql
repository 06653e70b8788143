-- Names and notes of versions are appended, and the newest one counts; an empty text takes one away.
-- A deleted version keeps its row, so that lineage and votes stay explainable; its files go.

CREATE SEQUENCE version_label_ids;
CREATE TABLE version_labels (
    version_label_id BIGINT PRIMARY KEY DEFAULT nextval('version_label_ids'),
    base             VARCHAR NOT NULL,
    number           INTEGER NOT NULL,
    kind             VARCHAR NOT NULL CHECK (kind IN ('name', 'note')),
    text             VARCHAR NOT NULL,
    created          TIMESTAMP NOT NULL
);

CREATE TABLE version_deletions (
    base    VARCHAR NOT NULL,
    number  INTEGER NOT NULL,
    created TIMESTAMP NOT NULL,
    PRIMARY KEY (base, number)
);

-- Columns by name: a view over * breaks when a table that it reads gains a column.
CREATE VIEW current_versions AS
SELECT versions.base, versions.number, versions.parent, versions.run_id, versions.adapter,
       versions.summary, versions.created, coalesce(labels.name, '') AS name,
       coalesce(labels.note, '') AS note, version_deletions.created AS deleted
FROM versions
LEFT JOIN (
    SELECT base, number,
           arg_max(text, version_label_id) FILTER (kind = 'name') AS name,
           arg_max(text, version_label_id) FILTER (kind = 'note') AS note
    FROM version_labels
    GROUP BY base, number
) AS labels USING (base, number)
LEFT JOIN version_deletions USING (base, number);
