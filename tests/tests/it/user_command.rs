//! D6: accounts by the command `user`, on the program of one process and on the api of a cluster, beside what runs.

use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::names;
use rookery_tests::rest::Rest;
use rookery_tests::standalone::Standalone;
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::Socket;
use serde_json::json;

fn run(deployment: &Deployment, args: &[&str], input: &str) -> String {
    match deployment {
        Deployment::Standalone(server) => server.done(args, input),
        Deployment::Cluster(cluster) => cluster.run_api(args, input),
    }
}

#[tokio::test]
async fn d6_accounts_are_changed_beside_the_running_server() {
    for deployment in [Deployment::standalone().await, Deployment::cluster().await] {
        let (rest, name) = (deployment.rest(), names::unique("made"));
        let told = run(&deployment, &["user", "add", &name, "--email", &format!("{name}@example.org")], "");
        let password = told
            .lines()
            .find_map(|line| line.strip_prefix("password: "))
            .expect("a password")
            .to_owned();
        let made = rest.login(&name, &password).await.expect(200).account(String::new());
        let me = rest.get("/api/v1/users/me", Some(&made.token)).await.expect(200).json();
        assert_eq!((&me["username"], &me["role"]), (&json!(name), &json!("user")));
        let mut socket = Socket::login(&deployment.sockets()[0], "/ws/general", &made.token).await;
        socket.live().await;

        run(&deployment, &["user", "role", &name, "admin"], "");
        let me = rest.get("/api/v1/users/me", Some(&made.token)).await.expect(200).json();
        assert_eq!(me["role"], "admin");
        let all = run(&deployment, &["user", "list"], "");
        let row = all.lines().find(|line| line.starts_with(&name)).expect("a row");
        assert!(row.contains("\tadmin\tenabled\t"), "{row}");

        run(&deployment, &["user", "logout", &name], "");
        assert_eq!(socket.closed(PATIENCE).await, Some(4409));
        rest.refresh(&made.refresh_token).await.expect_problem(401, "bad_refresh_token");
        run(&deployment, &["user", "password", &name, "--password-stdin"], "another word 8\n");
        rest.login(&name, &password).await.expect_problem(401, "bad_credentials");
        let again = rest.login(&name, "another word 8").await.expect(200).account(String::new());
        let mut socket = Socket::login(&deployment.sockets()[1], "/ws/general", &again.token).await;
        socket.live().await;

        // The last admin stays one; see the accounts' own tests.
        let other = names::unique("other");
        run(
            &deployment,
            &["user", "add", &other, "--email", &format!("{other}@example.org"), "--role", "admin"],
            "",
        );
        run(&deployment, &["user", "disable", &name], "");
        assert_eq!(socket.closed(PATIENCE).await, Some(4409));
        rest.login(&name, "another word 8").await.expect_problem(403, "account_disabled");
        run(&deployment, &["user", "enable", &name], "");
        let _enabled = rest.login(&name, "another word 8").await.expect(200);
    }
}

#[tokio::test]
async fn d6_what_an_account_cannot_be_is_told() {
    let server = Standalone::start().await;
    assert!(server.refused(&["user", "disable", "nobody"]).contains("no account nobody"));
    assert!(
        server
            .refused(&["user", "add", "x", "--email", "x@example.org"])
            .contains("the name must be")
    );
    server.done(&["user", "add", "taken", "--email", "taken@example.org"], "");
    assert!(
        server
            .refused(&["user", "add", "Taken", "--email", "other@example.org"])
            .contains("taken")
    );
    let short = server.command(&["user", "password", "taken", "--password-stdin"], "short\n");
    assert!(String::from_utf8_lossy(&short.stderr).contains("the password must have"), "{short:?}");
}

#[tokio::test]
async fn d6_the_first_admin_is_named_at_the_start() {
    let server = Standalone::start().await;
    let rest = Rest::new(server.node.public_url());
    let user = rest.new_user("first").await;
    server.node.process.terminate().await;
    let dir = rookery_tests::dirs::fresh("admin");
    let flags = ["--admin", user.username.as_str()];
    let named = Standalone::prepare_at(dir, server.data_dir.clone(), &[("limits", "off")], &flags);
    named.node.start().await;
    let me = Rest::new(named.node.public_url())
        .get("/api/v1/users/me", Some(&user.token))
        .await
        .expect(200)
        .json();
    assert_eq!(me["role"], "admin");
}

#[tokio::test]
async fn d6_closed_registration_is_refused() {
    let server = Standalone::prepare_with(&[("limits", "off"), ("registration", "closed")]);
    server.node.start().await;
    let rest = Rest::new(server.node.public_url());
    let body = json!({"username": "stranger", "email": "stranger@example.org", "password": "correct horse 7"});
    rest.post("/api/v1/auth/register", None, &body)
        .await
        .expect_problem(403, "registration_closed");
    server.done(&["user", "add", "invited", "--email", "i@example.org", "--password-stdin"], "correct horse 7\n");
    let _invited = rest.login("invited", "correct horse 7").await.expect(200);
}
