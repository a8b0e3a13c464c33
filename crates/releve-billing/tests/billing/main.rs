//! Does billing do what an accountant would? Text tables, laws, and a second opinion in exact fractions.

mod agreements;
mod calendar;
mod corrections;
mod credits;
mod deposits;
mod digests;
mod invoices;
mod laws;
mod oracle;
mod orders;
mod package;
mod refusals;
mod sheet;
mod tables;
mod volume;
mod world;
