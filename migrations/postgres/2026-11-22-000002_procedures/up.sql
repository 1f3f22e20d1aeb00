-- PostgreSQL. In step with migrations/sqlite: the same tables, columns and keys.
-- Instead of triggers, the run-time role has no UPDATE or DELETE on what only grows: see `andmekogu migrate --grant`.

-- Cases: everything that somebody asks, reports, complains of or is told to do, with its clock. The row is what the
-- steps amount to; the steps are never rewritten.
CREATE TABLE case_file (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    institution_id TEXT COLLATE "C",
    record_id TEXT COLLATE "C",
    opened_by TEXT COLLATE "C" NOT NULL,
    opened_at BIGINT NOT NULL,
    due_at BIGINT,
    closed_at BIGINT,
    version BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE INDEX case_file_by_kind ON case_file (register, kind, id);
CREATE INDEX case_file_by_due ON case_file (register, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX case_file_by_record ON case_file (register, record_id, id);
CREATE INDEX case_file_by_opener ON case_file (register, opened_by, id);
CREATE TABLE case_step (
    register TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    act TEXT COLLATE "C" NOT NULL,
    made_at BIGINT NOT NULL,
    made_by TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, case_id, number),
    FOREIGN KEY (register, case_id) REFERENCES case_file (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);

-- The ledger of what left the register, to whom and why, and whose data it was.
CREATE TABLE disclosure (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C",
    released_at BIGINT NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    recipient_code TEXT COLLATE "C",
    record_type TEXT COLLATE "C",
    digest TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, case_id) REFERENCES case_file (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE INDEX disclosure_by_recipient ON disclosure (register, recipient_code, id);
CREATE INDEX disclosure_by_case ON disclosure (register, case_id, id);
CREATE INDEX disclosure_by_digest ON disclosure (register, digest);
CREATE TABLE disclosure_subject (
    register TEXT COLLATE "C" NOT NULL,
    record_id TEXT COLLATE "C" NOT NULL,
    disclosure_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, record_id, disclosure_id),
    FOREIGN KEY (register, disclosure_id) REFERENCES disclosure (register, id)
);
CREATE INDEX disclosure_subject_by_disclosure ON disclosure_subject (register, disclosure_id);

-- What was made public: proposed, approved, replaced or withdrawn.
CREATE TABLE publication (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    record_type TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    as_of TEXT COLLATE "C" NOT NULL,
    proposed_at BIGINT NOT NULL,
    proposed_by TEXT COLLATE "C" NOT NULL,
    decided_at BIGINT,
    decided_by TEXT COLLATE "C",
    public_from BIGINT,
    public_until BIGINT,
    withdrawn_by TEXT COLLATE "C",
    withdrawn_for TEXT COLLATE "C",
    digest TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE INDEX publication_by_type ON publication (register, record_type, state, id);
-- The rows of a publication: what is made public of each record, and how that differs from what was public before.
CREATE TABLE publication_row (
    register TEXT COLLATE "C" NOT NULL,
    publication_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    record_id TEXT COLLATE "C" NOT NULL,
    difference TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C",
    earlier TEXT COLLATE "C",
    PRIMARY KEY (register, publication_id, number),
    FOREIGN KEY (register, publication_id) REFERENCES publication (register, id)
);
CREATE INDEX publication_row_by_record ON publication_row (register, record_id, publication_id);

-- Deliveries of statistical reports, in their order: two at once would not be compared with each other.
CREATE TABLE report_delivery (
    register TEXT COLLATE "C" NOT NULL,
    report TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    as_of TEXT COLLATE "C" NOT NULL,
    disclosure_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, report, number),
    FOREIGN KEY (register, disclosure_id) REFERENCES disclosure (register, id)
);

-- Letters to be sent, written in the act's own transaction.
CREATE TABLE outbox (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    letter TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    words TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    fault TEXT COLLATE "C",
    sent_at BIGINT,
    stage TEXT COLLATE "C",
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE INDEX outbox_by_state ON outbox (register, state, next_at);
CREATE INDEX outbox_by_case ON outbox (register, case_id);
-- The same reminder is queued once, whoever queues it.
CREATE UNIQUE INDEX outbox_by_stage ON outbox (register, stage);

-- Runs of jobs: one for each due moment, whoever makes it.
CREATE TABLE job_run (
    register TEXT COLLATE "C" NOT NULL,
    job TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    node TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    finished_at BIGINT,
    outcome TEXT COLLATE "C",
    detail TEXT COLLATE "C",
    PRIMARY KEY (register, job, due_at)
);

-- Users whose employment has ended, or will: from the day after, what they held until then is without force.
CREATE TABLE leaver (
    register TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    record_id TEXT COLLATE "C" NOT NULL,
    last_day TEXT COLLATE "C" NOT NULL,
    due_on TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, user_id)
);

-- Somebody's refusals are few among all that they did; so is what this index costs.
CREATE INDEX audit_event_denied_by_actor ON audit_event (register, actor_id, id) WHERE decision = 'denied';

-- What became known of the ends of employments, and when: who could act at an instant is read from here.
CREATE TABLE leaver_log (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    last_day TEXT COLLATE "C",
    recorded_at BIGINT NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE INDEX leaver_log_by_user ON leaver_log (register, user_id, id);

-- What supervisors keep: their queries, and what they have reviewed and signed.
CREATE TABLE saved_query (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    saved_at BIGINT NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, id),
    UNIQUE (register, user_id, name),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);
CREATE TABLE review (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    signed_at BIGINT NOT NULL,
    signed_by TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    audit_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (register, id),
    FOREIGN KEY (register, audit_id) REFERENCES audit_event (register, id)
);

ALTER TABLE app_user ADD COLUMN email TEXT COLLATE "C";
ALTER TABLE app_user ADD COLUMN language TEXT COLLATE "C";
