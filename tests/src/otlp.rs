//! A receiver of traces by OTLP over HTTP: decodes the protobuf that our processes send and keeps the spans.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span as ProtoSpan;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use parking_lot::Mutex;
use prost::Message as _;
use tokio::net::{TcpListener, TcpStream};

use crate::wait;

/// A span as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The program that made it.
    pub service: String,
    /// The process that made it.
    pub instance: String,
    /// Its name.
    pub name: String,
    /// Trace id, in hexadecimal digits.
    pub trace: String,
    /// Span id, in hexadecimal digits.
    pub id: String,
    /// Id of the span above; empty if there is none.
    pub parent: String,
    /// Trace and span ids of its links.
    pub links: Vec<(String, String)>,
    /// Its attributes as text.
    pub attributes: HashMap<String, String>,
    /// Whether its status is an error.
    pub is_error: bool,
    /// From start to end in nanoseconds.
    pub nanos: u64,
}

impl Span {
    /// An attribute; empty if there is none.
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

/// A running receiver.
pub struct Receiver {
    address: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Receiver {
    /// One that takes everything.
    pub async fn start() -> Self {
        Self::listen(true).await
    }

    /// One that accepts connections and reads requests, and never answers.
    pub async fn mute() -> Self {
        Self::listen(false).await
    }

    async fn listen(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound").to_string();
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let kept = Arc::clone(&spans);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept), answers));
            }
        });
        Self { address, spans }
    }

    /// Its address as `otlp_endpoint` has it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().clone()
    }

    /// Waits until a look at all spans finds something.
    pub async fn until<T>(&self, what: &str, find: impl Fn(&[Span]) -> Option<T>) -> T {
        let mut found = None;
        wait::until(what, async || {
            found = find(&self.spans());
            found.is_some()
        })
        .await;
        found.expect("the wait ends when it is found")
    }
}

async fn serve(stream: TcpStream, spans: Arc<Mutex<Vec<Span>>>, answers: bool) {
    let service = service_fn(|request| receive(request, Arc::clone(&spans), answers));
    // A sender that goes away is no failure of the receiver.
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn receive(
    request: Request<Incoming>,
    spans: Arc<Mutex<Vec<Span>>>,
    answers: bool,
) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.uri().path(), "/v1/traces");
    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
    let body = request.into_body().collect().await.expect("the body comes").to_bytes();
    let export = ExportTraceServiceRequest::decode(body).expect("the body is an export of traces");
    if !answers {
        std::future::pending::<()>().await;
    }
    spans.lock().extend(read(export));
    let body = ExportTraceServiceResponse::default().encode_to_vec();
    let answer = Response::builder()
        .header("content-type", "application/x-protobuf")
        .body(Full::from(body));
    Ok(answer.expect("the header is valid"))
}

fn read(export: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource in export.resource_spans {
        let of_process = attributes(resource.resource.map(|resource| resource.attributes).unwrap_or_default());
        let [service, instance] = ["service.name", "service.instance.id"].map(|key| of_process[key].clone());
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(span_of(span, &service, &instance));
        }
    }
    spans
}

fn span_of(span: ProtoSpan, service: &str, instance: &str) -> Span {
    Span {
        service: service.to_owned(),
        instance: instance.to_owned(),
        name: span.name,
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        attributes: attributes(span.attributes),
        is_error: span.status.is_some_and(|status| status.code() == StatusCode::Error),
        nanos: span.end_time_unix_nano - span.start_time_unix_nano,
    }
}

fn attributes(all: Vec<KeyValue>) -> HashMap<String, String> {
    all.into_iter().map(|KeyValue { key, value, .. }| (key, text(value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}
