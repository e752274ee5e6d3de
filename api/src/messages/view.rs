//! A room's messages.
