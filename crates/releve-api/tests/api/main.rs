//! Does the API do what it says, over a real PostgreSQL, with a pool of one connection?

mod agreements;
mod alerts;
mod billing;
mod budgets;
mod cancelled;
mod document;
mod foreign;
mod idempotency;
mod intake;
mod isolation;
mod lists;
mod matrix;
mod node;
mod nodes;
mod payments;
mod prices;
mod proposals;
mod quickstart;
mod refusals;
mod scopes;
mod seen;
mod self_service;
mod sign_in;
mod suspense;
mod webhooks;
mod world;
