//! Settings of the one-process server.

use std::time::Duration;

use clap::ArgMatches;
use rookery_api::accounts::token_options::{self, TokenOptions};
use rookery_api::files::options::{self as files, FileOptions};
use rookery_api::mail::{self, MailOptions};
use rookery_api::push::{self, PushOptions};
use rookery_api::settings::{self, ServerSettings};
use rookery_bus::limiter::{self, LimiterOptions};
use rookery_bus::pace::{self, RoomRateLimit};
use rookery_gateway::pending_sockets::{self, SocketCaps};
use rookery_gateway::polling;
use rookery_media::options::{self as objects, ObjectOptions};
use rookery_protocol::limits::DRAIN_MS_MAX;
use rookery_runtime::config::{
    ConfigErrors, Effective, Folder, ListenAddress, Reader, Setting, Switch, count, joined, section,
};
use rookery_runtime::limits::CONNECTIONS_MAX_MAX;
use rookery_runtime::origin::{self, Origins};
use rookery_runtime::telemetry::{LogFilter, LogFormat};
use rookery_runtime::trace::{self, TraceOptions};

const SECTIONS: &[&[Setting]] = &[
    &[
        Setting {
            key: "listen",
            default: Some("127.0.0.1:8080"),
            secret: false,
            help: "Address of the page, REST and sockets.",
        },
        Setting {
            key: "internal_listen",
            default: None,
            secret: false,
            help: "Address of live, ready and metrics; never publish it. If not given, 127.0.0.1 and the port of `listen` plus 1000.",
        },
        Setting {
            key: "data_dir",
            default: Some("data"),
            secret: false,
            help: "Folder of the database and the keys; made on the first start.",
        },
    ],
    &origin::SETTINGS,
    &[Setting {
        key: "connections_max",
        default: Some("15000"),
        secret: false,
        help: "Connections at once, sockets included.",
    }],
    &token_options::SETTINGS,
    &[
        Setting {
            key: "drain_ms",
            default: Some("5000"),
            secret: false,
            help: "Milliseconds between the signal to stop and the end.",
        },
        Setting { key: "log_format", default: Some("pretty"), secret: false, help: "`json` or `pretty`." },
        Setting {
            key: "log_filter",
            default: Some("info"),
            secret: false,
            help: "Which log lines are written.",
        },
    ],
    &settings::SETTINGS,
    &mail::SETTINGS,
    &objects::SETTINGS,
    &push::SETTINGS,
    &files::SETTINGS,
    &pace::SETTINGS,
    &pending_sockets::SETTINGS,
    &polling::SETTINGS,
    &limiter::SETTINGS,
    &trace::SETTINGS,
];

/// Every setting, with its default.
pub(crate) const SETTINGS: &[Setting] = &joined::<{ count(SECTIONS) }>(SECTIONS);

/// The settings, read.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) listen: ListenAddress,
    pub(crate) internal_listen: ListenAddress,
    pub(crate) data_dir: Folder,
    pub(crate) origins: Origins,
    pub(crate) connections_max: usize,
    pub(crate) tokens: TokenOptions,
    pub(crate) drain: Duration,
    pub(crate) log_format: LogFormat,
    pub(crate) log_filter: LogFilter,
    pub(crate) settings: ServerSettings,
    pub(crate) mail: MailOptions,
    /// Where avatars and files are kept; in the data folder, if no setting says another place.
    pub(crate) objects: ObjectOptions,
    /// How pushes leave the house.
    pub(crate) push: PushOptions,
    /// How files are taken.
    pub(crate) files: FileOptions,
    pub(crate) pace: RoomRateLimit,
    pub(crate) caps: SocketCaps,
    /// Whether Socket.IO clients may connect by long-polling.
    pub(crate) polling: Switch,
    pub(crate) limits: LimiterOptions,
    pub(crate) traces: Option<TraceOptions>,
}

impl Options {
    /// Reads every setting; reports all errors together.
    pub(crate) fn read(matches: &ArgMatches) -> Result<(Self, Effective), ConfigErrors> {
        let mut reader = Reader::open(SETTINGS, matches);
        let options = Self::take(&mut reader);
        let effective = reader.finish()?;
        // Every setting has a default or is required, so a value is only missing where an error was reported above.
        options.map(|options| (options, effective)).ok_or_else(ConfigErrors::unexplained)
    }

    /// Reads where the internal listener is, and nothing else.
    pub(crate) fn read_internal(matches: &ArgMatches) -> Result<ListenAddress, ConfigErrors> {
        Reader::open(SETTINGS, matches).into_internal_listen()
    }

    fn take(reader: &mut Reader) -> Option<Self> {
        let listen = reader.listen("listen");
        let internal_listen = reader.internal_listen("internal_listen", listen.as_ref());
        let data_dir = reader.folder("data_dir");
        let origins = Origins::read(reader);
        let connections_max = reader.number("connections_max", 1..=CONNECTIONS_MAX_MAX);
        let tokens = TokenOptions::read(reader);
        let drain_ms = reader.number("drain_ms", 0..=DRAIN_MS_MAX);
        let log_format = reader.required("log_format");
        let log_filter = reader.required("log_filter");
        let fallback = listen.as_ref().map(|listen| format!("http://{listen}")).unwrap_or_default();
        let mail = MailOptions::read(reader, &fallback);
        let objects = ObjectOptions::read(reader);
        let links = mail.as_ref().map(|mail| mail.links.clone()).unwrap_or_default();
        let push = PushOptions::read(reader, &links);
        let files = FileOptions::read(reader);
        let has_mail = mail.as_ref().is_none_or(MailOptions::is_on);
        let settings = ServerSettings::read(reader, has_mail);
        let pace = RoomRateLimit::read(reader);
        let (caps, limits) = (SocketCaps::read(reader), LimiterOptions::read(reader));
        let polling = polling::read_switch(reader);
        let traces = TraceOptions::read(reader);
        Some(Self {
            listen: listen?,
            internal_listen: internal_listen?,
            objects: objects?.or_inside(data_dir.as_ref()),
            files,
            data_dir: data_dir?,
            origins: origins?,
            connections_max: connections_max?,
            tokens: tokens?,
            drain: Duration::from_millis(drain_ms?),
            log_format: log_format?,
            log_filter: log_filter?,
            settings: settings?,
            mail: mail?,
            push: push?,
            pace: pace?,
            caps: caps?,
            polling: polling?,
            limits: limits?,
            traces: traces?,
        })
    }
}

/// The head of `docs/configuration.md`, and the part of it that is about this program.
pub(crate) fn reference() -> String {
    let head = "# Configuration\n\nPrinted by `rookery settings`, `rookery-gateway settings` and `rookery-api settings`; do not edit.\n\n\
        Defaults, then the TOML file named by `--config` or `ROOKERY_CONFIG`, then the environment, then flags; the later \
        wins.\nA flag is the key with dashes: `--internal-listen`. Unknown keys are errors.\n";
    format!("{head}{}", section("rookery", SETTINGS))
}
