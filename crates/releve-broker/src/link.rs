//! One connection: how is it made, what is it doing, and how is it ended for certain?
//!
//! lapin runs each connection on a thread of its own, and that thread lives on for as long as its socket does: a broker
//! that is frozen in the middle of a handshake, or that has blocked us, would keep it for ever. So we hold a second
//! handle on the socket, and cut it. lapin's own recovery stays off: once its tries are spent, whoever waits for a
//! confirm waits for ever.

use std::{
    io::ErrorKind,
    net::{Shutdown, TcpStream},
    os::fd::AsFd as _,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{Stream, StreamExt as _};
use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties, Event, uri::AMQPUri};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use crate::{
    config::BrokerConfig,
    error::LinkError,
    health::HealthSender,
    limits::{CLOSE_WAIT_MAX, LINK_CHECK_EVERY},
    topology::{QueueDepth, Topology, depths},
};

type Events = Pin<Box<dyn Stream<Item = Event> + Send>>;

#[derive(Debug)]
pub(crate) struct Link {
    connection: Connection,
    cut: Cut,
    wait_max: Duration,
}

impl Link {
    pub(crate) async fn open(broker: &BrokerConfig) -> Result<Self, LinkError> {
        let (cut, wait_max) = (Cut::default(), broker.connect_wait_max);
        let guard = CutOnDrop(Some(cut.clone()));
        let deadline = Instant::now() + wait_max;
        let properties = ConnectionProperties::default().with_connection_name(broker.name.as_str().into());
        let runtime = lapin::runtime::default_runtime().map_err(LinkError::Connection)?;
        let (tls, socket) = (broker.tls(), cut.clone());
        // Written in place, since the types of the runtime and of its sockets can't be named from here.
        let handshake = Connection::connector(
            broker.uri.clone(),
            runtime,
            async move |uri: AMQPUri, runtime| {
                let opening = async {
                    let address = runtime.to_socket_addrs((uri.authority.host.clone(), uri.authority.port));
                    let stream = AsyncTcpStream::connect(&runtime, address).await?;
                    if let AsyncTcpStream::Plain(plain) = &stream {
                        socket.hold(plain.get_ref().as_fd().try_clone_to_owned()?.into());
                    }
                    match &tls {
                        Some(tls) => stream.into_tls(&uri.authority.host, tls.as_ref()).await,
                        None => Ok(stream),
                    }
                };
                let opened = timeout_at(deadline, opening).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
                opened.map_err(lapin::Error::from)
            },
            properties,
        );
        let connection = match timeout_at(deadline, handshake).await {
            Ok(connection) => connection.map_err(LinkError::Connection)?,
            Err(_) => return Err(LinkError::ConnectTimeout(wait_max)),
        };
        guard.keep();
        Ok(Self { connection, cut, wait_max })
    }

    /// What happens to the connection and to its channels from now on, for `watch`. A channel that ends in an error is
    /// among it, also one that was only opened to be told "no".
    pub(crate) fn events(&self) -> Events {
        Box::pin(self.connection.events_listener())
    }

    pub(crate) async fn channel(&self) -> Result<Channel, LinkError> {
        self.answer("opening a channel", self.connection.create_channel()).await
    }

    /// Waits for an answer of the broker, but not for ever: heartbeats only find a broker that is all silent.
    pub(crate) async fn answer<T>(
        &self,
        doing: &str,
        answer: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, LinkError> {
        match timeout(self.wait_max, answer).await {
            Ok(answer) => answer.map_err(LinkError::operation(doing)),
            Err(_) => Err(LinkError::Silent { doing: doing.to_owned(), waited: self.wait_max }),
        }
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Reports what happens to the connection until it fails.
    pub(crate) async fn watch(&self, mut events: Events, health: &HealthSender) -> LinkError {
        let mut check = interval(LINK_CHECK_EVERY);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(reason)) => health.blocked(Some(reason)),
                    Some(Event::ConnectionUnblocked) => health.blocked(None),
                    Some(Event::Error(error)) => return LinkError::Connection(error),
                    Some(_) => {}
                    None => return LinkError::Lost,
                },
                _ = check.tick() => if !self.connection.status().connected() {
                    return LinkError::Lost;
                },
            }
        }
    }

    /// Ends the connection at once: whoever waits on it gets an error, and its thread ends.
    pub(crate) fn cut(&self) {
        self.cut.pull();
    }

    /// Says goodbye, for a while, then cuts.
    pub(crate) async fn close(&self) {
        if let Ok(Err(error)) = timeout(CLOSE_WAIT_MAX, self.connection.close(200, "closed".into())).await {
            tracing::debug!(%error, "closing a connection to the broker");
        }
        self.cut();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Asks the broker how deep the queues are, on a connection of its own: for tools. A running `Consumer` knows by itself.
pub async fn queue_depths(broker: &BrokerConfig, topology: &Topology) -> Result<Vec<QueueDepth>, LinkError> {
    let link = Link::open(broker).await?;
    let depths = depths(&link.channel().await?, &topology.queues()).await?;
    link.close().await;
    Ok(depths)
}

/// A second handle on a connection's socket.
#[derive(Debug, Clone, Default)]
struct Cut(Arc<Mutex<Socket>>);

#[derive(Debug, Default)]
enum Socket {
    #[default]
    None,
    Open(TcpStream),
    Cut,
}

impl Cut {
    fn lock(&self) -> MutexGuard<'_, Socket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, socket: TcpStream) {
        let mut held = self.lock();
        match *held {
            Socket::Cut => shut(&socket),
            Socket::None | Socket::Open(_) => *held = Socket::Open(socket),
        }
    }

    fn pull(&self) {
        if let Socket::Open(socket) = std::mem::replace(&mut *self.lock(), Socket::Cut) {
            shut(&socket);
        }
    }
}

fn shut(socket: &TcpStream) {
    if let Err(error) = socket.shutdown(Shutdown::Both) {
        tracing::trace!(%error, "the socket was already shut");
    }
}

/// Whoever gives up on a handshake, by timeout or by being dropped, must not leave its thread behind.
struct CutOnDrop(Option<Cut>);

impl CutOnDrop {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        if let Some(cut) = self.0.take() {
            cut.pull();
        }
    }
}
