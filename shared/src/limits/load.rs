//! Bounds of what is made for load tests.

use std::time::Duration;

// --- load tests ------------------------------------------------------------------------------

/// Accounts that one `seed` makes.
pub const SEED_USERS_MAX: usize = 100_000;
/// Rooms that one `seed` makes.
pub const SEED_ROOMS_MAX: usize = 100_000;
/// Rooms of one such account.
pub const SEED_ROOMS_PER_USER_MAX: usize = 200;
/// Gateways over which the accounts of one `seed` are spread.
pub const SEED_GATEWAYS_MAX: usize = 64;
/// Longest life of a token that `seed` prints.
pub const SEED_TOKEN_LIFE_MAX: Duration = Duration::from_hours(24);
/// Documents of one insert of `seed`.
pub const SEED_INSERT_MAX: usize = 1_000;
/// Life of one insert of `seed`, which nobody at a screen waits for.
pub const SEED_INSERT_LIFE: Duration = Duration::from_mins(1);
