//! How is a mail sent? Over the operator's own SMTP server, as plain text, with the same Message-ID on every try.

use std::{fmt, time::Duration};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp,
};
use releve_types::Timestamp;

use crate::webhook::{Answer, SendError, TRY_SECONDS_MAX, kept, with_causes};

/// What an endpoint's address begins with that gets mail.
pub const MAIL_SCHEME: &str = "mailto:";

/// Why no mail can be sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("expected an address like mailto:billing@example.com, without a name and without headers")]
    Address,
    #[error("the sender is none that mail can come from: {0}")]
    From(String),
    #[error("expected smtps://user:password@host, or smtp://host:port?tls=required: {0}")]
    Server(String),
    #[error("no mail server is set (RELEVE_SMTP)")]
    None,
    #[error("the mail could not be written: {0}")]
    Write(String),
}

/// Reads whom a `mailto:` address names: one address, and nothing else of what such an address may hold.
pub fn parse_mailto(text: &str) -> Result<Address, MailError> {
    text.strip_prefix(MAIL_SCHEME).and_then(|address| address.parse().ok()).ok_or(MailError::Address)
}

/// What is sent.
#[derive(Clone, Copy)]
pub struct Mail<'a> {
    /// As an endpoint has it: `mailto:…`.
    pub url: &'a str,
    /// The same on every try.
    pub id: &'a str,
    pub at: Timestamp,
    pub subject: &'a str,
    pub text: &'a str,
}

/// Sends mail. Cheap to clone.
#[derive(Clone)]
pub struct MailSender {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for MailSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSender").field("from", &self.from).finish_non_exhaustive()
    }
}

impl MailSender {
    /// `server` is a URL that may hold a password; it is not printed.
    pub fn new(server: &str, from: &str) -> Result<Self, MailError> {
        let from = from.parse().map_err(|_| MailError::From(from.to_owned()))?;
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(server);
        let server = server.map_err(|error| MailError::Server(error.to_string()))?;
        Ok(Self { server: server.timeout(Some(Duration::from_secs(TRY_SECONDS_MAX))).build(), from })
    }

    /// Hands a mail to the server once. What the server says, a refusal too, is an answer.
    pub async fn send(&self, mail: Mail<'_>) -> Result<Answer, SendError> {
        let message = self.message(mail)?;
        let patience = Duration::from_secs(TRY_SECONDS_MAX);
        let sent = tokio::time::timeout(patience, self.server.send(message)).await.map_err(|_| SendError::Timeout)?;
        match sent {
            Ok(response) => Ok(answer(response.code(), &response.message().collect::<Vec<_>>().join(" "))),
            Err(error) => match error.status() {
                Some(code) => Ok(answer(code, &error.to_string())),
                None if error.is_timeout() => Err(SendError::Timeout),
                None => Err(SendError::NoAnswer(with_causes(&error))),
            },
        }
    }

    fn message(&self, mail: Mail<'_>) -> Result<Message, MailError> {
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        let seconds = u64::try_from(mail.at.as_millis().div_euclid(1_000)).unwrap_or(0);
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, parse_mailto(mail.url)?))
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .date(std::time::UNIX_EPOCH + Duration::from_secs(seconds))
            .raw_header(automatic) // RFC 3834: nobody's absence is answered to it
            .subject(mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.to_owned())
            .map_err(|error| MailError::Write(error.to_string()))
    }
}

fn answer(code: smtp::response::Code, text: &str) -> Answer {
    Answer { status: code.into(), body: kept(text), retry_after: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_775_000_000_000);

    fn sender() -> MailSender {
        MailSender::new("smtp://user:hidden@127.0.0.1:2525", "Relevé <billing@cloud.example>").expect("a sender")
    }

    #[test]
    fn an_address_is_one_address() {
        assert_eq!(parse_mailto("mailto:a.b@example.com").expect("an address").to_string(), "a.b@example.com");
        let refused =
            ["a@example.com", "mailto:", "mailto:a@b.example,c@d.example", "mailto:a@b.example?bcc=c@d.example"];
        for text in refused.into_iter().chain(["mailto:A <a@b.example>", "mailto:a@b.example\r\nBcc: c@d.example"]) {
            assert!(parse_mailto(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_mail_is_the_same_on_every_try() {
        let mail = Mail {
            url: "mailto:a@b.example",
            id: "evt_1",
            at: NOW,
            subject: "Größe\r\nBcc: x@y.example",
            text: "1 €\n",
        };
        let write = || String::from_utf8(sender().message(mail).expect("written").formatted()).expect("text");
        let text = write();
        assert_eq!(text, write());
        let headers = text.split("\r\n\r\n").next().expect("headers");
        let names: Vec<_> =
            headers.split("\r\n").filter(|line| !line.starts_with(' ')).map(|l| l.split(": ").next()).collect();
        assert!(!names.contains(&Some("Bcc")), "{headers}");
        assert!(headers.contains("Message-ID: <evt_1@cloud.example>"), "{headers}");
        assert!(headers.contains("Auto-Submitted: auto-generated"), "{headers}");
        assert!(headers.contains("Date: Tue, 31 Mar 2026 23:33:20"), "{headers}");
    }

    #[test]
    fn a_password_is_not_printed() {
        assert!(!format!("{:?}", sender()).contains("hidden"));
    }
}
