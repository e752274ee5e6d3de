//! Looking into uploads, by a program or a clamd. What nobody could look into is not taken: it never fails open.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use rookery_media::spool::{Spool, SpoolError};
use rookery_protocol::error_code::ErrorCode;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::ApiError;
use crate::files::options::ScannerOptions;
use crate::limits::{SCAN_ANSWER_BYTES_MAX, SCAN_DEADLINE, SCAN_WAIT, SCANS_AT_ONCE};

/// Bytes that are sent to a clamd at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Has uploads looked into, so many at a time. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Scanner {
    options: Arc<ScannerOptions>,
    turns: Arc<Semaphore>,
}

/// What a scanner says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Something,
    /// Nobody knows; for logs.
    Unknown(String),
}

impl Scanner {
    pub(crate) fn new(options: ScannerOptions) -> Self {
        Self { options: Arc::new(options), turns: Arc::new(Semaphore::new(SCANS_AT_ONCE)) }
    }

    /// Has a file looked into.
    ///
    /// # Errors
    /// 422 `file_infected`; 503 `unavailable` if nobody could say.
    pub(crate) async fn check(&self, spool: &mut Spool) -> Result<(), ApiError> {
        if *self.options == ScannerOptions::Nobody {
            return Ok(());
        }
        let Ok(Ok(_turn)) = timeout(SCAN_WAIT, self.turns.acquire()).await else {
            return Err(ApiError::refused(ErrorCode::Overloaded));
        };
        let found = match timeout(SCAN_DEADLINE, self.ask(spool)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => Found::Unknown(error.to_string()),
            Err(_) => Found::Unknown("no answer in time".to_owned()),
        };
        match found {
            Found::Nothing => Ok(()),
            Found::Something => Err(ApiError::refused(ErrorCode::FileInfected)),
            Found::Unknown(cause) => {
                tracing::warn!(cause, "the scanner did not look into an upload, which is not taken");
                Err(ApiError::refused(ErrorCode::Unavailable))
            }
        }
    }

    async fn ask(&self, spool: &mut Spool) -> Result<Found, SpoolError> {
        match &*self.options {
            ScannerOptions::Nobody => Ok(Found::Nothing),
            ScannerOptions::Command(words) => run(words, spool).await,
            ScannerOptions::Tcp(address) => instream(TcpStream::connect(address).await?, spool).await,
            ScannerOptions::Socket(path) => instream(UnixStream::connect::<&Path>(path).await?, spool).await,
        }
    }
}

/// Runs a program with the file as its input.
async fn run(words: &[String], spool: &mut Spool) -> Result<Found, SpoolError> {
    let Some((program, arguments)) = words.split_first() else {
        return Ok(Found::Unknown("no program".to_owned()));
    };
    let input = spool.handle().await?;
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::from(input))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await?;
    Ok(match status.code() {
        Some(0) => Found::Nothing,
        Some(1) => Found::Something,
        _ => Found::Unknown(format!("the scanner ended with {status}")),
    })
}

/// Sends the file to a clamd, by its command `INSTREAM`.
async fn instream(mut clamd: impl AsyncRead + AsyncWrite + Unpin, spool: &mut Spool) -> Result<Found, SpoolError> {
    clamd.write_all(b"zINSTREAM\0").await?;
    spool.rewind().await?;
    loop {
        let part = spool.part(CHUNK_BYTES).await?;
        let length = u32::try_from(part.len()).unwrap_or_default();
        clamd.write_all(&length.to_be_bytes()).await?;
        if part.is_empty() {
            break;
        }
        clamd.write_all(&part).await?;
    }
    clamd.flush().await?;
    let mut answer = Vec::new();
    (&mut clamd).take(SCAN_ANSWER_BYTES_MAX as u64).read_to_end(&mut answer).await?;
    Ok(verdict(&answer))
}

fn verdict(answer: &[u8]) -> Found {
    let answer = String::from_utf8_lossy(answer);
    match answer.trim_end_matches(['\0', '\n']).rsplit(' ').next() {
        Some("OK") => Found::Nothing,
        Some("FOUND") => Found::Something,
        _ => Found::Unknown(format!("clamd said {answer:?}")),
    }
}

#[cfg(test)]
mod tests {
    use rookery_media::spool::SpoolFolder;
    use tokio::net::TcpListener;

    use super::*;

    async fn spool(dir: &tempfile::TempDir, content: &[u8]) -> Spool {
        let mut spool = SpoolFolder::new(dir.path().to_owned()).begin(0).await.unwrap();
        spool.add(content).await.unwrap();
        spool
    }

    fn code(checked: Result<(), ApiError>) -> Option<ErrorCode> {
        checked.err().map(|error| error.code())
    }

    #[tokio::test]
    async fn u11_a_program_says_what_it_finds_and_nothing_else_is_taken_for_clean() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = spool(&dir, b"line with VIRUS\n").await;
        let scanner = |text: &str| Scanner::new(ScannerOptions::Command(text.split(' ').map(str::to_owned).collect()));
        assert_eq!(code(scanner("grep -qv VIRUS").check(&mut file).await), Some(ErrorCode::FileInfected));
        assert_eq!(code(scanner("grep -q VIRUS").check(&mut file).await), None, "it ends with 0");
        assert_eq!(code(scanner("grep --no-such").check(&mut file).await), Some(ErrorCode::Unavailable));
        assert_eq!(code(scanner("/no/such/program").check(&mut file).await), Some(ErrorCode::Unavailable));
        assert_eq!(code(Scanner::new(ScannerOptions::Nobody).check(&mut file).await), None);
    }

    #[tokio::test]
    async fn u11_a_clamd_gets_the_whole_file_and_its_absence_is_no_answer() {
        let dir = tempfile::tempdir().unwrap();
        let content: Vec<u8> = vec![7; 200_000];
        let mut file = spool(&dir, &content).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answers = [
            &b"stream: OK\0"[..],
            b"stream: Eicar-Test-Signature FOUND\0",
            b"INSTREAM size limit exceeded. ERROR\0",
            b"",
        ];
        let served = tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut command = [0; 10];
                stream.read_exact(&mut command).await.unwrap();
                assert_eq!(&command, b"zINSTREAM\0");
                let mut got = Vec::new();
                loop {
                    let length = stream.read_u32().await.unwrap() as usize;
                    if length == 0 {
                        break;
                    }
                    let mut part = vec![0; length];
                    stream.read_exact(&mut part).await.unwrap();
                    got.extend(part);
                }
                assert_eq!(got.len(), 200_000);
                stream.write_all(answer).await.unwrap();
            }
        });
        let scanner = Scanner::new(ScannerOptions::Tcp(address));
        let expected =
            [None, Some(ErrorCode::FileInfected), Some(ErrorCode::Unavailable), Some(ErrorCode::Unavailable)];
        for expected in expected {
            assert_eq!(code(scanner.check(&mut file).await), expected);
        }
        served.await.unwrap();
        assert_eq!(code(scanner.check(&mut file).await), Some(ErrorCode::Unavailable), "it is away");
    }
}
