//! The numbers of epochs.
//!
//! `(epoch, seq)` must not name two events, also not after the store has gone back in time: a restored copy, a folder that
//! was put back, a wiped volume. Nothing that goes back with the store can tell that it did, so a number does not only
//! follow the one before: it comes from the clock, and by chance where the clock does not help.

use rookery_protocol::clock::UnixMillis;

/// Bits below the seconds of the clock. Together they stay below 2^53, as far as scripts and browsers count exactly.
const RANDOM_BITS: u32 = 20;

/// The epoch after `last`: larger, and another one in each timeline that goes on from there. Two that begin in different
/// seconds never share a number; with a clock that stands still, one pair in a million does.
pub fn epoch_after(last: u64, now: UnixMillis, random: u32) -> u64 {
    let seconds = u64::try_from(now.seconds()).unwrap_or(0);
    let step = u64::from(random) % (1 << RANDOM_BITS) + 1;
    last.max(seconds << RANDOM_BITS) + step
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_827_745_342);

    #[test]
    fn epochs_grow_whatever_the_clock_says() {
        let first = epoch_after(7, NOW, u32::MAX);
        assert!(first > epoch_after(7, NOW, 0));
        for now in [NOW, UnixMillis(0), UnixMillis(-1)] {
            assert!(epoch_after(first, now, 0) > first, "{now}");
        }
    }

    #[test]
    fn timelines_that_part_do_not_share_an_epoch() {
        let later = UnixMillis(NOW.0 + 1_000);
        let of = |now, random| epoch_after(3, now, random);
        assert!(of(NOW, u32::MAX) < of(later, 0), "other seconds");
        assert_ne!(of(NOW, 1), of(NOW, 2), "the same second");
        assert_ne!(of(UnixMillis(0), 1), of(UnixMillis(0), 2), "no clock");
    }

    #[test]
    fn epochs_are_exact_in_scripts_and_browsers() {
        let in_2100 = UnixMillis(4_102_444_800_000);
        assert!(epoch_after(0, in_2100, u32::MAX) < 1 << 53);
    }
}
