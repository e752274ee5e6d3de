//! Where the pictures of rooms are.

use rookery_protocol::access::Visibility;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{FileId, RoomId};
use rookery_store::room::Room;

use crate::limits::{AVATAR_SIDES, FILE_LINK_LIFE};
use crate::rooms::Rooms;

/// What is signed in the address of a picture of a private room.
pub(crate) const AVATAR: &str = "avatar";

/// Where the picture of a room is that this file is.
pub(crate) fn address(room: RoomId, file: FileId) -> String {
    format!("/api/v1/rooms/{room}/avatar/{file}/{}", AVATAR_SIDES[0])
}

/// The file that is the picture of a room.
pub(crate) fn file_of(room: &Room) -> Option<FileId> {
    let mut parts = room.avatar.as_deref()?.rsplit('/');
    let (_size, file) = (parts.next()?, parts.next()?);
    FileId::from_hyphenated(file).ok()
}

impl Rooms {
    /// The address under which the picture of a room is got now. That of a private room is signed and holds for a while.
    pub(crate) fn signed_avatar(&self, room: &Room) -> Option<String> {
        let (address, file) = (room.avatar.clone()?, file_of(room)?);
        if room.visibility == Visibility::Public {
            return Some(address);
        }
        let until = UnixMillis::now().plus(FILE_LINK_LIFE).0;
        let signature = self.secrets.file_link(file.as_uuid(), AVATAR, until).ok()?;
        Some(format!("{address}?expires={until}&signature={signature}"))
    }
}

#[cfg(test)]
mod tests {
    use rookery_store::room::RoomName;

    use super::*;

    #[test]
    fn the_file_of_a_picture_is_in_its_address() {
        let name = RoomName::try_from("a".to_owned()).unwrap();
        let (id, file) = (RoomId::generate(), FileId::generate());
        let room = Room::new(id, name, Visibility::Public, UnixMillis(0));
        assert_eq!(file_of(&room), None);
        assert_eq!(file_of(&Room { avatar: Some(address(id, file)), ..room }), Some(file));
    }
}
