//! To RabbitMQ: a report is delivered once the broker has confirmed it.

use futures_util::future::join_all;
use releve_broker::{BrokerConfig, Outgoing, PublishError, Publisher, PublisherConfig, TlsConfig};
use releve_types::NodeId;

use super::{ANSWER_WAIT_MAX, Outcome, SENDING_LEN_MAX, on_its_way};
use crate::{
    config::{AmqpConfig, ConfigError},
    spool::Record,
};

#[derive(Debug)]
pub struct AmqpSink {
    publisher: Publisher,
    shown: String,
}

fn field(name: &str, problem: impl ToString) -> ConfigError {
    ConfigError::Field { field: format!("publish.amqp.{name}"), problem: problem.to_string() }
}

impl AmqpSink {
    pub fn new(config: &AmqpConfig, message_bytes_max: usize) -> Result<Self, ConfigError> {
        let mut broker = BrokerConfig::new(&config.url, "releve-agent").map_err(|e| field("url", e))?;
        if let Some(path) = &config.authorities_file {
            let pem = std::fs::read_to_string(path).map_err(|e| field("authorities_file", e))?;
            broker = broker.with_tls(TlsConfig { authorities_pem: Some(pem), identity_pem: None });
        }
        let shown = broker.to_string();
        let publisher = PublisherConfig {
            unconfirmed_len_max: SENDING_LEN_MAX,
            confirm_wait_max: ANSWER_WAIT_MAX,
            message_bytes_max,
            ..PublisherConfig::new(broker, &config.prefix)
        };
        let publisher = Publisher::connect(publisher).map_err(|e| field("prefix", e))?;
        Ok(Self { publisher, shown })
    }

    pub async fn deliver(&self, node: NodeId, records: &[Record]) -> Vec<Outcome> {
        join_all(records.iter().map(|record| self.one(node, record))).await
    }

    async fn one(&self, node: NodeId, record: &Record) -> Outcome {
        let (message_id, body) = (record.id.clone(), record.body.clone());
        match on_its_way(self.publisher.publish(Outgoing { shard_key: node, message_id, body })).await {
            Ok(()) => Outcome::Delivered,
            Err(error @ PublishError::TooLarge { .. }) => Outcome::Refused(error.to_string()),
            Err(error) => Outcome::Later(error.to_string()),
        }
    }

    pub async fn reach(&self) -> Result<String, String> {
        let mut health = self.publisher.health();
        let ready = health.wait_for(|health| health.is_ready());
        match tokio::time::timeout(std::time::Duration::from_secs(10), ready).await {
            Ok(_) => Ok(format!("{} takes messages", self.shown)),
            Err(_) => {
                let health = self.publisher.health().get();
                let why = health.blocked.or(health.last_error).unwrap_or_else(|| "no answer".to_owned());
                Err(format!("{}: {why}", self.shown))
            }
        }
    }

    pub async fn close(&self) {
        self.publisher.close().await;
    }
}
