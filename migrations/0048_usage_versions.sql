-- Which hours of a tenant's usage changed? By the hour instead of by the day: of a day that goes on, most was added up already. One
-- number an hour, raised in the transaction that changes it: whoever added hours up need not do it again as long as the sum of their
-- numbers stands. It never starts again.
drop table usage_days;

create table usage_versions (
    tenant_id   uuid not null,
    hour        timestamptz not null,
    version     bigint not null default 1 check (version >= 1),
    primary key (tenant_id, hour)
) with (fillfactor = 50);

-- For the programs alone: no tenant reads it.
alter table usage_versions owner to releve_owner;
grant select, insert on usage_versions to releve_app;
grant update (version) on usage_versions to releve_app;
