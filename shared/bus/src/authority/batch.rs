//! Many questions about rights, and their answers, as they cross the wire: what many have in common is sent once.

use std::collections::HashMap;

use rookery_protocol::access::{RoomKind, RoomRole, Until, Visibility};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{AclVersion, RoomId, RoomRef, Slug, UserId};
use serde::{Deserialize, Serialize};

use super::{Answer, AuthorityError, Permission, Question};

/// Questions. Unknown fields are let be: a newer gateway may ask an older api.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Questions {
    /// Every room that is asked about, once.
    rooms: Vec<RoomRef>,
    /// Users, in the order of the questions; one may come again.
    users: Vec<Asked>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    user: UserId,
    /// By their places in [`Questions::rooms`].
    rooms: Vec<usize>,
}

/// Answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// The rooms of the questions; none where nobody who asked may know of it.
    rooms: Vec<Option<Facts>>,
    /// One for each question; none where the user is not to know of the room.
    #[serde(rename = "standings")]
    access: Vec<Option<Access>>,
}

/// What is the same for everybody in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Facts {
    room: RoomId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slug: Option<Slug>,
    name: String,
    #[serde(default)]
    kind: RoomKind,
    visibility: Visibility,
    acl: AclVersion,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filter: Option<u64>,
}

/// What a user is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Access {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<RoomRole>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    muted: Option<Until>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    banned: Option<Until>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    blocked: bool,
}

impl Questions {
    /// The questions in their order.
    pub fn new(questions: &[Question]) -> Self {
        let (mut rooms, mut users, mut places) = (Vec::new(), Vec::<Asked>::new(), HashMap::new());
        for Question { user, room } in questions {
            let place = *places.entry(room).or_insert_with(|| {
                rooms.push(room.clone());
                rooms.len() - 1
            });
            match users.last_mut() {
                Some(asked) if asked.user == *user => asked.rooms.push(place),
                Some(_) | None => users.push(Asked { user: *user, rooms: vec![place] }),
            }
        }
        Self { rooms, users }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.users.iter().map(|asked| asked.rooms.len()).sum()
    }

    /// One by one; none if one names a room that is not there.
    pub fn questions(&self) -> Option<Vec<Question>> {
        self.places()
            .map(|(user, place)| Some(Question { user, room: self.rooms.get(place)?.clone() }))
            .collect()
    }

    /// The answers as they are sent. A question that could not be answered fails all of them.
    ///
    /// # Errors
    /// That of the question.
    pub fn answered(&self, answers: Vec<Answer>) -> Result<Answers, AuthorityError> {
        let mut sent = Answers { rooms: vec![None; self.rooms.len()], access: Vec::with_capacity(answers.len()) };
        for ((_, place), answer) in self.places().zip(answers) {
            sent.access.push(match answer {
                Ok(permission) => {
                    let access = Access::from(&permission);
                    // An older version with a newer role only makes the permission look stale.
                    match sent.rooms.get_mut(place) {
                        Some(Some(facts)) => facts.acl = facts.acl.min(permission.acl),
                        Some(facts @ None) => *facts = Some(Facts::from(permission)),
                        None => {}
                    }
                    Some(access)
                }
                Err(AuthorityError::Refused(ErrorCode::UnknownRoom)) => None,
                Err(error) => return Err(error),
            });
        }
        Ok(sent)
    }

    /// What was sent as an answer, one by one; none if it does not fit the questions.
    pub fn read(&self, answers: &Answers) -> Option<Vec<Answer>> {
        let one = |((_, place), access): ((UserId, usize), &Option<Access>)| match access {
            None => Some(Err(AuthorityError::Refused(ErrorCode::UnknownRoom))),
            Some(access) => Some(Ok(access.with(answers.rooms.get(place)?.as_ref()?))),
        };
        let all: Vec<Answer> = self.places().zip(&answers.access).map(one).collect::<Option<_>>()?;
        (all.len() == self.count()).then_some(all)
    }

    fn places(&self) -> impl Iterator<Item = (UserId, usize)> {
        self.users.iter().flat_map(|asked| asked.rooms.iter().map(|place| (asked.user, *place)))
    }
}

impl From<&Permission> for Access {
    fn from(permission: &Permission) -> Self {
        let Permission { role, muted, banned, blocked, .. } = *permission;
        Self { role, muted, banned, blocked }
    }
}

impl From<Permission> for Facts {
    fn from(permission: Permission) -> Self {
        let Permission { room, slug, name, kind, visibility, acl, filter, .. } = permission;
        Self { room, slug, name, kind, visibility, acl, filter }
    }
}

impl Access {
    fn with(self, facts: &Facts) -> Permission {
        let Self { role, muted, banned, blocked } = self;
        let Facts { room, slug, name, kind, visibility, acl, filter } = facts.clone();
        Permission { room, slug, name, kind, visibility, role, acl, muted, banned, filter, blocked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(room: RoomId, role: Option<RoomRole>, acl: u64) -> Permission {
        Permission {
            room,
            slug: None,
            name: "General".to_owned(),
            kind: RoomKind::Group,
            visibility: Visibility::Private,
            role,
            acl: AclVersion(acl),
            muted: Some(Until::Revoked),
            banned: None,
            filter: Some(acl),
            blocked: true,
        }
    }

    #[test]
    fn questions_and_answers_are_the_same_behind_the_wire() {
        let (ada, eve) = (UserId::generate(), UserId::generate());
        let (one, two): (RoomId, RoomRef) = (RoomId::generate(), "general".parse().unwrap());
        let id = RoomRef::Id(one);
        let asked = [(ada, id.clone()), (ada, two.clone()), (eve, two), (eve, id.clone()), (ada, id)];
        let asked = asked.map(|(user, room)| Question { user, room });
        let sent = Questions::new(&asked);
        let arrived: Questions = serde_json::from_str(&serde_json::to_string(&sent).unwrap()).unwrap();
        assert_eq!(arrived.questions().unwrap(), asked);

        let general = permission(RoomId::generate(), Some(RoomRole::Member), 7);
        let unknown = || Err(AuthorityError::Refused(ErrorCode::UnknownRoom));
        let owner = permission(one, Some(RoomRole::Owner), 3);
        let answers = vec![Ok(owner), Ok(general.clone()), Ok(general), unknown(), unknown()];
        let text = serde_json::to_string(&arrived.answered(answers.clone()).unwrap()).unwrap();
        assert_eq!(sent.read(&serde_json::from_str(&text).unwrap()), Some(answers));
    }

    #[test]
    fn a_version_is_never_newer_than_what_is_told_with_it() {
        let (room, users) = (RoomId::generate(), [UserId::generate(), UserId::generate()]);
        let sent = Questions::new(&users.map(|user| Question { user, room: RoomRef::Id(room) }));
        let both = vec![Ok(permission(room, None, 4)), Ok(permission(room, None, 3))];
        let read = sent.read(&sent.answered(both).unwrap()).unwrap();
        assert!(read.iter().all(|answer| answer.as_ref().unwrap().acl == AclVersion(3)));
    }

    #[test]
    fn what_does_not_fit_is_not_believed() {
        let sent = Questions::new(&[Question { user: UserId::generate(), room: RoomRef::Id(RoomId::generate()) }]);
        assert_eq!(sent.read(&Answers { rooms: vec![None], access: vec![] }), None);
        let access = Access { role: None, muted: None, banned: None, blocked: false };
        assert_eq!(sent.read(&Answers { rooms: vec![], access: vec![Some(access)] }), None);
        let stray = r#"{"rooms":[],"users":[{"user":"0196f6a0-0000-7000-8000-000000000001","rooms":[3]}]}"#;
        assert_eq!(serde_json::from_str::<Questions>(stray).unwrap().questions(), None);
        assert!(sent.answered(vec![Err(AuthorityError::Unavailable("away".to_owned()))]).is_err());
    }
}
