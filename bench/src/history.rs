//! What the api says was said: read page by page and compared with the ledger.

use std::collections::HashMap;

use serde::Deserialize;

use crate::Failure;
use crate::dialect::Credentials;
use crate::ledger::{Ledger, Totals};

const PAGE: usize = 200;

/// What the comparison found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Messages of the run in history.
    pub(crate) stored: u64,
    /// Acked, but not in history, or there under another id.
    pub(crate) lost: u64,
    /// In history more than once.
    pub(crate) twice: u64,
    /// In history although nobody sent it.
    pub(crate) ghosts: u64,
}

#[derive(Deserialize)]
struct Page {
    events: Vec<Event>,
    prev_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    message: Option<Said>,
}

#[derive(Deserialize)]
struct Said {
    message_id: String,
    client_id: String,
}

/// What is read, and by whom.
pub(crate) struct Readers<'a> {
    /// Base address of an api.
    pub(crate) api: &'a str,
    /// For each room one of its members.
    pub(crate) members: Vec<usize>,
    /// What `seed` printed.
    pub(crate) credentials: &'a Credentials,
}

/// Reads the history of every room as one of its members and compares.
pub(crate) async fn compare(readers: &Readers<'_>, ledger: &Ledger, totals: &Totals) -> Result<Verdict, Failure> {
    let Readers { api, members, credentials } = readers;
    let http = reqwest::Client::new();
    let mut found: HashMap<u64, Vec<String>> = HashMap::new();
    for (room, &reader) in members.iter().enumerate() {
        let token = credentials.tokens.get(reader).ok_or("a room without a member")?;
        for said in read(&http, &format!("{api}/api/v1/rooms/{}/messages", credentials.room(room)), token).await? {
            if let Some(number) = ledger.number(&said.client_id) {
                found.entry(number).or_default().push(said.message_id);
            }
        }
    }
    let is_lost = |(number, id): &(&u64, &String)| found.get(*number).is_none_or(|ids| !ids.contains(id));
    Ok(Verdict {
        stored: found.len() as u64,
        lost: totals.acked.iter().filter(is_lost).count() as u64,
        twice: found.values().filter(|ids| ids.len() > 1).count() as u64,
        ghosts: found.keys().filter(|number| !totals.sent.contains_key(number)).count() as u64,
    })
}

async fn read(http: &reqwest::Client, url: &str, token: &str) -> Result<Vec<Said>, Failure> {
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let before = cursor.as_ref().map(|cursor| format!("&before={cursor}")).unwrap_or_default();
        let request = http.get(format!("{url}?limit={PAGE}{before}")).bearer_auth(token);
        let page: Page = serde_json::from_str(&request.send().await?.error_for_status()?.text().await?)?;
        all.extend(page.events.into_iter().filter_map(|event| event.message));
        match page.prev_cursor {
            Some(next) => cursor = Some(next),
            None => return Ok(all),
        }
    }
}
