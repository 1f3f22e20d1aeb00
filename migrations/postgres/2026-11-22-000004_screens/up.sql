-- PostgreSQL. In step with migrations/sqlite: the same tables, columns and keys.
-- What belongs to one user's work at the screen. It asserts nothing about anybody in a register, so that nothing here
-- refers to an entry in the log; that somebody logged in and out stands there as ever.

-- Sessions of browsers, each by the digest of its cookie.
CREATE TABLE browser_session (
    register TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    session_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    csrf TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    seen_at BIGINT NOT NULL,
    idle_until BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (register, digest),
    FOREIGN KEY (register, session_id) REFERENCES session (register, id)
);
CREATE INDEX browser_session_by_end ON browser_session (register, idle_until);

-- Forms that were begun and not sent, one for each user and form.
CREATE TABLE draft (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    form_key TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    as_subject BIGINT NOT NULL,
    saved_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (register, id),
    UNIQUE (register, user_id, form_key)
);
CREATE INDEX draft_by_end ON draft (register, expires_at);

-- Searches: under a name until their user forgets them, without one for a day. Those over all types have none.
CREATE TABLE saved_search (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    record_type TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C",
    query TEXT COLLATE "C" NOT NULL,
    saved_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (register, id)
);
CREATE UNIQUE INDEX saved_search_by_user ON saved_search (register, user_id, record_type, name) WHERE name IS NOT NULL;
CREATE INDEX saved_search_by_end ON saved_search (register, user_id, expires_at) WHERE expires_at IS NOT NULL;

-- How a user wants the screens to be.
CREATE TABLE user_setting (
    register TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    saved_at BIGINT NOT NULL,
    PRIMARY KEY (register, user_id),
    FOREIGN KEY (register, user_id) REFERENCES app_user (register, id)
);

-- Sheets that were brought and are not taken in yet: they lie here between upload, trial and import, for a day.
CREATE TABLE pending_upload (
    register TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    bytes BYTEA NOT NULL,
    plan TEXT COLLATE "C" NOT NULL,
    saved_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (register, id)
);
CREATE INDEX pending_upload_by_user ON pending_upload (register, user_id, id);
CREATE INDEX pending_upload_by_end ON pending_upload (register, expires_at);
