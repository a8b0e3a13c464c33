//! How is something changed? In one transaction, in a task that a caller's disconnect can't cancel.
//!
//! A cancelled `begin` of sqlx 0.9.0 can leave a transaction open in the pool, and a cancelled write leaves its
//! caller guessing. So every change runs here: the request's task only waits for it.

use std::{future::Future, pin::Pin};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use releve_store::idempotency::{self, Seen};
use releve_types::Timestamp;
use serde::Serialize;
use sqlx::PgConnection;

use crate::{
    AppState,
    auth::Caller,
    error::{Code, Problem},
    input::Repeat,
};

/// What a change answers: kept, where the request may be sent again.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    pub fn created<T: Serialize>(view: &T) -> Result<Self, Problem> {
        Self::with(StatusCode::CREATED, view)
    }

    /// For what waits for somebody else.
    pub fn accepted<T: Serialize>(view: &T) -> Result<Self, Problem> {
        Self::with(StatusCode::ACCEPTED, view)
    }

    pub fn done<T: Serialize>(view: &T) -> Result<Self, Problem> {
        Self::with(StatusCode::OK, view)
    }

    fn with<T: Serialize>(status: StatusCode, view: &T) -> Result<Self, Problem> {
        let body = serde_json::to_vec(view).map_err(|error| Problem::internal(&error))?;
        Ok(Self { status, body })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], self.body).into_response()
    }
}

/// The work of a change, on its transaction's connection.
pub type Work<'c> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send + 'c>>;

impl AppState {
    /// Runs `work` in one transaction and commits it. A refusal rolls everything back, the idempotency key too, so
    /// that a mended request may use it again.
    pub(crate) async fn write<W>(&self, caller: &Caller, repeat: Repeat, work: W) -> Result<Response, Problem>
    where
        W: for<'c> FnOnce(&'c mut PgConnection, Timestamp) -> Work<'c> + Send + 'static,
    {
        let (app, scope) = (self.clone(), caller.key().to_string());
        detached(async move {
            let now = app.now();
            let mut tx = app.db().begin_app().await?;
            if let Some(key) = &repeat.key {
                match idempotency::begin(&mut tx, &scope, key, &repeat.digest, now).await? {
                    Seen::New => {}
                    Seen::InProgress => {
                        return Err(Problem::new(Code::RequestInProgress, "wait for the first answer, or ask again"));
                    }
                    Seen::OtherRequest => {
                        let detail = "a key stands for one request: same method, path and body";
                        return Err(Problem::new(Code::IdempotencyKeyReused, detail).at("Idempotency-Key"));
                    }
                    Seen::Answered { status, body } => return Ok(answered(status, body)),
                }
            }
            let answer = work(&mut tx, now).await?;
            if let Some(key) = &repeat.key {
                idempotency::finish(&mut tx, &scope, key, i32::from(answer.status.as_u16()), &answer.body).await?;
            }
            tx.commit().await?;
            Ok(answer.into_response())
        })
        .await
    }
}

/// The work of a change that nobody has a key for yet.
pub type Step<'c, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'c>>;

impl AppState {
    /// The same for who has no key yet, and without a way to ask again.
    pub(crate) async fn step<W, T>(&self, work: W) -> Result<T, Problem>
    where
        W: for<'c> FnOnce(&'c mut PgConnection, Timestamp) -> Step<'c, T> + Send + 'static,
        T: Send + 'static,
    {
        let app = self.clone();
        detached(async move {
            let now = app.now();
            let mut tx = app.db().begin_app().await?;
            let done = work(&mut tx, now).await?;
            tx.commit().await?;
            Ok(done)
        })
        .await
    }
}

fn answered(status: i32, body: Vec<u8>) -> Response {
    let status = u16::try_from(status).ok().and_then(|s| StatusCode::from_u16(s).ok()).unwrap_or(StatusCode::OK);
    let mut response = Answer { status, body }.into_response();
    response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}

/// Runs work to its end even if nobody waits for it any more.
pub(crate) async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => Err(Problem::internal(&error)),
    }
}
