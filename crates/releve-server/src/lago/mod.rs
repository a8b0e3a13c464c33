//! How does a customer of Lago's come over, and does our bill say what Lago's does? The commands `import lago` and `compare`.

mod compare;
mod contract;
mod customer;
mod import;
mod purse;
mod told;

pub use self::{compare::run as compare, import::run as import};

/// Who is at the command line, where it is told who did something.
const ACTOR: &str = "releve import lago";
