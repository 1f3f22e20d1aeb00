-- PostgreSQL. In step with migrations/sqlite: the same tables, columns and keys.
-- Instead of triggers, the run-time role has no UPDATE or DELETE on what only grows: see `andmekogu migrate --grant`.

-- The log. Events come first: everything else refers to them.
CREATE TABLE audit_event (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    decision TEXT COLLATE "C" NOT NULL,
    actor_id TEXT COLLATE "C",
    commitment BYTEA NOT NULL,
    PRIMARY KEY (register, id)
);
CREATE INDEX audit_event_by_actor ON audit_event (register, actor_id, id);
CREATE INDEX audit_event_by_action ON audit_event (register, action, id);
CREATE INDEX audit_event_denied ON audit_event (register, id) WHERE decision = 'denied';

-- The part of an event that can be erased: its words and its salt.
CREATE TABLE audit_payload (
    register TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    salt BYTEA NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, event_id),
    FOREIGN KEY (register, event_id) REFERENCES audit_event (register, id)
);

-- Whose data an event was about.
CREATE TABLE audit_subject (
    register TEXT COLLATE "C" NOT NULL,
    record_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, record_id, event_id),
    FOREIGN KEY (register, event_id) REFERENCES audit_event (register, id)
);

-- Events that wait for their place in the tree.
CREATE TABLE audit_queue (
    register TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, event_id)
);

-- The tree: leaves, the roots of its full subtrees of 256, 65536 ... leaves, and where it ends.
CREATE TABLE audit_leaf (
    register TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (register, seq),
    FOREIGN KEY (register, event_id) REFERENCES audit_event (register, id)
);
CREATE UNIQUE INDEX audit_leaf_by_event ON audit_leaf (register, event_id);
CREATE TABLE audit_node (
    register TEXT COLLATE "C" NOT NULL,
    level BIGINT NOT NULL,
    position BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (register, level, position)
);
CREATE TABLE audit_head (
    register TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    frontier BYTEA NOT NULL
);
CREATE TABLE audit_checkpoint (
    register TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (register, size)
);

-- Definitions that have been in use, by digest.
CREATE TABLE definition (
    register TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    in_force_from TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    loaded_at BIGINT NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, digest),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);

-- Records are what entries are about; entries are never overwritten.
CREATE TABLE record (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    record_type TEXT COLLATE "C" NOT NULL,
    institution_id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (register, id)
);
CREATE INDEX record_by_institution ON record (register, record_type, institution_id, id);
CREATE TABLE entry (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    record_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    effective_on TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    data TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C",
    supersedes TEXT COLLATE "C",
    actor_id TEXT COLLATE "C" NOT NULL,
    definition TEXT COLLATE "C" NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, id),
    UNIQUE (register, record_id, number),
    FOREIGN KEY (register, record_id) REFERENCES record (register, id),
    FOREIGN KEY (register, definition) REFERENCES definition (register, digest),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE UNIQUE INDEX entry_superseded_once ON entry (register, supersedes) WHERE supersedes IS NOT NULL;

-- What the entries amount to, as known now: for reading as of any day, and for searching. The first state of a
-- record reaches back for ever, so that a record which has yet to begin is found; effective_on is its real first day.
CREATE TABLE record_state (
    register TEXT COLLATE "C" NOT NULL,
    record_id TEXT COLLATE "C" NOT NULL,
    from_day TEXT COLLATE "C" NOT NULL,
    until_day TEXT COLLATE "C" NOT NULL,
    effective_on TEXT COLLATE "C" NOT NULL,
    record_type TEXT COLLATE "C" NOT NULL,
    institution_id TEXT COLLATE "C" NOT NULL,
    begins_on TEXT COLLATE "C" NOT NULL,
    ends_on TEXT COLLATE "C" NOT NULL,
    data TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, record_id, from_day),
    FOREIGN KEY (register, record_id) REFERENCES record (register, id)
);
CREATE TABLE record_index (
    register TEXT COLLATE "C" NOT NULL,
    record_type TEXT COLLATE "C" NOT NULL,
    field TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    record_id TEXT COLLATE "C" NOT NULL,
    from_day TEXT COLLATE "C" NOT NULL,
    until_day TEXT COLLATE "C" NOT NULL,
    institution_id TEXT COLLATE "C" NOT NULL,
    begins_on TEXT COLLATE "C" NOT NULL,
    ends_on TEXT COLLATE "C" NOT NULL,
    amount BIGINT,
    PRIMARY KEY (register, record_type, field, value, record_id, from_day)
);
CREATE INDEX record_index_by_institution
    ON record_index (register, record_type, field, institution_id, value, record_id, from_day);
CREATE INDEX record_index_by_record ON record_index (register, record_id, field);

-- Combinations that two records must not share, each held by the record that has it.
CREATE TABLE unique_key (
    register TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    record_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, key),
    FOREIGN KEY (register, record_id) REFERENCES record (register, id)
);
CREATE INDEX unique_key_by_record ON unique_key (register, record_id);

-- Base documents and the files of documents and fields.
CREATE TABLE stored_file (
    register TEXT COLLATE "C" NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    bytes BYTEA NOT NULL,
    stored_at BIGINT NOT NULL,
    stored_by TEXT COLLATE "C" NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, sha256),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE TABLE base_document (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    institution_id TEXT COLLATE "C",
    body TEXT COLLATE "C" NOT NULL,
    sha256 TEXT COLLATE "C",
    file_name TEXT COLLATE "C",
    added_at BIGINT NOT NULL,
    added_by TEXT COLLATE "C" NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, sha256) REFERENCES stored_file (register, sha256),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE TABLE entry_document (
    register TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    document_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, entry_id, document_id),
    FOREIGN KEY (register, entry_id) REFERENCES entry (register, id),
    FOREIGN KEY (register, document_id) REFERENCES base_document (register, id)
);
CREATE INDEX entry_document_by_document ON entry_document (register, document_id);

-- People and rights. Users belong to the installation, whose register is named "installation".
CREATE TABLE app_user (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    username TEXT COLLATE "C" NOT NULL,
    personal_code TEXT COLLATE "C",
    display_name TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    blocked BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, id),
    UNIQUE (register, username),
    UNIQUE (register, personal_code),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE TABLE session (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    opened_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, user_id) REFERENCES app_user (register, id)
);
CREATE INDEX session_by_user ON session (register, user_id);
CREATE TABLE refresh_token (
    register TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    session_id TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (register, digest),
    FOREIGN KEY (register, session_id) REFERENCES session (register, id)
);
CREATE TABLE login_throttle (
    register TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    failures BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    PRIMARY KEY (register, key)
);
CREATE TABLE access_grant (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    institution_id TEXT COLLATE "C",
    from_day TEXT COLLATE "C" NOT NULL,
    until_day TEXT COLLATE "C" NOT NULL,
    revoked_at BIGINT,
    version BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE INDEX access_grant_by_user ON access_grant (register, user_id);
CREATE TABLE grant_log (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    grant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    act TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    actor_id TEXT COLLATE "C",
    body TEXT COLLATE "C" NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, grant_id) REFERENCES access_grant (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE INDEX grant_log_by_grant ON grant_log (register, grant_id, id);

-- Creations that were asked for with an Idempotency-Key: what came of them, never the data themselves.
CREATE TABLE idempotency (
    register TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    request_digest BYTEA NOT NULL,
    result_id TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (register, user_id, key)
);

-- Who leads where only one may: integration of the log, migrations of a running installation.
CREATE TABLE lease (
    register TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    until_at BIGINT NOT NULL,
    PRIMARY KEY (register, name)
);
