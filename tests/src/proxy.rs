//! What if the network in between fails? A port that passes everything on, falls silent, or is cut.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Open,
    /// Connections stay, no byte passes: a pulled cable.
    Silent,
    /// Connections are closed, new ones too.
    Cut,
}

/// A loopback port in front of another. Ends with its last connection when dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    line: Arc<watch::Sender<Line>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let line = Arc::new(watch::Sender::new(Line::Open));
        let accepting = tokio::spawn(accept(listener, target, line.clone()));
        Self { port, line, accepting }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn open(&self) {
        self.line.send_replace(Line::Open);
    }

    pub fn silence(&self) {
        self.line.send_replace(Line::Silent);
    }

    pub fn cut(&self) {
        self.line.send_replace(Line::Cut);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: u16, line: Arc<watch::Sender<Line>>) {
    while let Ok((near, _)) = listener.accept().await {
        if *line.borrow() == Line::Cut {
            continue;
        }
        let Ok(far) = TcpStream::connect(("127.0.0.1", target)).await else { continue };
        let (near_in, near_out) = near.into_split();
        let (far_in, far_out) = far.into_split();
        tokio::spawn(carry(near_in, far_out, line.subscribe()));
        tokio::spawn(carry(far_in, near_out, line.subscribe()));
    }
}

/// One direction, until either end closes or the line is cut.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut line: watch::Receiver<Line>) {
    let mut cut = line.clone();
    let carrying = async {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(len @ 1..) = from.read(&mut bytes).await {
            let passes = line.wait_for(|line| *line != Line::Silent).await.is_ok();
            if !passes || to.write_all(&bytes[..len]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = carrying => {}
        _ = cut.wait_for(|line| *line == Line::Cut) => {}
    }
}
