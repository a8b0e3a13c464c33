-- Where the law wants VAT when money is paid in advance (Directive 2006/112/EC, art. 65; CGI art. 269, 2 c), each advance gets an invoice
-- of its own: a deposit invoice (UNTDID 1001, 386), and a credit note for what of it is taken back.

alter table issuers add column vat_on_prepayment boolean not null default false;

-- The advance that a document invoices, or takes back. Such a document is of no period that is billed: the one it names is the hour in
-- which it was made. What asks for the documents of a period asks for those without one.
alter table invoices
    add column credit_id uuid references credits deferrable initially deferred, -- the document is written first
    drop constraint invoices_account_id_period_start_book_key;
create unique index invoices_of_period on invoices (account_id, period_start, book) where credit_id is null;
create unique index invoices_deposit on invoices (credit_id) where credit_id is not null and corrects = '[]';

alter table invoice_lines drop constraint invoice_lines_kind_check;
alter table invoice_lines add constraint invoice_lines_kind_check check (
    kind in ('usage', 'reserved', 'unused', 'overage', 'recurring', 'once', 'goodwill', 'minimum', 'credit', 'deposit'));

-- The entry that opens an advance names its deposit invoice, and the one that takes it back the credit note.
alter table credit_entries drop constraint documents_draw;
alter table credit_entries add constraint documents_draw check (
    case when 'invoice' in (from_side, to_side) then invoice_id is not null
         else invoice_id is null or 'payment' in (from_side, to_side) end);
