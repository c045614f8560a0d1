-- The same table, now in the order of its key: who adds up the buckets of very many resources reads them from
-- one place after the other. PostgreSQL has no such tables.
CREATE TABLE traffic_in_order (
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    bucket BIGINT NOT NULL,
    allowed BIGINT NOT NULL,
    warned BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    would_reject BIGINT NOT NULL,
    PRIMARY KEY (resource_type, resource_id, bucket)
) WITHOUT ROWID;
INSERT INTO traffic_in_order SELECT * FROM traffic ORDER BY resource_type, resource_id, bucket;
DROP TABLE traffic;
ALTER TABLE traffic_in_order RENAME TO traffic;
