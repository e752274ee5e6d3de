//! What the program does besides serving: accounts, copies of the data folder, accounts for load tests.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use rookery_api::accounts::command as user_command;
use rookery_api::search::command as search_command;
use rookery_api::seed::{Credentials, Order};
use rookery_runtime::doctor::public::{self, Deployment};
use rookery_runtime::doctor::{Report, files};
use rookery_runtime::token::{KeyFolder, command as key_command};
use rookery_store::Stores;
use rookery_store_sqlite::backup::{self, Copied, DataFolder, Verified};

use crate::config::Options;
use crate::server::{DATABASE, StartError, keys, keys_dir};

/// `backup FILE`
pub(crate) fn backup_command() -> Command {
    let about = "Copy database, signing keys and settings into one new file; the server may run meanwhile";
    Command::new("backup").about(about).arg(file())
}

/// `restore FILE`
pub(crate) fn restore_command() -> Command {
    let replace = Arg::new("replace")
        .long("replace")
        .action(ArgAction::SetTrue)
        .help("Put the backup in the place of the database that is there");
    let about = "Put a backup back; the server must not run";
    Command::new("restore").about(about).arg(file()).arg(replace)
}

/// `verify FILE`
pub(crate) fn verify_command() -> Command {
    let settings = Arg::new("settings")
        .long("settings")
        .action(ArgAction::SetTrue)
        .help("Print the settings that were in force, without secrets, instead");
    let about = "Read all of a backup and compare it with the folder; an error if that lacks any of it";
    Command::new("verify").about(about).arg(file()).arg(settings)
}

fn file() -> Arg {
    Arg::new("file")
        .value_name("FILE")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .help("The backup: one file")
}

/// Copies the data folder.
pub(crate) fn back_up(options: &Options, settings: &str, matches: &ArgMatches) -> Result<String, StartError> {
    with_folder(options, matches, |data, file| {
        let copied = backup::backup(data, file, settings, |done, all| tracing::info!(done, all, "pages copied"))?;
        Ok(format!("{} has everything up to {}{}\n", file.display(), copied.made_at, with_keys(copied)))
    })
}

/// Puts a copy back.
pub(crate) fn restore(options: &Options, matches: &ArgMatches) -> Result<String, StartError> {
    with_folder(options, matches, |data, file| {
        let copied = backup::restore(data, file, matches.get_flag("replace"))?;
        let folder = data.folder.display();
        Ok(format!("{folder} is as it was at {}{}\n", copied.made_at, with_keys(copied)))
    })
}

/// Reads a copy and compares it with the data folder.
pub(crate) fn verify(options: &Options, matches: &ArgMatches) -> Result<String, StartError> {
    with_folder(options, matches, |data, file| {
        let Verified { copied, settings, inventory, compared } = backup::verify(data, file)?;
        if matches.get_flag("settings") {
            return Ok(settings);
        }
        if compared.lacking_count > 0 {
            return Err(StartError::Lacking(compared.lacking_count, compared.lacking.join("\n  ")));
        }
        let same = if compared.is_same {
            "exactly that"
        } else {
            "all of it, and has changed since"
        };
        let summary = inventory.summary();
        Ok(format!("whole: {summary}{}\nthe folder has {same}\n", with_keys(copied)))
    })
}

fn with_keys(copied: Copied) -> String {
    format!(", with {} signing key(s)", copied.keys)
}

fn with_folder(
    options: &Options,
    matches: &ArgMatches,
    act: impl FnOnce(DataFolder<'_>, &Path) -> Result<String, StartError>,
) -> Result<String, StartError> {
    let (database, keys) = (options.data_dir.join(DATABASE), keys_dir(&options.data_dir));
    let data = DataFolder { folder: &options.data_dir, database: &database, keys: &keys };
    let file = matches.get_one::<PathBuf>("file").map_or(Path::new(""), PathBuf::as_path);
    act(data, file)
}

/// Changes accounts; the server of the same folder finds ended sessions by polling.
pub(crate) async fn change_user(
    options: &Options,
    order: user_command::Order,
    show: impl FnMut(&str),
) -> Result<String, StartError> {
    let stores = beside(options).await?;
    Ok(order.execute(&stores, show).await?.text)
}

/// Lists, adds, chooses or removes signing keys; the server of the same folder follows within seconds.
pub(crate) fn change_keys(options: &Options, order: key_command::Order) -> Result<String, StartError> {
    let folder = KeyFolder::new(&keys_dir(&options.data_dir), None);
    Ok(order.execute(&folder, options.tokens.lifetimes.access)?)
}

/// Looks at what the server of this folder stands on, and at the way to it.
pub(crate) async fn examine(options: &Options) -> Report {
    let (mut report, keys) = (Report::default(), KeyFolder::new(&keys_dir(&options.data_dir), None));
    let keys = files::keys(&mut report, &keys);
    files::open_files(&mut report, options.connections_max);
    let deployment = Deployment {
        origins: &options.origins,
        listen: &options.listen,
        proxies: options.limits.proxies(),
        keys,
    };
    public::look(&mut report, &deployment).await;
    report
}

/// Has the index of messages built again; the server of the same folder does it.
pub(crate) async fn search(options: &Options, order: search_command::Order) -> Result<String, StartError> {
    Ok(order.execute(&beside(options).await?).await?)
}

/// Makes what a load test needs; the server of the same folder may run meanwhile.
pub(crate) async fn seed(options: &Options, order: Order) -> Result<Credentials, StartError> {
    let stores = beside(options).await?;
    Ok(order.execute(&stores, &keys(&options.data_dir)?, &options.tokens.issuer).await?)
}

async fn beside(options: &Options) -> Result<Stores, StartError> {
    options.data_dir.prepare()?;
    let file = options.data_dir.join(DATABASE);
    let opened = rookery_store_sqlite::open_beside(&file).await;
    opened.map_err(|source| StartError::Database { file, source })
}
