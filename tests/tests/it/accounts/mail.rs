//! Mail: over TLS, once each, late where it has to be, and to nobody but the address.

use rookery_tests::deployment::Deployment;
use rookery_tests::mail::MailServer;
use rookery_tests::rest::{PASSWORD, Rest};
use rookery_tests::standalone::Standalone;
use rookery_tests::{names, wait};
use serde_json::json;

use super::{Person, REGISTER, VERIFY, admin};

/// The settings of a mail server, and a code for every registration.
fn settings(mail: &MailServer) -> Vec<(&'static str, String)> {
    let mut settings = mail.settings();
    settings.push(("verification", "required".to_owned()));
    settings
}

#[tokio::test]
async fn mail_goes_over_tls_to_a_server_of_a_trusted_authority() {
    let mail = MailServer::prepare_tls();
    mail.serve().await;
    for deployment in &Deployment::both_with(&settings(&mail)).await {
        let person = Person::new("tls");
        let _begun = person.register(&deployment.rest()).await.expect(201);
        assert!(mail.nth_to(&person.email, 1).await.tls);
    }
}

#[tokio::test]
async fn mail_waits_for_its_server_and_arrives_once() {
    let mail = MailServer::prepare();
    for deployment in &Deployment::both_with(&settings(&mail)).await {
        let (rest, person) = (deployment.rest(), Person::new("patient"));
        let answer = person.register(&rest).await.expect(201).json();
        let root = admin(deployment).await;
        let open = async || {
            let page = rest.get("/api/v1/admin/jobs?state=open", Some(&root.token)).await.expect(200).json();
            page["jobs"].as_array().expect("a list").clone()
        };
        wait::until("the mail has failed once", async || open().await.iter().any(|job| job["error"].is_string())).await;
        let jobs = open().await;
        let shown = jobs.last().expect("a job").to_string();
        assert!(!shown.contains(&person.email) && !shown.contains(&person.username), "nobody is named: {shown}");
        mail.serve().await;
        let sent = mail.nth_to(&person.email, 1).await;
        let body = json!({"registration_id": answer["registration_id"], "code": sent.code()});
        let _verified = rest.post(VERIFY, None, &body).await.expect(204);
        wait::until("no mail waits", async || open().await.is_empty()).await;
        assert_eq!(mail.mails_to(&person.email).len(), 1);
        mail.process.terminate().await;
    }
}

/// The server has the mail and the sender is killed before it hears so.
#[tokio::test]
async fn a_mail_that_is_sent_again_is_the_same_one() {
    let mail = MailServer::start().await;
    let text: Vec<(&'static str, String)> = settings(&mail);
    let given: Vec<(&'static str, &str)> = text.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let server = Standalone::prepare_with(&[&[("limits", "off")], &given[..]].concat());
    server.node.start().await;
    let person = Person::new("twice");
    mail.hold(true);
    let _begun = person.register(&Rest::new(server.node.public_url())).await.expect(201);
    let first = mail.nth_to(&person.email, 1).await;
    server.node.process.kill();
    mail.hold(false);
    server.node.start().await;
    let second = mail.nth_to(&person.email, 2).await;
    assert_eq!((first.code(), &first.message_id), (second.code(), &second.message_id));
}

#[tokio::test]
async fn an_address_is_one_line_and_one_recipient() {
    let mail = MailServer::start().await;
    for deployment in &Deployment::both_with(&settings(&mail)).await {
        let rest = deployment.rest();
        for email in [
            "a@example.org\r\nBcc: b@example.org",
            "a@example.org\nSubject: x",
            "a@example.org,b@example.org",
            "a@example.org b@example.org",
            "\"a\r\n\"@example.org",
            "Ada <a@example.org>",
            "a@example.org\0",
        ] {
            let body = json!({"username": names::unique("inject"), "email": email, "password": PASSWORD});
            rest.post(REGISTER, None, &body).await.expect_problem(400, "bad_field");
        }
        for address in ["a@example.org", "b@example.org"] {
            assert!(mail.mails_to(address).is_empty());
        }
    }
}

#[tokio::test]
async fn mails_are_counted_by_the_address_written_to() {
    let mail = MailServer::start().await;
    let text = settings(&mail);
    let mut given: Vec<(&'static str, &str)> = text.iter().map(|(key, value)| (*key, value.as_str())).collect();
    given.push(("limit_recipient_mails", "3/600000"));
    let server = Standalone::prepare_with(&given);
    server.node.start().await;
    let (rest, person) = (Rest::new(server.node.public_url()), Person::new("flooded"));
    let made = [("user", "add"), ("--email", person.email.as_str())];
    let args = [made[0].0, made[0].1, &person.username, made[1].0, made[1].1, "--password-stdin"];
    server.done(&args, &format!("{PASSWORD}\n"));
    let user = rest.login(&person.username, PASSWORD).await.expect(200).account(String::new());
    for n in 0..6 {
        // Neither a token nor another spelling makes it another address.
        let token = (n % 2 == 0).then_some(user.token.as_str());
        let email = if n % 3 == 0 { person.email.to_uppercase() } else { person.email.clone() };
        let answer = rest.post("/api/v1/auth/password/forgot", token, &json!({"email": email})).await;
        let _alike = answer.expect(202);
    }
    mail.nth_to(&person.email, 3).await;
    wait::until("no mail waits", async || {
        let metrics = reqwest(&server).await;
        metrics.contains("rookery_api_jobs_total{kind=\"mail\",result=\"done\"} 3")
    })
    .await;
    assert_eq!(mail.mails_to(&person.email).len(), 3);
}

async fn reqwest(server: &Standalone) -> String {
    Rest::new(server.node.internal_url()).get("/metrics", None).await.expect(200).text
}
