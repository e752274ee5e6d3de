//! How much one user or one address may ask for over all nodes together: buckets of tokens (GCRA) that nodes take
//! from in small leases, so that most requests cost no call.
//!
//! # Promise
//! * [`Quota::lease`] is atomic: over all nodes no more than `burst` tokens are given at once, and one more per interval.
//! * An answer gives the least that was asked for if it is there, and otherwise at most half of what is left: several nodes
//!   that share a bucket get a part of it, and when it is nearly empty they get no more than they need.
//! * A refusal takes nothing, and has the time when there will be enough again.
//!
//! Two implementations keep it, under one contract suite: `RedisBus` between
//! processes, [`memory`] inside one. [`crate::limiter`] is who asks.

use async_trait::async_trait;
use rookery_runtime::rate::{Grant, Rate, Want};
use uuid::Uuid;

use crate::error::BusError;
use crate::limits::QUOTA_LEASE_MAX;

pub mod memory;
mod settings;

pub use settings::{Rates, SETTINGS, are_switched_off};

/// What is limited; also a metric label and the end of a setting's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Commands on sockets and REST requests of a user.
    UserCommands,
    /// Sockets that a user opens.
    UserConnects,
    /// Sockets that are opened from an address.
    AddressConnects,
    /// REST requests from an address that say nothing of a user.
    AddressRequests,
    /// Logins that are tried from an address.
    AddressLogins,
    /// Registrations from an address.
    AddressRegistrations,
    /// Logins to one account that are tried from one address.
    AccountLogins,
    /// Refreshes and logouts from an address.
    AddressRefreshes,
    /// Files of the page and documents that an address reads.
    AddressFiles,
    /// Registrations with one e-mail address, wherever they come from.
    AccountRegistrations,
    /// Refreshes of one session, wherever they come from.
    SessionRefreshes,
    /// Mails to one e-mail address, whoever asks for them.
    RecipientMails,
    /// Repeated codes to one e-mail address, whoever asks for them.
    RecipientRepeats,
    /// Second factors of one account that are tried after the right password, wherever they come from.
    AccountCodes,
    /// Direct rooms and groups that a user makes.
    UserDirects,
    /// Passwords of rooms that a user tries.
    UserRoomPasswords,
    /// Passwords that are tried at one room, whoever tries.
    RoomPasswords,
}

/// Whose tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// Of which limit.
    pub limit: Limit,
    /// A user's id, or what stands for an address, see [`rookery_runtime::address`].
    pub subject: u128,
}

/// Buckets of tokens that nodes lease from.
#[async_trait]
pub trait Quota: Send + Sync + 'static {
    /// Takes tokens out of a bucket. One that can never hold enough gives all that it can hold.
    async fn lease(&self, bucket: Bucket, rate: Rate, want: Want) -> Result<Grant, BusError>;

    /// Says that a node is there; how many are.
    async fn nodes(&self, node: Uuid) -> Result<u32, BusError>;
}

impl Limit {
    /// All of them, in the order of the documents.
    pub const ALL: [Self; 17] = [
        Self::UserCommands,
        Self::UserConnects,
        Self::AddressConnects,
        Self::AddressRequests,
        Self::AddressLogins,
        Self::AddressRegistrations,
        Self::AccountLogins,
        Self::AddressRefreshes,
        Self::AddressFiles,
        Self::AccountRegistrations,
        Self::SessionRefreshes,
        Self::RecipientMails,
        Self::RecipientRepeats,
        Self::AccountCodes,
        Self::UserDirects,
        Self::UserRoomPasswords,
        Self::RoomPasswords,
    ];

    /// Name of the limit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserCommands => "user_commands",
            Self::UserConnects => "user_connects",
            Self::AddressConnects => "address_connects",
            Self::AddressRequests => "address_requests",
            Self::AddressLogins => "address_logins",
            Self::AddressRegistrations => "address_registrations",
            Self::AccountLogins => "account_logins",
            Self::AddressRefreshes => "address_refreshes",
            Self::AddressFiles => "address_files",
            Self::AccountRegistrations => "account_registrations",
            Self::SessionRefreshes => "session_refreshes",
            Self::RecipientMails => "recipient_mails",
            Self::RecipientRepeats => "recipient_repeats",
            Self::AccountCodes => "account_codes",
            Self::UserDirects => "user_directs",
            Self::UserRoomPasswords => "user_room_passwords",
            Self::RoomPasswords => "room_passwords",
        }
    }

    /// Tokens that a node asks for at once: what comes often is leased, what is rare is asked for one by one.
    pub const fn chunk(self) -> u32 {
        match self {
            Self::UserCommands | Self::AddressFiles => QUOTA_LEASE_MAX,
            Self::UserConnects
            | Self::AddressConnects
            | Self::AddressRequests
            | Self::AddressLogins
            | Self::AddressRegistrations
            | Self::AccountLogins
            | Self::AddressRefreshes
            | Self::AccountRegistrations
            | Self::SessionRefreshes
            | Self::RecipientMails
            | Self::RecipientRepeats
            | Self::AccountCodes
            | Self::UserDirects
            | Self::UserRoomPasswords
            | Self::RoomPasswords => 1,
        }
    }
}
