-- What nodes said, and the proof that it was counted once.

-- No report of an earlier day is counted any more: its day was archived. Read under a shared advisory lock
-- that raising it takes alone, so that a batch judged under the old floor can't commit behind the archiver.
create table ingest_floor (
    one         boolean primary key default true check (one),
    day         date not null
);
insert into ingest_floor (day) values ('1970-01-01');

-- Which node a physical GPU sits in, from-to; a slice has its parent's. One GPU in two nodes at one instant
-- is how the same hour gets sold twice. At first sight the row reaches from -infinity to infinity; a move
-- splits the open row at a whole hour.
create table device_tenure (
    gpu         uuid not null,
    from_at     timestamptz not null,
    to_at       timestamptz not null,
    node_id     uuid not null,
    primary key (gpu, from_at),
    constraint tenure_ends_after_it_starts check (from_at < to_at)
);

-- Which milliseconds of each UTC day a node has reported. One small row is dedupe key, heartbeat and gap
-- report at once, and it is kept for ever: the promise does not end when reports are archived.
create table node_coverage (
    node_id     uuid not null,
    day         date not null,
    covered     int4multirange not null,            -- ms of the day; an update of it alone stays HOT
    primary key (node_id, day)
) with (fillfactor = 70);

-- The reports themselves, by the day they speak of (never of arrival), so that a resend meets its original.
-- body: one byte of codec and the exact signed strings (head, signature, segments); labels are kept apart,
-- since they are personal. tenants/held_ms: who held how much in it, for gaps.
create table reports (
    day         date not null,
    node_id     uuid not null,
    window_start timestamptz not null,
    seq         bigint not null,
    run         uuid not null,
    window_end  timestamptz not null,
    head_sha256 bytea not null check (length(head_sha256) = 32),
    catalog_version bigint not null,
    received_at timestamptz not null,
    agent       text not null,
    status      text not null check (status in ('counted', 'late_known', 'superseded')),
    tenants     uuid[] not null,
    held_ms     bigint[] not null,
    body        bytea not null,
    primary key (day, node_id, window_start, seq, run)
) partition by range (day);
alter table reports alter column body set storage external; -- compressed before it gets here

-- Input that was understood but not believed, with its bytes and its reason, waiting for a person. Unique by
-- the digest of the bytes: a redelivery neither doubles it nor reopens a verdict.
create table quarantine (
    quarantine_id uuid primary key,
    sha256      bytea not null unique check (length(sha256) = 32),
    kind        text not null check (kind in ('report', 'reading')),
    reason      text not null,
    field       text not null default '',
    detail      text not null default '',
    source      text not null check (source in ('amqp', 'http', 'dead_letter')),
    node_id     uuid,
    agent       text not null default '',
    rack        text not null default '',
    window_start timestamptz,
    window_end  timestamptz,
    tenants     uuid[] not null default '{}',       -- whom it concerns, as far as that is known
    held_ms     bigint[] not null default '{}',
    received_at timestamptz not null,
    status      text not null default 'waiting' check (status in ('waiting', 'counted', 'duplicate', 'rejected')),
    verdict_by  text,
    verdict_at  timestamptz,
    verdict_reason text,
    body        bytea not null
);
create index quarantine_waiting on quarantine (reason, received_at) where status = 'waiting';

-- The dedupe key of readings, kept for ever; inserted in the transaction that counts the reading.
create table reading_keys (
    source      text not null,
    id_sha256   bytea not null check (length(id_sha256) = 32),
    digest      bytea not null check (length(digest) = 32),
    primary key (source, id_sha256)
);
