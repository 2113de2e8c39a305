-- LightMail's metadata: the whole schema as it is now, and how to make it on MariaDB or MySQL:
--
--   mysql -u root -p < sql/schema.sql
--
-- makes the database `maildb` with all tables and the account user@example.com (see the end). LightMail itself runs the files
-- of migrations/, which lead to exactly these tables (a test compares them), so an empty database is enough for it.
--
-- One text for MariaDB/MySQL and SQLite. What stands in /*! … */ is read by MariaDB and MySQL alone; what stands in /*sqlite … */
-- is read by LightMail when it makes a SQLite database; every other reader sees a comment. There is no AUTO_INCREMENT, no trigger,
-- no foreign key: ids are drawn by the program, and rows that belong together change in one transaction. All text is
-- binary (VARCHAR becomes VARBINARY), so that no collation decides whether two names are one.

/*! CREATE DATABASE maildb */;
/*! USE maildb */;

-- What the database says of itself. `schema_version`: how many files of migrations/ it has taken in.
CREATE TABLE meta (
  k VARCHAR(64) NOT NULL PRIMARY KEY,
  v VARCHAR(255) NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

-- Who has mail here. `login` is lower-cased. `pw_hash` is a bcrypt string; `sha256:` in front of it says that the password was
-- hashed by SHA-256 (base64) before, because it has more than 72 octets or a NUL. `status` 1: may log in; 2: has the password of
-- this file, may log in from the server's own machine only, and becomes 1 with another password; any other: may not.
-- `quota_bytes` 0: no limit. `used_*` count live messages, head and body. `created_at` is in milliseconds since 1970.
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

-- The accounts' own addresses. `address` is whole and lower-cased; `kind` 1: mail for it is delivered to the account's INBOX.
CREATE TABLE addresses (
  address VARCHAR(320) NOT NULL PRIMARY KEY,
  account_id BIGINT NOT NULL,
  kind SMALLINT NOT NULL DEFAULT 1
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX addresses_account ON addresses (account_id);

-- Our domains: mail for any other is none of ours. `name` is lower-cased, as it stands in addresses. `catch_all`: the account that gets
-- mail for addresses of the domain that are unknown; 0: it is refused. `created_at` is in milliseconds since 1970.
CREATE TABLE domains (
  name VARCHAR(255) NOT NULL PRIMARY KEY,
  catch_all BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX domains_catch_all ON domains (catch_all);

-- Addresses that lead to accounts which have others of their own; an alias to several accounts has a row for each. No address is an
-- account's own and an alias.
CREATE TABLE aliases (
  address VARCHAR(320) NOT NULL,
  account_id BIGINT NOT NULL,
  PRIMARY KEY (address, account_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX aliases_account ON aliases (account_id);

-- Mailboxes. `name` is UTF-8 with `/` between levels; `name_hash`, the unique key, is the first 16 octets of its SHA-256, so no
-- collation is asked whether two names are one. A deleted mailbox (`deleted_at` > 0, milliseconds) keeps its row for sessions
-- that have it selected; its hash is another one, so the name is free again.
-- `uid_next` and `highest_modseq` are raised in the transaction that changes messages, never elsewhere.
-- `recent_from`: the first UID that no session has claimed as \Recent. `msgs`, `unseen`, `deleted` (those with \Deleted) and
-- `bytes` count live messages.
-- `keywords`: names with a space between them; the name at place n is bit 5 + n of `messages.flags`, for ever.
CREATE TABLE mailboxes (
  id BIGINT NOT NULL PRIMARY KEY,
  account_id BIGINT NOT NULL,
  name VARBINARY(1000) NOT NULL,
  name_hash BINARY(16) NOT NULL,
  uid_validity BIGINT NOT NULL,
  uid_next BIGINT NOT NULL DEFAULT 1,
  highest_modseq BIGINT NOT NULL DEFAULT 1,
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
CREATE INDEX mailboxes_deleted ON mailboxes (deleted_at) /*sqlite WHERE deleted_at > 0 */;

-- Names that LSUB tells; with or without a mailbox of that name.
CREATE TABLE subscriptions (
  account_id BIGINT NOT NULL,
  name_hash BINARY(16) NOT NULL,
  name VARBINARY(1000) NOT NULL,
  PRIMARY KEY (account_id, name_hash)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

-- The last UIDVALIDITY given to a mailbox of the account.
CREATE TABLE uid_validity_seq (
  account_id BIGINT NOT NULL PRIMARY KEY,
  last BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

-- Bodies: `emails/<id as UUID>.eml` in the bucket or folder (`kind` 1; 2: `calendars/<id>.ics`), exactly as received.
-- `refs` counts rows that name the object: messages and calendar objects, soft-deleted ones too, and queue entries. `state` 1: live, 2: being
-- deleted. `zero_at`: when `refs` became 0. An object is deleted only by a claim: state 1 to 2 where refs = 0 and no row names it.
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

-- What a mailbox's view needs of a message, and nothing else: this table is read whole when a mailbox is first opened.
-- `flags`: bits 0 to 4 are \Seen \Answered \Flagged \Deleted \Draft, then keywords. `size` counts head and body, `hdr_size` the
-- octets of both that are header. Dates are seconds since 1970; `sent_date` is that of the Date field, else `internal_date`.
-- `thread_id` is `email_id`: a message is a thread of its own.
-- `deleted_at` > 0 (milliseconds): expunged; the row stays until the garbage worker takes it.
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

-- What FETCH needs beyond the view. `head`: the trace fields in front of the body for this recipient. `cache`: the message
-- index, made when the message came. `sha256`: that of the object, here too so that a page brings it and a body read whole is
-- verified without another question. Large and read by ranges of UIDs, so it is a table of its own.
CREATE TABLE message_index (
  mailbox_id BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  head VARBINARY(2000) NOT NULL,
  sha256 BINARY(32) NOT NULL,
  cache MEDIUMBLOB NOT NULL,
  PRIMARY KEY (mailbox_id, uid)
) /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

-- UIDs whose rows the garbage worker has taken, with the MODSEQ at which they were expunged. Ranges that come to lie side by side
-- become one, under the higher MODSEQ; no two have a UID in common.
CREATE TABLE expunged (
  mailbox_id BIGINT NOT NULL,
  modseq BIGINT NOT NULL,
  uid_lo BIGINT NOT NULL,
  uid_hi BIGINT NOT NULL,
  PRIMARY KEY (mailbox_id, modseq, uid_lo)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX expunged_uid ON expunged (mailbox_id, uid_hi);

-- Keys of deliveries whose replies are not known to have arrived, and of COPY and MOVE: what they brought, so that a repeated
-- one brings nothing more; `mailbox_id` 0: a row of `queue`. A confirmed key goes with the next commit, any other 7 days after `at` (milliseconds). Keys of imports
-- stay as long as the mailbox: their `at` is 2^62 or more, and the lower 62 bits of it are those of `mailbox_id`.
CREATE TABLE deliveries (
  k BINARY(16) NOT NULL PRIMARY KEY,
  mailbox_id BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX deliveries_at ON deliveries (at);

-- Mail on its way to other servers, a row for each recipient. `account_id`: who submitted it; 0: the server itself. `domain` is that
-- of `rcpt`, lower-cased, in A-labels. `head`: what goes in front of the object. `object_size` and `sha256` are the object's, here too so
-- that one read brings all that sending takes. `options`: the parameters of MAIL and RCPT, as the core encodes them.
-- `state` 1: waits, 2: an operator holds it. `turn` is the priority negated (RFC 6710): what goes first is small. A worker claims
-- a row by `lease_owner` (zeros: nobody's) and puts `next_at` to when that is over; so `next_at` is always when the row may be claimed
-- next, in milliseconds since 1970, as all times here; 0: at once. `attempts` counts tries that were settled.
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

-- Servers on this database.
CREATE TABLE nodes (
  id BINARY(16) NOT NULL PRIMARY KEY,
  addr VARCHAR(255) NOT NULL,
  beat_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

-- The last transaction of each node (a running server) on MySQL: `seq` is a number of its own, set by every transaction that
-- writes, so that a node whose COMMIT was not answered can ask whether it was done. `at` is in milliseconds since 1970; rows of
-- nodes that died go after a week.
CREATE TABLE commits (
  node BINARY(16) NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

-- What one owner at a time has, by its name: the garbage worker's work (`garbage`), an account's maildrop (`maildrop/<id>`, of a POP3
-- session). Whose it is, until when (milliseconds since 1970).
CREATE TABLE leases (
  work VARCHAR(32) NOT NULL PRIMARY KEY,
  owner BINARY(16) NOT NULL,
  until_ms BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

-- Calendars (RFC 4791). `name` is the last segment of the URL, UTF-8, unique among an account's live calendars: `gone` is 0 for
-- those, for a deleted one (`deleted_at` > 0, milliseconds) its id. `modseq` is raised in the transaction that changes objects,
-- never elsewhere. `removed_floor`: removals up to this MODSEQ may be forgotten, so that nobody can synchronise from before.
-- `objects` counts live objects. `properties`: name, colour and the like, as CalDAV encodes them.
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

-- Calendar objects, each with a body of its own. `name` is the last segment of the URL; `uid` that of iCalendar; both are unique
-- among a calendar's live objects: `gone` is 0 for those. An object that was replaced or removed (`deleted_at` > 0, milliseconds)
-- stays as what synchronisation tells of until the garbage worker takes it; its `gone` is its `modseq`. `component` 1: VEVENT,
-- 2: VTODO, 3: VJOURNAL, 4: VFREEBUSY. It takes place from `from_s` to before `to_s`, all instances, in seconds since 1970, as
-- far as 64 bits go where there is no end. `etag` is the first half of the body's SHA-256.
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

-- Token buckets against guessing. `bucket` is `login NAME`, or the network that wrong passwords came from: `network 192.0.2.1/32`,
-- `network 2001:db8::/64`. `full_at`: when it is full again, in milliseconds since 1970; then the row may go.
CREATE TABLE throttles (
  bucket VARCHAR(300) NOT NULL PRIMARY KEY,
  full_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX throttles_full ON throttles (full_at);

-- App passwords: each for one program, by its label. `hash` is SHA-256 of the password in hexadecimal digits; the password is random.
-- `scopes` 1: IMAP, 2: POP3, 4: SMTP, 8: CalDAV, added up; 255: all. `until_ms`: when it ends, in milliseconds since 1970; 0: never.
CREATE TABLE app_passwords (
  account_id BIGINT NOT NULL,
  label VARCHAR(100) NOT NULL,
  hash VARCHAR(64) NOT NULL,
  scopes SMALLINT NOT NULL,
  until_ms BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, label)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

-- The first account: user@example.com with the password change-me-now. Until it has another one
-- (`lightmail user passwd user@example.com`) it can log in from the server's own machine only.
INSERT INTO accounts (id, login, pw_hash, status, created_at)
VALUES (1, 'user@example.com', '$2b$10$WNn8RIGyYHHBj5eLbodoa.UF9PZePdDA3yV8LZm3OSP8CCQGnOsI.', 2, 1735689600000);
INSERT INTO addresses (address, account_id) VALUES ('user@example.com', 1);
INSERT INTO domains (name, created_at) VALUES ('example.com', 1735689600000);
INSERT INTO uid_validity_seq (account_id, last) VALUES (1, 1735689605);
INSERT INTO mailboxes (id, account_id, name, name_hash, uid_validity, special_use, object_id, keywords) VALUES
  (1, 1, X'494E424F58', X'83ECB521BF320F677287E8B923809BB3', 1735689600, 0, X'00000000000000000000000000000001', X''),
  (2, 1, X'447261667473', X'F592E6A4DB3C6638E1C6CE47797D4919', 1735689601, 1, X'00000000000000000000000000000002', X''),
  (3, 1, X'53656E74', X'C16BC82BF1F04EDE04D1BC0BDF714B1A', 1735689602, 2, X'00000000000000000000000000000003', X''),
  (4, 1, X'4A756E6B', X'16D70C1CEA1F424AB9792B4886193E1F', 1735689603, 3, X'00000000000000000000000000000004', X''),
  (5, 1, X'5472617368', X'C560122AC4706DCB19BCB43DEFE2AFA6', 1735689604, 4, X'00000000000000000000000000000005', X''),
  (6, 1, X'41726368697665', X'66F4804EE23DDC092D1BAE43CB88186A', 1735689605, 5, X'00000000000000000000000000000006', X'');
INSERT INTO subscriptions (account_id, name_hash, name)
  SELECT account_id, name_hash, name FROM mailboxes WHERE account_id = 1;

INSERT INTO meta (k, v) VALUES ('schema_version', '8');
