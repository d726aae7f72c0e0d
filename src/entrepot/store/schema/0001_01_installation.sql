-- One row each: who this database is, and how business time follows machine time.
CREATE TABLE installation (
    id              smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    incarnation     text NOT NULL,             -- new and random after every restore: part of every fence
    environment     text NOT NULL CHECK (environment IN ('sandbox', 'production')),
    plan_hash       text NOT NULL DEFAULT '',  -- content hash of the blueprint in force
    created_at      timestamptz NOT NULL
);

CREATE TABLE clock (
    id              smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    business_base   timestamptz NOT NULL,
    machine_base    timestamptz NOT NULL,
    rate            double precision NOT NULL CHECK (rate > 0 AND rate <= 600)
);
