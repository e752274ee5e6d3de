//! What is around accounts: profiles, ranks, registrations, names, links, invites, second factors, blocks.

use std::collections::HashSet;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::account::{CodeState, Keep, OneTimeToken, Purpose, Registration, ServerInvite};
use rookery_store::change::Change;
use rookery_store::second_factor::SecondFactor;
use rookery_store::session::{DeviceName, Session};
use rookery_store::user::{
    DirectFrom, NotificationLevel, Profile, QuietHours, ServerRole, SettingsChange, Theme, User, UserChange,
    UserSettings, Username,
};
use rookery_store::{StoreError, Unique, Users};
use uuid::Uuid;

use super::{Home, at_once};
use crate::samples::{NOON, left, session, user, user_with_email};

fn at(ms: i64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

fn text<T: TryFrom<String>>(text: &str) -> T {
    T::try_from(text.to_owned()).unwrap_or_else(|_| panic!("{text}"))
}

pub(crate) async fn profiles_change_as_asked(home: Home) {
    let users = home.stores().await.users;
    let full = User {
        verified: true,
        profile: Profile {
            display_name: Some(text("Ada Lovelace")),
            bio: Some(text("two\nlines")),
            language: Some(text("en-GB")),
            avatar: Some("0a".repeat(16)),
        },
        settings: UserSettings { typing: false, theme: Some(text::<Theme>("dark")), ..UserSettings::default() },
        renamed_at: Some(NOON),
        ..user("ada")
    };
    users.insert(&full).await.unwrap();
    assert_eq!(users.by_id(full.id).await.unwrap(), Some(full.clone()));
    let nothing = users.change(full.id, &UserChange::default()).await.unwrap();
    assert_eq!(nothing, Some(full.clone()));
    let change = UserChange { display_name: Change::Clear, bio: Change::Set(text("new")), ..UserChange::default() };
    let changed = users.change(full.id, &change).await.unwrap().unwrap();
    let profile = Profile { display_name: None, bio: Some(text("new")), ..full.profile.clone() };
    assert_eq!(changed, User { profile, ..full.clone() });
    assert_eq!(users.by_id(full.id).await.unwrap(), Some(changed));
    assert_eq!(users.change(UserId::generate(), &change).await.unwrap(), None);
    users.insert(&user_with_email("bob", "bob@example.org")).await.unwrap();
    let taken = UserChange { email: Some(text("BOB@example.org")), ..UserChange::default() };
    let outcome = users.change(full.id, &taken).await;
    assert!(matches!(outcome, Err(StoreError::Taken(Unique::Email))), "{outcome:?}");
    let moved = UserChange { email: Some(text("ada@new.example")), verified: Some(false), ..UserChange::default() };
    let moved = users.change(full.id, &moved).await.unwrap().unwrap();
    assert_eq!((moved.email.as_str(), moved.verified), ("ada@new.example", false));
    assert_eq!(users.by_login("ada@new.example").await.unwrap(), Some(moved));
    assert_eq!(users.by_login("ada@example.org").await.unwrap(), None);
}

pub(crate) async fn settings_change_one_by_one(home: Home) {
    let users = home.stores().await.users;
    let ada = user("ada");
    users.insert(&ada).await.unwrap();
    let hours = QuietHours { from_minute: 60, to_minute: 120 };
    let changes = [
        SettingsChange { typing: Some(false), ..SettingsChange::default() },
        SettingsChange { read_receipts: Some(false), ..SettingsChange::default() },
        SettingsChange { direct_from: Some(DirectFrom::Shared), ..SettingsChange::default() },
        SettingsChange { level: Some(NotificationLevel::None), ..SettingsChange::default() },
        SettingsChange { quiet_hours: Change::Set(hours), ..SettingsChange::default() },
        SettingsChange { push_text: Some(true), ..SettingsChange::default() },
        SettingsChange { theme: Change::Set(text("dark")), ..SettingsChange::default() },
    ];
    let mut expected = ada.settings.clone();
    for change in &changes {
        expected.apply(change.clone());
    }
    at_once(changes.len(), |n| {
        let (users, settings) = (users.clone(), changes[n].clone());
        async move { users.change(ada.id, &UserChange { settings, ..UserChange::default() }).await.unwrap() }
    })
    .await;
    assert_eq!(users.by_id(ada.id).await.unwrap().unwrap().settings, expected, "nothing is lost");
    let back = SettingsChange { quiet_hours: Change::Clear, theme: Change::Clear, ..SettingsChange::default() };
    expected.apply(back.clone());
    let after = users
        .change(ada.id, &UserChange { settings: back, ..UserChange::default() })
        .await
        .unwrap();
    assert_eq!(after.unwrap().settings, expected);
}

pub(crate) async fn a_name_changes_once_in_a_while(home: Home) {
    let users = home.stores().await.users;
    let (ada, bob) = (user("ada"), user("bob"));
    users.insert(&ada).await.unwrap();
    users.insert(&bob).await.unwrap();
    let rename = async |name: &str, when, since| users.rename(ada.id, &text::<Username>(name), when, since).await;
    let outcome = rename("Bob", at(0), at(-100)).await;
    assert!(matches!(outcome, Err(StoreError::Taken(Unique::Username))), "{outcome:?}");
    assert!(rename("Countess", at(0), at(-100)).await.unwrap());
    assert!(!rename("eve", at(50), at(-50)).await.unwrap(), "not so soon");
    assert!(rename("eve", at(100), at(0)).await.unwrap());
    assert_eq!(users.by_login("ada").await.unwrap(), None);
    let found = users.by_login("EVE").await.unwrap().unwrap();
    assert_eq!((found.id, found.renamed_at), (ada.id, Some(at(100))));
    assert!(!users.rename(UserId::generate(), &text("nobody"), at(0), at(-1)).await.unwrap());
    let renamed = at_once(20, |n| {
        let users = users.clone();
        let name = text::<Username>(&format!("race{n}"));
        async move { users.rename(ada.id, &name, at(1_000), at(500)).await.unwrap() }
    })
    .await;
    assert_eq!(renamed.into_iter().filter(|renamed| *renamed).count(), 1);
}

async fn all_found(users: &dyn Users, prefix: &str, page: usize) -> Vec<String> {
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let found = users.search(prefix, after.as_ref(), page).await.unwrap();
        let Some((last, _)) = found.last() else { return names };
        after = Some(last.clone());
        names.extend(found.into_iter().map(|(_, user)| user.username.as_str().to_owned()));
    }
}

pub(crate) async fn accounts_are_found_by_their_names(home: Home) {
    let users = home.stores().await.users;
    for (name, display) in [
        ("ada", Some("Ada Lovelace")),
        ("Adam", None),
        ("grace", Some("Amazing Grace")),
        ("zoe", Some("Zoë Ångström")),
        ("a.b", Some("日本 語")),
    ] {
        let profile = Profile { display_name: display.map(text), ..Profile::default() };
        users.insert(&User { profile, ..user(name) }).await.unwrap();
    }
    for page in [1, 2, 100] {
        let found = async |prefix: &str| all_found(&*users, prefix, page).await;
        assert_eq!(found("ad").await, ["ada", "Adam"], "each once");
        assert_eq!(found("love").await, ["ada"]);
        assert_eq!(found("ada lo").await, ["ada"]);
        assert_eq!(found("ang").await, ["zoe"], "without accents");
        assert_eq!(found("日").await, ["a.b"]);
        assert_eq!(found("grace").await, ["grace"]);
        assert_eq!(found("").await.into_iter().collect::<HashSet<_>>().len(), 5, "all of them");
        assert_eq!(found("").await.len(), 5);
        for none in ["example", "b", "%", "ad_", ".*", "\u{10ffff}"] {
            assert!(found(none).await.is_empty(), "{none}");
        }
    }
    let ada = users.by_login("ada").await.unwrap().unwrap();
    assert!(users.rename(ada.id, &text("byron"), at(0), at(-1)).await.unwrap());
    let change = UserChange { display_name: Change::Clear, ..UserChange::default() };
    users.change(ada.id, &change).await.unwrap();
    assert_eq!(all_found(&*users, "ada", 9).await, ["Adam"]);
    assert_eq!(all_found(&*users, "byr", 9).await, ["byron"]);
}

pub(crate) async fn the_last_admin_stays(home: Home) {
    let users = home.stores().await.users;
    let (one, two) = (User { role: ServerRole::Admin, ..user("one") }, user("two"));
    users.insert(&one).await.unwrap();
    users.insert(&two).await.unwrap();
    let last = |outcome: Result<(), StoreError>| matches!(outcome, Err(StoreError::LastAdmin));
    assert!(last(users.set_role(one.id, ServerRole::User).await));
    assert!(last(users.set_disabled(one.id, true).await));
    users.set_role(one.id, ServerRole::Admin).await.unwrap();
    users.set_disabled(two.id, true).await.unwrap();
    users.set_role(two.id, ServerRole::Admin).await.unwrap();
    assert!(last(users.set_role(one.id, ServerRole::Moderator).await), "a disabled one runs nothing");
    users.set_disabled(two.id, false).await.unwrap();
    users.set_role(one.id, ServerRole::Moderator).await.unwrap();
    assert!(last(users.set_disabled(two.id, true).await));
}

/// Each of two last admins lowers the other.
pub(crate) async fn rank_race(home: Home) {
    let stores = [home.stores().await, home.stores().await];
    let both = [user("one"), user("two")].map(|user| User { role: ServerRole::Admin, ..user });
    for user in &both {
        stores[0].users.insert(user).await.unwrap();
    }
    for round in 0..40 {
        let outcomes = at_once(2, |n| {
            let (users, id) = (stores[n].users.clone(), both[n].id);
            async move {
                match round % 2 {
                    0 => users.set_role(id, ServerRole::User).await,
                    _ => users.set_disabled(id, true).await,
                }
            }
        })
        .await;
        let lowered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let last = outcomes.iter().filter(|outcome| matches!(outcome, Err(StoreError::LastAdmin))).count();
        assert_eq!((lowered, last), (1, 1), "{outcomes:?}");
        for user in &both {
            stores[0].users.set_role(user.id, ServerRole::Admin).await.unwrap();
            stores[0].users.set_disabled(user.id, false).await.unwrap();
        }
    }
}

pub(crate) fn registration(name: &str) -> Registration {
    Registration {
        id: Uuid::now_v7(),
        user_id: UserId::generate(),
        username: text(name),
        email: text(&format!("{name}@Example.org")),
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned(),
        is_decoy: false,
        code: CodeState { hash: [3; 32], number: 1, attempts_left: 3, expires_at: at(100) },
        created_at: NOON,
        expires_at: at(1_000),
    }
}

pub(crate) async fn registrations_have_codes_and_tries(home: Home) {
    let registrations = home.stores().await.registrations;
    let (ada, decoy) = (registration("Ada"), Registration { is_decoy: true, ..registration("Eve") });
    registrations.insert(&ada).await.unwrap();
    registrations.insert(&decoy).await.unwrap();
    for login in ["ADA", "ada@example.org"] {
        assert_eq!(registrations.by_login(login).await.unwrap(), Some(ada.clone()), "{login}");
    }
    assert_eq!(registrations.by_login("nobody").await.unwrap(), None);
    assert_eq!(registrations.by_id(decoy.id).await.unwrap(), Some(decoy));
    let tried = registrations.attempt(ada.id, at(99)).await.unwrap().unwrap();
    assert_eq!(tried.code.attempts_left, 2);
    assert_eq!(registrations.attempt(ada.id, at(100)).await.unwrap(), None, "its code has ended");
    let next = CodeState { hash: [4; 32], number: 2, attempts_left: 5, expires_at: at(2_000) };
    assert!(registrations.replace_code(ada.id, &next).await.unwrap());
    assert!(!registrations.replace_code(ada.id, &next).await.unwrap(), "it follows another one");
    assert_eq!(registrations.attempt(ada.id, at(1_000)).await.unwrap(), None, "it has ended itself");
    let guesses = at_once(20, |_| {
        let (registrations, id) = (registrations.clone(), ada.id);
        async move { registrations.attempt(id, at(500)).await.unwrap().is_some() }
    })
    .await;
    assert_eq!(guesses.into_iter().filter(|checked| *checked).count(), 5, "no more than it has");
    assert_eq!(registrations.purge(at(1_000), 9).await.unwrap(), 0);
    registrations.remove(ada.id).await.unwrap();
    registrations.remove(ada.id).await.unwrap();
    assert_eq!(registrations.purge(at(1_001), 9).await.unwrap(), 1);
}

pub(crate) async fn names_are_kept_for_one(home: Home) {
    let names = home.stores().await.names;
    let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
    let claim = async |name: &str, owner, until, now| names.claim(name, owner, until, now).await.unwrap();
    assert!(claim("ada", one, Some(at(100)), at(0)).await);
    assert!(!claim("ada", two, Some(at(100)), at(99)).await);
    assert!(claim("ada", one, Some(at(200)), at(50)).await, "its own it may prolong");
    assert!(claim("ada", one, Some(at(60)), at(50)).await, "and that never shortens it");
    assert!(!claim("ada", two, None, at(199)).await);
    assert!(claim("ada", two, None, at(200)).await, "its time is over");
    assert!(!claim("ada", one, Some(at(1)), at(1_000_000)).await, "for ever");
    names.release("ada", one).await.unwrap();
    assert!(!claim("ada", one, None, at(0)).await, "only its owner gives it back");
    names.release("ada", two).await.unwrap();
    assert!(claim("ada", one, Some(at(5)), at(0)).await);
    assert!(claim("eve", one, None, at(0)).await);
    assert!(claim("eve", one, Some(at(5)), at(0)).await, "for ever it stays");
    assert_eq!((names.purge(at(5), 9).await.unwrap(), names.purge(at(6), 9).await.unwrap()), (0, 1));
    let claimed = at_once(20, |_| {
        let names = names.clone();
        async move { names.claim("race", Uuid::new_v4(), None, at(0)).await.unwrap() }
    })
    .await;
    assert_eq!(claimed.into_iter().filter(|claimed| *claimed).count(), 1);
}

pub(crate) fn token(user: UserId, purpose: Purpose, n: u8) -> OneTimeToken {
    OneTimeToken {
        id: Uuid::now_v7(),
        hash: [n; 32],
        purpose,
        user_id: user,
        email: text("ada@Example.org"),
        created_at: NOON,
        expires_at: at(100),
    }
}

pub(crate) async fn links_work_once_and_the_newest_stay(home: Home) {
    let tokens = home.stores().await.one_time_tokens;
    let (ada, bob) = (UserId::generate(), UserId::generate());
    let own: Vec<OneTimeToken> = (0..4).map(|n| token(ada, Purpose::Recovery, n)).collect();
    let others = [token(bob, Purpose::Recovery, 10), token(ada, Purpose::EmailUndo, 11)];
    for token in others.iter().chain(&own) {
        tokens.insert(token, Keep::Newest(3)).await.unwrap();
    }
    let outcome = tokens.insert(&own[3], Keep::Newest(3)).await;
    assert!(matches!(outcome, Err(StoreError::Taken(Unique::Id))), "{outcome:?}");
    assert_eq!(tokens.by_id(own[0].id).await.unwrap(), None, "the oldest made place");
    for kept in own[1..].iter().chain(&others) {
        assert_eq!(tokens.by_id(kept.id).await.unwrap().as_ref(), Some(kept));
    }
    let find = async |n: u8, purpose, now| tokens.find(&[n; 32], purpose, now).await.unwrap();
    assert_eq!(find(1, Purpose::Recovery, at(99)).await.as_ref(), Some(&own[1]));
    assert_eq!(find(1, Purpose::Recovery, at(100)).await, None);
    assert_eq!(find(1, Purpose::EmailUndo, at(0)).await, None);
    let taken = at_once(10, |_| {
        let (tokens, id) = (tokens.clone(), own[1].id);
        async move { tokens.take(id).await.unwrap() }
    })
    .await;
    assert_eq!(taken.into_iter().filter(|taken| *taken).count(), 1);
    tokens.remove_all(ada, Purpose::Recovery).await.unwrap();
    assert_eq!(find(2, Purpose::Recovery, at(0)).await, None);
    assert_eq!((tokens.purge(at(100), 9).await.unwrap(), tokens.purge(at(101), 9).await.unwrap()), (0, 2));
}

pub(crate) async fn the_oldest_links_stay_where_nobody_may_push_them_out(home: Home) {
    let tokens = home.stores().await.one_time_tokens;
    let ada = UserId::generate();
    let own: Vec<OneTimeToken> = (0..4).map(|n| token(ada, Purpose::EmailUndo, n)).collect();
    let others = [token(UserId::generate(), Purpose::EmailUndo, 10), token(ada, Purpose::Recovery, 11)];
    for token in own.iter().chain(&others) {
        tokens.insert(token, Keep::Oldest(3)).await.unwrap();
    }
    let kept = async |token: &OneTimeToken| tokens.by_id(token.id).await.unwrap().is_some();
    assert!(kept(&own[0]).await && kept(&own[1]).await && kept(&own[2]).await && !kept(&own[3]).await);
    tokens.remove_later(&own[1]).await.unwrap();
    assert!(kept(&own[0]).await && kept(&own[1]).await && !kept(&own[2]).await);
    assert!(kept(&others[0]).await && kept(&others[1]).await);
}

pub(crate) fn invite(max_uses: Option<u32>, n: u8) -> ServerInvite {
    ServerInvite {
        id: Uuid::now_v7(),
        hash: [n; 32],
        uses: 0,
        max_uses,
        by: UserId::generate(),
        created_at: NOON,
        expires_at: n.is_multiple_of(2).then(|| at(100)),
    }
}

pub(crate) async fn invites_are_used_no_oftener_than_they_may_be(home: Home) {
    let invites = home.stores().await.server_invites;
    let [bounded, endless] = [invite(Some(3), 2), invite(None, 3)];
    for invite in [&bounded, &endless] {
        invites.insert(invite).await.unwrap();
        assert_eq!(invites.by_hash(&invite.hash).await.unwrap().as_ref(), Some(invite));
    }
    let spent = at_once(20, |_| {
        let invites = invites.clone();
        async move { invites.spend(&[2; 32], at(99)).await.unwrap() }
    })
    .await;
    assert_eq!(spent.into_iter().filter(|spent| *spent).count(), 3);
    invites.give_back(&[2; 32]).await.unwrap();
    assert!(!invites.spend(&[2; 32], at(100)).await.unwrap(), "it has ended");
    assert!(invites.spend(&[2; 32], at(99)).await.unwrap());
    assert!(!invites.spend(&[9; 32], at(0)).await.unwrap());
    invites.give_back(&[9; 32]).await.unwrap();
    for _ in 0..5 {
        assert!(invites.spend(&[3; 32], at(1_000_000)).await.unwrap());
    }
    let page = invites.page(None, 9).await.unwrap();
    let seen: Vec<_> = page.iter().map(|invite| (invite.id, invite.uses, invite.max_uses)).collect();
    assert_eq!(seen, [(bounded.id, 3, Some(3)), (endless.id, 5, None)]);
    assert_eq!(invites.page(Some(bounded.id), 9).await.unwrap().len(), 1);
    assert!(invites.remove(endless.id).await.unwrap() && !invites.remove(endless.id).await.unwrap());
    assert_eq!((invites.purge(at(100), 9).await.unwrap(), invites.purge(at(101), 9).await.unwrap()), (0, 1));
}

pub(crate) fn second_factor(user: UserId) -> SecondFactor {
    SecondFactor {
        user_id: user,
        secret: vec![7; 20],
        is_confirmed: true,
        last_step: 5,
        recovery: vec![[1; 32], [2; 32]],
    }
}

pub(crate) async fn a_code_of_a_second_factor_works_once(home: Home) {
    let factors = home.stores().await.second_factors;
    let factor = second_factor(UserId::generate());
    let user = factor.user_id;
    assert!(!factors.advance(user, 9).await.unwrap() && !factors.spend(user, &[1; 32]).await.unwrap());
    factors
        .put(&SecondFactor { is_confirmed: false, recovery: Vec::new(), ..factor.clone() })
        .await
        .unwrap();
    let other = SecondFactor { secret: vec![8; 20], ..factor.clone() };
    assert!(!factors.confirm(&other).await.unwrap(), "another one was begun");
    let confirmed = at_once(10, |n| {
        let mine = SecondFactor { recovery: vec![[1; 32], [u8::try_from(n).unwrap() + 2; 32]], ..factor.clone() };
        let factors = factors.clone();
        async move { factors.confirm(&mine).await.unwrap().then_some(mine) }
    })
    .await;
    let confirmed: Vec<SecondFactor> = confirmed.into_iter().flatten().collect();
    assert_eq!(factors.get(user).await.unwrap().as_slice(), confirmed.as_slice(), "one wins, with its codes");
    factors.put(&factor).await.unwrap();
    assert_eq!(factors.get(user).await.unwrap(), Some(factor.clone()));
    assert!(!factors.advance(user, 5).await.unwrap());
    let advanced = at_once(10, |_| {
        let factors = factors.clone();
        async move { factors.advance(user, 6).await.unwrap() }
    })
    .await;
    assert_eq!(advanced.into_iter().filter(|advanced| *advanced).count(), 1);
    let spent = at_once(10, |_| {
        let factors = factors.clone();
        async move { factors.spend(user, &[2; 32]).await.unwrap() }
    })
    .await;
    assert_eq!(spent.into_iter().filter(|spent| *spent).count(), 1);
    factors.replace_recovery(user, &[[8; 32], [9; 32]]).await.unwrap();
    let now = factors.get(user).await.unwrap();
    assert_eq!(now, Some(SecondFactor { last_step: 6, recovery: vec![[8; 32], [9; 32]], ..factor }));
    factors.remove(user).await.unwrap();
    assert_eq!(factors.get(user).await.unwrap(), None);
}

pub(crate) async fn blocks_are_ones_own(home: Home) {
    let blocks = home.stores().await.blocks;
    let by = UserId::generate();
    let mut users: Vec<UserId> = (0..5).map(|_| UserId::generate()).collect();
    users.sort();
    for (n, user) in users.iter().enumerate() {
        blocks.put(by, *user, at(i64::try_from(n).unwrap()), &left(by)).await.unwrap();
        blocks.put(by, *user, at(99), &left(by)).await.unwrap();
    }
    assert!(blocks.is_blocked(by, users[0]).await.unwrap() && !blocks.is_blocked(users[0], by).await.unwrap());
    let first = blocks.page(by, None, 2).await.unwrap();
    assert_eq!(first, [(users[0], at(0)), (users[1], at(1))]);
    let rest = blocks.page(by, Some(users[1]), 9).await.unwrap();
    assert_eq!(rest.iter().map(|(user, _)| *user).collect::<Vec<_>>(), users[2..]);
    blocks.remove(by, users[0], &left(by)).await.unwrap();
    blocks.remove(by, users[0], &left(by)).await.unwrap();
    assert!(!blocks.is_blocked(by, users[0]).await.unwrap());
}

pub(crate) async fn open_sessions_of_a_user_are_listed(home: Home) {
    let sessions = home.stores().await.sessions;
    let user_id = UserId::generate();
    let device = Some(text::<DeviceName>("Ada's phone"));
    let open: Vec<Session> = (0..3).map(|_| Session { user_id, device: device.clone(), ..session() }).collect();
    let over = Session { user_id, revoked_at: Some(NOON), ..session() };
    let ended = Session { user_id, expires_at: NOON, ..session() };
    for session in open.iter().chain([&over, &ended, &session()]) {
        sessions.insert(session).await.unwrap();
    }
    let newest = async |limit| sessions.of_user(user_id, NOON, limit).await.unwrap();
    let wanted: Vec<Session> = open.iter().rev().cloned().collect();
    assert_eq!((newest(9).await, newest(2).await), (wanted.clone(), wanted[..2].to_vec()));
    assert_eq!(sessions.by_id(over.id).await.unwrap(), Some(over));
    assert_eq!(sessions.by_id(rookery_protocol::id::SessionId::generate()).await.unwrap(), None);
}
