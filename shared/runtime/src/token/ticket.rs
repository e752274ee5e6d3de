//! Tickets: JWTs that open one socket each, for clients that can put nothing but an address into an upgrade. Addresses are
//! kept by proxies and histories, so what stands in one must be worth nothing by then.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{SessionId, TicketId, UserId};
use rookery_protocol::limits::TICKET_LIFE;
use serde::{Deserialize, Serialize};

use super::{AUDIENCE, Claims};

/// `typ` of the header: a ticket is no access token, nor the other way round.
pub const TICKET_TYPE: &str = "ticket+jwt";

/// What a ticket says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: UserId,
    pub(super) sid: SessionId,
    pub(super) name: String,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) jti: TicketId,
    /// When the access token ends that it was made for; the socket ends then.
    pub(super) until: i64,
}

impl Ticket {
    /// For the holder of an access token with these claims. It lives for [`TICKET_LIFE`], and no longer than the token.
    pub fn new(token: Claims, id: TicketId, now: UnixMillis) -> Self {
        let Claims { iss, sub, sid, name, exp: until, .. } = token;
        let exp = now.plus(TICKET_LIFE).seconds().min(until);
        Self { iss, aud: AUDIENCE.to_owned(), sub, sid, name, iat: now.seconds(), exp, jti: id, until }
    }

    /// The seconds for which it is good.
    pub fn life_seconds(&self) -> u64 {
        u64::try_from(self.exp - self.iat).unwrap_or(0)
    }
}
