//! The trace context of an event: the `traceparent` of W3C Trace Context, level 1.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which request of which trace caused an event: `00-<trace id>-<parent id>-<flags>` in lower-case hexadecimal digits
/// (W3C Trace Context §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    // Bytes: an event is moved often, and numbers of this width would make it larger.
    trace_id: [u8; 16],
    parent_id: [u8; 8],
    flags: u8,
}

/// The text is no `traceparent` of version 00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadTraceParent;

impl TraceParent {
    /// None if either id is zero, which the standard forbids.
    pub const fn new(trace_id: u128, parent_id: u64, flags: u8) -> Option<Self> {
        if trace_id == 0 || parent_id == 0 {
            None
        } else {
            Some(Self { trace_id: trace_id.to_be_bytes(), parent_id: parent_id.to_be_bytes(), flags })
        }
    }

    /// The trace.
    pub const fn trace_id(self) -> u128 {
        u128::from_be_bytes(self.trace_id)
    }

    /// The span in it that caused the event.
    pub const fn parent_id(self) -> u64 {
        u64::from_be_bytes(self.parent_id)
    }

    /// The same place in a trace that is not recorded.
    #[must_use]
    pub const fn unsampled(self) -> Self {
        Self { flags: self.flags & !1, ..self }
    }

    /// Whether the caller records the trace.
    pub const fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }
}

impl FromStr for TraceParent {
    type Err = BadTraceParent;

    fn from_str(text: &str) -> Result<Self, BadTraceParent> {
        let parts: Vec<&str> = text.split('-').collect();
        let ["00", trace_id, parent_id, flags] = *parts.as_slice() else { return Err(BadTraceParent) };
        let is_hex = |part: &str, length| {
            part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if !is_hex(trace_id, 32) || !is_hex(parent_id, 16) || !is_hex(flags, 2) {
            return Err(BadTraceParent);
        }
        let trace_id = u128::from_str_radix(trace_id, 16).map_err(|_| BadTraceParent)?;
        let parent_id = u64::from_str_radix(parent_id, 16).map_err(|_| BadTraceParent)?;
        let flags = u8::from_str_radix(flags, 16).map_err(|_| BadTraceParent)?;
        Self::new(trace_id, parent_id, flags).ok_or(BadTraceParent)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace_id, parent_id, flags) = (self.trace_id(), self.parent_id(), self.flags);
        write!(f, "00-{trace_id:032x}-{parent_id:016x}-{flags:02x}")
    }
}

impl Serialize for TraceParent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a `traceparent`; one that is not valid is none, as the standard asks for, and costs nobody an event.
pub(crate) fn if_valid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TraceParent>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_str().and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard.
    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_standard_is_read_and_written() {
        let trace: TraceParent = TEXT.parse().unwrap();
        assert_eq!(trace.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(trace.parent_id(), 0x00f0_67aa_0ba9_02b7);
        assert!(trace.is_sampled());
        assert_eq!(trace.to_string(), TEXT);
    }

    #[test]
    fn what_the_standard_forbids_is_refused() {
        for bad in [
            "",
            "00",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(bad.parse::<TraceParent>(), Err(BadTraceParent), "{bad}");
        }
    }
}
