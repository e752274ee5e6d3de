//! Word filters of rooms.

use rookery_protocol::filter::FilterRules;
use rookery_protocol::id::RoomId;

use super::Home;

pub(crate) async fn a_filter_has_versions(home: Home) {
    let filters = home.stores().await.room_filters;
    let (room, other) = (RoomId::generate(), RoomId::generate());
    assert_eq!(filters.get(room).await.unwrap(), None);
    let rules = |text: &str| FilterRules::from_json(text).unwrap();
    let (one, two) = (rules(r#"{"mode":"mask","words":["ä b","c*"],"builtin":true}"#), rules(r#"{"mode":"off"}"#));
    assert_eq!(filters.replace(room, &one).await.unwrap(), 1);
    assert_eq!(filters.replace(other, &two).await.unwrap(), 1);
    assert_eq!(filters.get(room).await.unwrap(), Some((1, one.clone())));
    assert_eq!(filters.replace(room, &two).await.unwrap(), 2);
    assert_eq!(filters.replace(room, &one).await.unwrap(), 3);
    assert_eq!(filters.get(room).await.unwrap(), Some((3, one)));
    filters.remove(room).await.unwrap();
    filters.remove(room).await.unwrap();
    assert_eq!(filters.get(room).await.unwrap(), None);
    assert_eq!(filters.get(other).await.unwrap(), Some((1, two)));
}
