//! What admins may change while the server runs. Every process follows the store, so that all of them agree within seconds;
//! what nobody has changed is as the configuration says.

use std::sync::Arc;

use parking_lot::RwLock;
use rookery_bus::authority::VersionedFilter;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::filter::FilterRules;
use rookery_protocol::id::UserId;
use rookery_protocol::text;
use rookery_runtime::config::{Reader, Setting};
use rookery_store::audit::StoredSettings;
use rookery_store::change::Change;
use rookery_store::{StoreError, Stores};
use serde::{Deserialize, Serialize};

use crate::accounts::registration::{Registration, Verification};
use crate::admin::act::Act;
use crate::error::ApiError;
use crate::limits::{
    FILE_BYTES_MAX_MAX, RETENTION_DAYS_MAX, SETTINGS_POLL_INTERVAL, SETTINGS_TRIES_MAX, USER_QUOTA_BYTES_MAX,
    VERIFICATION_MINUTES_MAX,
};
use crate::periodic::every;

/// The settings that have a value in the configuration.
pub const SETTINGS: [Setting; 6] = [
    crate::accounts::registration::SETTING,
    crate::accounts::registration::VERIFICATION,
    Setting {
        key: "verification_minutes",
        default: Some("10"),
        secret: false,
        help: "How long the code is valid that is sent to the address of a registration, 1 to 1440 minutes.",
    },
    Setting {
        key: "retention_days",
        default: None,
        secret: false,
        help: "How many days rooms keep what was said that do not say so themselves, 1 to 36500; for ever if not given.",
    },
    Setting {
        key: "file_bytes_max",
        default: Some("26214400"),
        secret: false,
        help: "Bytes of a file that may be uploaded. Pictures have at most 33554432 in any case.",
    },
    Setting {
        key: "user_quota_bytes",
        default: Some("1073741824"),
        secret: false,
        help: "Bytes of all files of one user together.",
    },
];

/// The settings as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Who may register.
    pub registration: Registration,
    /// Whether an address has to be verified.
    pub verification: Verification,
    /// How long the code for that is valid.
    pub verification_minutes: u64,
    /// A line that pages show to everybody.
    pub banner: Option<Banner>,
    /// Words that are not welcome anywhere.
    pub filter: FilterRules,
    /// How many days rooms keep what was said that do not say so themselves; for ever if none.
    pub retention_days: Option<u32>,
    /// Bytes of a file that may be uploaded.
    pub file_bytes_max: u64,
    /// Bytes of all files of one user together.
    pub user_quota_bytes: u64,
}

/// A line that pages show to everybody: 1 to 500 visible characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Banner(String);

const BANNER_CHARS_MAX: usize = 500;

impl Banner {
    /// The line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Banner {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text::line(&text, BANNER_CHARS_MAX)
            .map(Self)
            .ok_or("must be one visible line of at most 500 characters")
    }
}

/// What differs from the configuration, or is to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsChange {
    /// Who may register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// Whether an address has to be verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// How long the code for that is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_minutes: Option<u64>,
    /// A line that pages show to everybody, or none.
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub banner: Change<Banner>,
    /// Words that are not welcome anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<FilterRules>,
    /// How many days rooms keep what was said that do not say so themselves, or for ever.
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub retention_days: Change<u32>,
    /// Bytes of a file that may be uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes_max: Option<u64>,
    /// Bytes of all files of one user together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_quota_bytes: Option<u64>,
}

impl SettingsChange {
    /// Without what says what holds anyhow: no configuration has a banner or a filter.
    fn told(self) -> Self {
        let banner = if self.banner == Change::Clear { Change::Keep } else { self.banner };
        Self { banner, filter: self.filter.filter(|rules| *rules != FilterRules::default()), ..self }
    }

    /// This change after that one.
    fn after(self, before: Self) -> Self {
        Self {
            registration: self.registration.or(before.registration),
            verification: self.verification.or(before.verification),
            verification_minutes: self.verification_minutes.or(before.verification_minutes),
            banner: self.banner.after(before.banner),
            filter: self.filter.or(before.filter),
            retention_days: self.retention_days.after(before.retention_days),
            file_bytes_max: self.file_bytes_max.or(before.file_bytes_max),
            user_quota_bytes: self.user_quota_bytes.or(before.user_quota_bytes),
        }
    }

    fn apply(self, configured: &ServerSettings) -> ServerSettings {
        ServerSettings {
            registration: self.registration.unwrap_or(configured.registration),
            verification: self.verification.unwrap_or(configured.verification),
            verification_minutes: self.verification_minutes.unwrap_or(configured.verification_minutes),
            banner: self.banner.applied_to(configured.banner.clone()),
            filter: self.filter.unwrap_or_else(|| configured.filter.clone()),
            retention_days: self.retention_days.applied_to(configured.retention_days),
            file_bytes_max: self.file_bytes_max.unwrap_or(configured.file_bytes_max),
            user_quota_bytes: self.user_quota_bytes.unwrap_or(configured.user_quota_bytes),
        }
    }
}

impl ServerSettings {
    /// Reads [`SETTINGS`]; what is wrong is remembered by the reader. A code needs mail to be sent with.
    pub fn read(reader: &mut Reader, has_mail: bool) -> Option<Self> {
        let (registration, verification) = (reader.required("registration"), reader.required("verification"));
        let verification_minutes = reader.number("verification_minutes", 1..=VERIFICATION_MINUTES_MAX);
        let keeps_for_ever = reader.optional_text("retention_days").is_none();
        let retention_days = if keeps_for_ever {
            None
        } else {
            reader.number("retention_days", 1..=RETENTION_DAYS_MAX)
        };
        let retention_days = retention_days.and_then(|days| u32::try_from(days).ok());
        let file_bytes_max = reader.number("file_bytes_max", 1..=FILE_BYTES_MAX_MAX);
        let user_quota_bytes = reader.number("user_quota_bytes", 0..=USER_QUOTA_BYTES_MAX);
        if verification == Some(Verification::Required) && !has_mail {
            reader.reject("verification", "needs mail_url: the code is sent by mail");
            return None;
        }
        Some(Self {
            registration: registration?,
            verification: verification?,
            verification_minutes: verification_minutes?,
            banner: None,
            filter: FilterRules::default(),
            retention_days,
            file_bytes_max: file_bytes_max?,
            user_quota_bytes: user_quota_bytes?,
        })
    }
}

/// The settings of a running process. Cheap to clone.
#[derive(Clone)]
pub struct LiveSettings(Arc<Inner>);

struct Inner {
    configured: ServerSettings,
    has_mail: bool,
    store: Arc<dyn rookery_store::ServerSettings>,
    current: RwLock<Current>,
}

#[derive(Clone)]
struct Current {
    /// None until the store was asked: they are what the configuration says.
    version: Option<u64>,
    settings: Arc<ServerSettings>,
}

impl LiveSettings {
    /// Begins with what the configuration says.
    pub fn new(configured: ServerSettings, has_mail: bool, stores: &Stores) -> Self {
        let current = RwLock::new(Current { version: None, settings: Arc::new(configured.clone()) });
        Self(Arc::new(Inner { configured, has_mail, store: Arc::clone(&stores.server_settings), current }))
    }

    /// The settings as they are now.
    pub fn now(&self) -> Arc<ServerSettings> {
        Arc::clone(&self.0.current.read().settings)
    }

    /// The server's word filter, by the version of the settings; none until the store was asked.
    pub fn filter(&self) -> Option<VersionedFilter> {
        let current = self.0.current.read();
        current
            .version
            .map(|version| VersionedFilter { version, rules: current.settings.filter.clone() })
    }

    /// Takes over what the store has.
    pub async fn look(&self) -> Result<(), StoreError> {
        let (version, change) = self.stored().await?;
        self.take_over(version, change);
        Ok(())
    }

    /// Takes over what was changed at another process, again and again.
    pub(crate) async fn follow(&self) {
        every(SETTINGS_POLL_INTERVAL, "server settings", || self.look()).await;
    }

    /// Changes settings, here at once and elsewhere within seconds.
    pub async fn change(
        &self,
        change: SettingsChange,
        by: UserId,
        now: UnixMillis,
    ) -> Result<Arc<ServerSettings>, ApiError> {
        self.check(&change)?;
        for _ in 0..SETTINGS_TRIES_MAX {
            let (version, before) = self.stored().await?;
            let after = change.clone().after(before.clone());
            if after.clone().told() == before.clone().told() {
                self.take_over(version, before);
                return Ok(self.now());
            }
            let [values, detail] = [&after, &change].map(serde_json::to_value);
            let (values, detail) = (values.map_err(|error| broken(&error))?, detail.map_err(|error| broken(&error))?);
            let act = Act { action: "settings_changed", user: None, detail: Some(detail) };
            let stored = StoredSettings { version: version + 1, values: values.to_string() };
            if self.0.store.replace(&stored, &act.entry(by, now)).await? {
                tracing::info!(user_id = %by, version = stored.version, "settings changed");
                self.take_over(stored.version, after);
                return Ok(self.now());
            }
        }
        Err(StoreError::Unavailable("too many changes of settings at once".to_owned()).into())
    }

    fn check(&self, change: &SettingsChange) -> Result<(), ApiError> {
        let bad = |field: &'static str, why: &'static str| Err(ApiError::field(ErrorCode::BadField, field, why));
        if change.verification == Some(Verification::Required) && !self.0.has_mail {
            return bad("verification", "needs mail, and this server has none");
        }
        let minutes = change.verification_minutes;
        if minutes.is_some_and(|minutes| !(1..=VERIFICATION_MINUTES_MAX).contains(&minutes)) {
            return bad("verification_minutes", "must be a number from 1 to 1440");
        }
        if change.file_bytes_max.is_some_and(|bytes| !(1..=FILE_BYTES_MAX_MAX).contains(&bytes)) {
            return bad("file_bytes_max", "must be a number from 1 to 17179869184");
        }
        if change.user_quota_bytes.is_some_and(|bytes| bytes > USER_QUOTA_BYTES_MAX) {
            return bad("user_quota_bytes", "must be a number from 0 to 1099511627776");
        }
        Ok(())
    }

    async fn stored(&self) -> Result<(u64, SettingsChange), StoreError> {
        let Some(stored) = self.0.store.read().await? else { return Ok((0, SettingsChange::default())) };
        let change = serde_json::from_str(&stored.values).map_err(|error| broken(&error))?;
        Ok((stored.version, change))
    }

    fn take_over(&self, version: u64, change: SettingsChange) {
        let mut current = self.0.current.write();
        if Some(version) > current.version {
            let settings = Arc::new(change.apply(&self.0.configured));
            *current = Current { version: Some(version), settings };
        }
    }
}

fn broken(error: &serde_json::Error) -> StoreError {
    StoreError::Inconsistent(format!("settings: {error}"))
}
