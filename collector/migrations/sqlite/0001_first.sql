-- Times are microseconds since the Unix epoch, flags 0 or 1, lists and objects JSON texts.
-- migrations/postgres holds the same schema; a test compares the two.

-- Facts about the database itself.
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
-- Each transaction that moves a clock holds its row until it commits, so that
-- what the clock numbers is numbered in commit order, across replicas too.
CREATE TABLE clocks (
    name TEXT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO clocks (name, last) VALUES ('inserted_at', 0), ('revision', 0);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

CREATE TABLE operator_log (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT NOT NULL,
    operation TEXT NOT NULL,
    subject TEXT NOT NULL,
    details TEXT NOT NULL
);

CREATE TABLE resources (
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    name TEXT,
    template TEXT,
    -- who and where in the systems of others
    external_user_id TEXT,
    external_workspace_id TEXT,
    -- registered: somebody said so; seen: an event or a subscription came first
    origin TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen BIGINT,
    -- when its own policy last changed, came or went
    revision BIGINT NOT NULL,
    PRIMARY KEY (resource_type, resource_id)
);
CREATE INDEX resources_of_template ON resources (template);

-- The tenant's policy has resource_type 'tenant' and resource_id ''.
CREATE TABLE policies (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    resource_type TEXT,
    resource_id TEXT,
    mode TEXT NOT NULL,
    default_effect TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    relock_at BIGINT,
    UNIQUE (resource_type, resource_id)
);
CREATE INDEX policies_to_relock ON policies (relock_at) WHERE relock_at IS NOT NULL;

CREATE TABLE rules (
    id TEXT NOT NULL PRIMARY KEY,
    policy_id TEXT NOT NULL REFERENCES policies (id),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    -- the rule document, without its id
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT
);
CREATE INDEX rules_of_policy ON rules (policy_id, position) WHERE removed_at IS NULL;

CREATE TABLE revisions (
    policy_id TEXT NOT NULL REFERENCES policies (id),
    revision BIGINT NOT NULL,
    at BIGINT NOT NULL,
    author TEXT NOT NULL,
    operation TEXT NOT NULL,
    note TEXT NOT NULL,
    mode TEXT NOT NULL,
    rule_count BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (policy_id, revision)
);

-- Decided requests and connections, and summaries of them (count > 1).
CREATE TABLE audit (
    inserted_at INTEGER NOT NULL PRIMARY KEY,
    timestamp BIGINT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    credential TEXT NOT NULL,
    uid TEXT NOT NULL,
    host TEXT,
    port BIGINT,
    raw TEXT,
    method TEXT,
    path TEXT,
    path_cut BIGINT NOT NULL,
    action TEXT NOT NULL,
    would_reject BIGINT NOT NULL,
    status_code BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    bytes_in BIGINT NOT NULL,
    bytes_out BIGINT NOT NULL,
    rule_id TEXT,
    rule_scope TEXT,
    rejected_by TEXT,
    nearest TEXT,
    epoch BIGINT,
    revision BIGINT,
    mode TEXT NOT NULL,
    overridden TEXT,
    sni TEXT,
    client TEXT,
    protocol TEXT NOT NULL,
    outcome TEXT NOT NULL,
    details TEXT,
    parent TEXT,
    count BIGINT NOT NULL
);
CREATE INDEX audit_of_resource ON audit (resource_type, resource_id, inserted_at);
CREATE INDEX audit_rejected ON audit (inserted_at) WHERE would_reject = 1;

-- Streams that were reported open; their end updates the row. And long ones
-- whose end came first (ended 1): what comes after it says nothing new.
CREATE TABLE open_streams (
    credential TEXT NOT NULL,
    uid TEXT NOT NULL,
    inserted_at BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    PRIMARY KEY (credential, uid)
);

-- Who sends events: one row a VM and credential. The resource is the one it spoke of last.
CREATE TABLE instances (
    credential TEXT NOT NULL,
    instance TEXT NOT NULL,
    process TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    -- every number up to here has come, or was reported missing
    watermark BIGINT NOT NULL,
    -- inclusive ranges above it that came, and since when what is missing below each is, [[from, to, since], ...]
    beyond TEXT NOT NULL,
    -- numbers below it that were reported missing and may still come, [[from, to], ...]
    reported TEXT NOT NULL,
    -- when the lowest missing number above it was first missed, and how many are missing
    missing_since BIGINT,
    missing BIGINT NOT NULL,
    gaps BIGINT NOT NULL,
    duplicates BIGINT NOT NULL,
    audited BIGINT NOT NULL,
    summarised BIGINT NOT NULL,
    -- streams that were reported open and have not ended
    open BIGINT NOT NULL,
    heartbeat_at BIGINT,
    heartbeat_seq BIGINT,
    decisions BIGINT NOT NULL,
    merged BIGINT NOT NULL,
    dropped BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    unsent_bytes BIGINT NOT NULL,
    memory_bytes BIGINT NOT NULL,
    closing BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (credential, instance)
);
CREATE INDEX instances_to_age ON instances (missing_since) WHERE missing_since IS NOT NULL;

-- What a VM's last heartbeats say is in force, for each resource it serves.
CREATE TABLE in_force (
    credential TEXT NOT NULL,
    instance TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    heartbeat_at BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    epoch BIGINT,
    revision BIGINT,
    -- none without a policy
    mode TEXT NOT NULL,
    digest TEXT,
    overridden TEXT,
    policy_error TEXT,
    PRIMARY KEY (credential, instance, resource_type, resource_id)
);
CREATE INDEX in_force_of_resource ON in_force (resource_type, resource_id);

-- What a resource talked to, in all. `host` is a canonical host. What came after
-- a cap was reached is in a row for many (overflow 1), of the domain as
-- `*.example.com`, of addresses as `0.0.0.0/0` or `::/0`, past the last cap as `*`,
-- with port 0 where there were too many of those too, or nobody said.
CREATE TABLE destinations (
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    overflow BIGINT NOT NULL,
    domain TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    last_rejected BIGINT,
    last_allowed BIGINT,
    -- of an overflow row: the first hosts in it
    samples TEXT NOT NULL,
    PRIMARY KEY (resource_type, resource_id, host, port)
);
CREATE INDEX destinations_of_domain ON destinations (resource_type, resource_id, domain);

-- How many rows there are for each domain of a resource, of `part` destinations
-- or pending; the row with an empty domain says how many domains.
CREATE TABLE domains (
    part TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    hosts BIGINT NOT NULL,
    overflows BIGINT NOT NULL,
    PRIMARY KEY (part, resource_type, resource_id, domain)
);

-- The same by day (UTC, days since the epoch), so that a window can be
-- reviewed after its raw events are gone.
CREATE TABLE destination_days (
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    day BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    warned BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    would_reject BIGINT NOT NULL,
    -- how many were opaque: neither method nor path was visible
    opaque BIGINT NOT NULL,
    -- what was seen in clear, the first ones: [[method, path, count, last], ...];
    -- with an empty method and path the others
    shapes TEXT NOT NULL,
    PRIMARY KEY (resource_type, resource_id, day, host, port)
);

-- Decisions over time, by five minutes.
CREATE TABLE traffic (
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    bucket BIGINT NOT NULL,
    allowed BIGINT NOT NULL,
    warned BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    would_reject BIGINT NOT NULL,
    PRIMARY KEY (resource_type, resource_id, bucket)
);

-- Rejected hosts that an operator could list; `host` and overflow as in destinations.
CREATE TABLE pending (
    id TEXT NOT NULL PRIMARY KEY,
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    host TEXT NOT NULL,
    overflow BIGINT NOT NULL,
    ports TEXT NOT NULL,
    methods TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    example TEXT NOT NULL,
    rejected_by TEXT NOT NULL,
    nearest TEXT,
    -- pending, approved, blocked or dismissed
    state TEXT NOT NULL,
    -- whether the webhook was told of it: 0 no, -1 yes, else when a replica began to
    told BIGINT NOT NULL DEFAULT 0,
    changed_at BIGINT,
    changed_by TEXT,
    UNIQUE (resource_type, resource_id, host)
);
CREATE INDEX pending_by_state ON pending (state, last_seen);

-- What proxies say over Watch: one row a proxy and resource.
CREATE TABLE subscriptions (
    credential TEXT NOT NULL,
    instance TEXT NOT NULL,
    process TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    build TEXT NOT NULL,
    connected BIGINT NOT NULL,
    epoch BIGINT,
    revision BIGINT,
    vms_in_force BIGINT NOT NULL,
    vms BIGINT NOT NULL,
    error TEXT,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (credential, instance, resource_type, resource_id)
);
CREATE INDEX subscriptions_of_resource ON subscriptions (resource_type, resource_id);
