-- The life of a certificate: what a case is about (JSON of `Particulars`), why a key was reported, and which certificate
-- took the place of which.
ALTER TABLE applications ADD COLUMN particulars TEXT NOT NULL DEFAULT '{}';
ALTER TABLE applications ADD COLUMN circumstance TEXT;
ALTER TABLE certificates ADD COLUMN successor TEXT REFERENCES certificates (serial);
-- One open case a certificate, also where two are opened side by side.
CREATE UNIQUE INDEX applications_open_by_certificate ON applications (json_extract(particulars, '$.certificate'))
  WHERE state NOT IN ('completed', 'rejected', 'withdrawn');
