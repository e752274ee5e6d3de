//! What those are told who watch a user, beside how the user stands.

use std::sync::Arc;

use rookery_protocol::id::UserId;
use rookery_protocol::news::UserNews;
use rookery_protocol::server::{ServerFrame, UserFrame};

use super::Presence;
use super::watchers::Delivery;
use crate::dialect::SharedFrame;
use crate::send_queue::SendQueue;

impl Presence {
    /// Another name or picture of the user concerns all who watch; everything else is the user's own.
    pub fn on_news(&self, user: UserId, news: &UserNews, unflushed: &mut Vec<Arc<SendQueue>>) {
        let UserNews::Frame { frame: frame @ UserFrame::UserUpdated { .. } } = news else { return };
        let to = self.watchers.lock().who_watch(user);
        if !to.is_empty() {
            let frame = SharedFrame::from(ServerFrame::User(frame.clone()));
            self.enqueue(&Delivery { frame, room: None, to }, unflushed);
        }
    }
}
