//! The second factor at logins and wherever a password alone is not enough.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_store::account::SecretHash;
use rookery_store::second_factor::SecondFactor;
use rookery_store::user::User;
use totp_rs::{Builder, Totp, TotpError};

use super::sessions::Sessions;
use crate::error::ApiError;
use crate::http::limit::{ClientAddress, TOO_MANY, log_refused_login};
use crate::mail::secrets::hash;
use crate::random::{self, NoRandomness};

/// What recovery codes are made of: 32 signs that nobody takes for each other.
const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Signs of a recovery code: 80 random bits.
const SIGNS_PER_CODE: usize = 16;
/// Recovery codes of an account.
const CODES: usize = 10;

/// Why a login is refused with the right password.
const WRONG_CODE: &str = "wrong second factor";

impl Sessions {
    /// An error unless the account has no second factor, or this is a code of it.
    pub async fn second_factor(
        &self,
        user: &User,
        code: Option<&str>,
        from: ClientAddress,
        now: UnixMillis,
    ) -> Result<(), ApiError> {
        let factor = self.stores.second_factors.get(user.id).await?.filter(|factor| factor.is_confirmed);
        let Some(factor) = factor else { return Ok(()) };
        let required = || ApiError::refused(ErrorCode::SecondFactorRequired);
        let code = code.map(str::trim).filter(|code| !code.is_empty()).ok_or_else(required)?;
        if self.takes(&factor, code, from, now).await? {
            Ok(())
        } else {
            Err(required())
        }
    }

    /// Whether it is a code of the device, or of those for who has lost it; each works once.
    /// Tries are counted over all addresses; those that are right do not count.
    pub(crate) async fn takes(
        &self,
        factor: &SecondFactor,
        code: &str,
        from: ClientAddress,
        now: UnixMillis,
    ) -> Result<bool, ApiError> {
        let counted = self.limits.code(factor.user_id).await;
        counted.inspect_err(|_| log_refused_login(from, TOO_MANY))?;
        let factors = &self.stores.second_factors;
        let is_right = if let Some(step) = matching_step(factor, code, now) {
            factors.advance(factor.user_id, step).await?
        } else {
            let code = recovery_hash(code);
            factor.recovery.contains(&code) && factors.spend(factor.user_id, &code).await?
        };
        if is_right {
            self.limits.right_code(factor.user_id);
        } else {
            log_refused_login(from, WRONG_CODE);
        }
        Ok(is_right)
    }
}

/// The step of the code, if it is one of the device now, a moment ago or in a moment.
pub(crate) fn matching_step(factor: &SecondFactor, code: &str, now: UnixMillis) -> Option<u64> {
    let seconds = u64::try_from(now.0 / 1_000).ok()?;
    device(&factor.secret, "", "").ok()?.check(code, seconds)
}

/// Derives the codes of a device: six digits, 30 seconds, one step to either side.
pub(crate) fn device(secret: &[u8], issuer: &str, account: &str) -> Result<Totp, TotpError> {
    Builder::new()
        .with_secret(secret.to_vec())
        .with_issuer(Some(issuer).filter(|issuer| !issuer.is_empty()))
        .with_account_name(account)
        .build()
}

/// What the store keeps of a recovery code, however it was typed.
fn recovery_hash(code: &str) -> SecretHash {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    hash(&plain)
}

/// New recovery codes, and what the store keeps of them.
pub(crate) fn new_codes() -> Result<(Vec<String>, Vec<SecretHash>), NoRandomness> {
    let code = || {
        let bytes = random::bytes::<SIGNS_PER_CODE>()?;
        let signs: String = bytes.iter().map(|byte| char::from(SIGNS[usize::from(*byte) % SIGNS.len()])).collect();
        let groups: Vec<&str> = (0..SIGNS_PER_CODE).step_by(4).map(|at| &signs[at..at + 4]).collect();
        Ok(groups.join("-"))
    };
    let codes = (0..CODES).map(|_| code()).collect::<Result<Vec<String>, NoRandomness>>()?;
    let hashes = codes.iter().map(|code| recovery_hash(code)).collect();
    Ok((codes, hashes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rookery_protocol::id::UserId;

    /// RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let factor = SecondFactor {
            user_id: UserId::generate(),
            secret: b"12345678901234567890".to_vec(),
            is_confirmed: true,
            last_step: 0,
            recovery: Vec::new(),
        };
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            let at = |offset: i64| matching_step(&factor, code, UnixMillis((seconds + offset) * 1_000));
            assert_eq!(at(0), Some(u64::try_from(seconds).unwrap() / 30));
            assert!(at(30).is_some() && at(90).is_none(), "{code}");
        }
        assert_eq!(matching_step(&factor, "000000", UnixMillis(59_000)), None);
        assert_eq!(matching_step(&factor, "28708２", UnixMillis(59_000)), None);
    }

    #[test]
    fn recovery_codes_are_read_however_they_are_typed() {
        let (codes, hashes) = new_codes().unwrap();
        assert_eq!((codes.len(), hashes.len()), (CODES, CODES));
        assert_eq!(recovery_hash(&codes[0].to_uppercase().replace('-', " ")), hashes[0]);
        assert_ne!(hashes[0], hashes[1]);
    }
}
