-- What the garbage worker needs: who does the work, and which mailboxes were deleted.

CREATE TABLE leases (
  work VARCHAR(32) NOT NULL PRIMARY KEY,
  owner BINARY(16) NOT NULL,
  until_ms BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;

CREATE INDEX mailboxes_deleted ON mailboxes (deleted_at) /*sqlite WHERE deleted_at > 0 */;
