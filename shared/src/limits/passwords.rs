//! Bounds of those who wait for a password.

use std::time::Duration;

// --- passwords -------------------------------------------------------------------------------

/// Passwords from one address that wait for a processor.
pub const PASSWORDS_PER_ADDRESS_MAX: usize = 8;
/// Passwords of one process that wait for a processor.
pub const PASSWORDS_WAITING_MAX: usize = 1_000;
/// What a password costs the address that it comes from, unless it was the right one: whoever owes more has its turn later.
pub const PASSWORD_COST: Duration = Duration::from_secs(10);
/// The most that an address can owe for passwords.
pub const PASSWORD_DEBT_MAX: Duration = Duration::from_mins(10);
/// Addresses of which a process remembers what they owe for passwords.
pub const PASSWORD_ADDRESSES_MAX: usize = 10_000;
