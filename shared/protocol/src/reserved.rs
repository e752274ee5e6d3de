//! Words that nobody may take for a name: those that addresses have, those of roles, and those that speak for the server.
//! One list for the readable addresses of rooms and for the names of users.

const WORDS: &[&str] = &[
    "abuse",
    "admin",
    "administrator",
    "all",
    "anonymous",
    "api",
    "archived",
    "assets",
    "auth",
    "channel",
    "chat",
    "create",
    "deleted",
    "deleted-user",
    "direct",
    "dm",
    "docs",
    "everyone",
    "files",
    "general",
    "group",
    "health",
    "help",
    "here",
    "hooks",
    "hostmaster",
    "internal",
    "invites",
    "live",
    "login",
    "logout",
    "me",
    "members",
    "messages",
    "metrics",
    "mine",
    "mod",
    "moderation",
    "moderator",
    "moderators",
    "mods",
    "new",
    "no-reply",
    "noreply",
    "notifications",
    "null",
    "official",
    "owner",
    "pins",
    "postmaster",
    "presence",
    "public",
    "push",
    "ready",
    "register",
    "rookery",
    "room",
    "rooms",
    "root",
    "search",
    "security",
    "server",
    "settings",
    "staff",
    "status",
    "support",
    "system",
    "undefined",
    "unread",
    "users",
    "webhooks",
    "webmaster",
    "ws",
];

/// Whether the word is on the list, in any case, and whatever stands between its parts.
pub fn is_reserved(word: &str) -> bool {
    let word = word.to_ascii_lowercase().replace(['_', '.'], "-");
    WORDS.binary_search(&word.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c02_the_list_is_in_order_and_read_in_any_case() {
        assert!(WORDS.is_sorted());
        for word in ["admin", "Moderator", "MINE", "general", "rookery", "deleted_user", "No.Reply"] {
            assert!(is_reserved(word), "{word}");
        }
        for word in ["alice", "testuser", "mine-2", "adminton", ""] {
            assert!(!is_reserved(word), "{word}");
        }
    }
}
