-- People who sign in with a password. `hash` is a PHC string of argon2id.
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    disabled_at BIGINT
);

-- Who is signed in, in a browser: a person, or who holds a token. `hash` is the SHA-256 of the cookie's secret.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    csrf TEXT NOT NULL,
    user_id TEXT,
    token_id TEXT,
    created_at BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    address TEXT NOT NULL,
    agent TEXT NOT NULL
);
