-- Which days of a tenant's usage changed? One number a day, raised in the transaction that changes any of its hours: whoever
-- added a day up need not do it again as long as the number stands. It never starts again.
create table usage_days (
    tenant_id   uuid not null,
    day         date not null,                      -- in UTC
    version     bigint not null default 1 check (version >= 1),
    primary key (tenant_id, day)
) with (fillfactor = 50);

-- For the programs alone: no tenant reads it.
alter table usage_days owner to releve_owner;
grant select, insert on usage_days to releve_app;
grant update (version) on usage_days to releve_app;
