-- What is asked of many rows at once is asked once.

-- Lines come by the ten thousand: that each has its invoice, and that none comes late, is asked once a statement, not
-- once a line. Nobody has the right to delete an invoice, so a line that had its invoice keeps it.
alter table invoice_lines drop constraint invoice_lines_invoice_id_fkey;

create or replace function refuse_late_lines() returns trigger language plpgsql as $$
begin
    if exists (select from touched l left join invoices i on i.invoice_id = l.invoice_id where i.invoice_id is null) then
        raise exception 'a line needs its invoice' using errcode = '23503';
    end if;
    if exists (select from touched l join invoices i on i.invoice_id = l.invoice_id where i.state = 'issued') then
        raise exception 'an issued invoice gets no further lines' using errcode = '23R03';
    end if;
    return null;
end
$$;

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
