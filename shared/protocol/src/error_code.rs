//! Stable codes of errors, the same in error frames and in REST problem documents.

use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $message:literal;)+) => {
        /// What went wrong, for programs. The sentence beside it is for people and may change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the documents.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// A sentence for people.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)+ }
            }
        }
    };
}

error_codes! {
    /// Not JSON, or not a JSON object.
    BadJson = "bad_json", "The text is not a JSON object.";
    /// No such frame type.
    UnknownType = "unknown_type", "There is no frame of this type.";
    /// A field is missing, has the wrong type, or a value out of bounds.
    BadField = "bad_field", "A field is missing or has a wrong value.";
    /// The text is empty or only white space.
    EmptyContent = "empty_content", "The message has no text.";
    /// The text is over its limit.
    ContentTooLong = "content_too_long", "The message is too long.";
    /// The frame names no room and the connection carries none by its path.
    RoomRequired = "room_required", "Name the room.";
    /// There is no such room, or none this user may know of.
    UnknownRoom = "unknown_room", "There is no such room.";
    /// The room is public, but the user is not a member.
    NotAMember = "not_a_member", "Join the room first.";
    /// The user's role does not allow it.
    Forbidden = "forbidden", "You may not do this.";
    /// The connection has as many live rooms as it may have.
    TooManyRooms = "too_many_rooms", "This connection has too many rooms.";
    /// The access token is missing, bad or expired.
    Unauthenticated = "unauthenticated", "A valid access token is needed.";
    /// E-mail, name or password are wrong.
    BadCredentials = "bad_credentials", "The name or the password is wrong.";
    /// The refresh token is unknown, expired or revoked.
    BadRefreshToken = "bad_refresh_token", "Log in again.";
    /// Another account has this name.
    UsernameTaken = "username_taken", "This user name is taken.";
    /// Accounts are made by those who run the server only.
    RegistrationClosed = "registration_closed", "Nobody can register here.";
    /// An account with this name or address cannot be created.
    AccountExists = "account_exists", "An account with this name or address exists.";
    /// Another public room has this name.
    RoomNameTaken = "room_name_taken", "A public room with this name exists.";
    /// No such address.
    NotFound = "not_found", "There is nothing here.";
    /// The address exists, the method does not.
    MethodNotAllowed = "method_not_allowed", "This method is not allowed here.";
    /// The body is not `application/json`.
    UnsupportedMediaType = "unsupported_media_type", "Send application/json.";
    /// The body is over its limit.
    BodyTooLarge = "body_too_large", "The body is too large.";
    /// The request took too long.
    RequestTimeout = "request_timeout", "The request took too long.";
    /// More is waiting to be stored than may wait.
    Overloaded = "overloaded", "The server is catching up. Try again.";
    /// A part behind this node does not answer; repeat with the same `client_id`.
    Unavailable = "unavailable", "Not possible right now. Try again.";
    /// A defect; the cause is in the log.
    Internal = "internal", "Something went wrong here.";
    /// There is no such message in the room, or it is deleted, or the user may not do this to it.
    UnknownMessage = "unknown_message", "There is no such message.";
    /// The message has as many different reactions as it may have.
    TooManyReactions = "too_many_reactions", "This message has too many different reactions.";
    /// The user may read in this room but not say anything, for now or for good.
    Muted = "muted", "You are muted in this room.";
    /// The user may not use this room, for now or for good.
    Banned = "banned", "You are banned from this room.";
    /// The user says more in this room than one may; `retry_after_ms` says when there is room for the next one.
    RateLimited = "rate_limited", "You are sending too fast.";
    /// The room is in slow mode, and the user said something not long ago; `retry_after_ms` says when to try again.
    SlowMode = "slow_mode", "This room is in slow mode.";
    /// The room is frozen: only those who keep order in it may say something.
    Frozen = "frozen", "This room is frozen.";
    /// The `client_id` is that of something else that the user sent to this room.
    ClientIdReused = "client_id_reused", "This client_id was used for something else.";
    /// The password is one of the first that are tried, or the account's own name or address.
    PasswordTooCommon = "password_too_common", "This password is too easy to guess.";
    /// The owner of a room with other members wants to leave.
    OwnerMustTransfer = "owner_must_transfer", "Hand the room over to another member first.";
}
