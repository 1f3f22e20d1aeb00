-- The decision to close a register: at most one of a register counts, what was given up stays to be read.
CREATE TABLE register_closing (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    closed_from TEXT NOT NULL,
    proposed_at BIGINT NOT NULL,
    proposed_by TEXT NOT NULL,
    approved_at BIGINT,
    approved_by TEXT,
    finished_at BIGINT,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX register_closing_once ON register_closing (register) WHERE state <> 'withdrawn';
