//! What accounts say of themselves, and what they have chosen.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::object::Object;
use rookery_protocol::{integer, text};
use serde::{Deserialize, Serialize};

use super::Email;
use crate::change::Change;

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $rule:expr, $why:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let rule: fn(&str) -> Option<String> = $rule;
                rule(&text).map(Self).ok_or($why)
            }
        }
    )+};
}

texts! {
    /// How somebody wants to be called: one visible line of at most 80 characters.
    DisplayName = |text| text::line(text, 80), "must be one visible line of at most 80 characters";
    /// What somebody says about themselves: at most 500 characters.
    Bio = |text| text::lines(text, 500), "must have at most 500 characters that can be seen";
    /// A language tag (RFC 5646): 2 to 35 letters, digits and hyphens.
    Language = language, "must be a language tag such as en or pt-BR";
    /// What a page should look like: 1 to 32 lower-case letters, digits and hyphens.
    Theme = theme, "must be 1 to 32 lower-case letters, digits or hyphens";
}

fn language(tag: &str) -> Option<String> {
    let mut parts = tag.split('-');
    let first = parts.next().is_some_and(|part| (2..=8).contains(&part.len()) && is_letters(part));
    let rest = parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    (first && rest && tag.len() <= 35).then(|| tag.to_owned())
}

fn is_letters(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphabetic())
}

fn theme(name: &str) -> Option<String> {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (plain && (1..=32).contains(&name.len())).then(|| name.to_owned())
}

/// What an account says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// How it wants to be called.
    pub display_name: Option<DisplayName>,
    /// About itself.
    pub bio: Option<Bio>,
    /// What it reads.
    pub language: Option<Language>,
    /// Names its picture: 128 random bits as hexadecimal digits.
    pub avatar: Option<String>,
}

/// What an account has chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserSettings {
    /// Whether others see what it has read, and it what they have.
    pub read_receipts: bool,
    /// Whether others see that it is typing.
    pub typing: bool,
    /// Who may write to it directly, and add it to rooms.
    pub direct_from: DirectFrom,
    /// When it is notified.
    pub notifications: NotificationSettings,
    /// What pages should look like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<Theme>,
}

impl Default for UserSettings {
    fn default() -> Self {
        let notifications = NotificationSettings::default();
        Self {
            read_receipts: true,
            typing: true,
            direct_from: DirectFrom::All,
            notifications,
            theme: None,
        }
    }
}

/// Who may write to somebody directly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DirectFrom {
    /// Everybody.
    #[default]
    All,
    /// Who shares a room beside `general`.
    Shared,
    /// Nobody.
    Nobody,
}

/// When somebody is notified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotificationSettings {
    /// Of what.
    pub level: NotificationLevel,
    /// When not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// Whether a push has the text.
    pub push_text: bool,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self { level: NotificationLevel::Mentions, quiet_hours: None, push_text: false }
    }
}

/// Of what somebody is notified. What is chosen for a room counts there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationLevel {
    /// Every message. There are notices and pushes of mentions, replies and direct messages; of the rest a client that is
    /// open tells by itself.
    All,
    /// Mentions, replies and direct messages.
    #[default]
    Mentions,
    /// Nothing: no notices of what is said, and no pushes at all.
    None,
}

/// Minutes of the day, UTC, between which nothing is pushed; the end may be before the start, and is not part of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "Object<QuietHoursText>", deny_unknown_fields)]
pub struct QuietHours {
    /// Begins: minutes after midnight, 0 to 1439.
    #[schema(minimum = 0, maximum = 1439)]
    pub from_minute: u16,
    /// Ends: minutes after midnight, 0 to 1439.
    #[schema(minimum = 0, maximum = 1439)]
    pub to_minute: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuietHoursText {
    #[serde(deserialize_with = "integer::whole")]
    from_minute: u64,
    #[serde(deserialize_with = "integer::whole")]
    to_minute: u64,
}

const MINUTES_OF_A_DAY: u16 = 24 * 60;

impl QuietHours {
    /// Whether they are at that time. Hours that end where they begin are none.
    pub fn contain(self, now: UnixMillis) -> bool {
        let minute = now.0.div_euclid(60_000).rem_euclid(i64::from(MINUTES_OF_A_DAY));
        let (from, to) = (i64::from(self.from_minute), i64::from(self.to_minute));
        if from <= to {
            (from..to).contains(&minute)
        } else {
            minute >= from || minute < to
        }
    }
}

impl NotificationSettings {
    /// Whether anything is pushed then. What there are notices of is another question.
    pub fn allow_push(&self, now: UnixMillis) -> bool {
        self.level != NotificationLevel::None && !self.quiet_hours.is_some_and(|hours| hours.contain(now))
    }
}

impl TryFrom<Object<QuietHoursText>> for QuietHours {
    type Error = &'static str;

    fn try_from(
        Object(QuietHoursText { from_minute, to_minute }): Object<QuietHoursText>,
    ) -> Result<Self, Self::Error> {
        let minute = |given| u16::try_from(given).ok().filter(|minute| *minute < MINUTES_OF_A_DAY);
        match (minute(from_minute), minute(to_minute)) {
            (Some(from_minute), Some(to_minute)) => Ok(Self { from_minute, to_minute }),
            _ => Err("must be minutes of a day, 0 to 1439"),
        }
    }
}

/// What is to change about an account; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Another address.
    pub email: Option<Email>,
    /// Whether the address is known to be its own.
    pub verified: Option<bool>,
    /// The display name.
    pub display_name: Change<DisplayName>,
    /// The text about itself.
    pub bio: Change<Bio>,
    /// The language.
    pub language: Change<Language>,
    /// The picture.
    pub avatar: Change<String>,
    /// The settings, one by one: of two devices at once, each has what it changed.
    pub settings: SettingsChange,
}

/// What is to change about an account's settings; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// Whether others see what it has read, and it what they have.
    pub read_receipts: Option<bool>,
    /// Whether others see that it is typing.
    pub typing: Option<bool>,
    /// Who may write to it directly, and add it to rooms.
    pub direct_from: Option<DirectFrom>,
    /// Of what it is notified.
    pub level: Option<NotificationLevel>,
    /// When it is not.
    pub quiet_hours: Change<QuietHours>,
    /// Whether a push has the text.
    pub push_text: Option<bool>,
    /// What pages should look like.
    pub theme: Change<Theme>,
}

impl UserSettings {
    /// The settings after a change.
    pub fn apply(&mut self, change: SettingsChange) {
        let SettingsChange { read_receipts, typing, direct_from, level, quiet_hours, push_text, theme } = change;
        let notifications = &mut self.notifications;
        self.read_receipts = read_receipts.unwrap_or(self.read_receipts);
        self.typing = typing.unwrap_or(self.typing);
        self.direct_from = direct_from.unwrap_or(self.direct_from);
        self.theme = theme.applied_to(self.theme.take());
        notifications.level = level.unwrap_or(notifications.level);
        notifications.quiet_hours = quiet_hours.applied_to(notifications.quiet_hours.take());
        notifications.push_text = push_text.unwrap_or(notifications.push_text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_tags() {
        for (tag, good) in [
            ("en", true),
            ("pt-BR", true),
            ("zh-Hant-TW", true),
            ("e", false),
            ("en_US", false),
            ("en-", false),
            ("", false),
        ] {
            assert_eq!(Language::try_from(tag.to_owned()).is_ok(), good, "{tag}");
        }
    }

    #[test]
    fn quiet_hours_may_go_over_midnight() {
        let at = |hours: i64, minutes: i64| UnixMillis(((20_000 * 24 + hours) * 60 + minutes) * 60_000);
        let night = QuietHours { from_minute: 22 * 60, to_minute: 7 * 60 };
        for (hours, minutes, quiet) in [(21, 59, false), (22, 0, true), (0, 0, true), (6, 59, true), (7, 0, false)] {
            assert_eq!(night.contain(at(hours, minutes)), quiet, "{hours}:{minutes}");
        }
        let noon = QuietHours { from_minute: 12 * 60, to_minute: 13 * 60 };
        for (hours, quiet) in [(11, false), (12, true), (13, false)] {
            assert_eq!(noon.contain(at(hours, 0)), quiet, "{hours}");
        }
        let never = QuietHours { from_minute: 60, to_minute: 60 };
        assert!(!never.contain(at(1, 0)));
        let settings = NotificationSettings { quiet_hours: Some(noon), ..NotificationSettings::default() };
        assert!(settings.allow_push(at(11, 0)) && !settings.allow_push(at(12, 30)));
        let none = NotificationSettings { level: NotificationLevel::None, ..NotificationSettings::default() };
        assert!(!none.allow_push(at(11, 0)));
    }

    #[test]
    fn settings_of_before_are_completed() {
        let read: UserSettings = serde_json::from_str(r#"{"typing":false}"#).unwrap();
        assert_eq!(read, UserSettings { typing: false, ..UserSettings::default() });
    }
}
