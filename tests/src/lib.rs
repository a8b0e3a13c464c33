#![doc = include_str!("../README.md")]
//!
//! | module | what for |
//! | --- | --- |
//! | [`postgres`] | a PostgreSQL of the test's own, or the suite's; a database each |
//! | [`rabbit`] | a RabbitMQ of the test's own, or the suite's; a virtual host each |
//! | [`releve`] | `releve` and `releve-agent` as child processes |
//! | [`http`] | JSON over HTTP |
//! | [`bucket`] | an S3-compatible store that checks signatures |
//! | [`browser`], [`webdriver`] | a real Chromium, and axe-core in its pages |
//! | [`proxy`] | a network in between that can be cut or fall silent |
//! | [`world`] | a small cloud: tenants, nodes with keys, a price |
//! | [`cluster`] | what the benches run on: servers of their own, roles as programs, a fleet |
//! | [`fleet`] | a full cluster that reports each minute |
//! | [`identity`] | an identity provider that signs people in, and lies as it is told |
//! | [`mailbox`] | a mail server that takes or refuses as it is told |
//! | [`receiver`] | a receiver of webhooks that fails as it is told |
//! | [`stage`] | the demo, with its month billed and its agents reporting |
//! | [`wait`] | conditions with deadlines |
//! | [`process`], [`place`] | what the above stand on: children, signals, ports, directories |

pub mod browser;
pub mod bucket;
pub mod cluster;
pub mod fleet;
pub mod http;
pub mod identity;
pub mod mailbox;
pub mod place;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod rabbit;
pub mod receiver;
pub mod releve;
pub mod stage;
pub mod testbed;
pub mod tool;
pub mod wait;
pub mod webdriver;
pub mod world;
