-- How a node finds out whether a transaction was committed whose COMMIT was not answered.

CREATE TABLE commits (
  node BINARY(16) NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
