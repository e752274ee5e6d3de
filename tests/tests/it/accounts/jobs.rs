//! Jobs as admins see them.

use rookery_tests::deployment::Deployment;
use rookery_tests::mail::MailServer;
use rookery_tests::wait;
use serde_json::json;

use super::{Person, admin};

#[tokio::test]
async fn a_dead_job_is_shown_to_admins_and_can_be_repeated() {
    let mail = MailServer::prepare();
    let mut settings = mail.settings();
    settings.push(("verification", "required".to_owned()));
    // The server refuses their mailbox for good.
    for deployment in &Deployment::both_with(&settings).await {
        let (rest, root) = (deployment.rest(), admin(deployment).await);
        let token = Some(root.token.as_str());
        let person = Person::new("refused");
        let _begun = person.register(&rest).await.expect(201);
        mail.serve().await;
        let dead = async || {
            let page = rest.get("/api/v1/admin/jobs", token).await.expect(200).json();
            page["jobs"].as_array().expect("a list").clone()
        };
        wait::until("the job is dead", async || !dead().await.is_empty()).await;
        let job = dead().await.swap_remove(0);
        assert_eq!((&job["kind"], &job["state"]), (&json!("mail"), &json!("dead")));
        assert!(job["error"].is_string() && job["attempts"].as_u64() >= Some(1), "{job}");
        let path = format!("/api/v1/admin/jobs/{}/retry", job["job_id"].as_str().expect("an id"));
        let _again = rest.post(&path, token, &json!({})).await.expect(204);
        let log = format!("/api/v1/moderation/audit?action=job_retried&actor={}", root.user_id);
        let log = rest.get(&log, token).await.expect(200).json();
        assert_eq!(log["entries"][0]["detail"]["job_id"], job["job_id"], "{log}");
        wait::until("it is dead again", async || !dead().await.is_empty()).await;
        let user = rest.get("/api/v1/admin/jobs?state=nonsense", token).await;
        user.expect_problem(400, "bad_field");
        let unknown = "/api/v1/admin/jobs/01890000-0000-7000-8000-000000000000/retry";
        rest.post(unknown, token, &json!({})).await.expect_problem(404, "not_found");
        mail.process.terminate().await;
    }
}
