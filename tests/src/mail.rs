//! A real mail server, aiosmtpd behind a few lines in `tests/clients`, and what it took.

use std::path::PathBuf;

use serde_json::Value;
use tokio::net::TcpStream;

use crate::certificates::Certificates;
use crate::process::{Process, Spec};
use crate::{dirs, ports, tools, wait};

/// A mail server that keeps what it takes.
pub struct MailServer {
    /// The process.
    pub process: Process,
    port: u16,
    folder: PathBuf,
    /// Those that it speaks TLS with, if it does.
    certificates: Option<Certificates>,
}

/// A mail as it arrived.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Whom it was sent to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its `Message-ID`.
    pub message_id: String,
    /// Its plain text.
    pub text: String,
    /// The same as a page.
    pub html: String,
    /// Whether it came over TLS.
    pub tls: bool,
}

impl MailServer {
    /// Chooses a port; nothing runs yet.
    pub fn prepare() -> Self {
        Self::prepare_with(None)
    }

    /// The same, for one that takes mail after STARTTLS only.
    pub fn prepare_tls() -> Self {
        Self::prepare_with(Some(Certificates::make()))
    }

    fn prepare_with(certificates: Option<Certificates>) -> Self {
        let (port, dir) = (ports::free(), dirs::fresh("mail"));
        let folder = dir.join("taken");
        std::fs::create_dir(&folder).expect("a folder can be made");
        let program = tools::client("mail_server.py").display().to_string();
        let mut args = vec![program, port.to_string(), folder.display().to_string()];
        args.extend(
            certificates
                .iter()
                .flat_map(|made| ["server.pem", "server.key"].map(|file| made.path(file))),
        );
        let spec = Spec { name: "mail".into(), program: tools::python("python"), args, env: Vec::new(), dir };
        Self { process: Process::prepare(spec), port, folder, certificates }
    }

    /// A running one.
    pub async fn start() -> Self {
        let server = Self::prepare();
        server.serve().await;
        server
    }

    /// Starts it and waits until it accepts connections.
    pub async fn serve(&self) {
        self.process.start();
        let port = self.port;
        self.process
            .until("accepts connections", async || TcpStream::connect(("127.0.0.1", port)).await.is_ok())
            .await;
    }

    /// The settings of a server that sends its mail here.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let off = if self.certificates.is_some() { "" } else { "?tls=off" };
        let mut settings = vec![
            ("mail_url", format!("smtp://127.0.0.1:{}{off}", self.port)),
            ("mail_from", "Rookery <no-reply@chat.example>".to_owned()),
        ];
        settings.extend(self.certificates.iter().map(|made| ("mail_ca", made.path("ca.pem"))));
        settings
    }

    /// From here on mails are kept but not acknowledged, or acknowledged again.
    pub fn hold(&self, hold: bool) {
        let file = self.folder.join("hold");
        if hold {
            std::fs::write(file, "").expect("a file can be written");
        } else {
            std::fs::remove_file(file).expect("a file can be removed");
        }
    }

    /// Everything that was sent to the address, in the order of coming.
    pub fn mails_to(&self, address: &str) -> Vec<Mail> {
        let files = std::fs::read_dir(&self.folder).expect("the folder can be read");
        let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|kind| kind == "json"));
        paths.sort();
        let mails = paths.iter().map(|path| mail(&std::fs::read_to_string(path).expect("a mail can be read")));
        mails.filter(|mail| mail.to.eq_ignore_ascii_case(address)).collect()
    }

    /// Waits until so many mails were sent to the address, and gives the last one.
    pub async fn nth_to(&self, address: &str, count: usize) -> Mail {
        let mut found = Vec::new();
        wait::until(&format!("{count} mails to {address}"), async || {
            found = self.mails_to(address);
            found.len() >= count
        })
        .await;
        found.swap_remove(count - 1)
    }
}

impl Mail {
    /// The six digits in it.
    pub fn code(&self) -> String {
        let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
        let mut words = self.text.split(|c: char| !c.is_ascii_alphanumeric());
        words.find(is_code).unwrap_or_else(|| panic!("no code in {}", self.text)).to_owned()
    }

    /// What its link carries.
    pub fn token(&self) -> String {
        let (_, rest) = self.text.split_once("/#").unwrap_or_else(|| panic!("no link in {}", self.text));
        let (_, token) = rest.split_once('=').expect("a link has a value");
        token.split_whitespace().next().expect("a value").to_owned()
    }
}

fn mail(text: &str) -> Mail {
    let mail: Value = serde_json::from_str(text).expect("a mail is JSON");
    let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Mail {
        to: string(&mail["to"][0]),
        subject: string(&mail["subject"]),
        message_id: string(&mail["message_id"]),
        text: string(&mail["text"]),
        html: string(&mail["html"]),
        tls: mail["tls"] == true,
    }
}
