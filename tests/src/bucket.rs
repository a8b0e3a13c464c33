//! Who keeps our objects? An S3-compatible store on loopback. It refuses what is not signed for its region and with its secret
//! (AWS Signature Version 4), and keeps each object as a file.

use std::{fs, path::PathBuf};

use axum::{
    Router,
    error_handling::HandleError,
    extract::Request,
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use releve_outbound::{Storage, StorageConfig};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

use crate::place::Scratch;

const NAME: &str = "kept";
const PREFIX: &str = "of/releve";
const REGION: &str = "eu-west-3";
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
        let router = router.layer(middleware::from_fn(of_the_region));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, scratch }
    }

    /// As an operator who has been given its secret opens it.
    pub fn storage(&self) -> Storage {
        self.storage_with(SECRET)
    }

    /// With a secret that may be another one.
    pub fn storage_with(&self, secret: &str) -> Storage {
        let config = StorageConfig::S3 {
            bucket: NAME.to_owned(),
            prefix: PREFIX.to_owned(),
            region: REGION.to_owned(),
            endpoint: Some(self.endpoint.clone()),
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: secret.to_owned(),
        };
        Storage::open(&config).expect("what an operator writes")
    }

    /// Where what is put there lies.
    pub fn path(&self) -> PathBuf {
        self.scratch.path().join(NAME).join(PREFIX)
    }

    /// Parts of uploads that were neither finished nor abandoned.
    pub fn parts(&self) -> usize {
        let files = fs::read_dir(self.scratch.path()).expect("a directory").flatten();
        files.filter(|file| file.file_name().to_string_lossy().starts_with(".upload")).count()
    }
}

/// The store takes any region that the signature names.
async fn of_the_region(request: Request, next: Next) -> Response {
    let signed = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if signed.contains(&format!("/{REGION}/s3/aws4_request")) {
        next.run(request).await
    } else {
        (StatusCode::BAD_REQUEST, "another region").into_response()
    }
}
