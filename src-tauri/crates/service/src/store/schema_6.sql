-- Delta sync: when each thing of an account changed last, one row a thing. Places are given in the order of commits,
-- because one transaction writes at a time. Written by triggers, so that no act can forget it.
CREATE TABLE changes (
  place   INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL,
  kind    TEXT NOT NULL,
  id      TEXT NOT NULL,
  at      INTEGER NOT NULL, -- by this machine's clock
  UNIQUE (account, kind, id)
) STRICT;
CREATE INDEX changes_by_account ON changes (account, place);

CREATE VIEW changed AS SELECT account, kind, id FROM changes;
CREATE TRIGGER changed_is_the_latest INSTEAD OF INSERT ON changed BEGIN
  DELETE FROM changes WHERE account = new.account AND kind = new.kind AND id = new.id;
  INSERT INTO changes (account, kind, id, at) VALUES (new.account, new.kind, new.id, unixepoch() * 1000);
END;

CREATE TRIGGER application_was_added AFTER INSERT ON applications BEGIN
  INSERT INTO changed VALUES (new.account, 'application', new.id);
END;
CREATE TRIGGER application_was_changed AFTER UPDATE ON applications BEGIN
  INSERT INTO changed VALUES (new.account, 'application', new.id);
  -- Whether its draft is shown hangs on its state.
  INSERT INTO changed SELECT new.account, 'draft', new.id WHERE old.state <> new.state;
END;
CREATE TRIGGER application_was_removed AFTER DELETE ON applications BEGIN
  INSERT INTO changed VALUES (old.account, 'application', old.id);
END;
CREATE TRIGGER application_has_history AFTER INSERT ON history BEGIN
  INSERT INTO changed SELECT account, 'application', id FROM applications WHERE id = new.application;
END;
CREATE TRIGGER application_was_handed_in AFTER INSERT ON submissions BEGIN
  INSERT INTO changed SELECT account, 'application', id FROM applications WHERE id = new.application;
END;
CREATE TRIGGER application_has_file AFTER INSERT ON attachments BEGIN
  INSERT INTO changed SELECT account, 'application', id FROM applications WHERE id = new.application;
END;
CREATE TRIGGER application_has_other_file AFTER UPDATE ON attachments BEGIN
  INSERT INTO changed SELECT account, 'application', id FROM applications WHERE id = new.application;
END;
CREATE TRIGGER application_lost_file AFTER DELETE ON attachments BEGIN
  INSERT INTO changed SELECT account, 'application', id FROM applications WHERE id = old.application;
END;
CREATE TRIGGER application_file_was_changed AFTER UPDATE OF file_name, length, sha256 ON uploads
  WHEN EXISTS (SELECT 1 FROM attachments WHERE upload = new.id) BEGIN
  INSERT INTO changed SELECT new.account, 'application', application FROM attachments WHERE upload = new.id;
END;
CREATE TRIGGER application_has_receipt AFTER INSERT ON evidence BEGIN
  INSERT INTO changed SELECT account, 'application', id FROM applications WHERE id = new.application;
END;

CREATE TRIGGER certificate_was_added AFTER INSERT ON certificates BEGIN
  INSERT INTO changed VALUES (new.account, 'certificate', new.serial);
END;
CREATE TRIGGER certificate_was_changed AFTER UPDATE ON certificates BEGIN
  INSERT INTO changed VALUES (new.account, 'certificate', new.serial);
  -- Whether its reminders are shown hangs on it.
  INSERT INTO changed SELECT account, 'notice', id FROM notices WHERE account = new.account
    AND json_extract(subject, '$.kind') = 'expiry' AND json_extract(subject, '$.serial') = new.serial;
END;
CREATE TRIGGER certificate_was_removed AFTER DELETE ON certificates BEGIN
  INSERT INTO changed VALUES (old.account, 'certificate', old.serial);
END;

CREATE TRIGGER notice_was_added AFTER INSERT ON notices BEGIN
  INSERT INTO changed VALUES (new.account, 'notice', new.id);
END;
CREATE TRIGGER notice_was_changed AFTER UPDATE ON notices BEGIN
  INSERT INTO changed VALUES (new.account, 'notice', new.id);
END;
CREATE TRIGGER notice_was_removed AFTER DELETE ON notices BEGIN
  INSERT INTO changed VALUES (old.account, 'notice', old.id);
END;

CREATE TRIGGER draft_was_added AFTER INSERT ON drafts BEGIN
  INSERT INTO changed SELECT account, 'draft', id FROM applications WHERE id = new.application;
END;
CREATE TRIGGER draft_was_changed AFTER UPDATE ON drafts BEGIN
  INSERT INTO changed SELECT account, 'draft', id FROM applications WHERE id = new.application;
END;
CREATE TRIGGER draft_was_removed AFTER DELETE ON drafts BEGIN
  INSERT INTO changed SELECT account, 'draft', id FROM applications WHERE id = old.application;
END;

-- To be told everything page by page.
CREATE INDEX applications_by_account_and_id ON applications (account, id);
CREATE INDEX certificates_by_account_and_serial ON certificates (account, serial);
CREATE INDEX notices_by_account_and_id ON notices (account, id);
