//! A WebSocket with the deadlines and close codes of this protocol, over any byte stream.
//!
//! One task owns it. Reading may be dropped and taken up again; writing is always awaited to its end or its
//! deadline, so no frame is ever cut in the middle by us.

use std::error::Error as StdError;
use std::io;

use futures_util::{SinkExt, StreamExt};
use rookery_shared::limits::{
    CLOSE_DEADLINE, FRAME_BYTES_MAX, FRAMES_BURST_MAX, FRAMES_PER_SECOND_MAX, READ_BUFFER_BYTES, WRITE_BUFFER_BYTES,
    WRITE_BUFFER_BYTES_MAX, WRITE_DEADLINE,
};
use rookery_shared::protocol::close::CloseCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::outbox::Frame;

mod meter;

use meter::{Flood, Metered};

pub use meter::FrameRate;

/// See the module's text.
pub struct Socket<S> {
    stream: WebSocketStream<Metered<S>>,
}

/// What one client may send and be owed. Only tests choose other bounds than the default.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of one message from the client, all its fragments together.
    pub message_bytes: usize,
    /// Bytes that wait to be written.
    pub write_buffer_bytes: usize,
    /// Frames from the client.
    pub frames: FrameRate,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            message_bytes: FRAME_BYTES_MAX,
            write_buffer_bytes: WRITE_BUFFER_BYTES_MAX,
            frames: FrameRate { per_second: FRAMES_PER_SECOND_MAX, burst: FRAMES_BURST_MAX },
        }
    }
}

/// What came from the client.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A text frame.
    Text(Frame),
    /// A binary frame; this protocol has none.
    Binary(Bytes),
    /// A ping (answered already) or a pong.
    Pulse,
    /// The client says goodbye.
    Goodbye,
    /// Something that this protocol does not allow.
    Breach(CloseCode),
    /// The byte stream ended.
    Lost,
}

/// Why a write did not reach the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The client takes nothing.
    #[error("the client reads too slowly")]
    TooSlow,
    /// The byte stream ended.
    #[error("the connection is lost")]
    Lost,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// The server's end of an upgraded stream, with the bytes that were read behind the request head.
    pub async fn new(stream: S, read_before: Vec<u8>, bounds: Bounds) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_write_buffer_size(bounds.write_buffer_bytes)
            .max_message_size(Some(bounds.message_bytes))
            .max_frame_size(Some(bounds.message_bytes));
        let stream = Metered::new(stream, bounds.frames, &read_before);
        let stream = WebSocketStream::from_partially_read(stream, read_before, Role::Server, Some(config)).await;
        Self { stream }
    }

    /// The next thing from the client. Safe to drop.
    pub async fn next(&mut self) -> Heard {
        match self.stream.next().await {
            None => Heard::Lost,
            Some(Err(error)) => breach(&error).map_or(Heard::Lost, Heard::Breach),
            Some(Ok(message)) => match message {
                Message::Text(text) => Heard::Text(text),
                Message::Ping(_) | Message::Pong(_) => Heard::Pulse,
                Message::Close(_) => Heard::Goodbye,
                Message::Binary(bytes) => Heard::Binary(bytes),
                Message::Frame(_) => Heard::Breach(CloseCode::ProtocolError),
            },
        }
    }

    /// Writes frames with as few system calls as they need.
    pub async fn write(&mut self, frames: Vec<Frame>) -> Result<(), WriteError> {
        self.write_messages(frames.into_iter().map(Message::Text)).await
    }

    /// The same with messages of every kind.
    pub async fn write_messages(&mut self, messages: impl IntoIterator<Item = Message>) -> Result<(), WriteError> {
        let stream = &mut self.stream;
        let written = async {
            for message in messages {
                stream.feed(message).await?;
            }
            stream.flush().await
        };
        within_deadline(written).await
    }

    /// Writes a ping.
    pub async fn ping(&mut self) -> Result<(), WriteError> {
        within_deadline(self.stream.send(Message::Ping(Bytes::new()))).await
    }

    /// Says goodbye, or answers the client's goodbye, and waits a little for the client to end the byte stream:
    /// bytes that arrive after a close of ours would make the kernel reset the connection, and the close frame
    /// could be lost with it.
    pub async fn close(mut self, code: Option<CloseCode>) {
        let said = match code.map(close_frame) {
            Some(frame) => timeout(CLOSE_DEADLINE, self.stream.send(Message::Close(Some(frame)))).await,
            None => timeout(CLOSE_DEADLINE, self.stream.flush()).await,
        };
        if matches!(said, Ok(Ok(()))) {
            // A client that does not go in time is left behind.
            timeout(CLOSE_DEADLINE, self.linger()).await.ok();
        }
    }

    async fn linger(&mut self) -> io::Result<()> {
        let stream = self.stream.get_mut().get_mut();
        stream.shutdown().await?;
        let mut ignored = vec![0; READ_BUFFER_BYTES];
        while stream.read(&mut ignored).await? > 0 {}
        Ok(())
    }
}

async fn within_deadline(written: impl Future<Output = Result<(), Error>>) -> Result<(), WriteError> {
    match timeout(WRITE_DEADLINE, written).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::debug!(%error, "write failed");
            Err(WriteError::Lost)
        }
        Err(_) => Err(WriteError::TooSlow),
    }
}

/// What the client did wrong; none if the stream just ended.
fn breach(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Io(error) if error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<Flood>) => {
            Some(CloseCode::Flooding)
        }
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Tls(_) => None,
        Error::Capacity(_) => Some(CloseCode::TooBig),
        Error::Utf8(_) => Some(CloseCode::InvalidUtf8),
        Error::Protocol(_) | Error::AttackAttempt => Some(CloseCode::ProtocolError),
        Error::WriteBufferFull(_) => Some(CloseCode::TooSlow),
        Error::Url(_) | Error::Http(_) | Error::HttpFormat(_) => Some(CloseCode::Internal),
    }
}

fn close_frame(code: CloseCode) -> CloseFrame {
    CloseFrame { code: code.number().into(), reason: code.reason().into() }
}

#[cfg(test)]
mod tests;
