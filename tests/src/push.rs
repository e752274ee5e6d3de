//! A push service (RFC 8030) and devices that are subscribed to it: it keeps what it is sent, answers as it is told, and a
//! device reads what was encrypted for it (RFC 8291), by code that shares nothing with the server's.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::{PublicKey, SecretKey, ecdh};
use parking_lot::Mutex;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::{names, wait};

/// What was sent to a device.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The path of its address.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// What only the device can read.
    pub body: Vec<u8>,
    /// What was answered.
    pub status: u16,
}

impl Delivery {
    /// A header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

#[derive(Default)]
struct State {
    deliveries: Vec<Delivery>,
    /// What is answered next, by path: a status, and seconds to wait.
    answers: HashMap<String, VecDeque<(u16, Option<u32>)>>,
}

/// A running push service.
pub struct PushService {
    address: String,
    state: Arc<Mutex<State>>,
}

impl PushService {
    /// One that takes everything until it is told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound").to_string();
        let state = Arc::<Mutex<State>>::default();
        let kept = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Self { address, state }
    }

    /// Its origin.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A new device.
    pub fn device(&self) -> Device {
        let path = format!("/{}", names::unique("device"));
        let secret = SecretKey::from_slice(&rand::random::<[u8; 32]>()).expect("nearly every number is a key");
        Device { endpoint: format!("{}{path}", self.origin()), path, secret, auth: rand::random() }
    }

    /// What this device is answered next; afterwards everything is taken again.
    pub fn answer(&self, device: &Device, status: u16, retry_after: Option<u32>) {
        let mut state = self.state.lock();
        state.answers.entry(device.path.clone()).or_default().push_back((status, retry_after));
    }

    /// All that was sent to the device so far.
    pub fn deliveries(&self, device: &Device) -> Vec<Delivery> {
        self.state
            .lock()
            .deliveries
            .iter()
            .filter(|sent| sent.path == device.path)
            .cloned()
            .collect()
    }

    /// All of it once there are `count`.
    pub async fn expect(&self, device: &Device, count: usize) -> Vec<Delivery> {
        wait::until("pushes come", async || self.deliveries(device).len() >= count).await;
        let all = self.deliveries(device);
        assert_eq!(all.len(), count, "{:?}", all.iter().map(|sent| device.read(sent)).collect::<Vec<_>>());
        all
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let answer = service_fn(|request: Request<Incoming>| {
        let state = Arc::clone(&state);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
            let path = head.uri.path().to_owned();
            let mut state = state.lock();
            let next = state.answers.get_mut(&path).and_then(VecDeque::pop_front);
            let (status, wait) = next.unwrap_or((201, None));
            state.deliveries.push(Delivery { path, headers: head.headers, body, status });
            let mut response = Response::builder().status(status);
            if let Some(seconds) = wait {
                response = response.header("retry-after", seconds);
            }
            Ok::<_, Infallible>(response.body(Full::<Bytes>::default()).expect("it is a response"))
        }
    });
    http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await.ok();
}

/// A browser that is subscribed.
pub struct Device {
    /// Where pushes go.
    pub endpoint: String,
    path: String,
    secret: SecretKey,
    auth: [u8; 16],
}

impl Device {
    /// As the browser describes itself.
    pub fn subscription(&self) -> Value {
        let [p256dh, auth] = [&self.public()[..], &self.auth].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        json!({"endpoint": self.endpoint, "keys": {"p256dh": p256dh, "auth": auth}})
    }

    fn public(&self) -> Vec<u8> {
        self.secret.public_key().to_encoded_point(false).as_bytes().to_vec()
    }

    /// What a push says.
    pub fn read(&self, sent: &Delivery) -> Value {
        let (salt, rest) = sent.body.split_at(16);
        let (size, rest) = rest.split_at(4);
        assert_eq!(size, 4_096_u32.to_be_bytes(), "one record");
        let (id, record) = rest[1..].split_at(usize::from(rest[0]));
        let theirs = PublicKey::from_sec1_bytes(id).expect("the server's key");
        let shared = ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), theirs.as_affine());
        let agreed = Salt::new(HKDF_SHA256, &self.auth).extract(shared.raw_secret_bytes());
        let info = [&b"WebPush: info\0"[..], &self.public(), id].concat();
        let material: [u8; 32] = expanded(&agreed, &info);
        let keys = Salt::new(HKDF_SHA256, salt).extract(&material);
        let key: [u8; 16] = expanded(&keys, b"Content-Encoding: aes128gcm\0");
        let nonce: [u8; 12] = expanded(&keys, b"Content-Encoding: nonce\0");
        let open = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).expect("a key"));
        let mut record = record.to_vec();
        let text = open
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)
            .expect("it is encrypted for this device");
        let end = text.iter().rposition(|byte| *byte != 0).expect("it has an end");
        assert_eq!(text[end], 2, "the last record");
        serde_json::from_slice(&text[..end]).expect("JSON")
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expanded<const N: usize>(key: &Prk, info: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    let info = [info];
    let expanded = key.expand(&info, Length(N)).expect("a length");
    expanded.fill(&mut bytes).expect("as long as it says");
    bytes
}

/// What the token says that a push came with, once its signature is that of the server's key.
pub fn claims(sent: &Delivery, push_key: &str) -> Value {
    let header = sent.header("authorization");
    let token = header
        .strip_prefix("vapid t=")
        .and_then(|rest| rest.strip_suffix(&format!(", k={push_key}")));
    let token = token.unwrap_or_else(|| panic!("{header} is by the key {push_key}"));
    let (text, signature) = token.rsplit_once('.').expect("a token");
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64url");
    let key = decoded(push_key);
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key)
        .verify(text.as_bytes(), &decoded(signature))
        .expect("signed by the server");
    serde_json::from_slice(&decoded(text.split_once('.').expect("two parts").1)).expect("claims")
}
