//! What a command costs its user: tokens of the limit `user_commands`, one for what every command makes the servers do,
//! and more in proportion to what this one makes them do.
//!
//! The one place that decides it, for sockets and REST. Nothing here has a rest that everything else falls into: a new
//! frame does not compile before it has a price.

use crate::client::{ClientFrame, Rejected};

/// Rooms of a `subscribe` for one token: rights, the room's head, a replay and a read state each.
const SUBSCRIBED_PER_TOKEN: usize = 10;
/// Rooms of a `heads` for one token: rights and the room's head each.
const HEADS_PER_TOKEN: usize = 20;
/// Users of a `watch` or of a question about presence for one token: whether they are known, and how they stand.
const USERS_PER_TOKEN: usize = 20;
/// Rooms whose unread messages are counted for one token.
const UNREAD_PER_TOKEN: usize = 20;
/// Rooms of a list for one token.
const LISTED_PER_TOKEN: usize = 100;
/// A token is verified before anything else is known: the dearest of what a frame of fixed size can ask for.
const AUTH_TOKENS: u32 = 5;
/// A second of a processor, of which there are few.
const PICTURE_TOKENS: u32 = 20;
/// Bytes on the disk, and a picture to draw if it is one.
const UPLOAD_TOKENS: u32 = 10;
/// Links to files for one token: whether they are there, and who reads their rooms.
const LINKS_PER_TOKEN: usize = 20;
/// Up to a tenth of a second of questions to the store, and of texts to compare.
const SEARCH_TOKENS: u32 = 5;

/// Something that a user makes the servers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing that needs a bound of its own: `ping`.
    Free,
    /// What every frame and every request is at least, also one that is refused.
    Plain,
    /// A token to verify.
    Auth,
    /// Rooms to make live.
    Subscribe {
        /// Number of rooms.
        rooms: usize,
    },
    /// Rooms to look up.
    Heads {
        /// Number of rooms.
        rooms: usize,
    },
    /// Users and rooms whose presence is watched.
    Presence {
        /// Number of users.
        users: usize,
        /// How many rooms.
        rooms: usize,
    },
    /// Rooms whose unread messages are counted.
    Unread {
        /// Number of rooms.
        rooms: usize,
    },
    /// A picture to draw.
    Picture,
    /// A file to take in.
    Upload,
    /// Files to make links to.
    Links {
        /// How many.
        files: usize,
    },
    /// A page of a search.
    Search,
    /// A list of rooms with their members counted.
    Rooms {
        /// Number of rooms.
        rooms: usize,
    },
}

/// One row of the documents: what is asked for, and what it costs.
pub struct Price {
    /// The frame or request.
    pub what: &'static str,
    /// Its price in words.
    pub tokens: &'static str,
}

/// All prices, in the order of the documents. A test holds them against [`Work::tokens`].
pub const PRICES: [Price; 12] = [
    Price { what: "`ping`", tokens: "0" },
    Price {
        what: "every other frame or request, also one that is refused; a request with an access token",
        tokens: "1",
    },
    Price { what: "`auth` after `hello`", tokens: "5" },
    Price { what: "`subscribe`", tokens: "1 for each 10 rooms begun" },
    Price { what: "`heads`", tokens: "1 for each 20 rooms begun" },
    Price {
        what: "`watch`, `GET /api/v1/users/presence`",
        tokens: "1 for each 20 users or rooms begun",
    },
    Price {
        what: "`GET /api/v1/users/me/rooms`, `GET /api/v1/users/me/unread`",
        tokens: "1 for each 20 rooms begun that are counted",
    },
    Price {
        what: "`GET /api/v1/rooms`, `GET /api/v1/rooms/mine`",
        tokens: "1 for each 100 rooms begun",
    },
    Price { what: "`PUT /api/v1/users/me/avatar`", tokens: "20" },
    Price { what: "`GET /api/v1/search/messages`", tokens: "5" },
    Price { what: "`POST /api/v1/files`", tokens: "10" },
    Price { what: "`POST /api/v1/files/links`", tokens: "1 for each 20 files begun" },
];

impl Work {
    /// What a frame asks for.
    pub const fn of(frame: &Result<ClientFrame, Rejected>) -> Self {
        let Ok(frame) = frame else { return Self::Plain };
        match frame {
            ClientFrame::Ping(_) => Self::Free,
            ClientFrame::Auth(_) => Self::Auth,
            ClientFrame::Subscribe(subscribe) => Self::Subscribe { rooms: subscribe.rooms.len() },
            ClientFrame::Heads(heads) => Self::Heads { rooms: heads.rooms.len() },
            ClientFrame::Watch(watch) => Self::Presence { users: watch.users.len(), rooms: watch.rooms.len() },
            ClientFrame::Unsubscribe(_)
            | ClientFrame::Message(_)
            | ClientFrame::Edit(_)
            | ClientFrame::Delete(_)
            | ClientFrame::React(_)
            | ClientFrame::Presence(_)
            | ClientFrame::Typing(_)
            | ClientFrame::Read(_)
            | ClientFrame::Background(_) => Self::Plain,
        }
    }

    /// Its price. A bucket that holds less is emptied by it.
    pub const fn tokens(self) -> u32 {
        match self {
            Self::Free => 0,
            Self::Plain => 1,
            Self::Auth => AUTH_TOKENS,
            Self::Picture => PICTURE_TOKENS,
            Self::Search => SEARCH_TOKENS,
            Self::Upload => UPLOAD_TOKENS,
            Self::Links { files } => begun(files, LINKS_PER_TOKEN),
            Self::Subscribe { rooms } => begun(rooms, SUBSCRIBED_PER_TOKEN),
            Self::Heads { rooms } => begun(rooms, HEADS_PER_TOKEN),
            Self::Presence { users, rooms } => begun(users.saturating_add(rooms), USERS_PER_TOKEN),
            Self::Unread { rooms } => begun(rooms, UNREAD_PER_TOKEN),
            Self::Rooms { rooms } => begun(rooms, LISTED_PER_TOKEN),
        }
    }
}

/// At least one: that something was asked for costs, too.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the bounds of frames and pages are far below"
)]
const fn begun(things: usize, per_token: usize) -> u32 {
    let tokens = things.div_ceil(per_token);
    if tokens == 0 { 1 } else { tokens as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{MY_ROOMS_PAGE_MAX, ROOMS_PER_FRAME_MAX, WATCHED_ROOMS_MAX, WATCHED_USERS_MAX};

    #[test]
    fn a_price_grows_with_what_is_to_be_done() {
        for (work, tokens) in [
            (Work::Free, 0),
            (Work::Plain, 1),
            (Work::Auth, 5),
            (Work::Subscribe { rooms: 0 }, 1),
            (Work::Subscribe { rooms: 10 }, 1),
            (Work::Subscribe { rooms: 11 }, 2),
            (Work::Subscribe { rooms: ROOMS_PER_FRAME_MAX }, 10),
            (Work::Heads { rooms: ROOMS_PER_FRAME_MAX }, 5),
            (Work::Presence { users: 200, rooms: 0 }, 10),
            (Work::Presence { users: WATCHED_USERS_MAX, rooms: WATCHED_ROOMS_MAX }, 30),
            (Work::Unread { rooms: 400 }, 20),
            (Work::Unread { rooms: MY_ROOMS_PAGE_MAX }, 100),
            (Work::Rooms { rooms: 1_000 }, 10),
            (Work::Picture, 20),
            (Work::Upload, 10),
            (Work::Links { files: 100 }, 5),
        ] {
            assert_eq!(work.tokens(), tokens, "{work:?}");
        }
    }

    #[test]
    fn every_frame_but_ping_costs_something() {
        let price = |text: &str| Work::of(&ClientFrame::decode(text)).tokens();
        assert_eq!(price(r#"{"type":"ping"}"#), 0);
        for (text, tokens) in [
            (r#"{"type":"auth","token":"x"}"#, 5),
            (r#"{"type":"read","room":"general","seq":1}"#, 1),
            (r#"{"type":"typing","room":"general"}"#, 1),
            (r#"{"type":"background","on":true}"#, 1),
            (r#"{"type":"unsubscribe","rooms":["general"]}"#, 1),
            (r#"{"content":"hi","room":"general"}"#, 1),
            (r#"{"type":"nothing"}"#, 1),
            ("nonsense", 1),
        ] {
            assert_eq!(price(text), tokens, "{text}");
        }
    }
}
