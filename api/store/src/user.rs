//! Accounts: names, addresses, roles. Untrusted text becomes one of these types at the edge.

use std::fmt;

use email_address::{EmailAddress, Options};
use rookery_protocol::access::ServerRank;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_protocol::text;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

mod profile;

pub use profile::{
    Bio, DirectFrom, DisplayName, Language, NotificationLevel, NotificationSettings, Profile, QuietHours,
    SettingsChange, Theme, UserChange, UserSettings,
};

/// 3 to 32 of letters, digits, `_`, `-` and `.` (ASCII), first and last a letter or digit. Kept as written, unique
/// without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Username(String);

/// An e-mail address as RFC 5322 has it, without quotes and comments, at most 254 bytes, trimmed and in the normal form NFC.
/// Unique without regard to case, and to whether its domain is written in letters or in punycode.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Email(String);

/// 8 to 256 characters, taken byte for byte. Never printed.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct Password(String);

/// What somebody claims to be the password: anything of at most 256 characters, since the answer to a short one is
/// the answer to a wrong one. Never printed.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct PasswordAttempt(String);

/// A user name or an address as typed at login: at most 254 bytes, trimmed.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Login(String);

/// What an account may do on the whole server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerRole {
    /// Runs the server.
    Admin,
    /// Keeps order everywhere.
    Moderator,
    /// Everybody else.
    User,
}

impl ServerRole {
    /// As the rules of rooms count it.
    pub const fn rank(self) -> ServerRank {
        match self {
            Self::User => ServerRank::User,
            Self::Moderator => ServerRank::Moderator,
            Self::Admin => ServerRank::Admin,
        }
    }

    /// All of them.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Moderator, Self::User];

    /// Its word, in stores, in JSON and for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Moderator => "moderator",
            Self::User => "user",
        }
    }

    /// The role of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Id of the user.
    pub id: UserId,
    /// Name of the user.
    pub username: Username,
    /// Its address.
    pub email: Email,
    /// argon2id in PHC form.
    pub password_hash: String,
    /// Its role.
    pub role: ServerRole,
    /// When it was made.
    pub created_at: UnixMillis,
    /// A disabled account cannot log in.
    pub disabled: bool,
    /// Whether it has been shown that the address is its own.
    pub verified: bool,
    /// What it says of itself.
    pub profile: Profile,
    /// When it got another name.
    pub renamed_at: Option<UnixMillis>,
    /// What it has chosen.
    pub settings: UserSettings,
}

impl User {
    /// An account as it is at first.
    pub fn new(id: UserId, username: Username, email: Email, password_hash: String, created_at: UnixMillis) -> Self {
        Self {
            id,
            username,
            email,
            password_hash,
            role: ServerRole::User,
            created_at,
            disabled: false,
            verified: false,
            profile: Profile::default(),
            renamed_at: None,
            settings: UserSettings::default(),
        }
    }

    /// The account after a change.
    pub fn apply(&mut self, change: UserChange) {
        let UserChange { email, verified, display_name, bio, language, avatar, settings } = change;
        let profile = &mut self.profile;
        set(&mut self.email, email);
        set(&mut self.verified, verified);
        profile.display_name = display_name.applied_to(profile.display_name.take());
        profile.bio = bio.applied_to(profile.bio.take());
        profile.language = language.applied_to(profile.language.take());
        profile.avatar = avatar.applied_to(profile.avatar.take());
        self.settings.apply(settings);
    }

    /// What it is found by; see [`crate::Users::search`].
    pub fn search_keys(&self) -> Vec<String> {
        let mut keys = vec![text::search_key(self.username.as_str())];
        if let Some(name) = &self.profile.display_name {
            let whole = text::search_key(name.as_str());
            keys.extend(whole.split(' ').take(SEARCH_WORDS_MAX).map(str::to_owned));
            keys.push(whole);
        }
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| !key.is_empty());
        keys
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// Words of a display name that it is found by.
const SEARCH_WORDS_MAX: usize = 8;

/// A place in what a search finds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchPlace {
    /// By which of its names an account is found.
    pub key: String,
    /// The account.
    pub user: UserId,
}

const EMAIL_BYTES_MAX: usize = 254;
/// Characters of a password, at least.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Characters of a password, at most.
pub const PASSWORD_CHARS_MAX: usize = 256;

impl Username {
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is unique.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl TryFrom<String> for Username {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = text.as_bytes();
        let inner = bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        let ends = [bytes.first(), bytes.last()]
            .into_iter()
            .all(|end| end.is_some_and(u8::is_ascii_alphanumeric));
        if (3..=32).contains(&bytes.len()) && inner && ends {
            Ok(Self(text))
        } else {
            Err("must be 3 to 32 letters, digits, '_', '-' or '.', beginning and ending with a letter or digit")
        }
    }
}

impl Email {
    /// The address as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An address from a store: there may be older ones that break the rules of today.
    pub const fn kept(text: String) -> Self {
        Self(text)
    }

    /// The address as mail is sent to it: the domain as it is looked up.
    pub fn deliverable(&self) -> String {
        let ascii = self.0.rsplit_once('@').and_then(|(local, domain)| {
            idna::domain_to_ascii_strict(domain).ok().map(|domain| format!("{local}@{domain}"))
        });
        ascii.unwrap_or_else(|| self.0.clone())
    }

    /// The form that is unique: the domain as it is looked up, all in lower case.
    pub fn key(&self) -> String {
        address_key(&self.0).unwrap_or_else(|| self.0.trim().to_lowercase())
    }
}

/// The unique form of an address; none of a text that is none.
pub(crate) fn address_key(text: &str) -> Option<String> {
    let (local, domain) = text.trim().rsplit_once('@')?;
    let domain = idna::domain_to_ascii_strict(domain).ok()?;
    Some(format!("{}@{domain}", local.nfc().collect::<String>().to_lowercase().nfc()))
}

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let address: String = text.trim().nfc().collect();
        let address = address.as_str();
        let plain = text::line(address, EMAIL_BYTES_MAX).is_some() && !address.contains(['"', '\\', '(', ')', ' ']);
        let options = Options { minimum_sub_domains: 0, allow_domain_literal: false, allow_display_text: false };
        let key = address_key(address).filter(|key| key.len() <= EMAIL_BYTES_MAX && address.len() <= EMAIL_BYTES_MAX);
        let valid = key.is_some_and(|key| EmailAddress::parse_with_options(&key, options).is_ok());
        if plain && valid {
            Ok(Self(address.to_owned()))
        } else {
            Err("must be an e-mail address")
        }
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

impl Password {
    /// The bytes to hash.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl TryFrom<String> for Password {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let chars = text.chars().take(PASSWORD_CHARS_MAX + 1).count();
        if (PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&chars) {
            Ok(Self(text))
        } else {
            Err("must have 8 to 256 characters")
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl PasswordAttempt {
    /// The bytes to verify.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl TryFrom<String> for PasswordAttempt {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let chars = text.chars().take(PASSWORD_CHARS_MAX + 1).count();
        if chars <= PASSWORD_CHARS_MAX {
            Ok(Self(text))
        } else {
            Err("must have at most 256 characters")
        }
    }
}

impl fmt::Debug for PasswordAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordAttempt(…)")
    }
}

impl Login {
    /// The text as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Login {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.len() <= EMAIL_BYTES_MAX {
            Ok(Self(text.trim().to_owned()))
        } else {
            Err("must be a user name or an e-mail address")
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_bounded() {
        for good in ["abc", "a.b-c_1", "Zoë".replace('ë', "e").as_str(), &"a".repeat(32)] {
            assert!(Username::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "ab", ".ab", "ab-", "a b", "a\nb", "ñandu", "{\"$ne\":1}", &"a".repeat(33)] {
            assert!(Username::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn c06_addresses_are_addresses() {
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@@b",
            "a b@c.org",
            "a@.b",
            "a@b.",
            "<a@x.org>",
            "a@x.org,b@x.org",
            "a,b@x.org",
            "a\0@x.org",
            "a\n@x.org",
            "\u{202e}a@x.org",
            "Ada <a@x.org>",
            "a@[127.0.0.1]",
            "\"a b\"@x.org",
            "a..b@x.org",
            ".a@x.org",
            "a@x_y.org",
            "a@-x.org",
            "(a)b@x.org",
            "a@x.org;b@x.org",
            "a@xn--a-ecp.ru",
        ] {
            assert!(Email::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
        for good in [
            "me@example.org",
            " me@example.org ",
            "a.b+c_d@sub.example.org",
            "ä@example.org",
            "me@bücher.example",
        ] {
            assert!(Email::try_from(good.to_owned()).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn c06_one_address_has_one_key() {
        let key = |text: &str| Email::try_from(text.to_owned()).unwrap().key();
        assert_eq!(key("Me@BÜCHER.example"), "me@xn--bcher-kva.example");
        assert_eq!(key("me@xn--bcher-kva.EXAMPLE"), key("ME@bücher.example "));
        assert_eq!(key("zoe\u{308}@example.org"), key("ZOË@example.org"), "composed or not");
        assert_eq!(Email::kept("<A@x.org>".to_owned()).as_str(), "<A@x.org>", "an old one is found as it is");
    }

    #[test]
    fn secrets_are_not_printed() {
        let password = Password::try_from("hunter22!".to_owned()).unwrap();
        assert!(!format!("{password:?}").contains("hunter"));
    }
}
