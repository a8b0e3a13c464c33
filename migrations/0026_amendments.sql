-- A counted report that is not believed any more: withdrawn by a person, or superseded by another one of its node.
-- It is never deleted: what it counted is taken back by an adjustment, and it says since when, and what came instead.

alter table reports drop constraint reports_status_check;
alter table reports
    add constraint reports_status_check check (status in ('counted', 'late_known', 'superseded', 'withdrawn')),
    add column taken_back_at timestamptz,
    add column superseded_by bytea check (length(superseded_by) = 32),   -- the SHA-256 of the other one's head
    add constraint what_is_taken_back_says_when
        check ((taken_back_at is not null) = (status in ('superseded', 'withdrawn'))),
    add constraint what_is_superseded_says_by_what check ((superseded_by is not null) = (status = 'superseded'));

-- What a node said stays as it was said. A report is taken back once; only that may be written to it.
create function only_taken_back() returns trigger language plpgsql as $$
begin
    if old.status <> 'counted' or new.status not in ('superseded', 'withdrawn')
        or (new.day, new.node_id, new.window_start, new.seq, new.run, new.window_end, new.head_sha256,
            new.catalog_version, new.received_at, new.agent, new.tenants, new.held_ms, new.body)
           is distinct from
           (old.day, old.node_id, old.window_start, old.seq, old.run, old.window_end, old.head_sha256,
            old.catalog_version, old.received_at, old.agent, old.tenants, old.held_ms, old.body) then
        raise exception 'a report is never changed, only taken back, once' using errcode = '23R01';
    end if;
    return new;
end
$$;
create trigger frozen before update on reports for each row execute function only_taken_back();
