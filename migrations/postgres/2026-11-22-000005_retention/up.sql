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
);
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
);
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
);
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
);
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
    pdf BYTEA NOT NULL,
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
);
-- What has ended by a day, for what falls due; what an earlier erasure has left of records; and what uses a file.
CREATE INDEX record_state_by_end ON record_state (register, record_type, until_day, ends_on, record_id);
CREATE INDEX record_event_by_day ON record_event (register, event, on_day, record_id);
CREATE INDEX erasure_of_parts ON erasure (register, record_type, record_id) WHERE fields IS NOT NULL;
CREATE INDEX base_document_by_file ON base_document (register, sha256) WHERE sha256 IS NOT NULL;
