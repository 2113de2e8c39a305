-- Ranges of UIDs that are gone are found by UID. Nothing has ever used `vanished_floor`.

CREATE INDEX expunged_uid ON expunged (mailbox_id, uid_hi);

ALTER TABLE mailboxes DROP COLUMN vanished_floor;
