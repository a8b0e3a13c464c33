-- What a move and a reading need to know: whose slice a slice is, and months of rollups without days of reports.

-- Of which GPU a slice was cut, as reports said. Held time carries the slice's own id, so without this a GPU's
-- hours could not be found where it was held in parts. A slice's id follows from its GPU's; should two GPUs ever be
-- named for one slice, both are kept, and both are found.
create table device_slices (
    gpu         uuid not null,
    slice       uuid not null,
    primary key (gpu, slice)
);
alter table device_slices owner to releve_owner;
grant select, insert on device_slices to releve_app;

-- Makes what is missing of these parents from `first` to `last`. Not for callers: they name no tables.
create function make_partitions_of(parents text[], first date, last date) returns int
language plpgsql set search_path = public as $$
declare
    made int := 0;
    parent text;
    at date;
    upto date;
    name text;
begin
    perform pg_advisory_xact_lock(7201);
    foreach parent in array parents loop
        at := case parent when 'reports' then first else date_trunc('month', first)::date end;
        while at <= last loop
            upto := case parent when 'reports' then at + 1 else (at + interval '1 month')::date end;
            name := parent || '_' || to_char(at, case parent when 'reports' then 'YYYYMMDD' else 'YYYYMM' end);
            if to_regclass(name) is null then
                execute format('create table %I (like %I including all)', name, parent);
                if parent = 'reports' then
                    execute format('alter table reports attach partition %I for values from (%L) to (%L)', name, at, upto);
                else
                    execute format('alter table %I set (fillfactor = 70)', name);
                    execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name,
                        at::text || ' 00:00:00+00', upto::text || ' 00:00:00+00');
                    execute format('alter table %I enable row level security', name);
                end if;
                made := made + 1;
            end if;
            at := upto;
        end loop;
    end loop;
    return made;
end
$$;
alter function make_partitions_of(text[], date, date) owner to releve_owner;
revoke execute on function make_partitions_of(text[], date, date) from public;

create or replace function make_partitions(first date, last date) returns int
language sql security definer set search_path = public as $$
    select make_partitions_of(array['reports', 'allocation_hours', 'usage_hours', 'meter_hours'], first, last)
$$;

-- A reading is in no report: it needs its month of the rollups, and no day of reports.
create function make_rollup_partitions(first date, last date) returns int
language sql security definer set search_path = public as $$
    select make_partitions_of(array['allocation_hours', 'usage_hours', 'meter_hours'], first, last)
$$;
alter function make_rollup_partitions(date, date) owner to releve_owner;
grant execute on function make_rollup_partitions(date, date) to releve_app;
