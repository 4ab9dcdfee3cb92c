-- Those of the relations with the OIDs $1, which were not there a while ago, that the transaction in progress has made, also within a savepoint or a function: a row that is seen
-- while the transaction that wrote it is in progress is one's own. `xmin` has the lower 32 bits of that transaction's number, which
-- is less than 2^31 away from this one's.
SELECT c.oid::pg_catalog.int8 AS oid
FROM pg_catalog.pg_class c
CROSS JOIN (SELECT pg_catalog.txid_current() AS id) AS own
CROSS JOIN LATERAL (
  SELECT (c.xmin::pg_catalog.text::pg_catalog.int8 - own.id % 4294967296 + 6442450944) % 4294967296 - 2147483648 AS distance
) AS maker
WHERE c.oid = ANY ($1::pg_catalog.oid[])
  AND pg_catalog.txid_status(own.id + maker.distance) = 'in progress'
