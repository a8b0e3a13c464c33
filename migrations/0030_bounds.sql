-- What a contract says of documents that come late or come to little.
alter table accounts
    -- Months after a period's end after which nothing more may be billed for it. What is given back always is.
    add column back_billing_months smallint check (back_billing_months between 1 and 120),
    -- A correction that comes to less than this, without VAT, up or down, is carried until it comes to more.
    add column correction_min numeric(28, 9) check (correction_min > 0);

-- Whether a parked document waits for nobody: the contract alone says that it is not issued, until more is found or a
-- person changes the contract. What it rests on may leave the database meanwhile.
alter table invoices add column rests boolean not null generated always as (
    state = 'parked' and parked_for <> '[]'
    and not jsonb_path_exists(parked_for, '$[*] ? (@.kind != "carried" && @.kind != "back_billing")')) stored;

-- An invoice may be given up in parts, and a part of that taken back: one row per act, whose sum is what is given up.
alter table write_offs
    drop constraint write_offs_pkey,
    drop constraint write_offs_amount_check,
    add constraint write_offs_amount_check check (amount <> 0),      -- below zero: taken back
    add column entry_id bigint generated always as identity primary key; -- in the order in which they were written
create index write_offs_invoice on write_offs (account_id, invoice_id);

create function refuse_beyond_given_up() returns trigger language plpgsql as $$
begin
    if exists (select from write_offs w
               where (w.account_id, w.invoice_id) in (select account_id, invoice_id from touched)
               group by w.account_id, w.invoice_id having sum(w.amount) < 0)
    then
        raise exception 'more of a write-off would be taken back than was written off' using errcode = '23R06';
    end if;
    return null;
end
$$;
create trigger fits after insert on write_offs referencing new table as touched
    for each statement execute function refuse_beyond_given_up();
