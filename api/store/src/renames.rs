//! What becomes of names that were taken before there were rules for them. Pure, and the same however often it is asked:
//! the older one keeps its name.

use std::collections::HashSet;

use rookery_protocol::access::Visibility;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, Slug, UserId};
use rookery_protocol::reserved::is_reserved;

use crate::room::{GENERAL, RoomDescription, RoomName};
use crate::user::Email;

/// A room as it is in a store.
#[derive(Clone, Debug)]
pub struct OldRoom {
    /// Id of the room.
    pub id: RoomId,
    /// Its readable address.
    pub slug: Option<String>,
    /// Name of the room.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Who may find it.
    pub visibility: Visibility,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// A room as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRoom {
    /// Id of the room.
    pub id: RoomId,
    /// Its readable address.
    pub slug: Option<Slug>,
    /// Name of the room.
    pub name: RoomName,
    /// What it is about.
    pub description: RoomDescription,
    /// The form in which the name is unique; none where it need not be.
    pub key: Option<String>,
    /// Whether somebody will notice.
    pub renamed: bool,
}

/// An account's address as it is in a store.
#[derive(Clone, Debug)]
pub struct OldAddress {
    /// The account.
    pub id: UserId,
    /// The address as written.
    pub email: String,
    /// The form in which it is unique.
    pub key: String,
    /// When the account was made.
    pub created_at: UnixMillis,
}

/// The names of rooms, by the rules of today.
pub fn rooms(mut rooms: Vec<OldRoom>) -> Vec<NamedRoom> {
    rooms.sort_by_key(|room| (room.created_at, room.id));
    let mut slugs: HashSet<String> = rooms.iter().filter_map(|room| room.slug.clone()).collect();
    let mut keys = HashSet::new();
    rooms.into_iter().map(|room| named(room, &mut keys, &mut slugs)).collect()
}

fn named(room: OldRoom, keys: &mut HashSet<String>, slugs: &mut HashSet<String>) -> NamedRoom {
    let OldRoom { id, slug: old_slug, name: old_name, description, visibility, .. } = room;
    let mut name = RoomName::kept(&old_name, id);
    let is_public = visibility == Visibility::Public;
    let first = name.clone();
    for n in 2_u32.. {
        if !is_public || keys.insert(name.key()) {
            break;
        }
        name = first.numbered(n);
    }
    let kept = old_slug.clone().filter(|slug| slug == GENERAL || !is_reserved(slug));
    let kept = kept.and_then(|slug| Slug::try_from(slug).ok());
    let slug = match (kept, is_public) {
        (Some(slug), _) => Some(slug),
        (None, false) => None,
        (None, true) => (1..=u32::MAX).filter_map(|n| name.slug(n)).find(|slug| slugs.insert(slug.to_string())),
    };
    let renamed =
        name.as_str() != old_name || (old_slug.is_some() && slug.as_ref().map(Slug::as_str) != old_slug.as_deref());
    let key = is_public.then(|| name.key());
    NamedRoom { id, slug, name, description: RoomDescription::kept(&description), key, renamed }
}

/// The accounts whose addresses get another unique form, with it. Where two accounts have one address in two forms, one
/// has had the new form all the time, or the older one gets it; the other one is still found by the form it was
/// registered with.
pub fn addresses(mut accounts: Vec<OldAddress>) -> Vec<(UserId, String)> {
    let key = |account: &OldAddress| Email::kept(account.email.clone()).key();
    accounts.sort_by_key(|account| (account.created_at, account.id));
    let mut keys: HashSet<String> = accounts.iter().map(|account| account.key.clone()).collect();
    let moving = accounts.iter().map(|account| (account.id, key(account), &account.key));
    let moving = moving.filter(|(_, new, old)| new != *old && keys.insert(new.clone()));
    moving.map(|(id, new, _)| (id, new)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(n: i64, name: &str, slug: Option<&str>) -> OldRoom {
        let (id, slug) = (RoomId::generate(), slug.map(str::to_owned));
        let (name, description) = (name.to_owned(), String::new());
        OldRoom { id, slug, name, description, visibility: Visibility::Public, created_at: UnixMillis(n) }
    }

    fn shown(rooms: &[NamedRoom]) -> Vec<(&str, &str)> {
        rooms
            .iter()
            .map(|room| (room.name.as_str(), room.slug.as_ref().map_or("", Slug::as_str)))
            .collect()
    }

    #[test]
    fn the_older_room_keeps_its_name() {
        let mut old = vec![
            room(5, "ＡＢＣ", None),
            room(1, "General", Some("general")),
            room(2, "日本語", None),
            room(3, "日本語", None),
            room(4, "abc", Some("abc")),
            room(6, "Mine", Some("mine")),
            room(7, "\u{202e}liam", Some("liam")),
        ];
        let named = rooms(old.clone());
        let wanted = [
            ("General", "general"),
            ("日本語", "ri-ben-yu"),
            ("日本語 (2)", "ri-ben-yu-2"),
            ("abc", "abc"),
            ("ＡＢＣ (2)", "abc-2"),
            ("Mine", "mine-2"),
            ("liam", "liam"),
        ];
        assert_eq!(shown(&named), wanted);
        assert_eq!(named.iter().filter(|room| room.renamed).count(), 4);
        old.reverse();
        assert_eq!(rooms(old), named, "in whatever order they are read");
        let again = named.iter().map(|room| OldRoom {
            id: room.id,
            slug: room.slug.as_ref().map(ToString::to_string),
            name: room.name.as_str().to_owned(),
            description: String::new(),
            visibility: Visibility::Public,
            created_at: UnixMillis(7),
        });
        let again = rooms(again.collect());
        assert!(again.iter().all(|room| !room.renamed), "once is enough");
    }

    #[test]
    fn rooms_that_nobody_can_find_may_be_called_alike() {
        let private = |n| OldRoom { visibility: Visibility::Private, ..room(n, "Ops", None) };
        assert_eq!(shown(&rooms(vec![private(1), private(2)])), [("Ops", ""), ("Ops", "")]);
    }

    #[test]
    fn one_address_in_two_forms_is_two_accounts_that_are_both_found() {
        let account = |n, email: &str| OldAddress {
            id: UserId::generate(),
            email: email.to_owned(),
            key: email.to_lowercase(),
            created_at: UnixMillis(n),
        };
        let (old, new) = (account(1, "a@bücher.example"), account(2, "A@xn--bcher-kva.example"));
        let alone = account(3, "b@bücher.example");
        let moved = addresses(vec![new, old, alone.clone()]);
        assert_eq!(moved, [(alone.id, "b@xn--bcher-kva.example".to_owned())]);
    }
}
