-- What a customer asks about a line of an invoice, and what became of it: a credit note, or a reasoned no.
--
-- An issued invoice does not change for it. What is given back is a document of its own, which the answer names.
create table line_questions (
    tenant_id   uuid not null references tenants,   -- whose person asked
    question_id uuid not null unique,
    account_id  uuid not null references accounts,
    invoice_id  uuid not null references invoices,
    line        int not null check (line >= 1),     -- as it is printed: the first is 1
    question    text not null check (question <> ''),
    asked_at    timestamptz not null,
    asked_by    text not null,
    verdict     text check (verdict in ('stands', 'credited')),
    answer      text check (answer <> ''),
    credit_note_id uuid references invoices,
    answered_at timestamptz,
    answered_by text,
    primary key (tenant_id, question_id),
    constraint answered_whole check (num_nulls(verdict, answer, answered_at, answered_by) in (0, 4)),
    constraint credited_by_a_note check ((verdict is not distinct from 'credited') = (credit_note_id is not null))
);
create index line_questions_open on line_questions (question_id) where verdict is null;

alter table line_questions owner to releve_owner;
grant select, insert on line_questions to releve_app;
grant update (verdict, answer, credit_note_id, answered_at, answered_by) on line_questions to releve_app;
alter table line_questions enable row level security;
create policy app_sees_all on line_questions to releve_app using (true) with check (true);
create policy tenant_sees_own on line_questions for select to releve_tenant using (tenant_id = current_tenant());
grant select on line_questions to releve_tenant;
