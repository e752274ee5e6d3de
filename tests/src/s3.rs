//! An S3 server that nobody here wrote, moto's, with one bucket.

use std::path::PathBuf;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::net::TcpStream;

use crate::process::{Process, Spec};
use crate::{dirs, ports, tools};

const BUCKET: &str = "rookery-files";

/// The server, which keeps what it is given in memory.
pub struct S3 {
    /// The process.
    pub process: Process,
    port: u16,
    uploads: PathBuf,
}

impl S3 {
    /// A running one with an empty bucket.
    pub async fn start() -> Self {
        let (port, dir) = (ports::free(), dirs::fresh("s3"));
        let uploads = dir.join("uploads");
        let args = ["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned);
        let env = vec![("PYTHONPATH".to_owned(), tools::s3().display().to_string())];
        let spec = Spec { name: "s3".into(), program: tools::python("python"), args: args.to_vec(), env, dir };
        let server = Self { process: Process::prepare(spec), port, uploads };
        server.process.start();
        server
            .process
            .until("accepts connections", async || TcpStream::connect(("127.0.0.1", port)).await.is_ok())
            .await;
        server.ask(Method::PUT, "").await;
        server
    }

    /// The settings of a server that keeps its files here; uploads wait in [`Self::uploads`].
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("s3_bucket", BUCKET.to_owned()),
            ("s3_endpoint", format!("http://127.0.0.1:{}", self.port)),
            ("s3_insecure", "on".to_owned()),
            ("s3_access_key_id", "id".to_owned()),
            ("s3_secret_access_key", "secret".to_owned()),
            ("uploads_dir", self.uploads.display().to_string()),
        ]
    }

    /// Where uploads wait.
    pub fn uploads(&self) -> &std::path::Path {
        &self.uploads
    }

    /// The names of all objects, and of those whose parts are still coming.
    pub async fn names(&self) -> Vec<String> {
        let listed = [self.ask(Method::GET, "?list-type=2").await, self.ask(Method::GET, "?uploads").await].concat();
        let keys = listed.split("<Key>").skip(1);
        keys.filter_map(|rest| rest.split("</Key>").next()).map(str::to_owned).collect()
    }

    async fn ask(&self, method: Method, query: &str) -> String {
        // It reads from here which region is meant, and checks no signature.
        let signed = "AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request, Signature=0";
        let headers =
            HeaderMap::from_iter([(HeaderName::from_static("authorization"), HeaderValue::from_static(signed))]);
        let url = format!("http://127.0.0.1:{}/{BUCKET}{query}", self.port);
        let answer = reqwest::Client::new()
            .request(method, url)
            .headers(headers)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200, "{}", self.process.log_tail());
        answer.text().await.expect("a body")
    }
}
