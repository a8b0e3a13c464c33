-- The audit log can't be rewritten unnoticed. Each entry is sealed: a digest over the entry and the seal before it, so that whoever
-- noted one seal elsewhere can tell whether any entry up to it was changed, removed or slipped in, even by the database's owner.
--
-- Entries are sealed after they were committed, by one program at a time. Were the seal part of the entry, every change in the house
-- would wait for every other one.
create table audit_seals (
    seal   bigint primary key check (seal > 0), -- without gaps
    entry  bigint not null unique references audit_log,
    sha256 bytea not null check (length(sha256) = 32)
);
create trigger frozen before update or delete on audit_seals for each row execute function refuse_change();
alter table audit_seals owner to releve_owner;
grant select, insert on audit_seals to releve_app;

-- What is digested: the seal before (32 zero bytes for the first), then the entry as a JSON array, as PostgreSQL writes it.
create function audit_digest(before bytea, e audit_log) returns bytea language sql stable
    return sha256(before || convert_to(
        jsonb_build_array(e.entry, (extract(epoch from e.at) * 1000000)::bigint, e.actor, e.action, e.subject, e.before, e.after)::text,
        'UTF8'));

-- Seals entries that are not yet, in their order; how many. An entry may be committed after a later one was sealed: the last
-- hundred thousand are looked through for such. The caller holds the lock that makes it the only one.
create function seal_audit_log(entries_max int) returns int language plpgsql as $$
declare
    last   audit_seals;
    e      audit_log;
    number bigint;
    digest bytea;
    done   int := 0;
begin
    select * into last from audit_seals order by seal desc limit 1;
    number := coalesce(last.seal, 0);
    digest := coalesce(last.sha256, decode(repeat('00', 32), 'hex'));
    for e in
        select a.* from audit_log a
        where a.entry > coalesce((select max(s.entry) from audit_seals s), 0) - 100000
          and not exists (select from audit_seals s where s.entry = a.entry)
        order by a.entry
        limit entries_max
    loop
        number := number + 1;
        digest := audit_digest(digest, e);
        insert into audit_seals (seal, entry, sha256) values (number, e.entry, digest);
        done := done + 1;
    end loop;
    return done;
end
$$;
alter function audit_digest(bytea, audit_log) owner to releve_owner;
alter function seal_audit_log(int) owner to releve_owner;
