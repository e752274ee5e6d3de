//! The command `search` of every program that has a store.

use clap::{ArgMatches, Command};
use rookery_protocol::clock::UnixMillis;
use rookery_store::search::Building;
use rookery_store::search::terms::TERMS_VERSION;
use rookery_store::{StoreError, Stores};
use uuid::Uuid;

/// `search rebuild`
pub fn command() -> Command {
    let rebuild = "Have the index of messages built again from the histories; a server that runs does it, and may be searched meanwhile";
    Command::new("search")
        .about("The index of messages")
        .subcommand_required(true)
        .subcommand(Command::new("rebuild").about(rebuild))
}

/// What the command asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// All of it again.
    Rebuild,
}

impl Order {
    /// What the arguments of the command ask for.
    pub fn read(matches: &ArgMatches) -> Option<Self> {
        (matches.subcommand_name() == Some("rebuild")).then_some(Self::Rebuild)
    }

    /// Does it, and says what was done.
    pub async fn execute(self, stores: &Stores) -> Result<String, StoreError> {
        let Self::Rebuild = self;
        stores.backend.migrate().await?;
        let building = begin(stores, UnixMillis::now()).await?;
        let about = building.total;
        Ok(format!(
            "the index is built again by the server, of about {about} events; `GET /api/v1/admin/search` says how far\n"
        ))
    }
}

/// Begins at the beginning.
pub(super) async fn begin(stores: &Stores, now: UnixMillis) -> Result<Building, StoreError> {
    let total = stores.search.event_count().await?;
    let (id, version) = (Uuid::new_v4(), TERMS_VERSION);
    let building = Building { id, version, next: None, done: 0, total, begun_at: now, finished_at: None };
    stores.search.begin(&building).await?;
    Ok(building)
}
