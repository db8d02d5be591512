-- 查询服务: how often an item was asked for within an hour. `item` is a keyed hash; the empty one counts everybody.
CREATE TABLE query_counts (
  hour  INTEGER NOT NULL, -- hours since 1970
  item  BLOB NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (hour, item)
) STRICT, WITHOUT ROWID;

-- What an application is looked up by, beside its number and its account.
CREATE INDEX applications_by_credit_code ON applications (json_extract(handler, '$.credit_code')) WHERE number IS NOT NULL;
CREATE INDEX applications_by_id_number ON applications (json_extract(handler, '$.person.id_number')) WHERE number IS NOT NULL;
CREATE INDEX applications_by_phone ON applications (json_extract(handler, '$.phone')) WHERE number IS NOT NULL;
