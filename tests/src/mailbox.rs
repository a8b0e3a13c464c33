//! Who gets our mail? A server on loopback that speaks as much SMTP (RFC 5321) as taking a mail needs.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

#[derive(Default)]
struct Inner {
    refusals: VecDeque<u16>,
    received: Vec<String>,
}

/// Takes every mail once it has refused as often as it was told to.
#[derive(Clone, Default)]
pub struct Mailbox {
    inner: Arc<Mutex<Inner>>,
    pub url: String,
}

impl Mailbox {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("smtp://{}", listener.local_addr().expect("bound"));
        let mailbox = Self { url, ..Self::default() };
        let own = mailbox.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who hangs up in the middle has sent nothing.
                tokio::spawn(own.clone().talk(stream));
            }
        });
        mailbox
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next recipients are refused with these codes.
    pub fn will_refuse(&self, codes: &[u16]) {
        self.inner().refusals.extend(codes);
    }

    /// The mails that came since it was last asked, as they came.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().received)
    }

    async fn talk(self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 mailbox ESMTP\r\n").await?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let verb = line.split([' ', '\r']).next().unwrap_or_default().to_ascii_uppercase();
            let answer = match verb.as_str() {
                "EHLO" => "250-mailbox\r\n250 8BITMIME\r\n".to_owned(),
                "RCPT" => match self.inner().refusals.pop_front() {
                    Some(code) => format!("{code} not now\r\n"),
                    None => "250 ok\r\n".to_owned(),
                },
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let mut mail = String::new();
                    while !mail.ends_with("\r\n.\r\n") {
                        if stream.read_line(&mut mail).await? == 0 {
                            return Ok(());
                        }
                    }
                    self.inner().received.push(mail);
                    "250 taken\r\n".to_owned()
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => "250 ok\r\n".to_owned(),
            };
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}
