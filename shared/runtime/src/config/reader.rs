//! Gathers the sources and reads settings one by one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use clap::ArgMatches;
use clap::parser::ValueSource;
use config::{Config, File, FileFormat, Value};
use secrecy::SecretString;

use super::alias::{self, Understood};
use super::error::ConfigErrors;
use super::near::nearest;
use super::source::{Found, Source, env_name, flag_name};
use super::{FILE_FLAG, Folder, ListenAddress, Setting, SettingValue, environment};

/// Reads settings one by one and remembers what is wrong.
#[derive(Debug)]
pub struct Reader {
    settings: &'static [Setting],
    values: BTreeMap<String, Found>,
    errors: Vec<String>,
    passed_over: Vec<String>,
}

/// The configuration in force, for printing.
#[derive(Debug)]
pub struct Effective {
    rows: Vec<(&'static Setting, Option<Found>)>,
    passed_over: Vec<String>,
}

impl Effective {
    /// What was understood of the names that other back ends use, and what was not: a sentence each, for the log.
    pub fn remarks(&self) -> Vec<String> {
        let alias = |(setting, found): &(&'static Setting, Option<Found>)| match &found.as_ref()?.source {
            Source::Alias(names) => Some(format!("{names} counts as {}", setting.key)),
            Source::Default | Source::File(_) | Source::Environment(_) | Source::Flag => None,
        };
        self.rows.iter().filter_map(alias).chain(self.passed_over.iter().cloned()).collect()
    }

    /// Writes them to the log.
    pub fn log_remarks(&self) {
        for remark in self.remarks() {
            tracing::info!(remark, "setting of another name");
        }
    }
}

impl Reader {
    /// Gathers all sources.
    pub fn open(settings: &'static [Setting], matches: &ArgMatches) -> Self {
        Self::gather(settings, matches, std::env::vars_os())
    }

    pub(super) fn gather(
        settings: &'static [Setting],
        matches: &ArgMatches,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Self {
        let mut reader = Self { settings, values: BTreeMap::new(), errors: Vec::new(), passed_over: Vec::new() };
        for setting in settings {
            if let Some(default) = setting.default {
                reader.put(setting.key, default.to_owned(), Source::Default);
            }
        }
        let variables: Vec<(OsString, OsString)> = environment.collect();
        let aliases = alias::read(settings, variables.iter().cloned());
        for Understood { key, names, text } in aliases.understood {
            reader.put(key, text, Source::Alias(names));
        }
        reader.passed_over = aliases.passed_over;
        reader.read_file(matches);
        reader.read_environment(variables.into_iter());
        reader.read_flags(matches);
        reader
    }

    /// A setting that must have a value. None if it has none or a bad one; the error is remembered.
    pub fn required<T: SettingValue>(&mut self, key: &'static str) -> Option<T> {
        self.found(key, true)?;
        self.optional(key)
    }

    /// A setting that may have no value.
    pub fn optional<T: SettingValue>(&mut self, key: &'static str) -> Option<T> {
        let text = self.found(key, false)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.reject(key, &error.to_string());
                None
            }
        }
    }

    /// A number in this range.
    pub fn number<N>(&mut self, key: &'static str, allowed: RangeInclusive<N>) -> Option<N>
    where
        N: FromStr + PartialOrd + fmt::Display,
    {
        let number = self.found(key, true)?.parse().ok().filter(|number| allowed.contains(number));
        if number.is_none() {
            let (least, most) = allowed.into_inner();
            self.reject(key, &format!("must be a whole number from {least} to {most}"));
        }
        number
    }

    /// Text that says something.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        self.found(key, true)?;
        self.optional_text(key)
    }

    /// Text that says something, or none at all.
    pub fn optional_text(&mut self, key: &'static str) -> Option<String> {
        let text = self.found(key, false)?;
        if text.trim().is_empty() {
            self.reject(key, "must not be empty");
            return None;
        }
        Some(text)
    }

    /// A folder.
    pub fn folder(&mut self, key: &'static str) -> Option<Folder> {
        let path = self.text(key)?;
        Some(Folder::new(&path, self.describe(key)))
    }

    /// An address to listen on.
    pub fn listen(&mut self, key: &'static str) -> Option<ListenAddress> {
        self.found(key, true)?;
        self.optional_listen(key)
    }

    /// The address of the internal listener, which follows the public one where it is not given.
    pub fn internal_listen(&mut self, key: &'static str, public: Option<&ListenAddress>) -> Option<ListenAddress> {
        if self.values.contains_key(key) {
            return self.optional_listen(key);
        }
        let follower = public?.follower(key);
        self.put(key, follower.to_string(), Source::Default);
        Some(follower)
    }

    /// Where the internal listener is, of a program whose other settings do not matter: `listen` and `internal_listen`.
    ///
    /// # Errors
    /// All that is wrong with it, at once.
    pub fn into_internal_listen(mut self) -> Result<ListenAddress, ConfigErrors> {
        let listen = self.listen("listen");
        let internal = self.internal_listen("internal_listen", listen.as_ref());
        self.finish()?;
        internal.ok_or_else(ConfigErrors::unexplained)
    }

    /// A secret.
    pub fn secret(&mut self, key: &'static str, required: bool) -> Option<SecretString> {
        self.found(key, required).map(SecretString::from)
    }

    /// Remembers an error that concerns a value's meaning.
    pub fn reject(&mut self, key: &'static str, why: &str) {
        let error = format!("{}: {why}", self.describe(key));
        // Several may read the same setting.
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// All errors at once, or what is in force.
    pub fn finish(mut self) -> Result<Effective, ConfigErrors> {
        if !self.errors.is_empty() {
            return Err(ConfigErrors(self.errors));
        }
        let rows = self.settings.iter().map(|setting| (setting, self.values.remove(setting.key))).collect();
        Ok(Effective { rows, passed_over: self.passed_over })
    }

    fn optional_listen(&mut self, key: &'static str) -> Option<ListenAddress> {
        match self.found(key, false)?.parse::<ListenAddress>() {
            Ok(address) => Some(address.given_as(self.describe(key))),
            Err(error) => {
                self.reject(key, &error.to_string());
                None
            }
        }
    }

    fn found(&mut self, key: &'static str, required: bool) -> Option<String> {
        let text = self.values.get(key).map(|found| found.text.clone());
        if text.is_none() && required {
            let flag = if self.is_secret(key) {
                String::new()
            } else {
                format!(", flag --{}", flag_name(key))
            };
            self.errors
                .push(format!("{key} is required (environment {}{flag}, or the file)", env_name(key)));
        }
        text
    }

    /// The setting and its value as their author wrote them.
    fn describe(&self, key: &str) -> String {
        self.values
            .get(key)
            .map_or_else(|| key.to_owned(), |found| found.describe(key, self.is_secret(key)))
    }

    fn is_secret(&self, key: &str) -> bool {
        self.settings.iter().any(|setting| setting.key == key && setting.secret)
    }

    fn put(&mut self, key: &str, text: String, source: Source) {
        self.values.insert(key.to_owned(), Found { text, source });
    }

    fn read_file(&mut self, matches: &ArgMatches) {
        let Some(path) = matches.get_one::<String>(FILE_FLAG) else { return };
        let file = Config::builder().add_source(File::new(path, FileFormat::Toml)).build();
        match file.and_then(Config::try_deserialize::<BTreeMap<String, Value>>) {
            Ok(values) => values.into_iter().for_each(|(key, value)| {
                let text = value.into_string().map_err(|_| "must be a single value");
                self.take(&key, text, Source::File(path.clone()));
            }),
            Err(error) => {
                let by_flag = matches.value_source(FILE_FLAG) == Some(ValueSource::CommandLine);
                let name = if by_flag { "--config" } else { "ROOKERY_CONFIG" };
                self.errors.push(format!("{name}={path:?}: {error}"));
            }
        }
    }

    fn read_environment(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) {
        for variable in environment::ours(variables) {
            let text = variable.value.ok_or("must be UTF-8 text");
            self.take(&variable.key, text, Source::Environment(variable.name));
        }
    }

    fn read_flags(&mut self, matches: &ArgMatches) {
        for setting in self.settings.iter().filter(|setting| !setting.secret) {
            if let Some(text) = matches.get_one::<String>(setting.key) {
                self.put(setting.key, text.clone(), Source::Flag);
            }
        }
    }

    fn take(&mut self, key: &str, text: Result<String, &'static str>, source: Source) {
        if !self.settings.iter().any(|setting| setting.key == key) {
            let near = nearest(&key.to_lowercase(), self.settings.iter().map(|setting| setting.key));
            let near = near.map(|near| format!("; did you mean {}?", source.spelled(near)));
            self.errors
                .push(format!("{} is not a setting{}", source.describe(key, ""), near.unwrap_or_default()));
            return;
        }
        match text {
            Ok(text) => self.put(key, text, source),
            Err(why) => self.errors.push(format!("{} {why}", source.describe(key, ""))),
        }
    }
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (setting, found) in &self.rows {
            match found {
                Some(found) if setting.secret => {
                    writeln!(f, "{} = (hidden)  # {}", setting.key, found.source.as_str())?;
                }
                Some(found) => writeln!(f, "{} = {:?}  # {}", setting.key, found.text, found.source.as_str())?,
                None => writeln!(f, "# {} has no value", setting.key)?,
            }
        }
        for remark in self.remarks() {
            writeln!(f, "# {remark}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use clap::Command;

    use super::super::arguments;
    use super::*;

    const SETTINGS: &[Setting] = &[
        Setting { key: "port_x", default: Some("80"), secret: false, help: "A port." },
        Setting { key: "name_x", default: None, secret: false, help: "A name." },
        Setting { key: "pass_x", default: None, secret: true, help: "A secret." },
        Setting { key: "listen_x", default: Some("127.0.0.1:8080"), secret: false, help: "An address." },
        Setting { key: "inner_x", default: None, secret: false, help: "Another." },
    ];

    fn reader(file: &str, flags: &[&str]) -> Reader {
        reader_in(file, &[], flags)
    }

    fn reader_in(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Reader {
        let environment = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.toml");
        std::fs::write(&path, file).unwrap();
        let config = format!("--config={}", path.display());
        let args = ["x", &config].into_iter().chain(flags.iter().copied());
        Reader::gather(SETTINGS, &command().get_matches_from(args), environment)
    }

    fn command() -> Command {
        arguments(Command::new("x"), SETTINGS).subcommand(Command::new("show"))
    }

    fn port(reader: &mut Reader) -> Option<u16> {
        reader.number("port_x", 1..=u16::MAX)
    }

    fn errors(reader: Reader) -> String {
        reader.finish().unwrap_err().to_string()
    }

    #[test]
    fn later_sources_win() {
        assert_eq!(port(&mut reader("", &[])), Some(80));
        assert_eq!(port(&mut reader("port_x = 81", &[])), Some(81));
        let environment = [("ROOKERY_PORT_X", "82"), ("OTHER_PORT_X", "7")];
        assert_eq!(port(&mut reader_in("port_x = 81", &environment, &[])), Some(82));
        assert_eq!(port(&mut reader_in("port_x = 81", &environment, &["--port-x=83"])), Some(83));
    }

    #[test]
    fn flags_may_stand_before_and_after_a_subcommand() {
        assert_eq!(port(&mut reader("", &["--port-x", "83", "show"])), Some(83));
        assert_eq!(port(&mut reader("", &["show", "--port-x", "83"])), Some(83));
    }

    #[test]
    fn unknown_names_are_told_as_they_were_written_with_the_nearest_one() {
        let reader = reader_in("Nam_x = 1\nport_y = 1", &[("ROOKERY_COLOUR", "red"), ("ROOKERY_PASX", "hunter2")], &[]);
        let text = errors(reader);
        for line in ["ROOKERY_COLOUR is not a setting\n", "ROOKERY_PASX is not a setting; did you mean ROOKERY_PASS_X?"]
        {
            assert!(text.contains(line), "{line} in {text}");
        }
        let in_file = |line: &str| text.lines().any(|told| told.contains(line) && told.contains("x.toml"));
        assert!(in_file("Nam_x in ") && text.contains("did you mean name_x?"), "{text}");
        assert!(in_file("port_y in ") && text.contains("did you mean port_x?"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn links_of_services_are_passed_over() {
        let environment = [("ROOKERY_PORT", "tcp://10.0.0.1:8080"), ("ROOKERY_SERVICE_HOST", "10.0.0.1")];
        assert!(reader_in("", &environment, &[]).finish().is_ok());
        let text = errors(reader_in("", &[("ROOKERY_PORT", "8080")], &[]));
        assert!(text.contains("ROOKERY_PORT is not a setting"), "{text}");
    }

    #[test]
    fn all_errors_are_told_at_once_each_as_its_source_wrote_it() {
        let mut reader =
            reader_in("colour = 'red'\ninner_x = '::1'", &[("ROOKERY_LISTEN_X", "here")], &["--port-x", "-1"]);
        let bytes = OsString::from_vec(vec![0xff]);
        reader.read_environment([(OsString::from("ROOKERY_PASS_X"), bytes)].into_iter());
        port(&mut reader);
        reader.text("name_x");
        let listen = reader.listen("listen_x");
        reader.internal_listen("inner_x", listen.as_ref());
        reader.secret("pass_x", false);
        let text = errors(reader);
        for part in [
            "has 6 error(s)",
            "colour in ",
            "--port-x=\"-1\": must be a whole number from 1 to 65535",
            "name_x is required (environment ROOKERY_NAME_X, flag --name-x, or the file)",
            "ROOKERY_LISTEN_X=\"here\": must be a host and a port, as 127.0.0.1:8080",
            "inner_x=\"::1\" in ",
            "ROOKERY_PASS_X must be UTF-8 text",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_with_whoever_named_it() {
        let matches = command().get_matches_from(["x", "--config=/nowhere/x.toml"]);
        let text = errors(Reader::gather(SETTINGS, &matches, std::iter::empty()));
        assert!(text.contains("--config=\"/nowhere/x.toml\": "), "{text}");
        let text = errors(reader("port_x = ", &[]));
        assert!(text.contains("x.toml") && text.contains("line 1"), "{text}");
        let text = errors(reader("[port_x]\ny = 1", &[]));
        assert!(text.contains("port_x in ") && text.contains("must be a single value"), "{text}");
    }

    #[test]
    fn empty_text_says_nothing() {
        let mut reader = reader_in("", &[("ROOKERY_NAME_X", " ")], &[]);
        assert_eq!(reader.text("name_x"), None);
        let text = errors(reader);
        assert!(text.contains("ROOKERY_NAME_X=\" \": must not be empty"), "{text}");
    }

    #[test]
    fn the_internal_address_follows_unless_it_is_given() {
        let mut following = reader("", &["--listen-x=0.0.0.0:9000"]);
        let public = following.listen("listen_x");
        let internal = following.internal_listen("inner_x", public.as_ref()).map(|address| address.to_string());
        assert_eq!(internal.as_deref(), Some("127.0.0.1:10000"));
        let mut chosen = reader("inner_x = 'localhost:7'", &[]);
        let internal = chosen.internal_listen("inner_x", None).map(|address| address.to_string());
        assert_eq!(internal.as_deref(), Some("localhost:7"));
    }

    #[test]
    fn secrets_are_not_printed_and_not_flags() {
        let mut wrong = reader("pass_x = 'hunter2'\nname_x = 'n'", &[]);
        wrong.reject("pass_x", "must be longer");
        let text = errors(wrong);
        assert!(text.contains("pass_x=(hidden) in ") && !text.contains("hunter2"), "{text}");
        let text = reader("pass_x = 'hunter2'\nname_x = 'n'", &[]).finish().unwrap().to_string();
        assert!(text.contains("pass_x = (hidden)") && !text.contains("hunter2"), "{text}");
        assert!(command().try_get_matches_from(["x", "--pass-x=1"]).is_err());
    }
}
