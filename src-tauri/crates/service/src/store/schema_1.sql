-- Times are milliseconds since 1970, UTC. Structured values that are only ever read as a whole are JSON of the contract.

CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;

-- Every catalogue that was ever served: the evidence of what was consented to.
CREATE TABLE catalogues (
  version   TEXT PRIMARY KEY,
  body      TEXT NOT NULL,
  served_at INTEGER NOT NULL -- last start that served it
) STRICT;

CREATE TABLE accounts (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE,
  identity     TEXT NOT NULL UNIQUE,
  registration TEXT NOT NULL,
  password     TEXT NOT NULL,
  must_change  INTEGER NOT NULL,
  created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE consents (
  id          TEXT PRIMARY KEY,
  subject     TEXT NOT NULL,
  version     TEXT NOT NULL,
  recorded_at INTEGER NOT NULL
) STRICT;

-- Whose consent it was: known later, and one reader may act for several accounts.
CREATE TABLE consent_accounts (
  consent TEXT NOT NULL REFERENCES consents (id),
  account INTEGER NOT NULL REFERENCES accounts (id),
  PRIMARY KEY (consent, account)
) STRICT, WITHOUT ROWID;

-- Wrong passwords by hashed account name, whether or not there is such an account.
CREATE TABLE attempts (
  name_hash     BLOB PRIMARY KEY,
  wrong         INTEGER NOT NULL,
  blocked_until INTEGER NOT NULL,
  last_at       INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
  token_hash BLOB PRIMARY KEY,
  account    INTEGER NOT NULL REFERENCES accounts (id),
  kind       TEXT NOT NULL,
  serial     TEXT,
  started_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE challenges (
  nonce      TEXT PRIMARY KEY,
  thumbprint TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE idempotency (
  scope      TEXT NOT NULL,
  key        TEXT NOT NULL,
  body_hash  BLOB NOT NULL,
  answer     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT;

CREATE TABLE sms (
  id      INTEGER PRIMARY KEY,
  phone   TEXT NOT NULL,
  text    TEXT NOT NULL,
  sent_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sms_by_phone ON sms (phone, sent_at);

CREATE TABLE applications (
  id         TEXT PRIMARY KEY,
  account    INTEGER NOT NULL REFERENCES accounts (id),
  number     TEXT UNIQUE,
  business   TEXT NOT NULL,
  state      TEXT NOT NULL,
  handler    TEXT,
  remarks    TEXT NOT NULL DEFAULT '[]',
  reason     TEXT,
  subject    TEXT,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX applications_by_account ON applications (account, created_at);

CREATE TABLE history (
  id          INTEGER PRIMARY KEY,
  application TEXT NOT NULL REFERENCES applications (id),
  state       TEXT NOT NULL,
  at          INTEGER NOT NULL,
  note        TEXT
) STRICT;
CREATE INDEX history_by_application ON history (application, id);

-- What was handed in, each time, as it was handed in.
CREATE TABLE submissions (
  id          INTEGER PRIMARY KEY,
  application TEXT NOT NULL REFERENCES applications (id),
  at          INTEGER NOT NULL,
  body        TEXT NOT NULL
) STRICT;

CREATE TABLE uploads (
  id          TEXT PRIMARY KEY,
  account     INTEGER NOT NULL REFERENCES accounts (id),
  application TEXT NOT NULL REFERENCES applications (id),
  requirement TEXT NOT NULL,
  file_name   TEXT NOT NULL,
  kinds       TEXT NOT NULL,
  length      INTEGER NOT NULL,
  received    INTEGER NOT NULL,
  metadata    TEXT NOT NULL,
  announced   TEXT,
  sha256      TEXT,
  state       TEXT NOT NULL,
  expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX uploads_by_application ON uploads (application);

-- The files of the latest submission.
CREATE TABLE attachments (
  application TEXT NOT NULL REFERENCES applications (id),
  place       INTEGER NOT NULL,
  requirement TEXT NOT NULL,
  upload      TEXT NOT NULL REFERENCES uploads (id),
  PRIMARY KEY (application, place)
) STRICT;
CREATE INDEX attachments_by_upload ON attachments (upload);

CREATE TABLE certificates (
  serial      TEXT PRIMARY KEY,
  application TEXT NOT NULL REFERENCES applications (id),
  account     INTEGER NOT NULL REFERENCES accounts (id),
  key_hash    BLOB NOT NULL UNIQUE,
  der         BLOB NOT NULL,
  status      TEXT NOT NULL,
  not_before  INTEGER NOT NULL,
  not_after   INTEGER NOT NULL,
  revoked_at  INTEGER
) STRICT;
CREATE INDEX certificates_by_account ON certificates (account);

CREATE TABLE crls (
  number        INTEGER PRIMARY KEY,
  der           BLOB NOT NULL,
  this_update   INTEGER NOT NULL,
  revoked_count INTEGER NOT NULL
) STRICT;
