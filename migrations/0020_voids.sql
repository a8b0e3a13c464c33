-- A period's documents that a person took back whole: the credit note that did it, and why. What was used is unbilled from then on,
-- until it is billed again in a later book, as if for the first time.
create table voids (
    account_id  uuid not null references accounts,
    period_start timestamptz not null,
    book        int not null,                           -- the credit note's
    invoice_id  uuid not null,                          -- the credit note, in the same transaction
    reason      text not null check (reason <> ''),
    voided_by   text not null,
    voided_at   timestamptz not null,
    primary key (account_id, period_start, book)
);
create trigger frozen before update or delete on voids for each row execute function refuse_change();

alter table voids owner to releve_owner;
grant select, insert on voids to releve_app;
alter table voids enable row level security;
create policy app_sees_all on voids to releve_app using (true) with check (true);
create policy account_sees_own on voids for select to releve_tenant using (account_id = current_account());
grant select on voids to releve_tenant;
