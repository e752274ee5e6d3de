//! How much waits in the partitions' logs, asked of Redis itself.

use std::net::SocketAddr;

use rookery_bus_redis::keys;
use rookery_protocol::partition::partitions;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::Failure;

/// A connection to Redis.
pub(crate) struct Depth {
    stream: BufReader<TcpStream>,
    question: String,
}

impl Depth {
    pub(crate) async fn connect(redis: SocketAddr) -> Result<Self, Failure> {
        let length = |key: String| format!("*2\r\n$4\r\nXLEN\r\n${}\r\n{key}\r\n", key.len());
        let question = partitions().map(|t| length(keys::log(t))).collect();
        Ok(Self { stream: BufReader::new(TcpStream::connect(redis).await?), question })
    }

    /// Entries in all logs together.
    pub(crate) async fn read(&mut self) -> Result<u64, Failure> {
        self.stream.write_all(self.question.as_bytes()).await?;
        let mut sum = 0;
        for _ in partitions() {
            let mut line = String::new();
            self.stream.read_line(&mut line).await?;
            let length = line.strip_prefix(':').ok_or_else(|| format!("Redis answered {line:?}"))?;
            sum += length.trim().parse::<u64>()?;
        }
        Ok(sum)
    }
}
