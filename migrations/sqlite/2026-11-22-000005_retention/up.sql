-- Holds, batches, what was erased, acts.

-- What must not go whatever its time: a record, all records of a person, or all of a query.
CREATE TABLE legal_hold (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    scope TEXT NOT NULL,
    record_id TEXT,
    personal_code TEXT,
    record_type TEXT,
    until_day TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    set_by TEXT NOT NULL,
    lifted_at BIGINT,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE INDEX legal_hold_in_force ON legal_hold (register, lifted_at, record_id);

CREATE TABLE retention_batch (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    state TEXT NOT NULL,
    due_on TEXT NOT NULL,
    proposed_at BIGINT NOT NULL,
    proposed_by TEXT NOT NULL,
    approved_at BIGINT,
    approved_by TEXT,
    finished_at BIGINT,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    UNIQUE (register, number),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE TABLE retention_item (
    register TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    record_id TEXT NOT NULL,
    record_type TEXT NOT NULL,
    rule TEXT NOT NULL,
    due_on TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (register, batch_id, position),
    UNIQUE (register, batch_id, record_id, rule),
    FOREIGN KEY (register, batch_id) REFERENCES retention_batch (register, id)
) WITHOUT ROWID;
CREATE INDEX retention_item_by_record ON retention_item (register, record_id, state);
CREATE INDEX retention_item_by_state ON retention_item (register, batch_id, state, position);

-- What has gone: the ledger that a restored copy is held against. Only grows.
CREATE TABLE erasure (
    register TEXT NOT NULL,
    record_id TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    record_type TEXT NOT NULL,
    fields TEXT,
    rules TEXT NOT NULL,
    erased_at BIGINT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, record_id, batch_id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE INDEX erasure_by_time ON erasure (register, erased_at, record_id);

-- Acts of transfer and of destruction, kept for good.
CREATE TABLE retention_act (
    register TEXT NOT NULL,
    kind TEXT NOT NULL,
    number BIGINT NOT NULL,
    batch_id TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    pdf BLOB NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, number),
    UNIQUE (register, batch_id, kind),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);

-- The records that the delete gate is open for, within its own transaction only: always empty outside it.
CREATE TABLE erasing (
    register TEXT NOT NULL,
    record_id TEXT NOT NULL,
    PRIMARY KEY (register, record_id)
) WITHOUT ROWID;
-- What has ended by a day, for what falls due; what an earlier erasure has left of records; and what uses a file.
CREATE INDEX record_state_by_end ON record_state (register, record_type, until_day, ends_on, record_id);
CREATE INDEX record_event_by_day ON record_event (register, event, on_day, record_id);
CREATE INDEX erasure_of_parts ON erasure (register, record_type, record_id) WHERE fields IS NOT NULL;
CREATE INDEX base_document_by_file ON base_document (register, sha256) WHERE sha256 IS NOT NULL;

CREATE TRIGGER erasure_no_update BEFORE UPDATE ON erasure BEGIN SELECT RAISE(ABORT, 'erasure only grows'); END;
CREATE TRIGGER erasure_no_delete BEFORE DELETE ON erasure BEGIN SELECT RAISE(ABORT, 'erasure only grows'); END;
CREATE TRIGGER retention_act_no_update BEFORE UPDATE ON retention_act BEGIN SELECT RAISE(ABORT, 'retention_act only grows'); END;
CREATE TRIGGER retention_act_no_delete BEFORE DELETE ON retention_act BEGIN SELECT RAISE(ABORT, 'retention_act only grows'); END;

-- There is one delete gate: these rows go only with the record for which it is open.
DROP TRIGGER entry_no_update;
DROP TRIGGER entry_no_delete;
DROP TRIGGER entry_document_no_delete;
DROP TRIGGER record_event_no_delete;
DROP TRIGGER case_step_no_update;
DROP TRIGGER case_step_no_delete;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry
    WHEN NOT EXISTS (SELECT 1 FROM erasing g WHERE g.register = OLD.register AND g.record_id = OLD.record_id)
    BEGIN SELECT RAISE(ABORT, 'entry only grows'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry
    WHEN NOT EXISTS (SELECT 1 FROM erasing g WHERE g.register = OLD.register AND g.record_id = OLD.record_id)
    BEGIN SELECT RAISE(ABORT, 'entry only grows'); END;
CREATE TRIGGER entry_document_no_delete BEFORE DELETE ON entry_document
    WHEN NOT EXISTS (SELECT 1 FROM entry e JOIN erasing g ON g.register = e.register AND g.record_id = e.record_id
                     WHERE e.register = OLD.register AND e.id = OLD.entry_id)
    BEGIN SELECT RAISE(ABORT, 'entry_document only grows'); END;
CREATE TRIGGER record_event_no_delete BEFORE DELETE ON record_event
    WHEN NOT EXISTS (SELECT 1 FROM erasing g WHERE g.register = OLD.register AND g.record_id = OLD.record_id)
    BEGIN SELECT RAISE(ABORT, 'record_event only grows'); END;
CREATE TRIGGER record_no_delete BEFORE DELETE ON record
    WHEN NOT EXISTS (SELECT 1 FROM erasing g WHERE g.register = OLD.register AND g.record_id = OLD.id)
    BEGIN SELECT RAISE(ABORT, 'a record goes by its retention rule only'); END;
CREATE TRIGGER case_step_no_update BEFORE UPDATE ON case_step
    WHEN NOT EXISTS (SELECT 1 FROM case_file c JOIN erasing g ON g.register = c.register AND g.record_id = c.record_id
                     WHERE c.register = OLD.register AND c.id = OLD.case_id)
    BEGIN SELECT RAISE(ABORT, 'case_step only grows'); END;
CREATE TRIGGER case_step_no_delete BEFORE DELETE ON case_step
    WHEN NOT EXISTS (SELECT 1 FROM case_file c JOIN erasing g ON g.register = c.register AND g.record_id = c.record_id
                     WHERE c.register = OLD.register AND c.id = OLD.case_id)
    BEGIN SELECT RAISE(ABORT, 'case_step only grows'); END;
