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

-- Review desk: the certificate authority's staff. Kept apart from applicants' accounts and sessions.
CREATE TABLE staff (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  role         TEXT NOT NULL,
  password     TEXT NOT NULL,
  must_change  INTEGER NOT NULL,
  disabled_at  INTEGER,
  created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE staff_sessions (
  token_hash BLOB PRIMARY KEY,
  staff      INTEGER NOT NULL REFERENCES staff (id),
  started_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL
) STRICT;

-- Which case each member of staff is at, since when, and what of it they have seen.
CREATE TABLE looks (
  staff       INTEGER PRIMARY KEY REFERENCES staff (id),
  application TEXT NOT NULL REFERENCES applications (id),
  seen_at     INTEGER NOT NULL,
  revealed    INTEGER NOT NULL,
  files       TEXT NOT NULL
) STRICT;
CREATE INDEX looks_by_application ON looks (application);

-- The first of two decisions, until the second.
CREATE TABLE first_decisions (
  application TEXT PRIMARY KEY REFERENCES applications (id),
  submissions INTEGER NOT NULL,
  actor       TEXT NOT NULL,
  review      TEXT NOT NULL,
  at          INTEGER NOT NULL
) STRICT;

-- What the service was started with and the commands beside it must know too.
CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- Audit log. `hash` is over the row and the hash before it, as audit.rs says.
CREATE TABLE audit (
  number      INTEGER PRIMARY KEY,
  at          INTEGER NOT NULL,
  actor       TEXT NOT NULL,
  act         TEXT NOT NULL,
  application TEXT,
  submission  INTEGER,
  details     TEXT NOT NULL,
  before      BLOB NOT NULL,
  hash        BLOB NOT NULL
) STRICT;
CREATE INDEX audit_by_application ON audit (application, number) WHERE application IS NOT NULL;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;

CREATE INDEX applications_handed_in ON applications (state, created_at) WHERE number IS NOT NULL;
CREATE INDEX IF NOT EXISTS submissions_by_application ON submissions (application, id);

-- The form signed by a key: whose (JSON of `FormSigner`), where the signature was verified.
ALTER TABLE attachments ADD COLUMN signed_by TEXT;

-- What is typed of cases that are not handed in (JSON of `DraftContent`).
CREATE TABLE drafts (
  application TEXT PRIMARY KEY REFERENCES applications (id),
  content TEXT NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;

-- Signed requests: the key of a session (JWK), and legal acts as they were asked for, with the receipts given for them.
ALTER TABLE sessions ADD COLUMN session_key TEXT;
CREATE TABLE evidence (
  place         INTEGER PRIMARY KEY,
  id            TEXT NOT NULL UNIQUE,
  application   TEXT NOT NULL REFERENCES applications (id),
  account       INTEGER NOT NULL REFERENCES accounts (id),
  act           TEXT NOT NULL,
  at            INTEGER NOT NULL,
  signed_by_key INTEGER NOT NULL,
  request       TEXT NOT NULL,
  receipt       TEXT NOT NULL
) STRICT;
CREATE INDEX evidence_by_application ON evidence (application);
CREATE TRIGGER evidence_is_not_changed BEFORE UPDATE ON evidence BEGIN SELECT raise(ABORT, 'evidence is kept as it is'); END;
CREATE TRIGGER evidence_is_not_removed BEFORE DELETE ON evidence BEGIN SELECT raise(ABORT, 'evidence is kept as it is'); END;
