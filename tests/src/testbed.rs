//! Which servers does the whole suite share? Those that `tests/run` starts once and names in `RELEVE_TESTBED`.
//!
//! Starting RabbitMQ costs some seven seconds of processor time, and each test may be a process of its own. A test that
//! runs alone, without the variable, starts what it needs for itself.

use std::{
    env,
    io::{self, Read as _, Write as _},
    path::PathBuf,
};

use crate::{
    postgres::{Durability, Postgres},
    rabbit::Rabbit,
};

pub const VARIABLE: &str = "RELEVE_TESTBED";

/// Where the suite's servers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports {
    pub postgres: u16,
    /// AMQP, Erlang's distribution, Erlang's name server.
    pub rabbit: [u16; 3],
    pub rabbit_dir: PathBuf,
}

/// From the environment, if `tests/run` has set it.
pub fn ports() -> Option<Ports> {
    let text = env::var(VARIABLE).ok()?;
    let mut parts = text.splitn(5, ':');
    let mut number = || parts.next().and_then(|part| part.parse::<u16>().ok());
    let (postgres, amqp, dist, epmd) = (number(), number(), number(), number());
    let found = postgres.zip(amqp).zip(dist.zip(epmd)).zip(parts.next());
    let Some((((postgres, amqp), (dist, epmd)), dir)) = found else {
        panic!("{VARIABLE}='{text}' is not POSTGRES:AMQP:DIST:EPMD:DIR")
    };
    Some(Ports { postgres, rabbit: [amqp, dist, epmd], rabbit_dir: PathBuf::from(dir) })
}

/// Starts both, prints the variable's value on a line of its own, and stops them when standard input ends.
pub fn serve() -> io::Result<()> {
    let postgres = Postgres::start(Durability::ProcessOnly);
    let rabbit = Rabbit::start();
    let (amqp, dir, [_, dist, epmd]) = rabbit.place();
    println!("{}:{amqp}:{dist}:{epmd}:{}", postgres.port(), dir.display());
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
