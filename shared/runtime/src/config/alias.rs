//! Settings under the names that other chat back ends give them, so that an environment made for one of those starts this one.
//!
//! Such a name counts where nothing else says the setting: less than the file, our own variables and flags. What was understood,
//! and what was passed over for which reason, is told by the programs when they start and by the command `config`.

use std::collections::BTreeMap;
use std::ffi::OsString;

use url::Url;

use super::Setting;

/// A setting that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Understood {
    pub(super) key: &'static str,
    /// The variables that said it.
    pub(super) names: String,
    pub(super) text: String,
}

/// What the variables of other back ends say.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    pub(super) understood: Vec<Understood>,
    /// Sentences about variables that were passed over.
    pub(super) passed_over: Vec<String>,
}

/// Names of the same thing as a setting of ours.
const PLAIN: [(&str, &str); 5] = [
    ("SECRET_KEY", "internal_secret"),
    ("JWT_SECRET", "internal_secret"),
    ("ACCESS_TOKEN_EXPIRATION_MINUTES", "access_token_minutes"),
    ("REFRESH_TOKEN_EXPIRATION_DAYS", "refresh_token_days"),
    ("VERIFICATION_CODE_EXPIRATION_MINUTES", "verification_minutes"),
];
/// Addresses of MongoDB, the first that is given counts.
const MONGO_URIS: [&str; 3] = ["MONGODB_URI", "MONGO_URI", "DATABASE_URL"];
const MONGO_PARTS: [&str; 4] = ["MONGODB_HOST", "MONGODB_PORT", "MONGODB_USERNAME", "MONGODB_PASSWORD"];
const MONGO_DATABASE: &str = "MONGODB_DATABASE";
const REDIS_PARTS: [&str; 3] = ["REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD"];
const ALGORITHMS: [&str; 2] = ["JWT_ALGO", "JWT_ALGORITHM"];

struct Variables(BTreeMap<String, String>);

impl Variables {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn port(&self, name: &str, usual: u16) -> Option<u16> {
        // Kubernetes tells of a Service of that name by the same variable: `tcp://…`.
        self.get(name).map_or(Some(usual), |text| text.parse().ok())
    }

    /// Those of the names that are given.
    fn given(&self, names: &[&str]) -> String {
        let given: Vec<&str> = names.iter().copied().filter(|name| self.0.contains_key(*name)).collect();
        given.join(", ")
    }
}

/// Reads what others call by their own names; only what is a setting of this program counts.
pub(super) fn read(settings: &[Setting], environment: impl Iterator<Item = (OsString, OsString)>) -> Aliases {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    let all: BTreeMap<String, String> = environment.filter_map(text).filter(|(_, value)| !value.is_empty()).collect();
    let variables = Variables(all);
    let is_known = |key: &str| settings.iter().any(|setting| setting.key == key);
    let mut aliases = Aliases::default();
    if is_known("mongo_url") {
        aliases.mongo(&variables);
    }
    if is_known("redis_url") {
        aliases.redis(&variables);
    }
    for (name, key) in PLAIN {
        let Some(text) = variables.get(name) else { continue };
        if aliases.understood.iter().any(|known| known.key == key) {
            aliases.passed_over.push(format!("{name} is passed over: another variable says {key}"));
        } else if is_known(key) {
            aliases.add(key, name, text);
        } else if key == "internal_secret" {
            let why = "tokens are signed with keys of files, and there is no other process here to share a secret with";
            aliases.passed_over.push(format!("{name} is passed over: {why}"));
        }
    }
    if is_known("access_token_minutes") {
        for name in ALGORITHMS
            .into_iter()
            .filter(|name| variables.get(name).is_some_and(|text| text != "EdDSA"))
        {
            aliases.passed_over.push(format!("{name} is passed over: tokens are signed with EdDSA"));
        }
    }
    aliases
}

impl Aliases {
    fn add(&mut self, key: &'static str, names: impl Into<String>, text: impl Into<String>) {
        self.understood.push(Understood { key, names: names.into(), text: text.into() });
    }

    fn mongo(&mut self, variables: &Variables) {
        let is_mongo = |text: &str| text.starts_with("mongodb://") || text.starts_with("mongodb+srv://");
        for name in MONGO_URIS
            .into_iter()
            .filter(|name| variables.get(name).is_some_and(|text| !is_mongo(text)))
        {
            self.passed_over.push(format!("{name} is passed over: not an address of MongoDB"));
        }
        let uris = MONGO_URIS.into_iter().filter_map(|name| Some((name, variables.get(name)?)));
        let mut uris = uris.filter(|(_, text)| is_mongo(text));
        let mut database = None;
        if let Some((name, text)) = uris.next() {
            self.add("mongo_url", name, text);
            let path = text.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
            let path = path.map(|(_, path)| path.split('?').next().unwrap_or_default());
            database = path.filter(|path| !path.is_empty()).map(|path| (name, path));
        } else if let Some(host) = variables.get(MONGO_PARTS[0]) {
            let [user, password] = [MONGO_PARTS[2], MONGO_PARTS[3]].map(|name| variables.get(name));
            let port = variables.port(MONGO_PARTS[1], 27_017);
            match port.and_then(|port| address("mongodb", host, port, user, password)) {
                Some(text) => self.add("mongo_url", variables.given(&MONGO_PARTS), text),
                None => self.passed_over.push(format!("{} make no address", variables.given(&MONGO_PARTS))),
            }
        }
        let named = variables.get(MONGO_DATABASE).map(|text| (MONGO_DATABASE, text));
        if let Some((name, text)) = named.or(database) {
            self.add("mongo_database", name, text);
        }
    }

    fn redis(&mut self, variables: &Variables) {
        let Some(host) = variables.get(REDIS_PARTS[0]) else { return };
        let port = variables.port(REDIS_PARTS[1], 6_379);
        let password = variables.get(REDIS_PARTS[2]);
        match port.and_then(|port| address("redis", host, port, None, password)) {
            Some(text) => self.add("redis_url", variables.given(&REDIS_PARTS), text),
            None => self.passed_over.push(format!("{} make no address", variables.given(&REDIS_PARTS))),
        }
    }
}

/// An address of these parts, which may have any sign in them.
fn address(scheme: &str, host: &str, port: u16, user: Option<&str>, password: Option<&str>) -> Option<String> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let mut url = Url::parse(&format!("{scheme}://{host}:{port}/")).ok()?;
    url.set_username(user.unwrap_or_default()).ok()?;
    url.set_password(password).ok()?;
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn setting(key: &'static str) -> Setting {
        Setting { key, default: None, secret: false, help: "" }
    }

    const API: &[Setting] = &[
        setting("mongo_url"),
        setting("mongo_database"),
        setting("redis_url"),
        setting("internal_secret"),
        setting("access_token_minutes"),
        setting("refresh_token_days"),
        setting("verification_minutes"),
    ];

    fn understood(settings: &[Setting], variables: &[(&str, &str)]) -> (Vec<(String, String, String)>, Vec<String>) {
        let all = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let Aliases { understood, passed_over } = read(settings, all);
        let rows = understood.into_iter().map(|row| (row.key.to_owned(), row.names, row.text)).collect();
        (rows, passed_over)
    }

    fn row(key: &str, names: &str, text: &str) -> (String, String, String) {
        (key.to_owned(), names.to_owned(), text.to_owned())
    }

    #[test]
    fn mongodb_is_named_by_address_or_by_its_parts() {
        let uri = ("MONGODB_URI", "mongodb://a.example/chat?replicaSet=r");
        let by_uri = vec![row("mongo_url", "MONGODB_URI", uri.1), row("mongo_database", "MONGODB_URI", "chat")];
        assert_eq!(understood(API, &[uri]).0, by_uri);
        let parts = [
            ("MONGODB_USERNAME", "ann"),
            ("MONGODB_PASSWORD", "p@ss/word:1"),
            ("MONGODB_HOST", "db"),
            ("MONGODB_PORT", "27018"),
            ("MONGODB_DATABASE", "talk"),
        ];
        let names = "MONGODB_HOST, MONGODB_PORT, MONGODB_USERNAME, MONGODB_PASSWORD";
        let url = "mongodb://ann:p%40ss%2Fword%3A1@db:27018/";
        let by_parts = vec![row("mongo_url", names, url), row("mongo_database", "MONGODB_DATABASE", "talk")];
        assert_eq!(understood(API, &parts).0, by_parts);
        let both = understood(API, &[&[uri][..], &parts].concat()).0;
        assert_eq!(both, [row("mongo_url", "MONGODB_URI", uri.1), by_parts[1].clone()], "the address counts");
        let other = understood(API, &[("MONGO_URI", "mongodb+srv://x.example")]).0;
        assert_eq!(other, [row("mongo_url", "MONGO_URI", "mongodb+srv://x.example")]);
        let (rows, told) = understood(API, &[("DATABASE_URL", "postgres://db/chat")]);
        assert!(rows.is_empty() && told[0].starts_with("DATABASE_URL is passed over"), "{told:?}");
    }

    #[test]
    fn redis_secrets_and_lives_have_other_names() {
        let variables = [
            ("REDIS_HOST", "fd00::7"),
            ("REDIS_PASSWORD", "#1"),
            ("SECRET_KEY", "0123456789abcdef0123456789abcdef"),
            ("JWT_SECRET", "another"),
            ("JWT_ALGO", "HS256"),
            ("ACCESS_TOKEN_EXPIRATION_MINUTES", "5"),
        ];
        let (rows, told) = understood(API, &variables);
        assert_eq!(rows[0], row("redis_url", "REDIS_HOST, REDIS_PASSWORD", "redis://:%231@[fd00::7]:6379/"));
        assert_eq!(rows[1], row("internal_secret", "SECRET_KEY", variables[2].1));
        assert_eq!(rows[2], row("access_token_minutes", "ACCESS_TOKEN_EXPIRATION_MINUTES", "5"));
        assert!(told[0].starts_with("JWT_SECRET") && told[1].starts_with("JWT_ALGO"), "{told:?}");
        let (rows, told) = understood(&API[4..], &variables);
        assert_eq!((rows.len(), told.len()), (1, 3), "one process needs neither: {told:?}");
    }

    #[test]
    fn links_of_services_are_not_taken_for_ports() {
        let link = [("REDIS_HOST", "redis"), ("REDIS_PORT", "tcp://10.0.0.1:6379")];
        let (rows, told) = understood(API, &link);
        assert!(rows.is_empty() && told[0].contains("REDIS_HOST, REDIS_PORT"), "{told:?}");
        assert!(understood(API, &[("REDIS_PORT", "tcp://10.0.0.1:6379")]).0.is_empty());
    }
}
