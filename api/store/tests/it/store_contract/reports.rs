//! Reports of messages.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_store::report::{Report, ReportAction, ReportFilter, ReportReason, ReportState, Reported, Resolution};
use rookery_store::sanction::Reason;
use uuid::Uuid;

use super::{Home, at_once};
use crate::samples::NOON;

const LATER: UnixMillis = UnixMillis(NOON.0 + 10);

fn reason(text: &str) -> Reason {
    Reason::try_from(text.to_owned()).unwrap()
}

pub(crate) fn report(room: RoomId, reporter: UserId, author: UserId) -> Report {
    Report {
        id: Uuid::now_v7(),
        room,
        message: MessageId::generate(),
        author,
        reporter,
        reason: ReportReason::Abuse,
        note: Some(reason("look at that")),
        content: "you $where fool".to_owned(),
        said_at: NOON,
        created_at: LATER,
        staff_only: false,
        state: ReportState::Open,
        by: None,
        at: None,
        action: None,
        answer: None,
    }
}

pub(crate) async fn reports_are_found_as_they_were_written(home: Home) {
    let reports = home.stores().await.reports;
    let (room, ada, bob) = (RoomId::generate(), UserId::generate(), UserId::generate());
    let mut all = Vec::new();
    for (place, staff_only) in [(room, false), (room, true), (RoomId::generate(), false)] {
        let made = Report { staff_only, ..report(place, ada, bob) };
        assert_eq!(reports.add(&made, 9).await.unwrap(), Reported::New(made.id));
        assert_eq!(reports.by_id(made.id).await.unwrap().as_ref(), Some(&made));
        all.push(made);
    }
    let again = Report { id: Uuid::now_v7(), content: "another text".to_owned(), ..all[0].clone() };
    assert_eq!(reports.add(&again, 9).await.unwrap(), Reported::Known(all[0].id));
    assert_eq!(reports.add(&report(room, ada, bob), 3).await.unwrap(), Reported::Crowded);
    let found = async |room, state, for_staff| {
        let (filter, mut found, mut before) = (ReportFilter { room, state, for_staff }, Vec::new(), None);
        loop {
            let page = reports.page(&filter, before, 1).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            found.extend(page.into_iter().map(|found| all.iter().position(|report| report.id == found.id).unwrap()));
        }
        found
    };
    let open = Some(ReportState::Open);
    assert_eq!(found(None, None, true).await, [2, 1, 0]);
    assert_eq!(found(None, open, true).await, [2, 1, 0]);
    assert_eq!(found(Some(room), None, true).await, [1, 0]);
    assert_eq!(found(Some(room), open, false).await, [0]);
    assert_eq!(found(Some(room), Some(ReportState::Claimed), true).await, [0; 0]);
    assert_eq!(reports.count(ReportState::Open, 2).await.unwrap(), 2);
    let mut made: Vec<MessageId> = all.iter().map(|report| report.message).collect();
    made.sort();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = reports.made_by(ada, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.message);
        assert!(page.iter().all(|report| all.contains(report)));
        listed.extend(page.into_iter().map(|report| report.message));
    }
    assert_eq!(listed, made);
    assert_eq!(reports.made_by(bob, None, 9).await.unwrap(), []);
    assert_eq!(reports.erase_about(bob).await.unwrap(), 3);
    assert_eq!(found(None, None, true).await, [0; 0]);
}

pub(crate) async fn one_claim_of_a_report_wins_until_it_is_stale(home: Home) {
    let reports = home.stores().await.reports;
    let (ada, bob) = (UserId::generate(), UserId::generate());
    let made = report(RoomId::generate(), UserId::generate(), UserId::generate());
    reports.add(&made, 9).await.unwrap();
    let resolution = Resolution { by: bob, at: LATER, action: ReportAction::Ban, answer: Some(reason("enough")) };
    assert!(!reports.resolve(made.id, &resolution).await.unwrap(), "nobody has taken it up");
    assert!(reports.claim(made.id, ada, NOON, NOON).await.unwrap());
    assert!(reports.claim(made.id, ada, NOON, NOON).await.unwrap(), "it is hers");
    assert!(!reports.claim(made.id, bob, LATER, NOON).await.unwrap());
    assert!(!reports.resolve(made.id, &resolution).await.unwrap(), "it is hers");
    assert!(reports.claim(made.id, bob, LATER, LATER).await.unwrap(), "hers is stale");
    assert!(reports.resolve(made.id, &resolution).await.unwrap());
    assert!(
        !reports.resolve(made.id, &resolution).await.unwrap()
            && !reports.claim(made.id, bob, LATER, LATER).await.unwrap()
    );
    let decided = Report {
        state: ReportState::Resolved,
        by: Some(bob),
        at: Some(LATER),
        action: Some(ReportAction::Ban),
        answer: Some(reason("enough")),
        ..made.clone()
    };
    assert_eq!(reports.by_id(made.id).await.unwrap(), Some(decided));
    assert_eq!(reports.purge(LATER, 5).await.unwrap(), 0);
    assert_eq!(reports.purge(UnixMillis(LATER.0 + 1), 5).await.unwrap(), 1);
}

pub(crate) async fn claim_race(home: Home) {
    let reports = home.stores().await.reports;
    for _ in 0..5 {
        let made = report(RoomId::generate(), UserId::generate(), UserId::generate());
        reports.add(&made, 9).await.unwrap();
        let claims = at_once(8, |_| {
            let (reports, id) = (reports.clone(), made.id);
            async move { reports.claim(id, UserId::generate(), NOON, NOON).await.unwrap() }
        });
        assert_eq!(claims.await.into_iter().filter(|claimed| *claimed).count(), 1);
    }
}
