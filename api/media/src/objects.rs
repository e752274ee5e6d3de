//! Bytes under names, in a folder or in a bucket. What was put is there when [`Objects::put`] has returned, also after a
//! loss of power; a name is written once and never again with other bytes.

use std::error::Error;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, RetryConfig};
use rookery_runtime::config::Unusable;
use rookery_runtime::tls;
use rustls::ClientConfig;
use secrecy::ExposeSecret as _;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::http::Connector;
use crate::limits::{OBJECT_ATTEMPTS_MAX, OBJECT_DEADLINE, OBJECT_NAME_BYTES_MAX, OBJECT_PART_BYTES};
use crate::options::{ObjectOptions, S3Options};
use crate::spool::{Spool, SpoolError};

impl From<SpoolError> for ObjectError {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::Full => Self::Full,
            SpoolError::Broken(cause) => Self::Unavailable(cause),
        }
    }
}

/// Why the place of objects cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableObjects {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] Unusable),
    /// From the library.
    #[error("{given}: {source}")]
    Options {
        /// The setting.
        given: &'static str,
        /// What is wrong with it.
        source: object_store::Error,
    },
    /// The certificates that the bucket's is checked with.
    #[error("s3_bucket: a certificate authority {0}")]
    Tls(String),
}

/// Why there is no answer about an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// No place for objects is set.
    #[error("neither files_dir nor s3_bucket is set")]
    Nowhere,
    /// The folder or the bucket did not do it; for logs.
    #[error("object store: {0}")]
    Unavailable(String),
    /// There is no space left.
    #[error("object store: no space left")]
    Full,
    /// The name is none of ours.
    #[error("not a name of an object")]
    Name,
}

/// Keeps objects. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: Option<Arc<dyn ObjectStore>>,
    /// Where it keeps them, if that is a folder.
    folder: Option<Arc<FilePath>>,
}

/// The bytes of an object, or a part of it, as they come.
pub type ObjectStream = BoxStream<'static, Result<Bytes, ObjectError>>;

impl Objects {
    /// Opens the place: makes the folder, if it is not there; nothing is asked of a bucket yet. Blocks on files.
    ///
    /// # Errors
    /// If the options make no sense together, or the folder cannot be used.
    pub fn open(options: &ObjectOptions) -> Result<Self, UnusableObjects> {
        match options {
            ObjectOptions::None => Ok(Self { store: None, folder: None }),
            ObjectOptions::Folder(folder) => {
                folder.prepare()?;
                let unusable = |source| UnusableObjects::Options { given: "files_dir", source };
                let store = LocalFileSystem::new_with_prefix(&**folder).map_err(unusable)?;
                Ok(Self { store: Some(Arc::new(store.with_fsync(true))), folder: Some(Arc::from(&**folder)) })
            }
            ObjectOptions::S3(options) => {
                let tls = if options.insecure { tls::without_authorities() } else { tls::of_system() };
                let tls = tls.map_err(UnusableObjects::Tls)?;
                let unusable = |source| UnusableObjects::Options { given: "s3_bucket", source };
                Ok(Self { store: Some(Arc::new(bucket(options, tls).map_err(unusable)?)), folder: None })
            }
        }
    }

    /// The folder in which objects are, if it is one.
    pub fn folder(&self) -> Option<&FilePath> {
        self.folder.as_deref()
    }

    /// Whether there is a place for objects.
    ///
    /// # Errors
    /// If there is none.
    pub fn require(&self) -> Result<(), ObjectError> {
        self.store.as_ref().map(drop).ok_or(ObjectError::Nowhere)
    }

    /// Keeps bytes under a name.
    ///
    /// # Errors
    /// If there is no place, or it does not answer; the object is then there, or not.
    pub async fn put(&self, name: &str, bytes: Bytes) -> Result<(), ObjectError> {
        let (store, path) = self.at(name)?;
        in_time(store.put(&path, bytes.into())).await?;
        Ok(())
    }

    /// The bytes of an object; none if there is no such object.
    ///
    /// # Errors
    /// If there is no place, or it does not answer.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, ObjectError> {
        let (store, path) = self.at(name)?;
        let bytes = async { store.get(&path).await?.bytes().await };
        match timeout(OBJECT_DEADLINE, bytes).await {
            Ok(Ok(bytes)) => Ok(Some(bytes)),
            Ok(Err(object_store::Error::NotFound { .. })) => Ok(None),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(late()),
        }
    }

    /// Takes an object away, if it is there.
    ///
    /// # Errors
    /// If there is no place, or it does not answer.
    pub async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let (store, path) = self.at(name)?;
        match timeout(OBJECT_DEADLINE, store.delete(&path)).await {
            Ok(Ok(()) | Err(object_store::Error::NotFound { .. })) => Ok(()),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(late()),
        }
    }

    /// Keeps what a spool has under a name, a part at a time.
    ///
    /// # Errors
    /// If there is no place or no space, or it does not answer; then the object is not there.
    pub async fn put_spool(&self, name: &str, spool: &mut Spool) -> Result<(), ObjectError> {
        spool.rewind().await?;
        if spool.size() <= OBJECT_PART_BYTES as u64 {
            let bytes = spool.part(OBJECT_PART_BYTES).await?;
            return self.put(name, bytes).await;
        }
        let (store, path) = self.at(name)?;
        let mut upload = in_time(store.put_multipart(&path)).await?;
        let done = async {
            loop {
                let part = spool.part(OBJECT_PART_BYTES).await?;
                if part.is_empty() {
                    break in_time(upload.complete()).await.map(drop);
                }
                in_time(upload.put_part(part.into())).await?;
            }
        };
        let done = done.await;
        if done.is_err() {
            // What cannot be taken back now is erased with the name.
            let _aborted = timeout(OBJECT_DEADLINE, upload.abort()).await;
        }
        done
    }

    /// The bytes of an object, or of a part of it; none if there is no such object.
    ///
    /// # Errors
    /// If there is no place, or it does not answer.
    pub async fn open_part(&self, name: &str, part: Option<Range<u64>>) -> Result<Option<ObjectStream>, ObjectError> {
        let (store, path) = self.at(name)?;
        let options = GetOptions { range: part.map(GetRange::Bounded), ..GetOptions::default() };
        let found = match timeout(OBJECT_DEADLINE, store.get_opts(&path, options)).await {
            Ok(Ok(found)) => found.into_stream(),
            Ok(Err(object_store::Error::NotFound { .. })) => return Ok(None),
            Ok(Err(error)) => return Err(failed(&error)),
            Err(_) => return Err(late()),
        };
        let timed = stream::unfold(Some(found), |found| async {
            let mut found = found?;
            match timeout(OBJECT_DEADLINE, found.next()).await {
                Ok(None) => None,
                Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(found))),
                Ok(Some(Err(error))) => Some((Err(failed(&error)), None)),
                Err(_) => Some((Err(late()), None)),
            }
        });
        Ok(Some(timed.boxed()))
    }

    /// Takes objects of one folder away, and in a folder of files whatever else is left there.
    ///
    /// # Errors
    /// If there is no place, or it does not answer.
    pub async fn delete_all(&self, folder: &str, names: &[&str]) -> Result<(), ObjectError> {
        for name in names {
            self.delete(&format!("{folder}/{name}")).await?;
        }
        let (_, path) = self.at(folder)?;
        if let Some(root) = &self.folder {
            let whole = root.join(path.as_ref());
            let gone = spawn_blocking(move || std::fs::remove_dir_all(whole)).await;
            if let Ok(Err(error)) = gone
                && error.kind() != ErrorKind::NotFound
            {
                return Err(ObjectError::Unavailable(error.to_string()));
            }
        }
        Ok(())
    }

    fn at(&self, name: &str) -> Result<(&dyn ObjectStore, Path), ObjectError> {
        let is_plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if name.len() > OBJECT_NAME_BYTES_MAX || !name.split('/').all(is_plain) {
            return Err(ObjectError::Name);
        }
        let store = self.store.as_deref().ok_or(ObjectError::Nowhere)?;
        Ok((store, Path::from(name)))
    }
}

fn bucket(options: &S3Options, tls: ClientConfig) -> Result<AmazonS3, object_store::Error> {
    let S3Options { bucket, region, endpoint, access_key_id, secret_access_key, insecure } = options;
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: OBJECT_ATTEMPTS_MAX - 1,
        retry_timeout: OBJECT_DEADLINE,
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_retry(retry)
        .with_http_connector(Connector(tls))
        .with_allow_http(*insecure)
        .with_conditional_put(S3ConditionalPut::Disabled);
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
    }
    if let (Some(id), Some(key)) = (access_key_id, secret_access_key) {
        builder = builder.with_access_key_id(id.expose_secret()).with_secret_access_key(key.expose_secret());
    }
    builder.build()
}

async fn in_time<T>(work: impl Future<Output = Result<T, object_store::Error>>) -> Result<T, ObjectError> {
    let done = timeout(OBJECT_DEADLINE, work).await.map_err(|_| late())?;
    done.map_err(|error| failed(&error))
}

fn failed(error: &object_store::Error) -> ObjectError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if matches!(kind, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded)) {
            return ObjectError::Full;
        }
        cause = error.source();
    }
    ObjectError::Unavailable(error.to_string())
}

fn late() -> ObjectError {
    ObjectError::Unavailable("no answer in time".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn objects(dir: &tempfile::TempDir) -> Objects {
        let store = LocalFileSystem::new_with_prefix(dir.path()).unwrap();
        Objects { store: Some(Arc::new(store.with_fsync(true))), folder: Some(dir.path().into()) }
    }

    #[tokio::test]
    async fn what_was_put_is_found_until_it_is_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let objects = objects(&dir);
        assert_eq!(objects.get("avatars/a/512").await, Ok(None));
        objects.put("avatars/a/512", Bytes::from_static(b"x")).await.unwrap();
        assert_eq!(objects.get("avatars/a/512").await, Ok(Some(Bytes::from_static(b"x"))));
        objects.delete("avatars/a/512").await.unwrap();
        objects.delete("avatars/a/512").await.unwrap();
        assert_eq!(objects.get("avatars/a/512").await, Ok(None));
    }

    #[tokio::test]
    async fn what_is_large_is_put_and_read_in_parts() {
        let dir = tempfile::tempdir().unwrap();
        let objects = objects(&dir);
        let mut spool = crate::spool::SpoolFolder::new(dir.path().join("uploads")).begin(0).await.unwrap();
        let bytes: Vec<u8> = (0..OBJECT_PART_BYTES * 2 + 5).map(|n| u8::try_from(n % 253).unwrap_or(0)).collect();
        spool.add(&bytes).await.unwrap();
        objects.put_spool("files/a/original", &mut spool).await.unwrap();
        let read = async |part: Option<Range<u64>>| {
            let parts = objects.open_part("files/a/original", part).await.unwrap().unwrap();
            parts.map(Result::unwrap).collect::<Vec<Bytes>>().await.concat()
        };
        assert!(read(None).await == bytes);
        assert_eq!(read(Some(5..9)).await, bytes[5..9]);
        std::fs::write(dir.path().join("files/a/original#1"), b"left").unwrap();
        objects.delete_all("files/a", &["original", "thumbnail"]).await.unwrap();
        assert!(!dir.path().join("files/a").exists(), "with what was left there");
        assert!(objects.open_part("files/a/original", None).await.unwrap().is_none());
        objects.delete_all("files/a", &["original"]).await.unwrap();
        assert!(objects.delete_all("../a", &[]).await.is_err());
    }

    #[tokio::test]
    async fn names_stay_inside() {
        let dir = tempfile::tempdir().unwrap();
        let objects = objects(&dir);
        for name in ["", "/a", "a/", "../a", "a/../b", "a//b", "a b", ".a", "%2e%2e", &"a".repeat(201)] {
            assert_eq!(objects.put(name, Bytes::new()).await, Err(ObjectError::Name), "{name}");
        }
        assert_eq!(Objects { store: None, folder: None }.get("a").await, Err(ObjectError::Nowhere));
    }

    /// As much of S3 as is spoken here: objects in memory, and only for who signs.
    async fn serve(listener: TcpListener) {
        let mut kept: HashMap<String, Vec<u8>> = HashMap::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            let (head, length) = loop {
                let mut part = [0; 4_096];
                let read = stream.read(&mut part).await.unwrap();
                bytes.extend(&part[..read]);
                let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else { continue };
                let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
                let length = head
                    .lines()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                let length: usize = length.map_or(0, |length| length.parse().unwrap());
                if bytes.len() >= end + 4 + length {
                    break (head, length);
                }
            };
            assert!(head.to_lowercase().contains("authorization: aws4-hmac-sha256 credential=id/"), "{head}");
            let (method, path) = (head.split(' ').next().unwrap(), head.split(' ').nth(1).unwrap().to_owned());
            let (status, body) = match method {
                "PUT" => {
                    kept.insert(path, bytes[bytes.len() - length..].to_vec());
                    ("200 OK", Vec::new())
                }
                // Objects are deleted by a list of them.
                "POST" if path.ends_with("?delete") => {
                    let list = String::from_utf8(bytes[bytes.len() - length..].to_vec()).unwrap();
                    let (_, rest) = list.split_once("<Key>").unwrap();
                    let (key, _) = rest.split_once("</Key>").unwrap();
                    kept.remove(&format!("{}/{key}", path.trim_end_matches("?delete")));
                    let done = format!("<DeleteResult><Deleted><Key>{key}</Key></Deleted></DeleteResult>");
                    ("200 OK", done.into_bytes())
                }
                _ => kept.get(&path).map_or(("404 Not Found", Vec::new()), |kept| ("200 OK", kept.clone())),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\netag: \"e\"\r\n\
                 last-modified: Sun, 01 Nov 2026 00:00:00 GMT\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_bucket_keeps_objects_under_its_name() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = S3Options {
            bucket: "pictures".to_owned(),
            region: "here-1".to_owned(),
            endpoint: Some(format!("http://{}", listener.local_addr().unwrap())),
            access_key_id: Some("id".to_owned().into()),
            secret_access_key: Some("secret".to_owned().into()),
            insecure: true,
        };
        let served = tokio::spawn(serve(listener));
        let objects = Objects::open(&ObjectOptions::S3(options)).unwrap();
        assert_eq!(objects.get("avatars/a/512").await, Ok(None));
        objects.put("avatars/a/512", Bytes::from_static(b"x")).await.unwrap();
        assert_eq!(objects.get("avatars/a/512").await, Ok(Some(Bytes::from_static(b"x"))));
        objects.delete("avatars/a/512").await.unwrap();
        assert_eq!(objects.get("avatars/a/512").await, Ok(None));
        served.abort();
        let gone = objects.put("avatars/a/512", Bytes::new()).await;
        assert!(matches!(gone, Err(ObjectError::Unavailable(_))), "{gone:?}");
    }
}
