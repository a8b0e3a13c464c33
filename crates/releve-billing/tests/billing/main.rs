//! Does billing do what an accountant would? Text tables, laws, and a second opinion in exact fractions.

mod corrections;
mod digests;
mod invoices;
mod laws;
mod oracle;
mod refusals;
mod sheet;
mod tables;
mod world;
