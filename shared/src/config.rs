//! Configuration: defaults, then a TOML file, then the environment, then flags; the later wins.
//!
//! Each process declares its settings in one table, from which come the flags, the environment names, the
//! documentation and the check for unknown keys. Everything is read before anything is judged, so all errors are
//! told at once. Secrets are never printed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

use clap::{Arg, ArgMatches, Command};
use config::{Config, Environment, File, FileFormat, Value};
use secrecy::{ExposeSecret, SecretString};

/// Prefix of environment names.
pub const ENV_PREFIX: &str = "ROOKERY";
const FILE_FLAG: &str = "config";

/// One setting. Its flag is `--key-with-dashes`, its environment name `ROOKERY_KEY`.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Name in the file: lower case with underscores.
    pub key: &'static str,
    /// What holds when nobody says anything; none where there is no sensible value.
    pub default: Option<&'static str>,
    /// Whether its value is hidden when settings are printed, and refused as a flag (process lists are public).
    pub secret: bool,
    /// One sentence with unit and bounds.
    pub help: &'static str,
}

/// Adds `--config` and a flag for every setting that is not secret.
pub fn arguments(command: Command, settings: &'static [Setting]) -> Command {
    let file = Arg::new(FILE_FLAG)
        .long(FILE_FLAG)
        .value_name("FILE")
        .env("ROOKERY_CONFIG")
        .help("TOML file with settings");
    settings
        .iter()
        .filter(|setting| !setting.secret)
        .fold(command.arg(file), |command, setting| {
            let help = match setting.default {
                Some(default) => format!("{} [default: {default}]", setting.help),
                None => setting.help.to_owned(),
            };
            command.arg(Arg::new(setting.key).long(setting.key.replace('_', "-")).value_name("VALUE").help(help))
        })
}

/// All that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// For a value that is missing although nothing was wrong with its setting; a defect of the table.
    pub fn unexplained() -> Self {
        Self(vec!["a setting that is needed has neither a default nor a value".to_owned()])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the configuration has {} error(s):", self.0.len())?;
        self.0.iter().try_for_each(|error| writeln!(f, "  {error}"))
    }
}

/// Reads settings one by one and remembers what is wrong.
#[derive(Debug)]
pub struct Reader {
    settings: &'static [Setting],
    values: BTreeMap<String, Found>,
    errors: Vec<String>,
}

#[derive(Debug)]
struct Found {
    text: String,
    source: &'static str,
}

/// The configuration in force, for printing.
#[derive(Debug)]
pub struct Effective(Vec<(&'static Setting, Option<Found>)>);

impl Reader {
    /// Gathers all sources.
    pub fn open(settings: &'static [Setting], matches: &ArgMatches) -> Self {
        Self::gather(settings, matches, std::env::vars_os())
    }

    fn gather(
        settings: &'static [Setting],
        matches: &ArgMatches,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Self {
        let mut reader = Self { settings, values: BTreeMap::new(), errors: Vec::new() };
        for setting in settings {
            if let Some(default) = setting.default {
                reader.put(setting.key, default.to_owned(), "default");
            }
        }
        reader.read_file(matches.get_one::<String>(FILE_FLAG).map(String::as_str));
        reader.read_environment(environment);
        reader.read_flags(matches);
        reader
    }

    /// A setting that must have a value. None if it has none or a bad one; the error is remembered.
    pub fn required<T: FromStr<Err: fmt::Display>>(&mut self, key: &'static str) -> Option<T> {
        if !self.values.contains_key(key) {
            self.missing(key);
        }
        self.optional(key)
    }

    /// A setting that may have no value.
    pub fn optional<T: FromStr<Err: fmt::Display>>(&mut self, key: &'static str) -> Option<T> {
        let found = self.values.get(key)?;
        match found.text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let shown = if self.is_secret(key) { "(hidden)" } else { &found.text };
                self.errors.push(format!("{key} = {shown:?} from {}: {error}", found.source));
                None
            }
        }
    }

    /// A secret.
    pub fn secret(&mut self, key: &'static str, required: bool) -> Option<SecretString> {
        if required && !self.values.contains_key(key) {
            self.missing(key);
        }
        self.values.get(key).map(|found| SecretString::from(found.text.clone()))
    }

    /// Remembers an error that concerns a value's meaning.
    pub fn reject(&mut self, key: &'static str, why: &str) {
        self.errors.push(format!("{key}: {why}"));
    }

    /// All errors at once, or what is in force.
    pub fn finish(mut self) -> Result<Effective, ConfigErrors> {
        if !self.errors.is_empty() {
            return Err(ConfigErrors(self.errors));
        }
        let rows = self.settings.iter().map(|setting| (setting, self.values.remove(setting.key))).collect();
        Ok(Effective(rows))
    }

    fn missing(&mut self, key: &'static str) {
        let flag = if self.is_secret(key) {
            String::new()
        } else {
            format!(", flag --{}", key.replace('_', "-"))
        };
        self.errors
            .push(format!("{key} is required (environment {}{flag}, or the file)", env_name(key)));
    }

    fn is_secret(&self, key: &str) -> bool {
        self.settings.iter().any(|setting| setting.key == key && setting.secret)
    }

    fn put(&mut self, key: &str, text: String, source: &'static str) {
        self.values.insert(key.to_owned(), Found { text, source });
    }

    fn read_file(&mut self, path: Option<&str>) {
        let Some(path) = path else { return };
        let file = Config::builder().add_source(File::new(path, FileFormat::Toml)).build();
        match file.and_then(Config::try_deserialize::<BTreeMap<String, Value>>) {
            Ok(values) => self.take(values, "file"),
            Err(error) => self.errors.push(format!("{path}: {error}")),
        }
    }

    fn read_environment(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) {
        let variables =
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let source = Environment::with_prefix(ENV_PREFIX)
            .prefix_separator("_")
            .source(Some(variables.collect()));
        let values = Config::builder().add_source(source).build();
        match values.and_then(Config::try_deserialize::<BTreeMap<String, Value>>) {
            Ok(mut values) => {
                // These speak to the command line and to the project's scripts, not to a process's settings.
                values.retain(|key, _| key != FILE_FLAG && !key.starts_with("test_") && key != "tools");
                self.take(values, "environment");
            }
            Err(error) => self.errors.push(format!("environment: {error}")),
        }
    }

    fn read_flags(&mut self, matches: &ArgMatches) {
        for setting in self.settings.iter().filter(|setting| !setting.secret) {
            if let Some(text) = matches.get_one::<String>(setting.key) {
                self.put(setting.key, text.clone(), "flag");
            }
        }
    }

    fn take(&mut self, values: BTreeMap<String, Value>, source: &'static str) {
        for (key, value) in values {
            if !self.settings.iter().any(|setting| setting.key == key) {
                self.errors.push(format!("{key} from {source} is not a setting"));
                continue;
            }
            match value.into_string() {
                Ok(text) => self.put(&key, text, source),
                Err(_) => self.errors.push(format!("{key} from {source} must be a single value")),
            }
        }
    }
}

fn env_name(key: &str) -> String {
    format!("{ENV_PREFIX}_{}", key.to_uppercase())
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (setting, found) in &self.0 {
            match found {
                Some(found) if setting.secret => writeln!(f, "{} = (hidden)  # {}", setting.key, found.source)?,
                Some(found) => writeln!(f, "{} = {:?}  # {}", setting.key, found.text, found.source)?,
                None => writeln!(f, "# {} has no value", setting.key)?,
            }
        }
        Ok(())
    }
}

/// Settings as a table for the documents.
pub fn markdown(settings: &[Setting]) -> String {
    let head = "| key | environment | default | what |\n|---|---|---|---|\n".to_owned();
    settings.iter().fold(head, |table, setting| {
        let default = setting.default.map(|d| format!("`{d}`")).unwrap_or_default();
        let secret = if setting.secret { " Secret: not a flag, never printed." } else { "" };
        let (key, env, help) = (setting.key, env_name(setting.key), setting.help);
        format!("{table}| `{key}` | `{env}` | {default} | {help}{secret} |\n")
    })
}

/// Whether a secret is long enough to be one.
pub fn is_strong(secret: &SecretString) -> bool {
    secret.expose_secret().len() >= 16
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &[Setting] = &[
        Setting { key: "port_x", default: Some("80"), secret: false, help: "A port." },
        Setting { key: "name_x", default: None, secret: false, help: "A name." },
        Setting { key: "pass_x", default: None, secret: true, help: "A secret." },
    ];

    fn reader(file: &str, flags: &[&str]) -> Reader {
        reader_in(file, &[], flags)
    }

    fn reader_in(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Reader {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.toml");
        std::fs::write(&path, file).unwrap();
        let config = format!("--config={}", path.display());
        let args = ["x", &config].into_iter().chain(flags.iter().copied());
        let environment = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Reader::gather(SETTINGS, &arguments(Command::new("x"), SETTINGS).get_matches_from(args), environment)
    }

    #[test]
    fn later_sources_win() {
        assert_eq!(reader("", &[]).required::<u16>("port_x"), Some(80));
        assert_eq!(reader("port_x = 81", &[]).required::<u16>("port_x"), Some(81));
        let environment = [("ROOKERY_PORT_X", "82"), ("OTHER_PORT_X", "7")];
        assert_eq!(reader_in("port_x = 81", &environment, &[]).required::<u16>("port_x"), Some(82));
        assert_eq!(reader_in("port_x = 81", &environment, &["--port-x=83"]).required::<u16>("port_x"), Some(83));
    }

    #[test]
    fn unknown_environment_names_are_errors() {
        let errors = reader_in("", &[("ROOKERY_COLOUR", "red")], &[]).finish().unwrap_err().to_string();
        assert!(errors.contains("colour from environment is not a setting"), "{errors}");
    }

    #[test]
    fn all_errors_are_told_at_once() {
        let mut reader = reader("colour = 'red'\npass_x = 'hunter2'", &["--port-x=many"]);
        reader.required::<u16>("port_x");
        reader.required::<String>("name_x");
        reader.optional::<u16>("pass_x");
        let text = reader.finish().unwrap_err().to_string();
        for part in ["4 error", "colour from file is not a setting", "port_x = \"many\"", "ROOKERY_NAME_X", "(hidden)"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("hunter2"));
    }

    #[test]
    fn secrets_are_not_printed_and_not_flags() {
        let reader = reader("pass_x = 'hunter2'\nname_x = 'n'", &[]);
        let text = reader.finish().unwrap().to_string();
        assert!(text.contains("pass_x = (hidden)") && !text.contains("hunter2"), "{text}");
        let command = arguments(Command::new("x"), SETTINGS);
        assert!(command.try_get_matches_from(["x", "--pass-x=1"]).is_err());
    }
}
