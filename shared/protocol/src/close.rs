//! Close codes of the WebSocket: number, reason text, and whether the client should come back.
//!
//! One table for the gateway, `docs/protocol.md` and the web client; `shared/fixtures/close_codes.json` is
//! compared with it by the tests of both languages.

/// Why the server closes a connection. The text fits a control frame (RFC 6455 §5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// The client said goodbye.
    Normal,
    /// The node is stopping; another one serves at once.
    GoingAway,
    /// A frame broke RFC 6455.
    ProtocolError,
    /// A binary frame came where JSON text is due.
    Unsupported,
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// Too many frames that mean nothing.
    Policy,
    /// A message over the limit.
    TooBig,
    /// The node has a defect; it is in its log.
    Internal,
    /// The node restarts; come back after a moment.
    Restart,
    /// The node has no room for this connection now.
    Overloaded,
    /// The token is missing, bad or expired.
    Unauthenticated,
    /// The user may not use this room.
    Forbidden,
    /// There is no such room, or none that this user may know of.
    NoSuchRoom,
    /// Nothing came from the client within the heartbeat deadline.
    Timeout,
    /// The client reads too slowly; resume by position.
    TooSlow,
    /// The login session of the token was ended: log in again.
    SessionRevoked,
    /// More frames or bytes than anybody needs.
    Flooding,
    /// The user has opened more sockets on this node than one may: this was the oldest.
    Replaced,
}

impl CloseCode {
    /// Every code, in the order of the documents.
    pub const ALL: [Self; 18] = [
        Self::Normal,
        Self::GoingAway,
        Self::ProtocolError,
        Self::Unsupported,
        Self::InvalidUtf8,
        Self::Policy,
        Self::TooBig,
        Self::Internal,
        Self::Restart,
        Self::Overloaded,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NoSuchRoom,
        Self::Timeout,
        Self::SessionRevoked,
        Self::Replaced,
        Self::Flooding,
        Self::TooSlow,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        self.row().0
    }

    /// The reason on the wire; also the label in metrics.
    pub const fn reason(self) -> &'static str {
        self.row().1
    }

    /// Whether a client should connect again with the token it has.
    pub const fn may_return(self) -> bool {
        self.row().2
    }

    /// Whether the user may not have what the connection was for. What it asked for before and was not done by then is
    /// not done any more.
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::Unauthenticated | Self::Forbidden | Self::SessionRevoked)
    }

    const fn row(self) -> (u16, &'static str, bool) {
        match self {
            Self::Normal => (1000, "bye", false),
            Self::GoingAway => (1001, "going_away", true),
            Self::ProtocolError => (1002, "protocol_error", false),
            Self::Unsupported => (1003, "text_frames_only", false),
            Self::InvalidUtf8 => (1007, "invalid_utf8", false),
            Self::Policy => (1008, "policy", false),
            Self::TooBig => (1009, "too_big", false),
            Self::Internal => (1011, "internal", true),
            Self::Restart => (1012, "restart", true),
            Self::Overloaded => (1013, "overloaded", true),
            Self::Unauthenticated => (4401, "unauthenticated", false),
            Self::Forbidden => (4403, "forbidden", false),
            Self::NoSuchRoom => (4404, "no_such_room", false),
            Self::Timeout => (4408, "timeout", true),
            Self::SessionRevoked => (4409, "session_revoked", false),
            Self::Replaced => (4410, "replaced", false),
            Self::Flooding => (4429, "flooding", false),
            Self::TooSlow => (4508, "too_slow", true),
        }
    }
}
