-- The life of a certificate: what a case is about (JSON of `Particulars`), why a key was reported, and which certificate
-- took the place of which.
ALTER TABLE applications ADD COLUMN particulars TEXT NOT NULL DEFAULT '{}';
ALTER TABLE applications ADD COLUMN circumstance TEXT;
ALTER TABLE certificates ADD COLUMN successor TEXT REFERENCES certificates (serial);
-- One open case a certificate, also where two are opened side by side.
CREATE UNIQUE INDEX applications_open_by_certificate ON applications (json_extract(particulars, '$.certificate'))
  WHERE state NOT IN ('completed', 'rejected', 'withdrawn');

-- Codes by SMS: the one in force for each purpose and account. `phone`: the number it went to.
CREATE TABLE codes (
  purpose    TEXT NOT NULL,
  account    INTEGER NOT NULL REFERENCES accounts (id),
  phone      TEXT NOT NULL,
  hash       BLOB NOT NULL, -- keyed
  tries      INTEGER NOT NULL DEFAULT 0,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (purpose, account)
) STRICT, WITHOUT ROWID;

-- When a code was asked for or sent: `item` is a keyed hash of what was typed, or of the phone or account it concerned.
CREATE TABLE code_times (
  item BLOB NOT NULL,
  at   INTEGER NOT NULL
) STRICT;
CREATE INDEX code_times_by_item ON code_times (item, at);

-- A consent that one of its accounts withdrew serves that account no more.
ALTER TABLE consent_accounts ADD COLUMN withdrawn_at INTEGER;
CREATE INDEX consent_accounts_by_account ON consent_accounts (account);

-- 通知消息. `once` names what there is to be one notice of.
CREATE TABLE notices (
  id      TEXT PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES accounts (id),
  at      INTEGER NOT NULL,
  read    INTEGER NOT NULL DEFAULT 0,
  subject TEXT NOT NULL,
  once    TEXT UNIQUE
) STRICT;
CREATE INDEX notices_by_account ON notices (account, at);
CREATE INDEX certificates_by_end ON certificates (not_after) WHERE status = 'active';
