//! Reads history over REST, newest page first, as a client does.

use serde::Deserialize;

use super::frame::Frame;
use super::ledger::Kept;
use crate::rest::Rest;

/// Events per page.
const PAGE: usize = 200;
/// Pages that are read at most.
const PAGES_MAX: usize = 2_000;

#[derive(Deserialize)]
struct Page {
    events: Vec<Frame>,
    prev_cursor: Option<String>,
}

/// Whose eyes read which room.
#[derive(Clone)]
pub struct Pager {
    /// Where.
    pub rest: Rest,
    /// Access token.
    pub token: String,
    /// Room.
    pub room: String,
}

impl Pager {
    /// The events from the newest back to number `floor` or the beginning, oldest first.
    pub async fn newest(&self, floor: u64) -> Result<Vec<Kept>, String> {
        let (mut pages, mut cursor) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let page = self.page(&cursor).await?;
            let first = page.events.first().map_or(0, |event| event.seq);
            pages.push(page.events);
            match page.prev_cursor {
                Some(previous) if first > floor => cursor = format!("&before={previous}"),
                Some(_) | None => return Ok(pages.iter().rev().flatten().map(Frame::kept).collect()),
            }
        }
        Err(format!("{} has more than {PAGES_MAX} pages", self.room))
    }

    async fn page(&self, cursor: &str) -> Result<Page, String> {
        let path = format!("/api/v1/rooms/{}/messages?limit={PAGE}&acts=true{cursor}", self.room);
        let answer = self.rest.try_get(&path, Some(&self.token)).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("{} {}", answer.status, answer.text));
        }
        serde_json::from_str(&answer.text).map_err(|error| error.to_string())
    }
}
