-- Which domains are ours, and addresses that lead to several accounts. The domains of the addresses that there are become ours.

CREATE TABLE domains (
  name VARCHAR(255) NOT NULL PRIMARY KEY,
  catch_all BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX domains_catch_all ON domains (catch_all);

CREATE TABLE aliases (
  address VARCHAR(320) NOT NULL,
  account_id BIGINT NOT NULL,
  PRIMARY KEY (address, account_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=binary */;
CREATE INDEX aliases_account ON aliases (account_id);

INSERT INTO domains (name, created_at)
  SELECT n.name, n.created_at FROM (SELECT SUBSTR(d.address, INSTR(d.address, '@') + 1) AS name, MIN(COALESCE(a.created_at, 0)) AS created_at
  FROM addresses d LEFT JOIN accounts a ON a.id = d.account_id GROUP BY SUBSTR(d.address, INSTR(d.address, '@') + 1)) n
  LEFT JOIN domains o ON o.name = n.name WHERE o.name IS NULL;
