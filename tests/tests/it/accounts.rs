//! Accounts, on a cluster and on one process: each test is named after the statement of `docs/features.md` that it proves, or
//! after its promise.

mod administration;
mod avatars;
mod credentials;
mod erasure;
mod exports;
mod jobs;
mod mail;
mod nodes;
mod other_names;
mod profiles;
mod races;
mod registration;
mod second_factor;
mod stored_model;
mod tickets;

use rookery_tests::deployment::Deployment;
use rookery_tests::mail::MailServer;
use rookery_tests::names;
use rookery_tests::rest::{Account, Answer, PASSWORD, Rest, patiently};
use serde_json::{Value, json};

const REGISTER: &str = "/api/v1/auth/register";
const VERIFY: &str = "/api/v1/auth/verify";
const ME: &str = "/api/v1/users/me";

/// Somebody who is not registered yet.
pub(crate) struct Person {
    pub(crate) username: String,
    pub(crate) email: String,
}

impl Person {
    pub(crate) fn new(prefix: &str) -> Self {
        let username = names::unique(prefix);
        Self { email: format!("{username}@example.org"), username }
    }

    pub(crate) fn body(&self) -> Value {
        json!({"username": self.username, "email": self.email, "password": PASSWORD})
    }

    pub(crate) async fn register(&self, rest: &Rest) -> Answer {
        let body = self.body();
        patiently(|| rest.post(REGISTER, None, &body)).await
    }
}

/// Both kinds of deployment with a mail server, and these settings beside.
pub(crate) async fn with_mail(settings: &[(&'static str, &str)]) -> (MailServer, [Deployment; 2]) {
    let mail = MailServer::start().await;
    let mut all = mail.settings();
    all.extend(settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
    let both = Deployment::both_with(&all).await;
    (mail, both)
}

/// An admin of the deployment.
pub(crate) async fn admin(deployment: &Deployment) -> Account {
    let name = names::unique("admin");
    let email = format!("{name}@example.org");
    let args = ["user", "add", &name, "--email", &email, "--role", "admin", "--password-stdin"];
    deployment.command(&args, &format!("{PASSWORD}\n"));
    deployment.rest().login(&name, PASSWORD).await.expect(200).account(email)
}
