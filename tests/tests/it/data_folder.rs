//! What operators do with the folder of one process: a second process, a backup and a restore by the documents, a disk
//! that is full, demonstration users.

use std::process::Command;

use rookery_tests::dirs;
use rookery_tests::rest::Rest;
use rookery_tests::standalone::Standalone;
use serde_json::json;

async fn ready(server: &Standalone) -> (u16, String) {
    let answer = Rest::new(server.node.internal_url()).get("/ready", None).await;
    (answer.status, answer.text)
}

#[tokio::test]
async fn a1_a_second_process_is_told_who_holds_the_folder() {
    let server = Standalone::start().await;
    let rival = server.rival();
    rival.node.process.start();
    let status = rival.node.process.ended().await;
    assert!(!status.success());
    let (log, held) = (rival.node.process.log(), server.node.process.id());
    for part in [format!("process {held}"), server.node.public_address(), server.data_dir.display().to_string()] {
        assert!(log.contains(&part), "{part} in {log}");
    }
    assert_eq!(ready(&server).await.0, 200);
    server.node.process.kill();
    rival.node.start().await;
}

#[tokio::test]
async fn a2_backup_and_restore_by_the_documents() {
    let server = Standalone::start().await;
    let rest = Rest::new(server.node.public_url());
    let user = rest.new_user("kept").await;
    let room = rest.new_room(&user, "public").await;
    let say = async |text: &str| {
        let _said = rest.say(&room, &user, &json!({"content": text})).await.expect(201);
    };
    for n in 0..5 {
        say(&format!("before {n}")).await;
    }
    let folder = dirs::fresh("backup");
    let file = folder.join("rookery.backup").display().to_string();
    let told = server.done(&["backup", &file], "");
    assert!(told.contains("1 signing key"), "{told}");
    assert!(server.refused(&["backup", &file]).contains("exists"));
    assert!(server.done(&["verify", &file], "").contains("exactly that"), "beside the running server");
    assert!(server.done(&["verify", &file, "--settings"], "").contains("data_dir = "));
    say("after").await;
    assert!(server.done(&["verify", &file], "").contains("has changed since"));
    assert!(server.refused(&["restore", &file, "--replace"]).contains("is in use by process"));
    server.node.process.terminate().await;
    assert!(server.refused(&["restore", &file]).contains("--replace"));
    let damaged = folder.join("damaged").display().to_string();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&damaged, &whole[..whole.len() / 2]).unwrap();
    assert!(server.refused(&["restore", &damaged, "--replace"]).contains("not a backup"));
    assert!(server.refused(&["verify", &damaged]).contains("not a backup"));
    // One letter of a message, and the end.
    let letter = whole.windows(8).position(|part| part == b"before 3").expect("the text is in the file") + 7;
    for position in [letter, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[position] ^= 1;
        std::fs::write(&damaged, &changed).unwrap();
        assert!(server.refused(&["verify", &damaged]).contains("not a backup"), "at {position}");
        assert!(server.refused(&["restore", &damaged, "--replace"]).contains("not a backup"), "at {position}");
    }
    let later = folder.join("later.backup").display().to_string();
    server.done(&["backup", &later], "");
    server.done(&["restore", &file, "--replace"], "");
    assert!(server.done(&["verify", &file], "").contains("exactly that"));
    let lacking = server.refused(&["verify", &later]);
    assert!(lacking.contains("messages") && lacking.contains(&room), "what it lacks is told: {lacking}");
    server.node.start().await;
    let history = rest.history(&room, &user.token).await;
    let texts: Vec<_> = history.iter().filter_map(|frame| frame["message"]["content"].as_str()).collect();
    assert_eq!(texts, ["before 0", "before 1", "before 2", "before 3", "before 4"]);
    // On an empty machine it brings the signing keys along.
    server.node.process.terminate().await;
    std::fs::remove_dir_all(&server.data_dir).unwrap();
    server.done(&["restore", &file], "");
    server.node.start().await;
    assert_eq!(rest.history(&room, &user.token).await.len(), history.len());
}

#[tokio::test]
async fn a2_the_file_of_a_stopped_process_is_whole_by_itself() {
    let server = Standalone::start().await;
    let rest = Rest::new(server.node.public_url());
    let user = rest.new_user("whole").await;
    server.node.process.terminate().await;
    for suffix in ["wal", "shm"] {
        std::fs::remove_file(server.data_dir.join(format!("rookery.db-{suffix}"))).ok();
    }
    server.node.start().await;
    let _me = rest.get("/api/v1/users/me", Some(&user.token)).await.expect(200);
}

fn limit_files(server: &Standalone, bytes: &str) {
    let (pid, limit) = (server.node.process.id().to_string(), format!("--fsize={bytes}:unlimited"));
    let status = Command::new("prlimit")
        .args(["--pid", &pid, &limit])
        .status()
        .expect("prlimit is installed");
    assert!(status.success());
}

/// A file that cannot grow is what a full disk is to the database, and needs no disk of its own.
#[tokio::test]
async fn d7_a_full_disk_is_not_ready_and_recovers() {
    let mut server = Standalone::prepare();
    server.node.process = server.node.process.with_full_disks_as_errors();
    server.node.start().await;
    let rest = Rest::new(server.node.public_url());
    let user = rest.new_user("full").await;
    // The log of the database cannot grow any more; that of the process can.
    let log = std::fs::metadata(server.data_dir.join("rookery.db-wal")).unwrap();
    limit_files(&server, &log.len().to_string());
    let (status, text) = ready(&server).await;
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("rookery.db") && text.contains("disk"), "{text}");
    let refused = rest.say("general", &user, &json!({"content": "hi"})).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(server.node.process.log().contains("disk"), "{}", server.node.process.log_tail());
    limit_files(&server, "unlimited");
    server.node.ready().await;
    let _said = rest.say("general", &user, &json!({"content": "hi"})).await.expect(201);
}

#[tokio::test]
async fn d7_a_start_on_a_full_disk_names_the_file() {
    let server = Standalone::prepare();
    std::fs::create_dir_all(&server.data_dir).unwrap();
    let program = rookery_tests::tools::binary("rookery").display().to_string();
    let line = format!("trap '' XFSZ; ulimit -f 0; '{program}' 2>&1 | cat");
    let output = Command::new("bash")
        .args(["-c", &line])
        .env("ROOKERY_DATA_DIR", &server.data_dir)
        .env("ROOKERY_LISTEN", server.node.public_address())
        .env("ROOKERY_INTERNAL_LISTEN", "127.0.0.1:0")
        .output()
        .expect("a shell runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains(&server.data_dir.display().to_string()), "{told}");
}

#[tokio::test]
async fn d7_a_backup_onto_a_full_disk_names_the_backup() {
    let server = Standalone::start().await;
    let file = dirs::fresh("full-backup").join("rookery.backup");
    let program = rookery_tests::tools::binary("rookery").display().to_string();
    let line = format!("trap '' XFSZ; ulimit -f 8; '{program}' backup '{}' 2>&1 | cat", file.display());
    let output = Command::new("bash")
        .args(["-c", &line])
        .env("ROOKERY_DATA_DIR", &server.data_dir)
        .output()
        .expect("a shell runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains(&file.display().to_string()) && !told.contains("rookery.db"), "{told}");
    assert!(!file.exists());
}

#[tokio::test]
async fn s4_13_b8_demo_users_log_in_only_while_the_server_is_in_demo_mode() {
    let dir = dirs::fresh("demo");
    let with = |flags: &[&str]| Standalone::prepare_at(dir.clone(), dir.join("data"), &[("limits", "off")], flags);
    let login_as = async |server: &Standalone, name: &str, password: &str| {
        let rest = Rest::new(server.node.public_url());
        rest.login(name, password).await
    };
    let login = async |server: &Standalone| login_as(server, "alice", "alicepass123").await;
    let demo = with(&["--demo"]);
    demo.node.start().await;
    let alice = login(&demo).await.expect(200).account(String::new());
    let _other = login_as(&demo, "testuser", "testpass123").await.expect(200);
    demo.node.process.terminate().await;

    let plain = with(&[]);
    plain.node.start().await;
    login(&plain).await.expect_problem(403, "account_disabled");
    login_as(&plain, "testuser", "testpass123").await.expect_problem(403, "account_disabled");
    let rest = Rest::new(plain.node.public_url());
    rest.refresh(&alice.refresh_token).await.expect_problem(401, "bad_refresh_token");
    assert!(plain.node.process.log().contains("demo mode was disabled"), "{}", plain.node.process.log_tail());
    plain.node.process.terminate().await;

    demo.node.start().await;
    let _again = login(&demo).await.expect(200);
    demo.node.process.terminate().await;
    // What demo mode has made goes with it, whatever it is called by then and whoever knows its password.
    demo.node.start().await;
    let again = login(&demo).await.expect(200).account(String::new());
    let body = json!({"username": "renamed"});
    let _renamed = Rest::new(demo.node.public_url())
        .put("/api/v1/users/me/username", Some(&again.token), &body)
        .await
        .expect(200);
    demo.node.process.terminate().await;
    demo.done(&["user", "password", "testuser", "--password-stdin"], "a password of their own\n");
    plain.node.start().await;
    let rest = Rest::new(plain.node.public_url());
    rest.login("renamed", "alicepass123").await.expect_problem(403, "account_disabled");
    rest.login("alice@example.org", "alicepass123")
        .await
        .expect_problem(403, "account_disabled");
    rest.login("testuser", "a password of their own")
        .await
        .expect_problem(403, "account_disabled");
    plain.node.process.terminate().await;
    demo.node.start().await;
    let _renamed = login_as(&demo, "renamed", "alicepass123").await.expect(200);
}

#[tokio::test]
async fn b8_who_has_a_name_of_demo_mode_is_nobody_of_it() {
    let dir = dirs::fresh("no-demo");
    let with = |flags: &[&str]| Standalone::prepare_at(dir.clone(), dir.join("data"), &[("limits", "off")], flags);
    let (plain, demo) = (with(&[]), with(&["--demo"]));
    plain.node.start().await;
    let rest = Rest::new(plain.node.public_url());
    let own = "a password of her own";
    let body = json!({"username": "alice", "email": "alice@wonderland.example", "password": own});
    let _hers = rest.post("/api/v1/auth/register", None, &body).await.expect(201);
    plain.node.process.terminate().await;
    for server in [&demo, &plain] {
        server.node.start().await;
        let rest = Rest::new(server.node.public_url());
        let _hers = rest.login("alice", own).await.expect(200);
        assert_ne!(rest.login("alice", "alicepass123").await.status, 200);
        server.node.process.terminate().await;
    }
}

#[tokio::test]
async fn b8_demo_mode_stays_on_loopback() {
    let server = Standalone::prepare();
    let port = server.node.public_port();
    let refused =
        server.refused(&["--demo", "--listen", &format!("0.0.0.0:{port}"), "--internal-listen", "127.0.0.1:0"]);
    assert!(refused.contains("--demo-anywhere"), "{refused}");
    let dir = dirs::fresh("demo-anywhere");
    let data_dir = dir.join("data");
    let server = Standalone::prepare_at(dir, data_dir, &[("limits", "off")], &["--demo-anywhere"]);
    server.node.start().await;
    let _alice = Rest::new(server.node.public_url()).login("alice", "alicepass123").await.expect(200);
}
