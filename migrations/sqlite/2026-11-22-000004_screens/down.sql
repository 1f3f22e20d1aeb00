DROP TABLE pending_upload;
DROP TABLE user_setting;
DROP TABLE saved_search;
DROP TABLE draft;
DROP TABLE browser_session;
