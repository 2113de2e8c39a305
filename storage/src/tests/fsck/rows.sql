-- Rows of {messages} messages: accounts with one mailbox of a thousand each, every message with fields and an index of 1,300 octets and an
-- object of its own under a key as random as real ones. Read by the measurements (pace_of_fsck, `scripts/figures start`), which put what
-- the databases call by different names for the words in braces.
CREATE TEMPORARY TABLE n (i BIGINT NOT NULL PRIMARY KEY, object BLOB NOT NULL, sha256 BLOB NOT NULL);
INSERT INTO n SELECT i, {object}, {random}(32) FROM ({numbers}) AS numbers;
INSERT INTO accounts (id, login, pw_hash, created_at, used_msgs, used_bytes)
  SELECT i, {login}, '', 1, 1000, 5000000 FROM n WHERE i <= {messages} {div} 1000;
INSERT INTO uid_validity_seq SELECT i, 5 FROM n WHERE i <= {messages} {div} 1000;
INSERT INTO mailboxes (id, account_id, name, name_hash, uid_validity, uid_next, highest_modseq, msgs, unseen, bytes, object_id, keywords)
  SELECT i, i, X'494E424F58', {random}(16), 5, 1001, 1002, 1000, 1000, 5000000, {random}(16), X'' FROM n WHERE i <= {messages} {div} 1000;
INSERT INTO object_keys (id, kind, size, sha256, refs, created_at) SELECT object, 1, 4700, sha256, 1, 1 FROM n;
INSERT INTO messages (mailbox_id, uid, modseq, object_id, email_id, thread_id, internal_date, save_date, size, hdr_size)
  SELECT (i - 1) {div} 1000 + 1, (i - 1) % 1000 + 1, (i - 1) % 1000 + 2, object, {random}(16), {random}(16), 1, 1, 5000, 600 FROM n;
INSERT INTO message_index (mailbox_id, uid, head, sha256, cache)
  SELECT (i - 1) {div} 1000 + 1, (i - 1) % 1000 + 1, {random}(300), sha256, {random}(1000) FROM n;
DROP TABLE n;
