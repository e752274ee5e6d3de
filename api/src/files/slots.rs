//! How many uploads are under way: of one user, and of all.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;

use crate::error::ApiError;
use crate::limits::{UPLOADS_MAX, UPLOADS_PER_USER_MAX};

/// Counts uploads. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Slots(Arc<Mutex<HashMap<UserId, usize>>>);

/// An upload that is under way.
pub(super) struct Slot {
    slots: Slots,
    user: UserId,
}

impl Slots {
    /// One more of a user.
    ///
    /// # Errors
    /// 429 `too_many_uploads`.
    pub(super) fn take(&self, user: UserId) -> Result<Slot, ApiError> {
        let mut counts = self.0.lock();
        let all: usize = counts.values().sum();
        let own = counts.get(&user).copied().unwrap_or(0);
        if own >= UPLOADS_PER_USER_MAX || all >= UPLOADS_MAX {
            return Err(ApiError::refused(ErrorCode::TooManyUploads));
        }
        counts.insert(user, own + 1);
        Ok(Slot { slots: self.clone(), user })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.slots.0.lock();
        let left = counts.get(&self.user).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            counts.remove(&self.user);
        } else {
            counts.insert(self.user, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u02_a_user_has_so_many_uploads_at_once_and_gets_them_back() {
        let (slots, user) = (Slots::default(), UserId::generate());
        let mut held: Vec<Slot> = (0..UPLOADS_PER_USER_MAX).map(|_| slots.take(user).ok().unwrap()).collect();
        assert!(slots.take(user).is_err());
        let others: Vec<Slot> = (UPLOADS_PER_USER_MAX..UPLOADS_MAX)
            .map(|_| slots.take(UserId::generate()).ok().unwrap())
            .collect();
        held.pop();
        assert!(slots.take(user).is_ok() && slots.take(UserId::generate()).is_ok());
        held.push(slots.take(user).ok().unwrap());
        assert!(slots.take(UserId::generate()).is_err(), "of all together");
        drop((held, others));
        assert!(slots.0.lock().is_empty());
    }
}
