//! Where objects are kept.

use rookery_runtime::config::{Folder, Reader, Setting, Switch};
use secrecy::SecretString;

/// The settings that [`ObjectOptions::read`] reads.
pub const SETTINGS: [Setting; 7] = [
    Setting {
        key: "files_dir",
        default: None,
        secret: false,
        help: "Folder of avatars and files, for one machine; every api of it needs the same. Not together with `s3_bucket`.",
    },
    Setting {
        key: "s3_bucket",
        default: None,
        secret: false,
        help: "Bucket of avatars and files, of S3 or whatever speaks like it.",
    },
    Setting { key: "s3_region", default: Some("us-east-1"), secret: false, help: "Its region." },
    Setting {
        key: "s3_endpoint",
        default: None,
        secret: false,
        help: "Address of the service, `https://host[:port]`, if it is not Amazon's; the bucket is then named in the path.",
    },
    Setting {
        key: "s3_access_key_id",
        default: None,
        secret: true,
        help: "Id of the key. Without keys those of the machine's role are used.",
    },
    Setting { key: "s3_secret_access_key", default: None, secret: true, help: "The key." },
    Setting {
        key: "s3_insecure",
        default: Some("off"),
        secret: false,
        help: "`on` allows an `http://` endpoint, for a service on the same machine or in a network that is trusted.",
    },
];

/// Where objects are kept.
#[derive(Clone, Debug)]
pub enum ObjectOptions {
    /// In a folder.
    Folder(Folder),
    /// In a bucket.
    S3(S3Options),
    /// Nowhere: what needs objects is refused.
    None,
}

/// A bucket, and how to reach it.
#[derive(Clone, Debug)]
pub struct S3Options {
    /// Its name.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// Whose it is, if not Amazon's.
    pub endpoint: Option<String>,
    /// Id of the key.
    pub access_key_id: Option<SecretString>,
    /// The key.
    pub secret_access_key: Option<SecretString>,
    /// Whether the endpoint may be without TLS.
    pub insecure: bool,
}

impl ObjectOptions {
    /// This place; if it is none, `files` inside a folder.
    #[must_use]
    pub fn or_inside(self, folder: Option<&Folder>) -> Self {
        match (self, folder) {
            (Self::None, Some(folder)) => Self::Folder(folder.inside("files")),
            (place, _) => place,
        }
    }

    /// Reads the settings.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let has_folder = reader.optional_text("files_dir").is_some();
        let folder = if has_folder { reader.folder("files_dir") } else { None };
        let (bucket, endpoint) = (reader.optional_text("s3_bucket"), reader.optional_text("s3_endpoint"));
        let (region, insecure) = (reader.text("s3_region"), reader.required::<Switch>("s3_insecure"));
        let access_key_id = reader.secret("s3_access_key_id", false);
        let secret_access_key = reader.secret("s3_secret_access_key", false);
        if access_key_id.is_some() != secret_access_key.is_some() {
            reader.reject("s3_access_key_id", "goes together with s3_secret_access_key");
        }
        let scheme = endpoint
            .as_deref()
            .and_then(|endpoint| endpoint.split_once("://"))
            .map(|(scheme, _)| scheme);
        match (&endpoint, scheme) {
            (None, _) | (Some(_), Some("https")) => {}
            (Some(_), Some("http")) if insecure == Some(Switch::On) => {}
            (Some(_), Some("http")) => reader.reject("s3_endpoint", "must be https://, or s3_insecure must be on"),
            (Some(_), _) => reader.reject("s3_endpoint", "must be an address of the form https://host"),
        }
        let (region, insecure) = (region?, insecure? == Switch::On);
        match (has_folder, bucket) {
            (false, None) => Some(Self::None),
            (true, None) => folder.map(Self::Folder),
            (false, Some(bucket)) => {
                Some(Self::S3(S3Options { bucket, region, endpoint, access_key_id, secret_access_key, insecure }))
            }
            (true, Some(_)) => {
                reader.reject("s3_bucket", "goes not together with files_dir");
                None
            }
        }
    }
}
