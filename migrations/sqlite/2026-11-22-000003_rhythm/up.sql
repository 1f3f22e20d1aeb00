-- SQLite. In step with migrations/postgres: the same tables, columns and keys.
-- The rhythm of an institution's data: moves of records, imports and exchanges, confirmation on fixed dates.

-- Where the values of an entry come from, when not from whoever entered it.
ALTER TABLE entry ADD COLUMN source TEXT;

-- The records of one institution, with everything by which they are chosen: without the days SQLite, which keeps no
-- statistics of its own accord, would rather go through the records of all institutions.
DROP INDEX record_index_by_institution;
CREATE INDEX record_index_by_institution ON record_index
    (register, record_type, field, institution_id, value, record_id, from_day, until_day, begins_on, ends_on);

-- How one record gave rise to another. Until the receiver accepts, `into_record` is empty.
CREATE TABLE record_move (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    from_record TEXT NOT NULL,
    from_institution TEXT NOT NULL,
    into_institution TEXT NOT NULL,
    into_record TEXT,
    effective_on TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    ended_at BIGINT,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, from_record) REFERENCES record (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE INDEX record_move_by_from ON record_move (register, from_record, id);
CREATE INDEX record_move_by_into ON record_move (register, into_record, id) WHERE into_record IS NOT NULL;
CREATE INDEX record_move_by_receiver ON record_move (register, into_institution, state, id);

-- What happened to a record on a day, apart from its data: events from which retention rules count.
CREATE TABLE record_event (
    register TEXT NOT NULL,
    record_id TEXT NOT NULL,
    event TEXT NOT NULL,
    on_day TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, record_id, event, audit_id),
    FOREIGN KEY (register, record_id) REFERENCES record (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;

-- Personal codes that a record had and no state of it has any more, so that whoever looks for one finds its history.
CREATE TABLE former_code (
    register TEXT NOT NULL,
    value TEXT NOT NULL,
    record_id TEXT NOT NULL,
    PRIMARY KEY (register, value, record_id),
    FOREIGN KEY (register, record_id) REFERENCES record (register, id)
) WITHOUT ROWID;

-- Imports that changed something, and what each of their rows did: for their report, and for taking them back.
CREATE TABLE import_run (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    record_type TEXT NOT NULL,
    institution_id TEXT NOT NULL,
    state TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    undone_at BIGINT,
    sha256 TEXT NOT NULL,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE INDEX import_run_by_institution ON import_run (register, institution_id, id);
CREATE TABLE import_row (
    register TEXT NOT NULL,
    import_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    record_id TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (register, import_id, position),
    FOREIGN KEY (register, import_id) REFERENCES import_run (register, id)
) WITHOUT ROWID;
CREATE INDEX import_row_by_entry ON import_row (register, entry_id);

-- How somebody's sheets name their columns, kept for the next time.
CREATE TABLE column_mapping (
    register TEXT NOT NULL,
    user_id TEXT NOT NULL,
    record_type TEXT NOT NULL,
    body TEXT NOT NULL,
    kept_at BIGINT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, user_id, record_type),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;

-- Exchanges with other registers. What went out stands in the ledger of disclosures as well.
CREATE TABLE exchange_run (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    exchange TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    disclosure_id TEXT,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;

-- Duties to confirm: one for each institution and day. What is confirmed stays as it is for ever.
CREATE TABLE confirmation (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    duty TEXT NOT NULL,
    institution_id TEXT NOT NULL,
    due_on TEXT NOT NULL,
    acts_by TEXT NOT NULL,
    opens_on TEXT NOT NULL,
    cancelled_at BIGINT,
    confirmed_at BIGINT,
    confirmed_on TEXT,
    confirmed_by TEXT,
    number BIGINT,
    root TEXT,
    size BIGINT,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    UNIQUE (register, duty, institution_id, due_on),
    UNIQUE (register, number),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE INDEX confirmation_by_due ON confirmation (register, due_on, institution_id, id);
CREATE INDEX confirmation_by_institution ON confirmation (register, institution_id, due_on, id);
-- The leaves of what was confirmed, in their order.
CREATE TABLE confirmed_record (
    register TEXT NOT NULL,
    confirmation_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    record_id TEXT NOT NULL,
    record_type TEXT NOT NULL,
    version BIGINT NOT NULL,
    leaf BLOB NOT NULL,
    PRIMARY KEY (register, confirmation_id, position),
    UNIQUE (register, confirmation_id, record_id),
    FOREIGN KEY (register, confirmation_id) REFERENCES confirmation (register, id)
);
CREATE INDEX confirmed_record_by_record ON confirmed_record (register, record_id);
-- What was said on the way to a confirmation: parts checked, reasons for warnings, exceptions under an inquiry.
CREATE TABLE confirmation_note (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    confirmation_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, confirmation_id) REFERENCES confirmation (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE INDEX confirmation_note_by_confirmation ON confirmation_note (register, confirmation_id, id);

-- Secret addresses under which users' calendar programs fetch due dates; kept by digest.
CREATE TABLE calendar_feed (
    register TEXT NOT NULL,
    digest TEXT NOT NULL,
    user_id TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    revoked_at BIGINT,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, digest),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE INDEX calendar_feed_by_user ON calendar_feed (register, user_id);

-- What only grows.
CREATE TRIGGER record_event_no_update BEFORE UPDATE ON record_event BEGIN SELECT RAISE(ABORT, 'record_event only grows'); END;
CREATE TRIGGER record_event_no_delete BEFORE DELETE ON record_event BEGIN SELECT RAISE(ABORT, 'record_event only grows'); END;
CREATE TRIGGER confirmed_record_no_update BEFORE UPDATE ON confirmed_record BEGIN SELECT RAISE(ABORT, 'confirmed_record only grows'); END;
CREATE TRIGGER confirmed_record_no_delete BEFORE DELETE ON confirmed_record BEGIN SELECT RAISE(ABORT, 'confirmed_record only grows'); END;
CREATE TRIGGER confirmation_note_no_update BEFORE UPDATE ON confirmation_note BEGIN SELECT RAISE(ABORT, 'confirmation_note only grows'); END;
CREATE TRIGGER confirmation_note_no_delete BEFORE DELETE ON confirmation_note BEGIN SELECT RAISE(ABORT, 'confirmation_note only grows'); END;
CREATE TRIGGER exchange_run_no_update BEFORE UPDATE ON exchange_run BEGIN SELECT RAISE(ABORT, 'exchange_run only grows'); END;
CREATE TRIGGER exchange_run_no_delete BEFORE DELETE ON exchange_run BEGIN SELECT RAISE(ABORT, 'exchange_run only grows'); END;
-- A confirmation is made once and never taken back or altered.
CREATE TRIGGER confirmation_stays BEFORE UPDATE ON confirmation WHEN OLD.confirmed_at IS NOT NULL BEGIN SELECT RAISE(ABORT, 'what is confirmed stays'); END;
CREATE TRIGGER confirmation_no_delete BEFORE DELETE ON confirmation BEGIN SELECT RAISE(ABORT, 'confirmation only grows'); END;
