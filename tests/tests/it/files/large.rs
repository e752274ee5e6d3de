//! A file of a gibibyte passes through a process in little memory. It takes minutes, so it is not part of every run:
//! `cargo test --workspace -- --ignored a_gibibyte`.

use rookery_tests::deployment::Deployment;
use rookery_tests::rest::Account;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::FILES;

const BYTES: usize = 1024 * 1024 * 1024;
/// What a process may take more while it is under way.
const MEMORY_MAX: u64 = 64 * 1024 * 1024;

/// Memory of a process.
fn resident(deployment: &Deployment) -> u64 {
    deployment.api().process.rss_kib() * 1024
}

async fn connect(deployment: &Deployment, head: &str) -> TcpStream {
    let base = deployment.api().public_url();
    let address = base.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(head.replace("HOST", address).as_bytes()).await.expect("it is read");
    stream
}

async fn answer_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    String::from_utf8_lossy(&head).into_owned()
}

async fn pass(deployment: &Deployment, user: &Account) {
    let before = resident(deployment);
    let mut most = 0;
    let mut watch = || most = most.max(resident(deployment).saturating_sub(before));
    let head = format!(
        "POST {FILES}?name=a.txt HTTP/1.1\r\nhost: HOST\r\nauthorization: Bearer {}\r\ncontent-length: {BYTES}\r\nconnection: close\r\n\r\n",
        user.token
    );
    let mut stream = connect(deployment, &head).await;
    let chunk = vec![b'x'; 1024 * 1024];
    for _ in 0..BYTES / chunk.len() {
        stream.write_all(&chunk).await.expect("it is read");
        watch();
    }
    assert!(answer_head(&mut stream).await.starts_with("HTTP/1.1 201 "));
    let mut body = String::new();
    stream.read_to_string(&mut body).await.expect("an answer");
    let file: serde_json::Value =
        serde_json::from_str(&body[body.find('{').expect("JSON")..=body.rfind('}').expect("JSON")]).expect("JSON");
    watch();
    let id = file["file_id"].as_str().expect("an id");
    let head = format!(
        "GET {FILES}/{id} HTTP/1.1\r\nhost: HOST\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        user.token
    );
    let mut stream = connect(deployment, &head).await;
    assert!(answer_head(&mut stream).await.starts_with("HTTP/1.1 200 "));
    let (mut buffer, mut got) = (vec![0; 1024 * 1024], 0);
    loop {
        let count = stream.read(&mut buffer).await.expect("bytes");
        if count == 0 {
            break;
        }
        assert!(buffer[..count].iter().all(|byte| *byte == b'x'));
        got += count;
        watch();
    }
    assert_eq!(got, BYTES);
    assert!(most <= MEMORY_MAX, "{}: {most} bytes more", deployment.name());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes and two gibibytes of disk"]
async fn a_gibibyte_passes_through_little_memory() {
    let settings = [("file_bytes_max", "2000000000".to_owned()), ("user_quota_bytes", "4000000000".to_owned())];
    for deployment in &Deployment::both_with(&settings).await {
        let user = deployment.rest().new_user("large").await;
        pass(deployment, &user).await;
        deployment.assert_alive();
    }
}
