-- email_key is the folded e-mail, which the service makes. By the constraint's name the repository knows which rule a
-- write broke.
CREATE TABLE users (
    id         uuid PRIMARY KEY,
    email      text NOT NULL,
    name       text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version    bigint NOT NULL,
    email_key  text COLLATE "C" NOT NULL CONSTRAINT users_email_key_unique UNIQUE
);
