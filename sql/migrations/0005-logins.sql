-- Who has to wait before the next password is checked, and passwords that are for one program each.

CREATE TABLE throttles (
  bucket VARCHAR(300) NOT NULL PRIMARY KEY,
  full_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX throttles_full ON throttles (full_at);

CREATE TABLE app_passwords (
  account_id BIGINT NOT NULL,
  label VARCHAR(100) NOT NULL,
  hash VARCHAR(64) NOT NULL,
  scopes SMALLINT NOT NULL,
  until_ms BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, label)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
