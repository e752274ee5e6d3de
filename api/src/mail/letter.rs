//! What mails are about. A letter names what it is about by ids; it is written when it is sent.

use rookery_protocol::id::UserId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A mail that is to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "snake_case")]
pub enum Letter {
    /// The code of a registration, or the notice that its address has an account.
    Registration {
        /// The registration.
        registration: Uuid,
        /// Which of its codes.
        number: u32,
    },
    /// A link that sets another password. Without a user nobody has the address, and nothing is sent.
    Recovery {
        /// Whose password.
        user: Option<UserId>,
    },
    /// A link that makes an address that of an account, or the notice that it is another one's.
    EmailConfirm {
        /// The secret that works once, by its id.
        token: Uuid,
    },
    /// The old address is told that the account has another one, with a link that undoes it.
    EmailUndo {
        /// The secret that works once, by its id.
        token: Uuid,
    },
    /// The account has another password.
    PasswordChanged {
        /// Whose password.
        user: UserId,
    },
}
