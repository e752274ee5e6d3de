//! What every part of the bus may answer.

/// The bus does not answer, or not as it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// No answer in time; trying again may help.
    #[error("the bus does not answer: {0}")]
    Unavailable(String),
    /// An answer that makes no sense; a defect or a foreign writer.
    #[error("unexpected answer of the bus: {0}")]
    Protocol(String),
}
