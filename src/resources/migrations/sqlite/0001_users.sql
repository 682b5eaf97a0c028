-- Ids are kept as bytes, which sort as the ids do; times are microseconds since 1970. email_key is the folded e-mail,
-- which the service makes.
CREATE TABLE users (
    id         BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    email      TEXT NOT NULL,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    email_key  TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
