DROP TABLE calendar_feed;
DROP TABLE confirmation_note;
DROP TABLE confirmed_record;
DROP TABLE confirmation;
DROP TABLE exchange_run;
DROP TABLE column_mapping;
DROP TABLE import_row;
DROP TABLE import_run;
DROP TABLE former_code;
DROP TABLE record_event;
DROP TABLE record_move;
DROP INDEX record_index_by_institution;
CREATE INDEX record_index_by_institution
    ON record_index (register, record_type, field, institution_id, value, record_id, from_day);
ALTER TABLE entry DROP COLUMN source;
