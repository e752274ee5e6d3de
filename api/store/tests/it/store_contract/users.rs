//! Accounts.

use rookery_protocol::id::UserId;
use rookery_store::user::{Email, ServerRole, User};
use rookery_store::{StoreError, Unique};

use super::{Home, at_once};
use crate::samples::{user, user_with_email};

fn taken(outcome: &Result<(), StoreError>) -> Option<Unique> {
    if let Err(StoreError::Taken(what)) = outcome { Some(*what) } else { None }
}

pub(crate) async fn accounts_are_found_by_many_names(home: Home) {
    let users = home.stores().await.users;
    let all: Vec<User> = (0..30).map(|n| user(&format!("Name{n}"))).collect();
    for user in &all {
        users.insert(user).await.unwrap();
    }
    let keys: Vec<String> = (0..60).map(|n| format!("name{n}")).collect();
    let mut found = users.by_names(&keys).await.unwrap();
    found.sort_by_key(|user| all.iter().position(|known| known.id == user.id));
    assert_eq!(found, all);
    assert_eq!(users.by_names(&[]).await.unwrap(), []);
}

pub(crate) async fn accounts_are_found_by_many_ids(home: Home) {
    let users = home.stores().await.users;
    let all = [user("ada"), user("eve"), user("bob")];
    for user in &all {
        users.insert(user).await.unwrap();
    }
    let mut found = users.by_ids(&[all[2].id, UserId::generate(), all[0].id]).await.unwrap();
    found.sort_by_key(|user| user.username.as_str().to_owned());
    assert_eq!(found, [all[0].clone(), all[2].clone()]);
    assert_eq!(users.by_ids(&[]).await.unwrap(), []);
}

pub(crate) async fn accounts_are_found_as_they_were_written(home: Home) {
    let users = home.stores().await.users;
    let admin = User { role: ServerRole::Admin, disabled: true, ..user("Grace.Hopper-1") };
    for user in [user("Ada"), admin, User { role: ServerRole::Moderator, ..user("Mod") }] {
        users.insert(&user).await.unwrap();
        assert_eq!(users.by_id(user.id).await.unwrap(), Some(user));
    }
    assert_eq!(users.by_id(UserId::generate()).await.unwrap(), None);
}

pub(crate) async fn names_are_unique_in_any_case(home: Home) {
    let users = home.stores().await.users;
    users.insert(&user("Ada")).await.unwrap();
    let second = users.insert(&user_with_email("aDA", "other@example.org")).await;
    assert_eq!(taken(&second), Some(Unique::Username));
}

pub(crate) async fn addresses_are_unique_in_any_case(home: Home) {
    let users = home.stores().await.users;
    let first = user_with_email("ada", "Ada.Ä@Example.org");
    users.insert(&first).await.unwrap();
    let second = users.insert(&user_with_email("eve", "ADA.ä@EXAMPLE.ORG")).await;
    assert_eq!(taken(&second), Some(Unique::Email));
    let email = Email::kept("users_username_key@index:users_username_key".to_owned());
    let misleading = User { email, ..user("mallory") };
    users.insert(&misleading).await.unwrap();
    let again = User { email: misleading.email.clone(), ..user("mallory2") };
    assert_eq!(taken(&users.insert(&again).await), Some(Unique::Email));
    let same_id = User { id: first.id, ..user("other") };
    assert_eq!(taken(&users.insert(&same_id).await), Some(Unique::Id));
}

pub(crate) async fn login_is_a_name_or_an_address_in_any_case(home: Home) {
    let users = home.stores().await.users;
    let ada = user_with_email("Ada", "Lovelace@Example.org");
    users.insert(&ada).await.unwrap();
    users.insert(&user("Grace")).await.unwrap();
    for login in ["Ada", " ada ", "ADA", " Lovelace@Example.org\n", "Lovelace@Example.org", "lovelace@example.ORG"] {
        assert_eq!(users.by_login(login).await.unwrap().as_ref(), Some(&ada), "{login}");
    }
    for login in ["", "ad", "lovelace", "@", "ada@example.org", "A da"] {
        assert_eq!(users.by_login(login).await.unwrap(), None, "{login}");
    }
}

pub(crate) async fn login_text_is_never_a_query(home: Home) {
    let users = home.stores().await.users;
    users.insert(&user("Ada")).await.unwrap();
    for login in ["{\"$ne\":\"\"}", "$ne", ".*", "%", "ada' OR '1'='1", "{\"$gt\":\"@\"}", "a\0da", "ada\0"] {
        assert_eq!(users.by_login(login).await.unwrap(), None, "{login:?}");
    }
}

pub(crate) async fn one_of_many_registrations_wins(home: Home) {
    let users = home.stores().await.users;
    let outcomes = at_once(40, |n| {
        // Every second one wants the same name; the others must not be harmed.
        let user = if n % 2 == 0 {
            user_with_email("Same", &format!("u{n}@x.org"))
        } else {
            user(&format!("own{n}"))
        };
        let users = users.clone();
        async move { (n % 2 == 0, users.insert(&user).await) }
    })
    .await;
    let (same, own): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|(same, _)| *same);
    assert!(own.iter().all(|(_, outcome)| outcome.is_ok()), "{own:?}");
    assert_eq!(same.iter().filter(|(_, outcome)| outcome.is_ok()).count(), 1);
    assert_eq!(same.iter().filter(|(_, outcome)| taken(outcome) == Some(Unique::Username)).count(), 19);
}
