use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

fn outgoing(exempt: &str) -> Outgoing {
    Outgoing::new(crate::tls::without_authorities().unwrap(), Exempt::parse(exempt).unwrap())
}

/// Says one address after the other, whatever it is asked.
struct Turning {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Resolver for Turning {
    fn resolve(&self, _: String, port: u16) -> Resolved {
        let turn = self.asked.fetch_add(1, Ordering::Relaxed).min(self.answers.len() - 1);
        let found = self.answers[turn].iter().map(|address| SocketAddr::new(*address, port)).collect();
        Box::pin(async move { Ok(found) })
    }
}

fn resolving(answers: Vec<Vec<IpAddr>>, exempt: &str) -> (Outgoing, Arc<Turning>) {
    let (resolver, exempt) =
        (Arc::new(Turning { answers, asked: AtomicUsize::new(0) }), Exempt::parse(exempt).unwrap());
    let tcp = Connector { resolver: Arc::clone(&resolver) as Arc<dyn Resolver>, exempt: exempt.clone() };
    (Outgoing::over(tcp, crate::tls::without_authorities().unwrap(), exempt), resolver)
}

/// Answers every request with these lines, and counts connections.
async fn server(answer: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (port, connections) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut read = [0; 4_096];
                while stream.read(&mut read).await.is_ok_and(|count| count > 0) {
                    stream.write_all(answer.as_bytes()).await.ok();
                }
            });
        }
    });
    (port, connections)
}

async fn post(outgoing: &Outgoing, to: &Destination) -> Result<Answer, OutgoingError> {
    outgoing
        .post(to, HeaderMap::new(), Bytes::from_static(b"x"), Duration::from_secs(5))
        .await
}

#[test]
fn numbers_that_are_inside_are_refused_in_every_form() {
    let outgoing = outgoing("");
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "10.1",
        "169.254.169.254",
        "2852039166",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[fe80::1]",
        "[fd00::1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "１２７.0.0.1",
        "127%2e0.0.1",
    ] {
        let found = outgoing.destination(&format!("https://{host}/push"), SECURE);
        assert_eq!(found, Err(Unwelcome::Private), "{host}");
    }
}

#[test]
fn only_addresses_of_the_asked_kind_are_taken() {
    let outgoing = outgoing("http://127.0.0.1:9, https://push.chat.example");
    let web = Rules { plain: true, ports: &[80, 443] };
    for (text, rules, expected) in [
        ("https://push.example/a?b", SECURE, None),
        ("https://push.example:6379/a", SECURE, Some(Unwelcome::Port)),
        ("https://9.9.9.9/a", SECURE, None),
        ("http://push.example/a", SECURE, Some(Unwelcome::Scheme)),
        ("http://push.example/a", web, None),
        ("https://push.example:8443/a", web, Some(Unwelcome::Port)),
        ("ftp://push.example/a", web, Some(Unwelcome::Scheme)),
        ("file:///etc/passwd", SECURE, Some(Unwelcome::Malformed)),
        ("push.example", SECURE, Some(Unwelcome::Malformed)),
        ("", SECURE, Some(Unwelcome::Malformed)),
        ("https://", SECURE, Some(Unwelcome::Malformed)),
        ("https:///push.example", SECURE, Some(Unwelcome::Malformed)),
        ("https:push.example", SECURE, Some(Unwelcome::Malformed)),
        ("https://push.example/\r\nX: y", SECURE, Some(Unwelcome::Malformed)),
        (" https://push.example/", SECURE, Some(Unwelcome::Malformed)),
        ("https://a:b@push.example/", SECURE, Some(Unwelcome::Credentials)),
        ("https://push.example@10.0.0.1/", SECURE, Some(Unwelcome::Credentials)),
        ("http://127.0.0.1:9/a", SECURE, None),
        ("http://127.0.0.1:90/a", SECURE, Some(Unwelcome::Scheme)),
        ("https://127.0.0.1:9/a", SECURE, Some(Unwelcome::Port)),
        ("https://push.chat.example/a", SECURE, None),
    ] {
        assert_eq!(outgoing.destination(text, rules).err(), expected, "{text}");
    }
    let long = format!("https://push.example/{}", "a".repeat(OUTGOING_URL_BYTES_MAX));
    assert_eq!(outgoing.destination(&long, SECURE), Err(Unwelcome::Long));
}

#[test]
fn an_exemption_is_an_origin() {
    for bad in ["127.0.0.1", "http://a/b", "ftp://a", "http://a,nonsense", "http://u@a"] {
        assert!(Exempt::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(Exempt::parse(" , "), Ok(Exempt::default()));
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_connected_to() {
    let (port, connections) = server("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
    let inside = vec![vec![IpAddr::V4(Ipv4Addr::LOCALHOST), "::ffff:127.0.0.1".parse().unwrap()]];
    let (outgoing, resolver) = resolving(inside, "");
    let plain = Rules { plain: true, ports: vec![port].leak() };
    let to = outgoing.destination(&format!("http://push.example:{port}/"), plain).unwrap();
    assert_eq!(post(&outgoing, &to).await, Err(OutgoingError::Private));
    assert_eq!((connections.load(Ordering::Relaxed), resolver.asked.load(Ordering::Relaxed)), (0, 1));
}

/// The name is asked once a connection, and leads inside the second time (DNS rebinding): the answer that was looked at is the
/// one that counts, whichever comes later.
#[tokio::test]
async fn a_name_is_looked_up_once_and_that_address_is_connected_to() {
    let (port, connections) = server("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    // Nobody is at a public address here; what counts is that nobody asks a second time and comes to the server.
    let nobody: IpAddr = "192.0.2.1".parse().unwrap();
    let (outgoing, resolver) = resolving(vec![vec![nobody], vec![here]], "");
    let plain = Rules { plain: true, ports: vec![port].leak() };
    let to = outgoing.destination(&format!("http://push.example:{port}/"), plain).unwrap();
    assert_eq!(post(&outgoing, &to).await, Err(OutgoingError::Private));
    assert_eq!(resolver.asked.load(Ordering::Relaxed), 1);
    assert_eq!(post(&outgoing, &to).await, Err(OutgoingError::Private), "inside now");
    assert_eq!(connections.load(Ordering::Relaxed), 0);
    // An exempt origin is connected to, by the one answer.
    let origin = format!("http://push.example:{port}");
    let (outgoing, resolver) = resolving(vec![vec![here], vec![nobody]], &origin);
    let to = outgoing.destination(&format!("{origin}/x"), SECURE).unwrap();
    let answer = post(&outgoing, &to).await.unwrap();
    assert_eq!((answer.status, answer.retry_after), (StatusCode::CREATED, None));
    assert_eq!((connections.load(Ordering::Relaxed), resolver.asked.load(Ordering::Relaxed)), (1, 1));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_waits_are_bounded() {
    let moved = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\nretry-after: 99999999\r\ncontent-length: 0\r\n\r\n";
    let (port, connections) = server(moved).await;
    let outgoing = outgoing(&format!("http://127.0.0.1:{port}"));
    let to = outgoing.destination(&format!("http://127.0.0.1:{port}/a"), SECURE).unwrap();
    let answer = post(&outgoing, &to).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.retry_after), (307, Some(OUTGOING_RETRY_AFTER_MAX)));
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    assert_eq!(format!("{to:?}"), format!("Destination(http://127.0.0.1:{port})"));
}
