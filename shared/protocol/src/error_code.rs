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
    /// The room has as many pinned messages as it may have.
    TooManyPins = "too_many_pins", "This room has too many pinned messages.";
    /// The user has saved as many messages as one may.
    TooManySaved = "too_many_saved", "You have saved too many messages.";
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
    /// The `Idempotency-Key` is that of another request of the user.
    IdempotencyKeyReused = "idempotency_key_reused", "This Idempotency-Key was used for something else.";
    /// The password is one of the first that are tried, or the account's own name or address.
    PasswordTooCommon = "password_too_common", "This password is too easy to guess.";
    /// The owner of a room with other members wants to leave.
    OwnerMustTransfer = "owner_must_transfer", "Hand the room over to another member first.";
    /// Whoever registers needs an invite to the server.
    RegistrationInviteOnly = "registration_invite_only", "Registering takes a valid invite.";
    /// The code is wrong, expired, tried too often, or of nothing.
    CodeInvalid = "code_invalid", "The code is wrong or has expired.";
    /// The link is wrong, expired or used.
    TokenInvalid = "token_invalid", "The link is wrong, has expired or was used.";
    /// The address of the registration is not verified yet.
    EmailNotVerified = "email_not_verified", "Verify your address first.";
    /// The account may not log in.
    AccountDisabled = "account_disabled", "This account is disabled.";
    /// The password was right, and a code of the second factor is needed beside it.
    SecondFactorRequired = "second_factor_required", "A code of your second factor is needed.";
    /// The caller's own password is another one.
    PasswordWrong = "password_wrong", "The password is wrong.";
    /// The room is that of two people: nobody leaves it, is taken out of it, or is let in.
    DirectRoom = "direct_room", "This is a direct chat of two people.";
    /// The user does not want to be written to directly, or added to rooms, by whoever asks.
    DirectRefused = "direct_refused", "This user does not take that from you.";
    /// One of the two has blocked the other.
    Blocked = "blocked", "One of you has blocked the other.";
    /// The invite is unknown, expired, used up or revoked, or the user is shut out.
    InviteInvalid = "invite_invalid", "This invite does not hold.";
    /// Nobody joins the room without an invite.
    InviteRequired = "invite_required", "Joining this room takes an invite.";
    /// The room has as many members as it may have.
    RoomFull = "room_full", "This room is full.";
    /// Whoever decides about joining said no; `retry_after_ms` says when to ask again.
    JoinDenied = "join_denied", "You were not let in.";
    /// As many people wait for somebody to let them into the room as may.
    TooManyJoinRequests = "too_many_join_requests", "Too many people wait to be let in.";
    /// Somebody has decided about it before, otherwise.
    AlreadyDecided = "already_decided", "Somebody has decided about this already.";
    /// Nobody who may would run the server any more.
    LastAdmin = "last_admin", "The server needs another admin first.";
    /// The uploaded file is over its limit.
    FileTooLarge = "file_too_large", "The file is too large.";
    /// The uploaded file is of a kind that is not taken here.
    FileTypeRefused = "file_type_refused", "Files of this kind are not taken here.";
    /// A file that a message names is none of the sender's, is attached to something else, or is gone.
    BadAttachment = "bad_attachment", "A file of the message is not there to be attached.";
    /// The file is attached to a message, or to one that is sent later.
    FileAttached = "file_attached", "This file is attached to a message.";
    /// A scanner has found something in the file.
    FileInfected = "file_infected", "Something harmful was found in this file.";
    /// The part of a file that is asked for is not there, or is several.
    BadRange = "bad_range", "The file has no such part.";
    /// The user's files take as much as they may.
    QuotaExceeded = "quota_exceeded", "You have uploaded as much as you may.";
    /// There is no place for files left.
    StorageFull = "storage_full", "There is no space left for files.";
    /// As many uploads of the user, or of all users, are under way as may be.
    TooManyUploads = "too_many_uploads", "Too many uploads at once.";
    /// The search has no term that must be there, or more than it may have.
    BadQuery = "bad_query", "The search has nothing to look for, or too much.";
    /// The user has as many messages that wait to be sent as one may have.
    TooManyScheduled = "too_many_scheduled", "You have too many scheduled messages.";
    /// The scheduled message is being sent, or is over.
    AlreadySent = "already_sent", "This message is being sent, or was.";
    /// The uploaded picture is broken, or larger than is drawn.
    BadImage = "bad_image", "The picture is broken or has too many pixels.";
    /// The room is archived: it can be read, and nobody sends to it.
    Archived = "archived", "This room is archived.";
    /// Only owner and moderators may send to the room.
    PostingRestricted = "posting_restricted", "Only moderators may send here.";
    /// This cannot be done to the room that everybody is in.
    ProtectedRoom = "protected_room", "This cannot be done to this room.";
    /// The text or name has a word that is not welcome.
    Filtered = "filtered", "It has a word that is not welcome here.";
}
