-- The outbound queue. Nothing has ever used the table that was there for it.

DROP TABLE queue;

CREATE TABLE queue (
  id BINARY(16) NOT NULL PRIMARY KEY,
  object_id BINARY(16) NOT NULL,
  object_size BIGINT NOT NULL,
  sha256 BINARY(32) NOT NULL,
  account_id BIGINT NOT NULL DEFAULT 0,
  sender VARCHAR(320) NOT NULL,
  rcpt VARCHAR(320) NOT NULL,
  domain VARCHAR(255) NOT NULL,
  head VARBINARY(2000) NOT NULL,
  options VARBINARY(1000) NOT NULL,
  state SMALLINT NOT NULL DEFAULT 1,
  turn SMALLINT NOT NULL DEFAULT 0,
  next_at BIGINT NOT NULL,
  lease_owner BINARY(16) NOT NULL,
  attempts BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  told_delay SMALLINT NOT NULL DEFAULT 0,
  last_error VARBINARY(1000) NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX queue_due ON queue (state, turn, next_at);
CREATE INDEX queue_object ON queue (object_id);
