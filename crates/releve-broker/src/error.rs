//! What can go wrong between here and the broker?

use std::time::Duration;

use crate::limits::{DELIVERY_LIMIT_MIN, PREFIX_BYTES_MAX, SHARDS_MAX};

/// A setting that can't be used. Found at start, before anything is connected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("amqp url: {0}")]
    Url(String),
    #[error("shards: {0} is not a power of two from 1 to {SHARDS_MAX}")]
    Shards(u32),
    #[error("shard: {shard} is not one of the {shards} shards")]
    Shard { shard: u32, shards: u32 },
    #[error("prefix: '{0}' is not 1 to {PREFIX_BYTES_MAX} letters, digits, '-', '_' or '.'")]
    Prefix(String),
    #[error("delivery_limit: {0} is less than {DELIVERY_LIMIT_MIN}")]
    DeliveryLimit(u32),
    #[error("{0}: must be more than zero")]
    Zero(&'static str),
}

/// Why a connection could not be had or did not last.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    #[error("connection: {0}")]
    Connection(#[source] lapin::Error),
    #[error("{doing}: {source}")]
    Operation { doing: String, source: lapin::Error },
    #[error("{doing}: no answer within {waited:?}")]
    Silent { doing: String, waited: Duration },
    #[error("the connection was lost")]
    Lost,
    #[error("no confirm came within {0:?}")]
    Unconfirmed(Duration),
    #[error("the broker ended the consumer of '{0}'")]
    Ended(String),
    #[error("the handler of '{0}' panicked")]
    Panicked(String),
}

impl LinkError {
    pub(crate) fn operation(doing: impl Into<String>) -> impl FnOnce(lapin::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Operation { doing, source }
    }

    /// The broker answered, and its answer was no (missing, forbidden or declared otherwise): asking again at once
    /// gives the same answer.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Connection(source) | Self::Operation { source, .. } => source.is_amqp_error(),
            _ => false,
        }
    }
}

/// Why a message is not known to be kept. All but `TooLarge` mean: send it again, a duplicate does no harm.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("a body of {bytes} bytes is over message_bytes_max, {bytes_max}")]
    TooLarge { bytes: usize, bytes_max: usize },
    #[error("no queue takes it: {code} {text}")]
    Unroutable { code: u16, text: String },
    #[error("the broker refused it: its queue is full")]
    Refused,
    #[error("not confirmed within {0:?}")]
    Unconfirmed(Duration),
    #[error("the broker takes no messages for now: {0}")]
    Blocked(String),
    #[error("not connected: {0}")]
    Disconnected(String),
    #[error("connection lost before the confirm: {0}")]
    Lost(#[source] lapin::Error),
    #[error("the publisher is closed")]
    Closed,
}
