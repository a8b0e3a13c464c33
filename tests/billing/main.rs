//! What becomes of a period? From counted reports to numbered invoices, and the proof that nothing got lost between.

mod agreeing;
mod alerting;
mod amending;
mod archiving;
mod auditing;
mod bench;
mod bucket;
mod correcting;
mod crediting;
mod delivering;
mod depositing;
mod exchanging;
mod frozen;
mod handing;
mod holding;
mod issuing;
mod killed;
mod ordering;
mod paying;
mod proving;
mod rolling;
mod together;
mod voiding;
mod watching;
