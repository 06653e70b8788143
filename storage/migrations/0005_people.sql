-- Who may sign in. Nobody is ever deleted: a change is one more row, and the newest of a kind counts.
CREATE TABLE people (
    name    VARCHAR PRIMARY KEY,
    folded  VARCHAR NOT NULL UNIQUE,
    created TIMESTAMP NOT NULL
);

-- A password and a link to choose one take each other's place, so the newer of the two counts. Only
-- hashes are kept of either.
CREATE SEQUENCE person_change_ids;
CREATE TABLE person_changes (
    person_change_id BIGINT PRIMARY KEY DEFAULT nextval('person_change_ids'),
    name    VARCHAR NOT NULL,
    kind    VARCHAR NOT NULL CHECK (kind IN ('role', 'access', 'password', 'link', 'seen')),
    value   VARCHAR NOT NULL,
    who     VARCHAR NOT NULL,
    created TIMESTAMP NOT NULL,
    CHECK (kind <> 'role' OR value IN ('labeler', 'admin')),
    CHECK (kind <> 'access' OR value IN ('open', 'closed'))
);

CREATE VIEW current_people AS
SELECT people.name, people.folded, people.created, newest.role, newest.access, newest.secret_kind,
       newest.secret, newest.secret_since, newest.seen
FROM people
JOIN (
    SELECT name,
           arg_max(value, person_change_id) FILTER (kind = 'role') AS role,
           arg_max(value, person_change_id) FILTER (kind = 'access') AS access,
           arg_max(kind, person_change_id) FILTER (kind IN ('password', 'link')) AS secret_kind,
           arg_max(value, person_change_id) FILTER (kind IN ('password', 'link')) AS secret,
           max(created) FILTER (kind IN ('password', 'link')) AS secret_since,
           max(created) FILTER (kind = 'seen') AS seen
    FROM person_changes
    GROUP BY name
) AS newest USING (name);

CREATE TABLE sign_ins (
    token_hash VARCHAR PRIMARY KEY,
    name       VARCHAR NOT NULL,
    expires    TIMESTAMP NOT NULL,
    created    TIMESTAMP NOT NULL
);

CREATE TABLE sign_outs (
    token_hash VARCHAR PRIMARY KEY,
    created    TIMESTAMP NOT NULL
);

CREATE VIEW current_sign_ins AS
SELECT token_hash, name, expires, created
FROM sign_ins
WHERE token_hash NOT IN (SELECT token_hash FROM sign_outs);
