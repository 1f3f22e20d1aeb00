-- SQLite. In step with migrations/postgres: the same tables, columns and keys.
-- What belongs to one user's work at the screen. It asserts nothing about anybody in a register, so that nothing here
-- refers to an entry in the log; that somebody logged in and out stands there as ever.

-- Sessions of browsers, each by the digest of its cookie.
CREATE TABLE browser_session (
    register TEXT NOT NULL,
    digest TEXT NOT NULL,
    session_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    csrf TEXT NOT NULL,
    state TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    idle_until BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (register, digest),
    FOREIGN KEY (register, session_id) REFERENCES session (register, id)
) WITHOUT ROWID;
CREATE INDEX browser_session_by_end ON browser_session (register, idle_until);

-- Forms that were begun and not sent, one for each user and form.
CREATE TABLE draft (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    form_key TEXT NOT NULL,
    body TEXT NOT NULL,
    as_subject BIGINT NOT NULL,
    saved_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (register, id),
    UNIQUE (register, user_id, form_key)
) WITHOUT ROWID;
CREATE INDEX draft_by_end ON draft (register, expires_at);

-- Searches: under a name until their user forgets them, without one for a day. Those over all types have none.
CREATE TABLE saved_search (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    record_type TEXT NOT NULL,
    name TEXT,
    query TEXT NOT NULL,
    saved_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (register, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX saved_search_by_user ON saved_search (register, user_id, record_type, name) WHERE name IS NOT NULL;
CREATE INDEX saved_search_by_end ON saved_search (register, user_id, expires_at) WHERE expires_at IS NOT NULL;

-- How a user wants the screens to be.
CREATE TABLE user_setting (
    register TEXT NOT NULL,
    user_id TEXT NOT NULL,
    body TEXT NOT NULL,
    saved_at BIGINT NOT NULL,
    PRIMARY KEY (register, user_id),
    FOREIGN KEY (register, user_id) REFERENCES app_user (register, id)
) WITHOUT ROWID;

-- Sheets that were brought and are not taken in yet: they lie here between upload, trial and import, for a day.
CREATE TABLE pending_upload (
    register TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    bytes BLOB NOT NULL,
    plan TEXT NOT NULL,
    saved_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (register, id)
);
CREATE INDEX pending_upload_by_user ON pending_upload (register, user_id, id);
CREATE INDEX pending_upload_by_end ON pending_upload (register, expires_at);
