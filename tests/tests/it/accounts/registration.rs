//! Registering: open, by invite, closed; with and without a code to the address.

use std::time::Duration;

use futures_util::future::join_all;
use rookery_tests::deployment::Deployment;
use rookery_tests::mail::MailServer;
use rookery_tests::rest::{PASSWORD, Rest, patiently};
use rookery_tests::shared;
use serde_json::{Value, json};

use super::{ME, Person, REGISTER, VERIFY, admin, with_mail};

const RESEND: &str = "/api/v1/auth/verify/resend";

/// Registers, and gives the registration's id.
async fn begun(rest: &Rest, person: &Person) -> String {
    let answer = person.register(rest).await.expect(201).json();
    assert_eq!((&answer["verification"], &answer["user"]), (&json!("required"), &Value::Null));
    answer["registration_id"].as_str().expect("an id").to_owned()
}

async fn verified(rest: &Rest, mail: &MailServer, person: &Person) {
    let id = begun(rest, person).await;
    let code = mail.nth_to(&person.email, 1).await.code();
    let body = json!({"registration_id": id, "code": code});
    let _verified = rest.post(VERIFY, None, &body).await.expect(204);
}

#[tokio::test]
async fn s1_01_s2_01_s3_01_s5_01_registering_needs_no_login_and_makes_an_account() {
    for deployment in shared::both().await {
        let (rest, person) = (deployment.rest(), Person::new("new"));
        let answer = person.register(&rest).await.expect(201).json();
        assert_eq!((&answer["user"]["username"], &answer["verification"]), (&json!(person.username), &json!("none")));
        let token = rest.login(&person.email, PASSWORD).await.expect(200).account(String::new()).token;
        assert_eq!(rest.get(ME, Some(&token)).await.expect(200).json()["verified"], false);
        person.register(&rest).await.expect_problem(409, "username_taken");
        let same_address =
            json!({"username": Person::new("other").username, "email": person.email, "password": PASSWORD});
        rest.post(REGISTER, None, &same_address).await.expect_problem(409, "account_exists");
        let common = json!({"username": Person::new("x").username, "email": "x@example.org", "password": "password1"});
        rest.post(REGISTER, None, &common).await.expect_problem(400, "password_too_common");
    }
}

#[tokio::test]
async fn s1_01_s1_02_s1_04_an_account_begins_with_the_code_that_its_address_was_sent() {
    let (mail, both) = with_mail(&[("verification", "required")]).await;
    for deployment in &both {
        let (rest, person) = (deployment.rest(), Person::new("verified"));
        let id = begun(&rest, &person).await;
        rest.login(&person.email, PASSWORD).await.expect_problem(403, "email_not_verified");
        rest.login(&person.username, PASSWORD).await.expect_problem(403, "email_not_verified");
        rest.login(&person.email, "another one 7").await.expect_problem(401, "bad_credentials");
        let sent = mail.nth_to(&person.email, 1).await;
        let code = sent.code();
        assert!(sent.html.contains(&code) && sent.subject.contains(&code), "{sent:?}");
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let verify =
            async |id: &str, code: &str| rest.post(VERIFY, None, &json!({"registration_id": id, "code": code})).await;
        verify(&id, wrong).await.expect_problem(400, "code_invalid");
        verify("01890000-0000-7000-8000-000000000000", &code)
            .await
            .expect_problem(400, "code_invalid");
        let _verified = verify(&id, &code).await.expect(204);
        verify(&id, &code).await.expect_problem(400, "code_invalid");
        let token = rest.login(&person.email, PASSWORD).await.expect(200).account(String::new()).token;
        let me = rest.get(ME, Some(&token)).await.expect(200).json();
        assert_eq!((&me["verified"], &me["email"]), (&json!(true), &json!(person.email)));
        assert_eq!(mail.mails_to(&person.email).len(), 1, "each mail once");
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn s1_02_a_code_has_five_tries_and_the_next_one_ends_it() {
    let (mail, both) = with_mail(&[("verification", "required")]).await;
    for deployment in &both {
        let (rest, person) = (deployment.rest(), Person::new("tries"));
        let id = begun(&rest, &person).await;
        let first = mail.nth_to(&person.email, 1).await.code();
        let verify = async |code: &str| rest.post(VERIFY, None, &json!({"registration_id": id, "code": code})).await;
        for _ in 0..5 {
            verify("x").await.expect_problem(400, "code_invalid");
        }
        verify(&first).await.expect_problem(400, "code_invalid");
        let resend = async |id: &str| rest.post(RESEND, None, &json!({"registration_id": id})).await;
        let _sent = resend(&id).await.expect(202);
        let _unknown = resend("01890000-0000-7000-8000-000000000000").await.expect(202);
        let second = mail.nth_to(&person.email, 2).await.code();
        assert_ne!(first, second);
        verify(&first).await.expect_problem(400, "code_invalid");
        let _verified = verify(&second).await.expect(204);
        // There is nothing to verify any more.
        let _nothing = resend(&id).await.expect(202);
        assert_eq!(mail.mails_to(&person.email).len(), 2);
    }
}

#[tokio::test]
async fn s1_03_a_code_ends_after_its_configured_life() {
    let (mail, both) = with_mail(&[("verification", "required"), ("verification_minutes", "1")]).await;
    join_all(both.iter().map(|deployment| a_code_ends(deployment, &mail))).await;
}

async fn a_code_ends(deployment: &Deployment, mail: &MailServer) {
    let (rest, person) = (deployment.rest(), Person::new("late"));
    let id = begun(&rest, &person).await;
    let sent = mail.nth_to(&person.email, 1).await;
    assert!(sent.text.contains("1 minutes"), "{}", sent.text);
    tokio::time::sleep(Duration::from_secs(61)).await;
    let body = json!({"registration_id": id, "code": sent.code()});
    rest.post(VERIFY, None, &body).await.expect_problem(400, "code_invalid");
    rest.login(&person.email, PASSWORD).await.expect_problem(403, "email_not_verified");
}

#[tokio::test]
async fn a22_nobody_is_told_whether_an_address_has_an_account() {
    let (mail, both) = with_mail(&[("verification", "required")]).await;
    for deployment in &both {
        let (rest, owner) = (deployment.rest(), Person::new("owner"));
        verified(&rest, &mail, &owner).await;
        let again = Person { username: Person::new("again").username, email: owner.email.to_uppercase() };
        let id = begun(&rest, &again).await;
        let notice = mail.nth_to(&owner.email, 2).await;
        assert!(notice.subject.contains("already have an account"), "{notice:?}");
        assert!(!notice.text.bytes().any(|b| b.is_ascii_digit()), "no code: {}", notice.text);
        rest.post(VERIFY, None, &json!({"registration_id": id, "code": "000000"}))
            .await
            .expect_problem(400, "code_invalid");
        rest.login(&again.username, PASSWORD).await.expect_problem(403, "email_not_verified");
        // The name is kept in any case.
        let third = Person { username: again.username.clone(), email: Person::new("third").email };
        third.register(&rest).await.expect_problem(409, "username_taken");
    }
}

#[tokio::test]
async fn the_first_verified_registration_of_an_address_wins() {
    let (mail, both) = with_mail(&[("verification", "required")]).await;
    for deployment in &both {
        let (rest, first) = (deployment.rest(), Person::new("first"));
        let second = Person { username: Person::new("second").username, email: first.email.clone() };
        let ids = [begun(&rest, &first).await, begun(&rest, &second).await];
        let mails = [mail.nth_to(&first.email, 1).await, mail.nth_to(&first.email, 2).await];
        let codes = [&first, &second].map(|person| {
            let own = mails.iter().find(|mail| mail.text.contains(&person.username)).expect("its mail");
            own.code()
        });
        let verify =
            async |n: usize| rest.post(VERIFY, None, &json!({"registration_id": ids[n], "code": codes[n]})).await;
        let _won = verify(1).await.expect(204);
        verify(0).await.expect_problem(400, "code_invalid");
        let account = rest.login(&first.email, PASSWORD).await.expect(200).account(String::new());
        assert_eq!(account.username, second.username);
    }
}

#[tokio::test]
async fn who_has_an_invite_registers_where_it_takes_one() {
    let settings = [("registration", "invite".to_owned())];
    for deployment in &Deployment::both_with(&settings).await {
        let (rest, admin) = (deployment.rest(), admin(deployment).await);
        let info = rest.get("/api/v1/server", None).await.expect(200).json();
        assert_eq!(info["registration"], "invite");
        let token = Some(admin.token.as_str());
        let with = |person: &Person, code: &str| {
            let mut body = person.body();
            body["invite"] = json!(code);
            body
        };
        Person::new("none").register(&rest).await.expect_problem(403, "registration_invite_only");
        let bad = with(&Person::new("bad"), "nonsense");
        rest.post(REGISTER, None, &bad).await.expect_problem(403, "registration_invite_only");
        let made = rest
            .post("/api/v1/admin/invites", token, &json!({"max_uses": 2}))
            .await
            .expect(201)
            .json();
        let code = made["code"].as_str().expect("a code").to_owned();
        assert!(made["url"].as_str().is_some_and(|url| url.ends_with(&code)), "{made}");
        let tries: Vec<Value> = (0..6).map(|_| with(&Person::new("guest"), &code)).collect();
        let answers = join_all(tries.iter().map(|body| patiently(|| rest.post(REGISTER, None, body)))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 201, 403, 403, 403, 403], "no more than it may be used");
        let list = rest.get("/api/v1/admin/invites", token).await.expect(200).json();
        let row = list["invites"].as_array().expect("a list").last().expect("an invite").clone();
        assert_eq!((&row["uses"], &row["max_uses"], &row["code"]), (&json!(2), &json!(2), &Value::Null));
        let other = rest.post("/api/v1/admin/invites", token, &json!({})).await.expect(201).json();
        let path = format!("/api/v1/admin/invites/{}", other["invite_id"].as_str().expect("an id"));
        let _revoked = rest.delete(&path, token).await.expect(204);
        rest.delete(&path, token).await.expect_problem(404, "not_found");
        let revoked = with(&Person::new("late"), other["code"].as_str().expect("a code"));
        rest.post(REGISTER, None, &revoked).await.expect_problem(403, "registration_invite_only");
    }
}

#[tokio::test]
async fn s3_27_tools_of_admins_are_refused_to_others() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("plain").await);
        let token = Some(user.token.as_str());
        rest.get("/api/v1/admin/jobs", token).await.expect_problem(403, "forbidden");
        rest.get("/api/v1/admin/invites", token).await.expect_problem(403, "forbidden");
        rest.post("/api/v1/admin/invites", token, &json!({}))
            .await
            .expect_problem(403, "forbidden");
        rest.get("/api/v1/admin/jobs", None).await.expect_problem(401, "unauthenticated");
        deployment.command(&["user", "role", &user.username, "moderator"], "");
        rest.get("/api/v1/admin/jobs", token).await.expect_problem(403, "forbidden");
        deployment.command(&["user", "role", &user.username, "admin"], "");
        let _now = rest.get("/api/v1/admin/jobs", token).await.expect(200);
    }
}

#[tokio::test]
async fn anybody_may_ask_what_the_server_is() {
    for deployment in shared::both().await {
        let info = deployment.rest().get("/api/v1/server", None).await.expect(200).json();
        assert_eq!((&info["registration"], &info["verification"]), (&json!("open"), &json!("none")));
        assert_eq!((&info["your_address"], &info["banner"]), (&json!("127.0.0.1"), &Value::Null));
        assert_eq!(info["limits"]["content_chars_max"], 4_000);
        assert!(info["version"].is_string() && info.get("push_key").is_some(), "{info}");
    }
}
