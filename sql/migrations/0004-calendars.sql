-- Calendars and their objects.

CREATE TABLE calendars (
  id BIGINT NOT NULL PRIMARY KEY,
  account_id BIGINT NOT NULL,
  name VARBINARY(255) NOT NULL,
  gone BIGINT NOT NULL DEFAULT 0,
  modseq BIGINT NOT NULL DEFAULT 1,
  removed_floor BIGINT NOT NULL DEFAULT 0,
  objects BIGINT NOT NULL DEFAULT 0,
  deleted_at BIGINT NOT NULL DEFAULT 0,
  properties VARBINARY(16000) NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE UNIQUE INDEX calendars_name ON calendars (account_id, name, gone);
CREATE INDEX calendars_deleted ON calendars (deleted_at) /*sqlite WHERE deleted_at > 0 */;

CREATE TABLE calendar_objects (
  calendar_id BIGINT NOT NULL,
  name VARBINARY(255) NOT NULL,
  gone BIGINT NOT NULL DEFAULT 0,
  modseq BIGINT NOT NULL,
  uid VARBINARY(1000) NOT NULL,
  component SMALLINT NOT NULL,
  from_s BIGINT NOT NULL,
  to_s BIGINT NOT NULL,
  etag BINARY(16) NOT NULL,
  object_id BINARY(16) NOT NULL,
  size BIGINT NOT NULL,
  deleted_at BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (calendar_id, name, gone)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE UNIQUE INDEX calendar_objects_uid ON calendar_objects (calendar_id, uid, gone);
CREATE INDEX calendar_objects_modseq ON calendar_objects (calendar_id, modseq);
CREATE INDEX calendar_objects_deleted ON calendar_objects (deleted_at) /*sqlite WHERE deleted_at > 0 */;
CREATE INDEX calendar_objects_object ON calendar_objects (object_id);
