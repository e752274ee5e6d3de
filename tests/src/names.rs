//! Names that no other test uses, also not one of an earlier run against the same data.

use std::sync::atomic::{AtomicU32, Ordering};

use ring::rand::{SecureRandom as _, SystemRandom};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// `prefix` with a suffix of 11 characters; fits a user name if the prefix has at most 20.
pub fn unique(prefix: &str) -> String {
    let mut random = [0_u8; 3];
    SystemRandom::new().fill(&mut random).expect("the system has random bytes");
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let [a, b, c] = random;
    format!("{prefix}-{a:02x}{b:02x}{c:02x}{number:04}")
}
