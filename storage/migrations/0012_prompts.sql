-- What people changed about prompts, in the order in which they did; the newest row of a prompt counts.
-- Votes keep the prompt that they were given for: a text is never changed, an edit is a new prompt.
CREATE SEQUENCE prompt_change_ids;
CREATE TABLE prompt_changes (
    prompt_change_id BIGINT PRIMARY KEY DEFAULT nextval('prompt_change_ids'),
    prompt_id   BIGINT NOT NULL,
    state       VARCHAR NOT NULL CHECK (state IN ('in use', 'removed')),
    weight      DOUBLE NOT NULL CHECK (weight > 0),
    replaced_by BIGINT,
    own         BOOLEAN NOT NULL, -- somebody added it, whatever list it came from at first
    who         VARCHAR NOT NULL,
    created     TIMESTAMP NOT NULL
);

CREATE VIEW current_prompts AS
SELECT prompts.prompt_id, text, source, prompts.created,
       coalesce(newest.state, 'in use') AS state,
       coalesce(newest.weight, 1.0) AS weight,
       newest.replaced_by,
       coalesce(newest.own, FALSE) AS own
FROM prompts LEFT JOIN (
    SELECT prompt_id, arg_max(state, prompt_change_id) AS state,
           arg_max(weight, prompt_change_id) AS weight,
           -- Within a list, since arg_max passes over what is NULL.
           arg_max([replaced_by], prompt_change_id)[1] AS replaced_by,
           bool_or(own) AS own
    FROM prompt_changes GROUP BY prompt_id
) AS newest USING (prompt_id);
