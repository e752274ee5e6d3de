//! Refresh tokens: opaque, rotating, one family per login.
//!
//! A token is `base64url(lookup ‖ secret)`. Each token derives its one successor from the session's key, so two tabs
//! that refresh with the same token at the same time get the same successor. One that was replaced a moment ago leads to
//! the valid one, over so many steps as there were in that moment. A token that was replaced before is a stolen one or a
//! thief's: the family ends. Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::hmac;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::limits::{REFRESH_GRACE, REFRESHES_AT_ONCE_MAX};
use rookery_store::session::{Session, TokenHash};
use subtle::ConstantTimeEq;

const LOOKUP_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// A refresh token in the clear. Never printed, never stored.
pub struct RefreshToken {
    lookup: [u8; LOOKUP_BYTES],
    secret: [u8; SECRET_BYTES],
}

/// What a presented token means for its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the valid one: replace it.
    Rotate,
    /// It was replaced a moment ago: answer with the valid one, which comes so many steps after it.
    Repeat(usize),
    /// It is the valid one, but there were too many in this moment: the next may be made in so many milliseconds.
    Wait(u64),
    /// It was replaced long ago, or never issued: revoke the family.
    Reuse,
    /// The session is over.
    Ended,
}

impl RefreshToken {
    /// A token of these parts.
    pub const fn new(lookup: [u8; LOOKUP_BYTES], secret: [u8; SECRET_BYTES]) -> Self {
        Self { lookup, secret }
    }

    /// Reads a token; none if the text cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; LOOKUP_BYTES + SECRET_BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (lookup, secret) = bytes.split_at(LOOKUP_BYTES);
        Some(Self { lookup: lookup.try_into().ok()?, secret: secret.try_into().ok()? })
    }

    /// The text for the client.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.lookup.as_slice(), self.secret.as_slice()].concat())
    }

    /// Finds the session.
    pub const fn lookup(&self) -> &[u8; LOOKUP_BYTES] {
        &self.lookup
    }

    /// What the store keeps.
    pub fn hash(&self) -> TokenHash {
        let mut hash = [0_u8; 32];
        hash.copy_from_slice(digest(&SHA256, self.expose().as_bytes()).as_ref());
        hash
    }

    /// The one token that follows this one in a session.
    #[must_use]
    pub fn child(&self, chain_key: &[u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, chain_key);
        let mut secret = [0_u8; SECRET_BYTES];
        secret.copy_from_slice(hmac::sign(&key, self.expose().as_bytes()).as_ref());
        Self { lookup: self.lookup, secret }
    }

    /// The token that comes so many steps after this one.
    #[must_use]
    pub fn after(self, steps: usize, chain_key: &[u8; 32]) -> Self {
        (0..steps).fold(self, |token, _| token.child(chain_key))
    }

    /// Judges this token against its session.
    pub fn judge(&self, session: &Session, now: UnixMillis) -> Verdict {
        if session.revoked_at.is_some() || session.ends_at() <= now {
            return Verdict::Ended;
        }
        let lately = session.replaced_lately(now);
        if is_equal(&self.hash(), &session.current) {
            return match lately.first() {
                Some(oldest) if lately.len() >= REFRESHES_AT_ONCE_MAX => Verdict::Wait(rest_ms(*oldest, now)),
                Some(_) | None => Verdict::Rotate,
            };
        }
        // The valid token is one step after the one that was replaced last, and so on.
        let mut token = self.child(&session.chain_key);
        for steps in 1..=lately.len() {
            if is_equal(&token.hash(), &session.current) {
                return Verdict::Repeat(steps);
            }
            token = token.child(&session.chain_key);
        }
        Verdict::Reuse
    }
}

fn rest_ms(oldest: UnixMillis, now: UnixMillis) -> u64 {
    let rest = oldest.plus(REFRESH_GRACE).since(now);
    u64::try_from(rest.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

fn is_equal(a: &TokenHash, b: &TokenHash) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rookery_protocol::id::{SessionId, UserId};
    use rookery_store::session::Lifetimes;
    use std::time::Duration;

    const START: UnixMillis = UnixMillis(1_000_000);

    fn session(current: &RefreshToken, parent: Option<&RefreshToken>) -> Session {
        Session {
            id: SessionId::generate(),
            lookup: *current.lookup(),
            user_id: UserId::generate(),
            chain_key: [7; 32],
            current: current.hash(),
            parent: parent.map(RefreshToken::hash),
            rotated_at: START,
            replaced: Vec::new(),
            created_at: START,
            expires_at: START.plus(Duration::from_hours(1)),
            revoked_at: None,
            device: None,
        }
    }

    #[test]
    fn text_round_trips_and_is_strict() {
        let token = RefreshToken::new([1; 16], [2; 32]);
        let text = token.expose();
        assert_eq!(text.len(), 64);
        assert_eq!(RefreshToken::parse(&text).map(|t| t.hash()), Some(token.hash()));
        for bad in ["", "x", &text[1..], &format!("{text}A"), &format!("{text}="), &"*".repeat(64)] {
            assert!(RefreshToken::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_parent_repeats_for_a_moment_and_then_ends_the_family() {
        let parent = RefreshToken::new([1; 16], [2; 32]);
        let child = parent.child(&[7; 32]);
        let session = session(&child, Some(&parent));
        assert_eq!(child.judge(&session, START), Verdict::Rotate);
        assert_eq!(parent.judge(&session, START.plus(REFRESH_GRACE)), Verdict::Repeat(1));
        assert_eq!(parent.judge(&session, START.plus(REFRESH_GRACE + Duration::from_millis(1))), Verdict::Reuse);
        assert_eq!(parent.child(&[7; 32]).hash(), session.current, "the repeat gets the same child");
    }

    #[test]
    fn each_token_that_was_replaced_a_moment_ago_leads_to_the_valid_one() {
        let first = || RefreshToken::new([1; 16], [2; 32]);
        let valid = first().after(3, &[7; 32]);
        let at = |ms| START.plus(Duration::from_millis(ms));
        let session = Session { replaced: vec![START, at(4_000), at(8_000)], ..session(&valid, None) };
        let judge = |steps, ms| first().after(steps, &[7; 32]).judge(&session, at(ms));
        assert_eq!([0, 1, 2].map(|steps| judge(steps, 9_000)), [3, 2, 1].map(Verdict::Repeat));
        assert_eq!(judge(3, 9_000), Verdict::Rotate);
        assert_eq!(
            [0, 1, 2].map(|steps| judge(steps, 10_001)),
            [Verdict::Reuse, Verdict::Repeat(2), Verdict::Repeat(1)]
        );
        assert_eq!([1, 2].map(|steps| judge(steps, 14_001)), [Verdict::Reuse, Verdict::Repeat(1)]);
        assert_eq!(judge(2, 18_001), Verdict::Reuse);
    }

    #[test]
    fn there_are_so_many_refreshes_in_one_moment_and_no_more() {
        let valid = RefreshToken::new([1; 16], [2; 32]);
        let mut session = Session { replaced: vec![START; REFRESHES_AT_ONCE_MAX], ..session(&valid, None) };
        assert_eq!(valid.judge(&session, START), Verdict::Wait(10_001));
        assert_eq!(valid.judge(&session, START.plus(REFRESH_GRACE + Duration::from_millis(1))), Verdict::Rotate);
        session.replaced.pop();
        assert_eq!(valid.judge(&session, START), Verdict::Rotate);
    }

    #[test]
    fn strangers_of_the_family_end_it() {
        let current = RefreshToken::new([1; 16], [2; 32]);
        let forged = RefreshToken::new([1; 16], [3; 32]);
        assert_eq!(forged.judge(&session(&current, None), START), Verdict::Reuse);
    }

    #[test]
    fn nothing_is_valid_after_the_end() {
        let current = RefreshToken::new([1; 16], [2; 32]);
        let mut session = session(&current, None);
        assert_eq!(current.judge(&session, session.expires_at), Verdict::Ended);
        session.revoked_at = Some(START);
        assert_eq!(current.judge(&session, START), Verdict::Ended);
        let session = Session { expires_at: UnixMillis(i64::MAX), revoked_at: None, ..session };
        let (last, lives) = (session.last_moment(), Lifetimes::default());
        assert_eq!(current.judge(&session, UnixMillis(last.0 - 1)), Verdict::Rotate);
        assert_eq!(current.judge(&session, last), Verdict::Ended, "however often it was refreshed");
        assert_eq!((session.refresh_end(last, lives), session.access_life(last, lives)), (last, Duration::ZERO));
        assert_eq!(session.access_life(UnixMillis(last.0 - 5_000), lives), Duration::from_secs(5));
    }
}
