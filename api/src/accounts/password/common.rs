//! Passwords that are among the first that are tried.

use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::text;
use rookery_store::user::{Email, Password, Username};
use zxcvbn::zxcvbn;

use crate::accounts::password::PasswordError;
use crate::error::ApiError;

/// So many guesses of somebody who begins with what most people take, and with what is known of the account.
const GUESSES_MIN: u64 = 100_000;
/// What everybody knows of every account: where it is.
const PRODUCT: &str = "rookery";

/// The password, unless it is one of them. It is looked at off the async threads: a long one takes milliseconds.
pub async fn look(password: Password, username: &Username, email: &Email) -> Result<Password, ApiError> {
    let (username, email) = (username.clone(), email.clone());
    let look = move || {
        let common = is_common(&password, &username, &email);
        (password, common)
    };
    let gone = |_| PasswordError::Failed("the look at a password was given up".to_owned());
    let (password, common) = tokio::task::spawn_blocking(look).await.map_err(gone)?;
    if common {
        return Err(ApiError::field(ErrorCode::PasswordTooCommon, "password", ErrorCode::PasswordTooCommon.message()));
    }
    Ok(password)
}

/// Whether the password of this account is one of them, or the account's own name or address.
pub fn is_common(password: &Password, username: &Username, email: &Email) -> bool {
    let Ok(text) = std::str::from_utf8(password.as_bytes()) else { return false };
    let address = email.as_str();
    let local = address.split('@').next().unwrap_or_default();
    let own = [username.as_str(), address, local, PRODUCT];
    // In whatever width and form it is typed: who guesses has the plain one.
    let plain = text::plain(text);
    own.iter().any(|own| text::key(own) == text::key(text))
        || zxcvbn(text, &own).guesses() < GUESSES_MIN
        || (plain != text && zxcvbn(&plain, &own).guesses() < GUESSES_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(text: &str) -> bool {
        let own = ("Ada.Lovelace".to_owned(), "countess@bücher.example".to_owned());
        let (username, email) = (Username::try_from(own.0).unwrap(), Email::try_from(own.1).unwrap());
        is_common(&Password::try_from(text.to_owned()).unwrap(), &username, &email)
    }

    #[test]
    fn b14_the_most_common_passwords_are_known() {
        for bad in [
            "password",
            "Password",
            "password1",
            "passw0rd",
            "12345678",
            "123456789",
            "11111111",
            "qwertyuiop",
            "qwerty123",
            "iloveyou",
            "sunshine",
            "letmein1",
            "football",
            "aaaaaaaa",
            "abcdefgh",
            "trustno1",
            "princess1",
            "00000000",
            "ｐａｓｓｗｏｒｄ",
            "ＰＡＳＳＷＯＲＤ1",
            "pass\u{200b}word",
            "rookery1",
            "Rookery123",
            "ROOKERY2026",
        ] {
            assert!(common(bad), "{bad}");
        }
        for own in ["Ada.Lovelace", "ADA.LOVELACE", "ａｄａ.lovelace", "countess@bücher.example", "Countess"] {
            assert!(common(own), "{own}");
        }
    }

    #[test]
    fn b14_others_are_taken() {
        for good in ["correct horse 7", "hunter22!-x", "日本語のパスワード", "k3Jf9-qq2_x"] {
            assert!(!common(good), "{good}");
        }
    }
}
