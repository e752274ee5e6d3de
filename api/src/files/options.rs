//! The settings of files, beside those of where they are kept.

use std::path::PathBuf;

use rookery_runtime::config::{Reader, Setting};
use url::Url;

/// The settings that [`FileOptions::read`] reads.
pub const SETTINGS: [Setting; 4] = [
    Setting {
        key: "uploads_dir",
        default: None,
        secret: false,
        help: "Folder in which uploads wait while they come in, on a disk. If not given, `uploads` inside `files_dir`, else the system's folder for temporary files.",
    },
    Setting {
        key: "files_origin",
        default: None,
        secret: false,
        help: "Origin of its own for signed links to files, as in https://files.example, which leads to the same servers. Nothing else is served under its name, and links are served nowhere else.",
    },
    Setting {
        key: "scan_command",
        default: None,
        secret: false,
        help: "Program that looks for what is harmful in each upload, with its arguments, separated by spaces. It gets the file as its input and ends with 0 for nothing, 1 for something; with anything else the upload is answered 503.",
    },
    Setting {
        key: "scan_clamd",
        default: None,
        secret: false,
        help: "Address of a clamd that does so: `host:port`, or the path of its socket. Not together with `scan_command`.",
    },
];

/// How files are taken.
#[derive(Clone, Debug, Default)]
pub struct FileOptions {
    /// Where uploads wait.
    pub uploads_dir: Option<PathBuf>,
    /// Where signed links lead, if not to the api's own address: scheme, host and port.
    pub origin: Option<FileOrigin>,
    /// Who looks into uploads.
    pub scanner: ScannerOptions,
}

/// An origin of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOrigin {
    /// As links begin.
    pub address: String,
    /// As the header `Host` says it.
    pub host: String,
}

/// Who looks into uploads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ScannerOptions {
    /// Nobody.
    #[default]
    Nobody,
    /// A program and its arguments.
    Command(Vec<String>),
    /// A clamd at this host and port.
    Tcp(String),
    /// A clamd at this socket.
    Socket(PathBuf),
}

impl FileOptions {
    /// Reads the settings.
    pub fn read(reader: &mut Reader) -> Self {
        let has_folder = reader.optional_text("uploads_dir").is_some();
        let uploads_dir = if has_folder {
            reader.folder("uploads_dir").map(|folder| folder.to_path_buf())
        } else {
            None
        };
        let origin = reader.optional_text("files_origin").and_then(|given| {
            let origin = FileOrigin::of(&given);
            if origin.is_none() {
                reader.reject("files_origin", "must be an origin like https://files.example");
            }
            origin
        });
        let (command, clamd) = (reader.optional_text("scan_command"), reader.optional_text("scan_clamd"));
        if command.is_some() && clamd.is_some() {
            reader.reject("scan_clamd", "must not be given beside scan_command");
        }
        let is_address = |text: &str| text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if clamd.as_deref().is_some_and(|clamd| !clamd.starts_with('/') && !is_address(clamd)) {
            reader.reject("scan_clamd", "must be a path of a socket, or a host and a port");
        }
        let scanner = match (command, clamd) {
            (Some(command), _) => ScannerOptions::Command(command.split_whitespace().map(str::to_owned).collect()),
            (None, Some(clamd)) if clamd.starts_with('/') => ScannerOptions::Socket(clamd.into()),
            (None, Some(clamd)) => ScannerOptions::Tcp(clamd),
            (None, None) => ScannerOptions::Nobody,
        };
        Self { uploads_dir, origin, scanner }
    }
}

impl FileOrigin {
    fn of(given: &str) -> Option<Self> {
        let url = Url::parse(given).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
        let host = url.host_str()?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        is_bare.then(|| Self { address: url.origin().ascii_serialization(), host })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_an_origin() {
        let origin = FileOrigin::of("https://files.example/").unwrap();
        assert_eq!((&*origin.address, &*origin.host), ("https://files.example", "files.example"));
        assert_eq!(FileOrigin::of("http://127.0.0.1:8081").unwrap().host, "127.0.0.1:8081");
        for odd in ["files.example", "ftp://files.example", "https://files.example/x", "https://a@files.example"] {
            assert_eq!(FileOrigin::of(odd), None, "{odd}");
        }
    }
}
