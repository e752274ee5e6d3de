//! Configuration: defaults, then the names of other back ends, then a TOML file, then the environment, then flags; the later wins.
//!
//! Each process declares its settings in one table, from which come the flags, the environment names, the
//! documentation and the check for unknown keys. Everything is read before anything is judged, so all errors are
//! told at once, each with the setting's name and value as its author wrote them. Secrets are never printed.

use clap::{Arg, Command};
use secrecy::{ExposeSecret, SecretString};

mod alias;
mod environment;
mod error;
mod folder;
mod listen;
mod near;
mod reader;
mod source;
mod value;

pub use error::{ConfigErrors, Unusable};
pub use folder::Folder;
pub use listen::ListenAddress;
pub use reader::{Effective, Reader};
pub use value::{BadSwitch, SettingValue, Switch};

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

/// Adds `--config` and a flag for every setting that is not secret, before and after every subcommand: give a process's
/// command to it once, at its root.
pub fn arguments(command: Command, settings: &'static [Setting]) -> Command {
    let file = Arg::new(FILE_FLAG)
        .long(FILE_FLAG)
        .value_name("FILE")
        .env("ROOKERY_CONFIG")
        .global(true)
        .help("TOML file with settings");
    settings
        .iter()
        .filter(|setting| !setting.secret)
        .fold(command.arg(file), |command, setting| command.arg(flag(setting)))
}

fn flag(setting: &'static Setting) -> Arg {
    let help = match setting.default {
        Some(default) => format!("{} [default: {default}]", setting.help),
        None => setting.help.to_owned(),
    };
    Arg::new(setting.key)
        .long(source::flag_name(setting.key))
        .value_name("VALUE")
        .global(true)
        // A wrong number is reported like every other wrong value.
        .allow_negative_numbers(true)
        .help(help)
}

/// How many settings the sections have together.
pub const fn count(sections: &[&[Setting]]) -> usize {
    let (mut total, mut section) = (0, 0);
    while section < sections.len() {
        total += sections[section].len();
        section += 1;
    }
    total
}

/// The settings of all sections, in their order; `N` is their [`count`], which the compiler checks.
pub const fn joined<const N: usize>(sections: &[&[Setting]]) -> [Setting; N] {
    assert!(count(sections) == N, "there are as many settings as the sections have");
    let mut all = [sections[0][0]; N];
    let (mut place, mut section) = (0, 0);
    while section < sections.len() {
        let mut setting = 0;
        while setting < sections[section].len() {
            all[place] = sections[section][setting];
            place += 1;
            setting += 1;
        }
        section += 1;
    }
    all
}

/// What the documents say of the settings of one program.
pub fn section(program: &str, settings: &[Setting]) -> String {
    format!("\n## `{program}`\n\n{}", markdown(settings))
}

fn markdown(settings: &[Setting]) -> String {
    let head = "| key | environment | default | what |\n|---|---|---|---|\n".to_owned();
    settings.iter().fold(head, |table, setting| {
        let default = setting.default.map(|d| format!("`{d}`")).unwrap_or_default();
        let secret = if setting.secret { " Secret: not a flag, never printed." } else { "" };
        let (key, env, help) = (setting.key, source::env_name(setting.key), setting.help);
        format!("{table}| `{key}` | `{env}` | {default} | {help}{secret} |\n")
    })
}

/// Whether a secret is long enough to be one.
fn is_strong(secret: &SecretString) -> bool {
    secret.expose_secret().len() >= 16
}

/// The secret that gateways and apis share; a short one is refused.
pub fn internal_secret(reader: &mut Reader) -> Option<SecretString> {
    let secret = reader.secret("internal_secret", true)?;
    if !is_strong(&secret) {
        reader.reject("internal_secret", "must have at least 16 characters");
    }
    Some(secret)
}
