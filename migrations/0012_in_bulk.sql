-- What is asked of many rows at once is asked once.

-- Lines come by the ten thousand: that each has its invoice, and that none comes late, is asked once a statement, not
-- once a line. The invoices are held while it is asked, as a foreign key would hold them: one that is being issued
-- meanwhile is waited for, and seen as it is then. A draft that the owner deletes may leave lines; programs may not
-- delete invoices.
alter table invoice_lines drop constraint invoice_lines_invoice_id_fkey;

create or replace function refuse_late_lines() returns trigger language plpgsql as $$
begin
    perform from invoices where invoice_id in (select invoice_id from touched) order by invoice_id for key share;
    if exists (select from touched l left join invoices i on i.invoice_id = l.invoice_id where i.invoice_id is null) then
        raise exception 'a line needs its invoice' using errcode = '23503';
    end if;
    if exists (select from touched l join invoices i on i.invoice_id = l.invoice_id where i.state = 'issued') then
        raise exception 'an issued invoice gets no further lines' using errcode = '23R03';
    end if;
    return null;
end
$$;
create trigger no_moved_lines after update on invoice_lines referencing new table as touched
    for each statement execute function refuse_late_lines();

-- An invoice that is issued in the transaction that made it is looked up in its parents once, at the end.
alter table invoices
    alter constraint invoices_account_id_fkey deferrable initially deferred,
    alter constraint invoices_issuer_id_fkey deferrable initially deferred;

-- A batch touches a tenant's hour in many rows: its period is looked up once.
create or replace function refuse_closed_book() returns trigger language plpgsql as $$
begin
    if exists (
        select from (select distinct tenant_id, hour, book from touched) u
        join tenants t on t.tenant_id = u.tenant_id
        join periods p on p.account_id = t.account_id and p.period_start <= u.hour and u.hour < p.period_end
        where u.book < p.open_book
    ) then
        raise exception 'a closed book of % does not change', tg_table_name using errcode = '23R02';
    end if;
    return null;
end
$$;

-- Where a GPU sits is judged by, and remembered under a version: a change there moves the catalog too. First sights
-- don't count: they are made while a batch holds the version.
create trigger catalog_moves after update on device_tenure for each row execute function move_catalog();
