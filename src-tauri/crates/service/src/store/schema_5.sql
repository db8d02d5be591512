-- Answers under their keys are an account's, and of one request: a keyed hash of method, target and body. Those of before
-- were known otherwise and are let go; an act that comes again finds that it was done.
DROP TABLE idempotency;
CREATE TABLE idempotency (
  owner      TEXT NOT NULL,
  key        TEXT NOT NULL,
  request    BLOB NOT NULL,
  answer     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_at);
