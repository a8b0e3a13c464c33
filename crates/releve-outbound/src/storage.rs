//! Where do objects go? Into a directory, an S3-compatible bucket, or to an HTTP server that takes PUT: small ones at once, large
//! ones as a stream.

use std::{collections::VecDeque, fmt, path::PathBuf, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::BoxStream};
use http::Uri;
use object_store::{
    ClientOptions, HeaderMap, HeaderValue, ObjectStore, ObjectStoreExt, RetryConfig, WriteMultipart,
    aws::AmazonS3Builder, http::HttpBuilder, local::LocalFileSystem, path::Path, prefix::PrefixStore,
};

/// One part of an upload. S3 wants at least 5 MiB for all but the last.
pub const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts that are on their way at once; more wait.
pub const PARTS_IN_FLIGHT_MAX: usize = 2;

/// How long one request to a bucket or an HTTP server may take, its body included.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// How long after the first try another one may begin. Then it has failed, so that what comes after it is not kept waiting: all in
/// all after the two of these, and a pause between tries of 15 s at most.
pub const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("the storage directory {path} can't be used: {source}")]
    Directory { path: PathBuf, source: std::io::Error },
    #[error("'{0}' is no object's path")]
    BadPath(String),
    #[error("'{0}' is no endpoint of a bucket: expected http:// or https://, and a host")]
    Endpoint(String),
    #[error("the token can't be sent in a header")]
    Token,
    #[error("object storage failed: {0}")]
    Store(#[from] object_store::Error),
    #[error("the object {path} has {bytes} bytes, at most {bytes_max} are read")]
    TooLarge { path: String, bytes: u64, bytes_max: usize },
    #[error("the object {path} ends in the middle of a record")]
    Truncated { path: String },
}

/// Where objects are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum StorageConfig {
    Directory {
        path: PathBuf,
    },
    S3 {
        bucket: String,
        prefix: String,
        region: String,
        endpoint: Option<String>,
        access_key_id: String,
        secret_access_key: String,
    },
    /// Objects are put under the address (RFC 9110 section 9.3.4), with the token if there is one. Takes no stream.
    Http {
        url: String,
        bearer_token: Option<String>,
    },
}

impl fmt::Debug for StorageConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory { path } => write!(f, "Directory({})", path.display()),
            Self::S3 { bucket, prefix, endpoint, .. } => write!(f, "S3({bucket}/{prefix} at {endpoint:?})"),
            Self::Http { url, .. } => write!(f, "Http({url})"),
        }
    }
}

/// Object storage. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
}

impl Storage {
    /// A directory is made if it is missing; of a bucket nothing is checked before its first use.
    pub fn open(config: &StorageConfig) -> Result<Self, StorageError> {
        let options = ClientOptions::new().with_timeout(REQUEST_TIMEOUT);
        let retry = RetryConfig { retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
        let store: Arc<dyn ObjectStore> = match config {
            StorageConfig::Directory { path } => {
                std::fs::create_dir_all(path)
                    .map_err(|source| StorageError::Directory { path: path.clone(), source })?;
                Arc::new(LocalFileSystem::new_with_prefix(path)?.with_fsync(true))
            }
            StorageConfig::S3 { bucket, prefix, region, endpoint, access_key_id, secret_access_key } => {
                let mut builder = AmazonS3Builder::new()
                    .with_bucket_name(bucket)
                    .with_region(region)
                    .with_access_key_id(access_key_id)
                    .with_secret_access_key(secret_access_key)
                    .with_client_options(options)
                    .with_retry(retry);
                if let Some(endpoint) = endpoint {
                    let is_web = |url: Uri| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some();
                    if !endpoint.parse().is_ok_and(is_web) {
                        return Err(StorageError::Endpoint(endpoint.chars().take(200).collect()));
                    }
                    // Plain HTTP only where the operator wrote it: a store on the same machine or network.
                    builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
                }
                Arc::new(PrefixStore::new(builder.build()?, checked(prefix)?))
            }
            StorageConfig::Http { url, bearer_token } => {
                let mut options = options.with_allow_http(url.starts_with("http://"));
                if let Some(token) = bearer_token {
                    let value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| StorageError::Token)?;
                    let mut headers = HeaderMap::new();
                    headers.insert("authorization", value);
                    options = options.with_default_headers(headers);
                }
                Arc::new(HttpBuilder::new().with_url(url).with_client_options(options).with_retry(retry).build()?)
            }
        };
        Ok(Self { store })
    }

    /// Puts a small object, in place of what is there: visible and durable once it returns, and not in part before.
    pub async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), StorageError> {
        self.store.put(&checked(path)?, bytes.into()).await?;
        Ok(())
    }

    /// Gets a small object whole; `None` if there is none.
    pub async fn get(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, StorageError> {
        match self.store.get(&checked(path)?).await {
            Ok(found) if found.meta.size > u64::try_from(bytes_max).unwrap_or(u64::MAX) => {
                Err(StorageError::TooLarge { path: path.to_owned(), bytes: found.meta.size, bytes_max })
            }
            Ok(found) => Ok(Some(found.bytes().await?.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Begins an object. It is there once [`ObjectWriter::finish`] returns, and not before.
    pub async fn writer(&self, path: &str) -> Result<ObjectWriter, StorageError> {
        let upload = self.store.put_multipart(&checked(path)?).await?;
        Ok(ObjectWriter { parts: WriteMultipart::new_with_chunk_size(upload, PART_BYTES), bytes: 0 })
    }

    /// Opens an object to read it from its beginning; `None` if there is none.
    pub async fn reader(&self, path: &str) -> Result<Option<ObjectReader>, StorageError> {
        match self.store.get(&checked(path)?).await {
            Ok(found) => {
                Ok(Some(ObjectReader { path: path.to_owned(), stream: found.into_stream(), buffer: VecDeque::new() }))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn checked(path: &str) -> Result<Path, StorageError> {
    Path::parse(path).map_err(|_| StorageError::BadPath(path.chars().take(200).collect()))
}

/// An object that is being written.
#[derive(Debug)]
pub struct ObjectWriter {
    parts: WriteMultipart,
    bytes: u64,
}

impl ObjectWriter {
    /// Adds bytes; waits while too many parts are on their way.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.parts.wait_for_capacity(PARTS_IN_FLIGHT_MAX).await?;
        self.parts.write(bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Makes the object visible and durable; how many bytes it has.
    pub async fn finish(self) -> Result<u64, StorageError> {
        self.parts.finish().await?;
        Ok(self.bytes)
    }

    /// Leaves nothing behind.
    pub async fn abort(self) -> Result<(), StorageError> {
        Ok(self.parts.abort().await?)
    }
}

/// An object that is being read.
pub struct ObjectReader {
    path: String,
    stream: BoxStream<'static, object_store::Result<bytes::Bytes>>,
    buffer: VecDeque<u8>,
}

impl ObjectReader {
    /// The next `len` bytes; `None` at the very end. An end in between is an error, never a short answer.
    pub async fn take(&mut self, len: usize) -> Result<Option<Vec<u8>>, StorageError> {
        while self.buffer.len() < len {
            match self.stream.next().await {
                Some(chunk) => self.buffer.extend(chunk?.iter()),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(StorageError::Truncated { path: self.path.clone() }),
            }
        }
        Ok(Some(self.buffer.drain(..len).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_bucket(endpoint: &str) -> StorageConfig {
        StorageConfig::S3 {
            bucket: "b".into(),
            prefix: "p".into(),
            region: "r".into(),
            endpoint: Some(endpoint.into()),
            access_key_id: "id".into(),
            secret_access_key: "hunter2".into(),
        }
    }

    /// The client would panic at its first request.
    #[test]
    fn an_endpoint_that_can_not_be_asked_is_refused_before_it_is() {
        for bad in [
            "",
            "nonsense",
            "127.0.0.1:9000",
            "localhost:9000",
            "s3://b",
            "http://",
            "https:///b",
            "http://b c",
            "http://b ",
        ] {
            assert!(matches!(Storage::open(&in_bucket(bad)), Err(StorageError::Endpoint(_))), "{bad}");
        }
        for good in ["http://127.0.0.1:9000", "https://s3.example.com/", "http://[::1]:9000"] {
            assert!(Storage::open(&in_bucket(good)).is_ok(), "{good}");
        }
    }

    fn in_directory(dir: &tempfile::TempDir) -> Storage {
        Storage::open(&StorageConfig::Directory { path: dir.path().join("archive") }).unwrap()
    }

    #[tokio::test]
    async fn what_is_written_is_read_in_any_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let storage = in_directory(&dir);
        let written: Vec<u8> = (0u8..=250).cycle().take(3 * PART_BYTES + 17).collect();
        let mut writer = storage.writer("reports/2020-05-20.rlv").await.unwrap();
        for piece in written.chunks(1_000_003) {
            writer.write(piece).await.unwrap();
        }
        assert!(storage.reader("reports/2020-05-20.rlv").await.unwrap().is_none(), "not visible before it is whole");
        assert_eq!(writer.finish().await.unwrap(), u64::try_from(written.len()).unwrap());

        let mut reader = storage.reader("reports/2020-05-20.rlv").await.unwrap().unwrap();
        let mut read = reader.take(17).await.unwrap().unwrap();
        while let Some(more) = reader.take(PART_BYTES).await.unwrap() {
            read.extend(more);
        }
        assert!(read == written);
    }

    #[tokio::test]
    async fn an_end_in_the_middle_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let storage = in_directory(&dir);
        let mut writer = storage.writer("short").await.unwrap();
        writer.write(b"abc").await.unwrap();
        writer.finish().await.unwrap();
        let mut reader = storage.reader("short").await.unwrap().unwrap();
        assert!(matches!(reader.take(4).await, Err(StorageError::Truncated { .. })));
    }

    #[tokio::test]
    async fn an_abandoned_object_never_was() {
        let dir = tempfile::tempdir().unwrap();
        let storage = in_directory(&dir);
        let mut writer = storage.writer("gone").await.unwrap();
        writer.write(&vec![7; PART_BYTES + 1]).await.unwrap();
        writer.abort().await.unwrap();
        assert!(storage.reader("gone").await.unwrap().is_none());
    }

    #[test]
    fn a_path_stays_below_its_root_and_a_secret_is_not_printed() {
        assert!(matches!(checked("../etc/passwd"), Err(StorageError::BadPath(_))));
        assert!(matches!(checked("a//b"), Err(StorageError::BadPath(_))));
        let config = in_bucket("http://127.0.0.1:9000");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
