-- SQLite. In step with migrations/postgres: the same tables, columns and keys.

-- The log. Events come first: everything else refers to them.
CREATE TABLE audit_event (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    action TEXT NOT NULL,
    decision TEXT NOT NULL,
    actor_id TEXT,
    commitment BLOB NOT NULL,
    PRIMARY KEY (register, id)
) WITHOUT ROWID;
CREATE INDEX audit_event_by_actor ON audit_event (register, actor_id, id);
CREATE INDEX audit_event_by_action ON audit_event (register, action, id);
CREATE INDEX audit_event_denied ON audit_event (register, id) WHERE decision = 'denied';

-- The part of an event that can be erased: its words and its salt.
CREATE TABLE audit_payload (
    register TEXT NOT NULL,
    event_id TEXT NOT NULL,
    salt BLOB NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (register, event_id),
    FOREIGN KEY (register, event_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;

-- Whose data an event was about.
CREATE TABLE audit_subject (
    register TEXT NOT NULL,
    record_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (register, record_id, event_id),
    FOREIGN KEY (register, event_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;

-- Events that wait for their place in the tree.
CREATE TABLE audit_queue (
    register TEXT NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (register, event_id)
) WITHOUT ROWID;

-- The tree: leaves, the roots of its full subtrees of 256, 65536 ... leaves, and where it ends.
CREATE TABLE audit_leaf (
    register TEXT NOT NULL,
    seq BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (register, seq),
    FOREIGN KEY (register, event_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX audit_leaf_by_event ON audit_leaf (register, event_id);
CREATE TABLE audit_node (
    register TEXT NOT NULL,
    level BIGINT NOT NULL,
    position BIGINT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (register, level, position)
) WITHOUT ROWID;
CREATE TABLE audit_head (
    register TEXT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    frontier BLOB NOT NULL
);
CREATE TABLE audit_checkpoint (
    register TEXT NOT NULL,
    size BIGINT NOT NULL,
    note TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (register, size)
);

-- Definitions that have been in use, by digest.
CREATE TABLE definition (
    register TEXT NOT NULL,
    digest TEXT NOT NULL,
    in_force_from TEXT NOT NULL,
    body TEXT NOT NULL,
    loaded_at BIGINT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, digest),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);

-- Records are what entries are about; entries are never overwritten.
CREATE TABLE record (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    record_type TEXT NOT NULL,
    institution_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (register, id)
) WITHOUT ROWID;
CREATE INDEX record_by_institution ON record (register, record_type, institution_id, id);
CREATE TABLE entry (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    record_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    effective_on TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    data TEXT NOT NULL,
    reason TEXT,
    supersedes TEXT,
    actor_id TEXT NOT NULL,
    definition TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    UNIQUE (register, record_id, number),
    FOREIGN KEY (register, record_id) REFERENCES record (register, id),
    FOREIGN KEY (register, definition) REFERENCES definition (register, digest),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX entry_superseded_once ON entry (register, supersedes) WHERE supersedes IS NOT NULL;

-- What the entries amount to, as known now: for reading as of any day, and for searching. The first state of a
-- record reaches back for ever, so that a record which has yet to begin is found; effective_on is its real first day.
CREATE TABLE record_state (
    register TEXT NOT NULL,
    record_id TEXT NOT NULL,
    from_day TEXT NOT NULL,
    until_day TEXT NOT NULL,
    effective_on TEXT NOT NULL,
    record_type TEXT NOT NULL,
    institution_id TEXT NOT NULL,
    begins_on TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (register, record_id, from_day),
    FOREIGN KEY (register, record_id) REFERENCES record (register, id)
) WITHOUT ROWID;
CREATE TABLE record_index (
    register TEXT NOT NULL,
    record_type TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    record_id TEXT NOT NULL,
    from_day TEXT NOT NULL,
    until_day TEXT NOT NULL,
    institution_id TEXT NOT NULL,
    begins_on TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    amount BIGINT,
    PRIMARY KEY (register, record_type, field, value, record_id, from_day)
) WITHOUT ROWID;
CREATE INDEX record_index_by_institution
    ON record_index (register, record_type, field, institution_id, value, record_id, from_day);
CREATE INDEX record_index_by_record ON record_index (register, record_id, field);

-- Combinations that two records must not share, each held by the record that has it.
CREATE TABLE unique_key (
    register TEXT NOT NULL,
    key TEXT NOT NULL,
    record_id TEXT NOT NULL,
    PRIMARY KEY (register, key),
    FOREIGN KEY (register, record_id) REFERENCES record (register, id)
) WITHOUT ROWID;
CREATE INDEX unique_key_by_record ON unique_key (register, record_id);

-- Base documents and the files of documents and fields.
CREATE TABLE stored_file (
    register TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    bytes BLOB NOT NULL,
    stored_at BIGINT NOT NULL,
    stored_by TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, sha256),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE TABLE base_document (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    institution_id TEXT,
    body TEXT NOT NULL,
    sha256 TEXT,
    file_name TEXT,
    added_at BIGINT NOT NULL,
    added_by TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, sha256) REFERENCES stored_file (register, sha256),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE TABLE entry_document (
    register TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    PRIMARY KEY (register, entry_id, document_id),
    FOREIGN KEY (register, entry_id) REFERENCES entry (register, id),
    FOREIGN KEY (register, document_id) REFERENCES base_document (register, id)
) WITHOUT ROWID;
CREATE INDEX entry_document_by_document ON entry_document (register, document_id);

-- People and rights. Users belong to the installation, whose register is named "installation".
CREATE TABLE app_user (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    username TEXT NOT NULL,
    personal_code TEXT,
    display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    blocked BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    UNIQUE (register, username),
    UNIQUE (register, personal_code),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE TABLE session (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, user_id) REFERENCES app_user (register, id)
);
CREATE INDEX session_by_user ON session (register, user_id);
CREATE TABLE refresh_token (
    register TEXT NOT NULL,
    digest TEXT NOT NULL,
    session_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (register, digest),
    FOREIGN KEY (register, session_id) REFERENCES session (register, id)
);
CREATE TABLE login_throttle (
    register TEXT NOT NULL,
    key TEXT NOT NULL,
    failures BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    PRIMARY KEY (register, key)
);
CREATE TABLE access_grant (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    institution_id TEXT,
    from_day TEXT NOT NULL,
    until_day TEXT NOT NULL,
    revoked_at BIGINT,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE INDEX access_grant_by_user ON access_grant (register, user_id);
CREATE TABLE grant_log (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    act TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    actor_id TEXT,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, grant_id) REFERENCES access_grant (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE INDEX grant_log_by_grant ON grant_log (register, grant_id, id);

-- Creations that were asked for with an Idempotency-Key: what came of them, never the data themselves.
CREATE TABLE idempotency (
    register TEXT NOT NULL,
    user_id TEXT NOT NULL,
    key TEXT NOT NULL,
    request_digest BLOB NOT NULL,
    result_id TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (register, user_id, key)
);

-- Who leads where only one may: integration of the log, migrations of a running installation.
CREATE TABLE lease (
    register TEXT NOT NULL,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    until_at BIGINT NOT NULL,
    PRIMARY KEY (register, name)
);

-- The log only grows, and so do entries: the program's own statements cannot rewrite them.
CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit_event only grows'); END;
CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit_event only grows'); END;
CREATE TRIGGER audit_leaf_no_update BEFORE UPDATE ON audit_leaf BEGIN SELECT RAISE(ABORT, 'audit_leaf only grows'); END;
CREATE TRIGGER audit_leaf_no_delete BEFORE DELETE ON audit_leaf BEGIN SELECT RAISE(ABORT, 'audit_leaf only grows'); END;
CREATE TRIGGER audit_node_no_update BEFORE UPDATE ON audit_node BEGIN SELECT RAISE(ABORT, 'audit_node only grows'); END;
CREATE TRIGGER audit_node_no_delete BEFORE DELETE ON audit_node BEGIN SELECT RAISE(ABORT, 'audit_node only grows'); END;
CREATE TRIGGER audit_subject_no_update BEFORE UPDATE ON audit_subject BEGIN SELECT RAISE(ABORT, 'audit_subject only grows'); END;
CREATE TRIGGER audit_subject_no_delete BEFORE DELETE ON audit_subject BEGIN SELECT RAISE(ABORT, 'audit_subject only grows'); END;
CREATE TRIGGER audit_checkpoint_no_update BEFORE UPDATE ON audit_checkpoint BEGIN SELECT RAISE(ABORT, 'audit_checkpoint only grows'); END;
CREATE TRIGGER audit_checkpoint_no_delete BEFORE DELETE ON audit_checkpoint BEGIN SELECT RAISE(ABORT, 'audit_checkpoint only grows'); END;
CREATE TRIGGER grant_log_no_update BEFORE UPDATE ON grant_log BEGIN SELECT RAISE(ABORT, 'grant_log only grows'); END;
CREATE TRIGGER grant_log_no_delete BEFORE DELETE ON grant_log BEGIN SELECT RAISE(ABORT, 'grant_log only grows'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entry only grows'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entry only grows'); END;
CREATE TRIGGER entry_document_no_update BEFORE UPDATE ON entry_document BEGIN SELECT RAISE(ABORT, 'entry_document only grows'); END;
CREATE TRIGGER entry_document_no_delete BEFORE DELETE ON entry_document BEGIN SELECT RAISE(ABORT, 'entry_document only grows'); END;
CREATE TRIGGER definition_no_update BEFORE UPDATE ON definition BEGIN SELECT RAISE(ABORT, 'definition only grows'); END;
CREATE TRIGGER definition_no_delete BEFORE DELETE ON definition BEGIN SELECT RAISE(ABORT, 'definition only grows'); END;
CREATE TRIGGER audit_payload_no_update BEFORE UPDATE ON audit_payload BEGIN SELECT RAISE(ABORT, 'audit_payload is never rewritten'); END;
