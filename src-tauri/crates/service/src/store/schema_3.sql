-- 注销公告. Numbers and times run in the same order.
ALTER TABLE certificates ADD COLUMN revocation_reason TEXT;

CREATE TABLE announcements (
  number     INTEGER PRIMARY KEY,
  serial     TEXT NOT NULL UNIQUE,
  subject    TEXT NOT NULL,
  revoked_at INTEGER NOT NULL,
  reason     TEXT NOT NULL,
  crl_number INTEGER NOT NULL
) STRICT;
CREATE INDEX announcements_by_time ON announcements (revoked_at);

-- Pairs of neighbouring characters of each subject, as `grams` in store/announcements.rs writes them: a name is found by
-- any part of it, and 1 000 000 of them are not read for that.
CREATE VIRTUAL TABLE announcement_grams USING fts5(grams, content='', tokenize='ascii', prefix='5', columnsize=0);
