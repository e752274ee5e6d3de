//! The second factor: codes of a device, which work once, and those for who has lost it.

use futures_util::future::join_all;
use ring::hmac;
use rookery_tests::forge::now_seconds;
use rookery_tests::rest::{Account, PASSWORD, Rest};
use rookery_tests::shared;
use rookery_tests::standalone::Standalone;
use serde_json::{Value, json};

use super::{ME, with_mail};

pub(super) const BEGIN: &str = "/api/v1/users/me/totp";

/// A device of the user: RFC 6238 as anybody would write it.
pub(super) struct Device(Vec<u8>);

impl Device {
    /// The one that was begun.
    pub(super) fn of(begun: &Value) -> Self {
        Self::new(begun["secret"].as_str().expect("a secret"))
    }

    fn new(base32: &str) -> Self {
        let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
        for sign in base32.bytes() {
            let value = match sign {
                b'A'..=b'Z' => sign - b'A',
                b'2'..=b'7' => sign - b'2' + 26,
                _ => panic!("{base32} is base 32"),
            };
            bits = (bits << 5) | u32::from(value);
            count += 5;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from((bits >> count) & 0xff).unwrap());
            }
        }
        Self(bytes)
    }

    /// The code that is shown so many steps after now.
    pub(super) fn code(&self, steps: i64) -> String {
        let counter = u64::try_from(now_seconds() / 30 + steps).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &counter.to_be_bytes());
        let tag = tag.as_ref();
        let at = usize::from(tag[tag.len() - 1] & 15);
        let number = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]);
        format!("{:06}", number % 1_000_000)
    }
}

/// Gives the user a second factor; also the code that is spent then, and its recovery codes.
pub(super) async fn secured(rest: &Rest, user: &Account) -> (Device, String, Vec<String>) {
    let token = Some(user.token.as_str());
    let begun = rest.post(BEGIN, token, &json!({"password": PASSWORD})).await.expect(200).json();
    let secret = begun["secret"].as_str().expect("a secret");
    let url = begun["otpauth_url"].as_str().expect("a URL");
    assert!(url.starts_with("otpauth://totp/") && url.contains(secret), "{url}");
    let device = Device::of(&begun);
    let spent = device.code(0);
    let confirmed = rest
        .post(&format!("{BEGIN}/confirm"), token, &json!({"code": spent}))
        .await
        .expect(200)
        .json();
    let codes: Vec<String> = serde_json::from_value(confirmed["recovery_codes"].clone()).unwrap();
    assert_eq!(codes.len(), 10);
    (device, spent, codes)
}

pub(super) fn with_code(user: &Account, code: &str) -> Value {
    json!({"login": user.username, "password": PASSWORD, "code": code})
}

#[tokio::test]
async fn b18_a_wrong_second_factor_is_a_line_of_the_log_and_a_missing_one_is_none() {
    let server = Standalone::start().await;
    let rest = Rest::new(server.node.public_url());
    let user = rest.new_user("logged").await;
    let (device, ..) = secured(&rest, &user).await;
    let lines = || server.node.process.log().matches("wrong second factor").count();
    rest.login(&user.username, PASSWORD).await.expect_problem(401, "second_factor_required");
    assert_eq!(lines(), 0, "who has not been asked yet has tried nothing");
    let wrong = with_code(&user, &device.code(9));
    let refused = rest.post("/api/v1/auth/login", None, &wrong).await;
    refused.expect_problem(401, "second_factor_required");
    assert_eq!(lines(), 1);
    let wrong = json!({"password": PASSWORD, "code": device.code(9)});
    let refused = rest.post(&format!("{BEGIN}/disable"), Some(&user.token), &wrong).await;
    refused.expect_problem(400, "code_invalid");
    assert_eq!(lines(), 2);
}

#[tokio::test]
async fn a_login_with_a_second_factor_needs_a_code_and_a_code_works_once() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("factor").await);
        rest.post(BEGIN, Some(&user.token), &json!({"password": "wrong one 77"}))
            .await
            .expect_problem(403, "password_wrong");
        let (device, spent, recovery) = secured(&rest, &user).await;
        assert_eq!(rest.get(ME, Some(&user.token)).await.expect(200).json()["two_factor"], true);
        let login = async |body: &Value| rest.post("/api/v1/auth/login", None, body).await;
        rest.login(&user.username, PASSWORD).await.expect_problem(401, "second_factor_required");
        rest.login(&user.username, "wrong one 77").await.expect_problem(401, "bad_credentials");
        login(&with_code(&user, &spent)).await.expect_problem(401, "second_factor_required");
        login(&with_code(&user, &device.code(9)))
            .await
            .expect_problem(401, "second_factor_required");
        // At once, on as many connections: one wins.
        let body = with_code(&user, &device.code(1));
        let answers = join_all((0..6).map(|_| login(&body))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
        let body = with_code(&user, &recovery[0].to_uppercase());
        let answers = join_all((0..4).map(|_| login(&body))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
        let again = rest.post(BEGIN, Some(&user.token), &json!({"password": PASSWORD})).await;
        again.expect_problem(403, "forbidden");
        let both = |code: &str| json!({"password": PASSWORD, "code": code});
        let path = format!("{BEGIN}/recovery-codes");
        rest.post(&path, Some(&user.token), &both("000000"))
            .await
            .expect_problem(400, "code_invalid");
        let new = rest.post(&path, Some(&user.token), &both(&recovery[1])).await.expect(200).json();
        login(&with_code(&user, &recovery[2])).await.expect_problem(401, "second_factor_required");
        let code = new["recovery_codes"][0].as_str().expect("a code");
        let _taken = rest.post(&format!("{BEGIN}/disable"), Some(&user.token), &both(code)).await.expect(204);
        let _plain = rest.login(&user.username, PASSWORD).await.expect(200);
    }
}

#[tokio::test]
async fn who_has_lost_the_device_is_helped_by_an_operator() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("lost").await);
        secured(&rest, &user).await;
        rest.login(&user.username, PASSWORD).await.expect_problem(401, "second_factor_required");
        deployment.command(&["user", "totp-reset", &user.username], "");
        let _plain = rest.login(&user.username, PASSWORD).await.expect(200);
    }
}

#[tokio::test]
async fn a_link_that_sets_a_password_asks_for_the_second_factor_too() {
    let (mail, both) = with_mail(&[]).await;
    for deployment in &both {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("both").await);
        let (_, _, recovery) = secured(&rest, &user).await;
        let _sent = rest
            .post("/api/v1/auth/password/forgot", None, &json!({"email": user.email}))
            .await
            .expect(202);
        let token = mail.nth_to(&user.email, 1).await.token();
        let renew = async |code: Option<&str>| {
            let body = json!({"token": token, "password": "another horse 8", "code": code});
            rest.post("/api/v1/auth/password/reset", None, &body).await
        };
        renew(None).await.expect_problem(401, "second_factor_required");
        renew(Some("000000")).await.expect_problem(401, "second_factor_required");
        let _set = renew(Some(&recovery[0])).await.expect(204);
        renew(Some(&recovery[1])).await.expect_problem(400, "token_invalid");
    }
}

#[tokio::test]
async fn wrong_codes_are_counted_over_all_addresses() {
    let server = Standalone::prepare_with(&[("limit_account_codes", "5/600000"), ("limit_account_logins", "0")]);
    server.node.start().await;
    let rest = Rest::new(server.node.public_url());
    let user = rest.new_user("counted").await;
    let (_, _, recovery) = secured(&rest, &user).await;
    let mut statuses = Vec::new();
    for code in &recovery[..6] {
        statuses.push(rest.post("/api/v1/auth/login", None, &with_code(&user, code)).await.status);
    }
    assert_eq!(statuses, [200; 6], "right ones do not count");
    statuses.clear();
    for _ in 0..6 {
        statuses.push(rest.post("/api/v1/auth/login", None, &with_code(&user, "000000")).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    rest.login(&user.username, "wrong one 77").await.expect_problem(401, "bad_credentials");
}
