//! What public rooms are found by.

use rookery_protocol::id::RoomId;
use rookery_store::room_search::{RoomEntry, RoomRank, searched};

use super::Home;
use crate::samples::room;

fn entry(name: &str, members: u64) -> RoomEntry {
    let mut place = room(Some("general"));
    place.id = RoomId::generate();
    place.slug = None;
    place.name = name.to_owned().try_into().unwrap();
    RoomEntry::of(&place, members)
}

pub(crate) async fn rooms_are_found_by_beginnings_most_members_first(home: Home) {
    let search = home.stores().await.room_search;
    let all = [entry("Rust friends", 3), entry("Rusty cars", 10), entry("Rust cars", 10), entry("Gardens", 99)];
    for one in &all {
        search.put(one).await.unwrap();
    }
    let mut equal = [all[1].place, all[2].place];
    equal.sort_by_key(|place| std::cmp::Reverse(*place));
    for (query, expected) in [
        ("rus", vec![equal[0], equal[1], all[0].place]),
        ("car rust", vec![equal[0], equal[1]]),
        ("RUSTY c", vec![all[1].place]),
        ("friends cars", Vec::new()),
        ("", vec![all[3].place, equal[0], equal[1], all[0].place]),
    ] {
        for size in [1, 2, 50] {
            let (mut found, mut after): (Vec<RoomRank>, _) = (Vec::new(), None);
            loop {
                let page = search.search(&searched(query), after, size).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(*last);
                found.extend(page);
            }
            assert_eq!(found, expected, "{query} in pages of {size}");
        }
    }
}

pub(crate) async fn an_entry_takes_the_place_of_the_one_before(home: Home) {
    let search = home.stores().await.room_search;
    let before = entry("Before", 1);
    search.put(&before).await.unwrap();
    let after = RoomEntry { place: RoomRank { members: 2, ..before.place }, ..entry("After", 2) };
    search.put(&after).await.unwrap();
    assert_eq!(search.search(&searched("bef"), None, 9).await.unwrap(), []);
    assert_eq!(search.search(&searched("after"), None, 9).await.unwrap(), [after.place]);
    for _ in 0..2 {
        search.remove(after.place.room).await.unwrap();
    }
    assert_eq!(search.search(&searched(""), None, 9).await.unwrap(), []);
}
