//! Who keeps our objects? An S3-compatible store on loopback. It refuses what is not signed with its secret (AWS Signature
//! Version 4), and keeps each object as a file.

use std::{fs, path::PathBuf};

use axum::{Router, error_handling::HandleError, http::StatusCode};
use releve_outbound::StorageConfig;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

use crate::place::Scratch;

const NAME: &str = "kept";
const PREFIX: &str = "of/releve";
const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

#[derive(Debug)]
pub struct Bucket {
    endpoint: String,
    scratch: Scratch,
}

impl Bucket {
    pub async fn new() -> Self {
        let scratch = Scratch::new("bucket");
        fs::create_dir(scratch.path().join(NAME)).expect("a directory");
        let mut store = S3ServiceBuilder::new(FileSystem::new(scratch.path()).expect("a directory"));
        store.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET));
        let failed = |_| async { StatusCode::INTERNAL_SERVER_ERROR };
        let router = Router::new().fallback_service(HandleError::new(store.build(), failed));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, scratch }
    }

    /// As an operator who has been given its secret writes it.
    pub fn config(&self) -> StorageConfig {
        self.config_with(SECRET)
    }

    /// With a secret that may be another one.
    pub fn config_with(&self, secret: &str) -> StorageConfig {
        StorageConfig::S3 {
            bucket: NAME.to_owned(),
            prefix: PREFIX.to_owned(),
            region: "eu-west-3".to_owned(),
            endpoint: Some(self.endpoint.clone()),
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: secret.to_owned(),
        }
    }

    /// Where what is put there lies.
    pub fn path(&self) -> PathBuf {
        self.scratch.path().join(NAME).join(PREFIX)
    }
}
