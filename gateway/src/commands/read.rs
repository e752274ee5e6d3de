//! Moving the user's read mark on. Success is published on the user's channel, to all devices alike.

use rookery_protocol::access::Action;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::server::ErrorFrame;
use tokio::time::timeout;

use super::Commands;
use crate::error::CommandError;
use crate::limits::NEWS_WAIT;
use crate::reads::{READ_FIELD, Reading};

impl Commands {
    pub(super) async fn mark(&self, reading: Reading) {
        let refused = self.mark_read(&reading).await.err().map(|error| {
            self.record_failure(&error);
            let (room, field) = (Some(reading.room.clone()), Some(READ_FIELD.to_owned()));
            ErrorFrame { room, field, ..error.frame() }
        });
        let send_queue = &self.member.send_queue;
        let answers = send_queue.translator().read(&reading, refused.as_ref());
        match refused {
            Some(error) if answers.is_empty() => self.refuse(error),
            Some(error) => self.count_error(&error),
            None => {}
        }
        if !answers.is_empty() {
            send_queue.send_all(&answers);
        }
    }

    async fn mark_read(&self, Reading { room, to }: &Reading) -> Result<(), CommandError> {
        let user = self.member.user;
        let permission = self.node.permissions.check(user, room, Action::Read).await?;
        if permission.role.is_none() {
            return Err(CommandError::Refused(ErrorCode::NotAMember));
        }
        // While the bus is away nobody is notified, and the mark counts all the same.
        timeout(NEWS_WAIT, self.node.session_registry.subscribed(user)).await.ok();
        self.node.metrics.reads.with_label_values(&["written"]).inc();
        Ok(self.node.authority.mark_read(user, permission.room, *to).await?)
    }
}
