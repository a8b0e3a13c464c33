-- What a customer, or whoever sells to it, asks of an invoice before it is issued. One that does not meet it is parked.
alter table accounts
    -- The customer takes no invoice without its reference (EN 16931 BT-10).
    add column buyer_reference_required boolean not null default false,
    -- A document of more, without VAT, waits for a person: a budget that the customer set, or a bound on what can be meant.
    add column invoice_ceiling numeric(28, 9) check (invoice_ceiling > 0);
