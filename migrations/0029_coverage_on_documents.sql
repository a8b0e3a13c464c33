-- What a document says of coverage: the GPU time that its customer may have held of nodes that were in service and said nothing, which a
-- person decided to bill around. Null: the document does not say.
alter table invoices add column missing_gpu_ms bigint check (missing_gpu_ms >= 0);
