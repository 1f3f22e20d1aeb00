-- SQLite. In step with migrations/postgres: the same tables, columns and keys.

-- Cases: everything that somebody asks, reports, complains of or is told to do, with its clock. The row is what the
-- steps amount to; the steps are never rewritten.
CREATE TABLE case_file (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    institution_id TEXT,
    record_id TEXT,
    opened_by TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    due_at BIGINT,
    closed_at BIGINT,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE INDEX case_file_by_kind ON case_file (register, kind, id);
CREATE INDEX case_file_by_due ON case_file (register, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX case_file_by_record ON case_file (register, record_id, id);
CREATE INDEX case_file_by_opener ON case_file (register, opened_by, id);
CREATE TABLE case_step (
    register TEXT NOT NULL,
    case_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    act TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, case_id, number),
    FOREIGN KEY (register, case_id) REFERENCES case_file (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;

-- The ledger of what left the register, to whom and why, and whose data it was.
CREATE TABLE disclosure (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    case_id TEXT,
    released_at BIGINT NOT NULL,
    channel TEXT NOT NULL,
    recipient_code TEXT,
    record_type TEXT,
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, case_id) REFERENCES case_file (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE INDEX disclosure_by_recipient ON disclosure (register, recipient_code, id);
CREATE INDEX disclosure_by_case ON disclosure (register, case_id, id);
CREATE INDEX disclosure_by_digest ON disclosure (register, digest);
CREATE TABLE disclosure_subject (
    register TEXT NOT NULL,
    record_id TEXT NOT NULL,
    disclosure_id TEXT NOT NULL,
    PRIMARY KEY (register, record_id, disclosure_id),
    FOREIGN KEY (register, disclosure_id) REFERENCES disclosure (register, id)
) WITHOUT ROWID;
CREATE INDEX disclosure_subject_by_disclosure ON disclosure_subject (register, disclosure_id);

-- What was made public: proposed, approved, replaced or withdrawn.
CREATE TABLE publication (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    record_type TEXT NOT NULL,
    state TEXT NOT NULL,
    as_of TEXT NOT NULL,
    proposed_at BIGINT NOT NULL,
    proposed_by TEXT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT,
    public_from BIGINT,
    public_until BIGINT,
    withdrawn_by TEXT,
    withdrawn_for TEXT,
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE INDEX publication_by_type ON publication (register, record_type, state, id);
-- The rows of a publication: what is made public of each record, and how that differs from what was public before.
CREATE TABLE publication_row (
    register TEXT NOT NULL,
    publication_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    record_id TEXT NOT NULL,
    difference TEXT NOT NULL,
    body TEXT,
    earlier TEXT,
    PRIMARY KEY (register, publication_id, number),
    FOREIGN KEY (register, publication_id) REFERENCES publication (register, id)
) WITHOUT ROWID;
CREATE INDEX publication_row_by_record ON publication_row (register, record_id, publication_id);

-- Deliveries of statistical reports, in their order: two at once would not be compared with each other.
CREATE TABLE report_delivery (
    register TEXT NOT NULL,
    report TEXT NOT NULL,
    number BIGINT NOT NULL,
    as_of TEXT NOT NULL,
    disclosure_id TEXT NOT NULL,
    PRIMARY KEY (register, report, number),
    FOREIGN KEY (register, disclosure_id) REFERENCES disclosure (register, id)
) WITHOUT ROWID;

-- Letters to be sent, written in the act's own transaction.
CREATE TABLE outbox (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    letter TEXT NOT NULL,
    address TEXT NOT NULL,
    language TEXT NOT NULL,
    words TEXT NOT NULL,
    case_id TEXT,
    created_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    fault TEXT,
    sent_at BIGINT,
    stage TEXT,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE INDEX outbox_by_state ON outbox (register, state, next_at);
CREATE INDEX outbox_by_case ON outbox (register, case_id);
-- The same reminder is queued once, whoever queues it.
CREATE UNIQUE INDEX outbox_by_stage ON outbox (register, stage);

-- Runs of jobs: one for each due moment, whoever makes it.
CREATE TABLE job_run (
    register TEXT NOT NULL,
    job TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    node TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    finished_at BIGINT,
    outcome TEXT,
    detail TEXT,
    PRIMARY KEY (register, job, due_at)
) WITHOUT ROWID;

-- Users whose employment has ended, or will: from the day after, what they held until then is without force.
CREATE TABLE leaver (
    register TEXT NOT NULL,
    user_id TEXT NOT NULL,
    record_id TEXT NOT NULL,
    last_day TEXT NOT NULL,
    due_on TEXT NOT NULL,
    case_id TEXT NOT NULL,
    PRIMARY KEY (register, user_id)
) WITHOUT ROWID;

-- Somebody's refusals are few among all that they did; so is what this index costs.
CREATE INDEX audit_event_denied_by_actor ON audit_event (register, actor_id, id) WHERE decision = 'denied';

-- What became known of the ends of employments, and when: who could act at an instant is read from here.
CREATE TABLE leaver_log (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    last_day TEXT,
    recorded_at BIGINT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;
CREATE INDEX leaver_log_by_user ON leaver_log (register, user_id, id);

-- What supervisors keep: their queries, and what they have reviewed and signed.
CREATE TABLE saved_query (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    saved_at BIGINT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    UNIQUE (register, user_id, name),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE TABLE review (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    signed_at BIGINT NOT NULL,
    signed_by TEXT NOT NULL,
    body TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
) WITHOUT ROWID;

ALTER TABLE app_user ADD COLUMN email TEXT;
ALTER TABLE app_user ADD COLUMN language TEXT;

-- Ledgers and steps only grow.
CREATE TRIGGER case_step_no_update BEFORE UPDATE ON case_step BEGIN SELECT RAISE(ABORT, 'case_step only grows'); END;
CREATE TRIGGER case_step_no_delete BEFORE DELETE ON case_step BEGIN SELECT RAISE(ABORT, 'case_step only grows'); END;
CREATE TRIGGER disclosure_no_update BEFORE UPDATE ON disclosure BEGIN SELECT RAISE(ABORT, 'disclosure only grows'); END;
CREATE TRIGGER disclosure_no_delete BEFORE DELETE ON disclosure BEGIN SELECT RAISE(ABORT, 'disclosure only grows'); END;
CREATE TRIGGER disclosure_subject_no_update BEFORE UPDATE ON disclosure_subject BEGIN SELECT RAISE(ABORT, 'disclosure_subject only grows'); END;
CREATE TRIGGER disclosure_subject_no_delete BEFORE DELETE ON disclosure_subject BEGIN SELECT RAISE(ABORT, 'disclosure_subject only grows'); END;
CREATE TRIGGER review_no_update BEFORE UPDATE ON review BEGIN SELECT RAISE(ABORT, 'review only grows'); END;
CREATE TRIGGER review_no_delete BEFORE DELETE ON review BEGIN SELECT RAISE(ABORT, 'review only grows'); END;
CREATE TRIGGER report_delivery_no_update BEFORE UPDATE ON report_delivery BEGIN SELECT RAISE(ABORT, 'report_delivery only grows'); END;
CREATE TRIGGER report_delivery_no_delete BEFORE DELETE ON report_delivery BEGIN SELECT RAISE(ABORT, 'report_delivery only grows'); END;
CREATE TRIGGER leaver_log_no_update BEFORE UPDATE ON leaver_log BEGIN SELECT RAISE(ABORT, 'leaver_log only grows'); END;
CREATE TRIGGER leaver_log_no_delete BEFORE DELETE ON leaver_log BEGIN SELECT RAISE(ABORT, 'leaver_log only grows'); END;
