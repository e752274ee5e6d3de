//! Who reacted how to one message: how many there are of each reaction, the first users of each, and the last word of
//! those users who were asked about. However many there are, no more is kept of them than that.

use rookery_protocol::emoji::Emoji;
use rookery_protocol::id::UserId;
use rookery_protocol::limits::{REACTION_USERS_MAX, REACTIONS_PER_MESSAGE_MAX};
use rookery_protocol::position::Position;
use rookery_protocol::server::Reaction;

/// The reactions to one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reactions {
    tallies: Vec<Tally>,
    /// The last words that are known, also of those who took a reaction back.
    known: Vec<Reacted>,
}

/// The last word of one user about one reaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reacted {
    /// Id of the user.
    pub user: UserId,
    /// Emoji of the reaction.
    pub emoji: Emoji,
    /// The place of that word.
    pub place: Position,
    /// Whether the reaction is there.
    pub active: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tally {
    emoji: Emoji,
    count: u64,
    /// In order.
    first: Vec<(Position, UserId)>,
    /// Whether it is the reader's, where that is known.
    mine: bool,
}

impl Reactions {
    /// Takes in what the store has of one user; `asked` are the users whose last words are to be known. Each row once.
    pub fn take(&mut self, reacted: Reacted, asked: &[UserId]) {
        if reacted.active {
            // Those who are asked about may take theirs back, and there are to be enough others then.
            self.add(&reacted, REACTION_USERS_MAX + asked.len());
        }
        if asked.contains(&reacted.user) {
            self.known.push(reacted);
        }
    }

    /// Applies a change. What the store has of its user must be known, if there is something. Older than what is known,
    /// it changes nothing.
    pub fn apply(&mut self, reacted: &Reacted) {
        let same = |known: &&mut Reacted| known.user == reacted.user && known.emoji == reacted.emoji;
        let known = self.known.iter_mut().find(same);
        if known.as_ref().is_some_and(|known| known.place >= reacted.place) {
            return;
        }
        let before = if let Some(known) = known {
            std::mem::replace(known, reacted.clone()).active
        } else {
            self.known.push(reacted.clone());
            false
        };
        if before {
            self.remove(reacted);
        }
        if reacted.active {
            self.add(reacted, usize::MAX);
        }
    }

    /// Whether some reaction has more users than are named.
    pub fn are_many(&self) -> bool {
        self.tallies.iter().any(|tally| tally.count > REACTION_USERS_MAX as u64)
    }

    /// Marks what is the reader's, by the last words in `own`.
    pub fn read_by(&mut self, reader: UserId, own: &Self) {
        for emoji in own.of(reader) {
            for tally in self.tallies.iter_mut().filter(|tally| tally.emoji == emoji) {
                tally.mine = true;
            }
        }
    }

    /// The reactions of a user who was asked about.
    pub fn of(&self, user: UserId) -> Vec<Emoji> {
        let own = self.known.iter().filter(|known| known.user == user && known.active);
        own.map(|known| known.emoji.clone()).collect()
    }

    /// The visible reactions: the first ones, so that all readers see the same when too many came at once.
    pub fn visible(&self) -> Vec<Reaction> {
        let mut tallies: Vec<&Tally> = self.tallies.iter().collect();
        tallies.sort_by_key(|tally| tally.first.first().copied());
        tallies.into_iter().take(REACTIONS_PER_MESSAGE_MAX).map(Tally::reaction).collect()
    }

    fn add(&mut self, reacted: &Reacted, kept: usize) {
        if !self.tallies.iter().any(|tally| tally.emoji == reacted.emoji) {
            self.tallies
                .push(Tally { emoji: reacted.emoji.clone(), count: 0, first: Vec::new(), mine: false });
        }
        let Some(tally) = self.tallies.iter_mut().find(|tally| tally.emoji == reacted.emoji) else {
            return;
        };
        tally.count += 1;
        let entry = (reacted.place, reacted.user);
        let at = tally.first.partition_point(|other| *other < entry);
        tally.first.insert(at, entry);
        tally.first.truncate(kept);
    }

    fn remove(&mut self, reacted: &Reacted) {
        for tally in self.tallies.iter_mut().filter(|tally| tally.emoji == reacted.emoji) {
            tally.count = tally.count.saturating_sub(1);
            tally.first.retain(|(_, user)| *user != reacted.user);
        }
        self.tallies.retain(|tally| tally.count > 0);
    }
}

impl Tally {
    fn reaction(&self) -> Reaction {
        let user_ids = self.first.iter().take(REACTION_USERS_MAX).map(|(_, user)| *user).collect();
        let mine = self.mine && self.count > REACTION_USERS_MAX as u64;
        Reaction { emoji: self.emoji.clone(), count: self.count, user_ids, mine }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rookery_protocol::id::{Epoch, Seq};

    fn thumb(user: UserId, seq: u64, active: bool) -> Reacted {
        let place = Position { epoch: Epoch(1), seq: Seq::new(seq) };
        Reacted { user, emoji: Emoji::kept("👍".to_owned()), place, active }
    }

    #[test]
    fn b06_many_are_counted_and_the_first_are_named() {
        let users: Vec<UserId> = (0..500).map(|_| UserId::generate()).collect();
        let mut reactions = Reactions::default();
        for (seq, user) in (1..).zip(&users).collect::<Vec<_>>().into_iter().rev() {
            reactions.take(thumb(*user, seq, true), &users[..1]);
        }
        let visible = reactions.visible();
        assert_eq!((visible[0].count, &visible[0].user_ids[..]), (500, &users[..REACTION_USERS_MAX]));
        assert!(reactions.tallies[0].first.len() <= REACTION_USERS_MAX + 1, "no more is kept");
        reactions.apply(&thumb(users[0], 600, false));
        let visible = reactions.visible();
        assert_eq!((visible[0].count, &visible[0].user_ids[..]), (499, &users[1..=REACTION_USERS_MAX]));
    }

    #[test]
    fn who_was_asked_about_is_not_counted_twice() {
        let user = UserId::generate();
        let mut reactions = Reactions::default();
        reactions.take(thumb(user, 3, true), &[user]);
        reactions.apply(&thumb(user, 3, true));
        assert_eq!((reactions.visible()[0].count, reactions.of(user).len()), (1, 1));
        reactions.apply(&thumb(user, 4, false));
        reactions.apply(&thumb(user, 3, true));
        assert!(reactions.visible().is_empty() && reactions.of(user).is_empty());
    }
}
