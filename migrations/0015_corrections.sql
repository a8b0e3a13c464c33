-- A period that was invoiced and turns out to be worth less or more gets another document, in its next book.

-- The documents that this one corrects, the first first: [{"id", "series", "year", "serial", "issued_at_ms"}]. Empty on a first one. They are
-- named here, and not only found by their period, since an invoice says on its face which ones it corrects (BG-3).
alter table invoices add column corrects jsonb not null default '[]' check (jsonb_typeof(corrects) = 'array');
alter table invoices add constraint less_than_nothing_corrects check (total >= 0 or corrects <> '[]');

-- What was billed before and is taken off again: its quantities and amount are those of then, negated.
alter table invoice_lines add column taken_back boolean not null default false;
alter table invoice_lines add constraint signs_are_of_what_is_taken_back check (
    case when taken_back then metered <= 0 and billed <= 0 and amount <= 0
         else metered >= 0 and billed >= 0 and amount >= 0 end);

-- Up to which month an issuer's earlier months were looked through for corrections: once a month, when its latest month
-- was billed, so that what came late in many pieces is one document.
create table correction_passes (
    issuer_id   uuid primary key references issuers,
    period_start timestamptz not null,
    passed_at   timestamptz not null
);
alter table correction_passes owner to releve_owner;
grant select, insert, update on correction_passes to releve_app;
