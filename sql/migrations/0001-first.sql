-- LightMail's metadata. One text for MariaDB/MySQL and SQLite; see schema.sql for what each table is for and how to read it.

CREATE TABLE meta (
  k VARCHAR(64) NOT NULL PRIMARY KEY,
  v VARCHAR(255) NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

CREATE TABLE accounts (
  id BIGINT NOT NULL PRIMARY KEY,
  login VARCHAR(255) NOT NULL UNIQUE,
  pw_hash VARCHAR(255) NOT NULL,
  scram_sha256 VARBINARY(255) NOT NULL DEFAULT '',
  scram_sha1 VARBINARY(255) NOT NULL DEFAULT '',
  status SMALLINT NOT NULL DEFAULT 1,
  quota_bytes BIGINT NOT NULL DEFAULT 0,
  quota_msgs BIGINT NOT NULL DEFAULT 0,
  used_bytes BIGINT NOT NULL DEFAULT 0,
  used_msgs BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

CREATE TABLE addresses (
  address VARCHAR(320) NOT NULL PRIMARY KEY,
  account_id BIGINT NOT NULL,
  kind SMALLINT NOT NULL DEFAULT 1
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX addresses_account ON addresses (account_id);

CREATE TABLE mailboxes (
  id BIGINT NOT NULL PRIMARY KEY,
  account_id BIGINT NOT NULL,
  name VARBINARY(1000) NOT NULL,
  name_hash BINARY(16) NOT NULL,
  uid_validity BIGINT NOT NULL,
  uid_next BIGINT NOT NULL DEFAULT 1,
  highest_modseq BIGINT NOT NULL DEFAULT 1,
  vanished_floor BIGINT NOT NULL DEFAULT 0,
  recent_from BIGINT NOT NULL DEFAULT 1,
  msgs BIGINT NOT NULL DEFAULT 0,
  unseen BIGINT NOT NULL DEFAULT 0,
  deleted BIGINT NOT NULL DEFAULT 0,
  bytes BIGINT NOT NULL DEFAULT 0,
  special_use SMALLINT NOT NULL DEFAULT 0,
  deleted_at BIGINT NOT NULL DEFAULT 0,
  object_id BINARY(16) NOT NULL,
  keywords VARBINARY(4000) NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE UNIQUE INDEX mailboxes_name ON mailboxes (account_id, name_hash);

CREATE TABLE subscriptions (
  account_id BIGINT NOT NULL,
  name_hash BINARY(16) NOT NULL,
  name VARBINARY(1000) NOT NULL,
  PRIMARY KEY (account_id, name_hash)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

CREATE TABLE uid_validity_seq (
  account_id BIGINT NOT NULL PRIMARY KEY,
  last BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

CREATE TABLE object_keys (
  id BINARY(16) NOT NULL PRIMARY KEY,
  kind SMALLINT NOT NULL DEFAULT 1,
  size BIGINT NOT NULL,
  sha256 BINARY(32) NOT NULL,
  refs BIGINT NOT NULL,
  state SMALLINT NOT NULL DEFAULT 1,
  zero_at BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX object_keys_gc ON object_keys (state, refs, zero_at) /*sqlite WHERE refs = 0 */;

CREATE TABLE messages (
  mailbox_id BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  modseq BIGINT NOT NULL,
  flags BIGINT NOT NULL DEFAULT 0,
  object_id BINARY(16) NOT NULL,
  email_id BINARY(16) NOT NULL,
  thread_id BINARY(16) NOT NULL,
  internal_date BIGINT NOT NULL,
  save_date BIGINT NOT NULL,
  size BIGINT NOT NULL,
  hdr_size BIGINT NOT NULL,
  sent_date BIGINT NOT NULL DEFAULT 0,
  deleted_at BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (mailbox_id, uid)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX messages_deleted ON messages (deleted_at) /*sqlite WHERE deleted_at > 0 */;
CREATE INDEX messages_modseq ON messages (mailbox_id, modseq);
CREATE INDEX messages_object ON messages (object_id);

CREATE TABLE message_index (
  mailbox_id BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  head VARBINARY(2000) NOT NULL,
  sha256 BINARY(32) NOT NULL,
  cache MEDIUMBLOB NOT NULL,
  PRIMARY KEY (mailbox_id, uid)
) /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

CREATE TABLE expunged (
  mailbox_id BIGINT NOT NULL,
  modseq BIGINT NOT NULL,
  uid_lo BIGINT NOT NULL,
  uid_hi BIGINT NOT NULL,
  PRIMARY KEY (mailbox_id, modseq, uid_lo)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

CREATE TABLE deliveries (
  k BINARY(16) NOT NULL PRIMARY KEY,
  mailbox_id BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX deliveries_at ON deliveries (at);

CREATE TABLE queue (
  id BINARY(16) NOT NULL PRIMARY KEY,
  object_id BINARY(16) NOT NULL,
  sender VARCHAR(320) NOT NULL,
  rcpt VARCHAR(320) NOT NULL,
  domain VARCHAR(255) NOT NULL,
  state SMALLINT NOT NULL,
  attempts BIGINT NOT NULL DEFAULT 0,
  next_at BIGINT NOT NULL,
  lease_owner BINARY(16) NOT NULL,
  lease_until BIGINT NOT NULL DEFAULT 0,
  expires_at BIGINT NOT NULL,
  last_error VARBINARY(1000) NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX queue_due ON queue (state, next_at);

CREATE TABLE nodes (
  id BINARY(16) NOT NULL PRIMARY KEY,
  addr VARCHAR(255) NOT NULL,
  beat_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
