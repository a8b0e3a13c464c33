#![doc = include_str!("../README.md")]

mod backoff;
mod batch;
pub mod config;
pub mod consumer;
mod courier;
pub mod error;
pub mod events;
pub mod health;
pub mod limits;
mod link;
mod prefetch;
pub mod publisher;
mod queue;
pub mod topology;

pub use crate::{
    batch::Delivery,
    config::{BrokerConfig, TlsConfig},
    consumer::{Consumer, ConsumerConfig, Ended, Handled, Handler},
    error::{ConfigError, LinkError, PublishError},
    events::{Event, Events, Heard},
    health::{Health, HealthHandle},
    link::queue_depths,
    publisher::{Outgoing, Publisher, PublisherConfig},
    topology::{QueueDepth, Topology, shard_of},
};
