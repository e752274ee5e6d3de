//! The schema as named steps. A step is applied once, in one transaction with the note that it was, so a run that
//! was interrupted goes on where it stopped, and of two runners one finds the work done. Steps are only ever added.

use rookery_protocol::clock::UnixMillis;
use rookery_store::StoreError;
use rusqlite::{Connection, params};

use super::{renames, sql, threads};
use crate::error::Failed;

/// What SQL cannot say.
type Change = fn(&Connection) -> Result<(), Failed>;

/// One step: what to run, under a name that never changes, and what to do then.
pub(super) struct Step {
    name: &'static str,
    text: &'static str,
    then: Option<Change>,
}

/// All steps, in order.
pub(super) const STEPS: &[Step] = &[
    Step { name: "0001_start", text: include_str!("0001_start.sql"), then: None },
    Step { name: "0002_acts", text: include_str!("0002_acts.sql"), then: None },
    Step { name: "0003_rights", text: include_str!("0003_rights.sql"), then: None },
    Step { name: "0004_epochs", text: include_str!("0004_epochs.sql"), then: None },
    Step { name: "0005_limits", text: include_str!("0005_limits.sql"), then: None },
    Step { name: "0006_unread", text: include_str!("0006_unread.sql"), then: None },
    Step { name: "0007_changes", text: include_str!("0007_changes.sql"), then: None },
    Step { name: "0008_history", text: include_str!("0008_history.sql"), then: None },
    Step { name: "0009_names", text: include_str!("0009_names.sql"), then: Some(renames::run) },
    Step { name: "0010_sessions", text: include_str!("0010_sessions.sql"), then: None },
    Step { name: "0011_writer", text: include_str!("0011_writer.sql"), then: None },
    Step { name: "0012_jobs", text: include_str!("0012_jobs.sql"), then: None },
    Step { name: "0013_accounts", text: include_str!("0013_accounts.sql"), then: None },
    Step { name: "0014_second_factors", text: include_str!("0014_second_factors.sql"), then: None },
    Step { name: "0015_blocks", text: include_str!("0015_blocks.sql"), then: None },
    Step { name: "0016_audit", text: include_str!("0016_audit.sql"), then: None },
    Step { name: "0017_erasures", text: include_str!("0017_erasures.sql"), then: None },
    Step { name: "0018_exports", text: include_str!("0018_exports.sql"), then: None },
    Step { name: "0019_rooms", text: include_str!("0019_rooms.sql"), then: None },
    Step { name: "0020_notices", text: include_str!("0020_notices.sql"), then: None },
    Step { name: "0021_filters", text: include_str!("0021_filters.sql"), then: None },
    Step { name: "0022_direct", text: include_str!("0022_direct.sql"), then: None },
    Step { name: "0023_joining", text: include_str!("0023_joining.sql"), then: None },
    Step { name: "0024_preferences", text: include_str!("0024_preferences.sql"), then: None },
    Step { name: "0025_receipts", text: include_str!("0025_receipts.sql"), then: None },
    Step { name: "0026_room_index", text: include_str!("0026_room_index.sql"), then: None },
    Step {
        name: "0027_threads",
        text: include_str!("0027_threads.sql"),
        then: Some(threads::count_all),
    },
    Step { name: "0029_saved", text: include_str!("0029_saved.sql"), then: None },
    Step { name: "0030_pins", text: include_str!("0030_pins.sql"), then: None },
    Step { name: "0031_mentions", text: include_str!("0031_mentions.sql"), then: None },
    Step { name: "0032_search", text: include_str!("0032_search.sql"), then: None },
    Step { name: "0033_schedules", text: include_str!("0033_schedules.sql"), then: None },
    Step { name: "0034_files", text: include_str!("0034_files.sql"), then: None },
    Step { name: "0037_reports", text: include_str!("0037_reports.sql"), then: None },
    Step { name: "0038_purges", text: include_str!("0038_purges.sql"), then: None },
    Step { name: "0039_retention", text: include_str!("0039_retention.sql"), then: None },
    Step { name: "0040_figures", text: include_str!("0040_figures.sql"), then: None },
    Step { name: "0041_notify", text: include_str!("0041_notify.sql"), then: None },
    Step { name: "0042_push", text: include_str!("0042_push.sql"), then: None },
    Step { name: "0043_kept_answers", text: include_str!("0043_kept_answers.sql"), then: None },
    Step { name: "0044_closed_slugs", text: include_str!("0044_closed_slugs.sql"), then: None },
    Step { name: "0045_joining_lists", text: include_str!("0045_joining_lists.sql"), then: None },
    Step { name: "0046_renamed_sessions", text: include_str!("0046_renamed_sessions.sql"), then: None },
];

const NOTES: &str =
    "CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT";
const NOTE: &str = "INSERT INTO migrations (name, applied_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const IS_NOTED: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'";
const APPLIED: &str = "SELECT name FROM migrations ORDER BY name";

/// The steps that were not applied, in order; an error if one was that this program does not know.
pub(super) fn missing(db: &Connection) -> Result<Vec<&'static Step>, Failed> {
    let is_noted = sql::one(db, IS_NOTED, [], |_| Ok(()))?.is_some();
    let applied: Vec<String> = if is_noted {
        sql::many(db, APPLIED, [], |row| Ok(row.get(0)?))?
    } else {
        Vec::new()
    };
    let is_known = |name: &String| STEPS.iter().any(|step| step.name == name);
    if let Some(found) = applied.iter().rfind(|name| !is_known(name)) {
        return Err(StoreError::Newer { found: found.clone(), known: newest() }.into());
    }
    Ok(STEPS.iter().filter(|step| !applied.iter().any(|name| name == step.name)).collect())
}

/// The newest step that this program knows.
pub(super) fn newest() -> &'static str {
    STEPS.last().map_or("", |step| step.name)
}

/// Applies a step unless it was. Runs inside a transaction of the writer.
pub(super) fn apply(db: &Connection, step: &Step) -> Result<(), Failed> {
    db.execute_batch(NOTES)?;
    if sql::change(db, NOTE, params![step.name, UnixMillis::now().0])? == 0 {
        return Ok(());
    }
    db.execute_batch(step.text)?;
    if let Some(then) = step.then {
        then(db)?;
    }
    tracing::info!(step = step.name, "schema step applied");
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::{
        audit, blocks, epochs, erasures, event_rows, exports, fence, figures, files, jobs, join_requests, kept_answers,
        leases, member_rows, members, mentions, message_changes, messages, names, notices, one_time_tokens, outbox,
        pins, preferences, purges, pushes, ranks, registrations, reports, room_erasures, room_filters, room_invites,
        room_search, rooms, sanctions, saved, schedules, search, second_factors, server_announcements, server_invites,
        sessions, threads, traces, unread, users,
    };
    use super::*;

    fn database() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        for step in STEPS {
            apply(&db, step).unwrap();
        }
        db
    }

    fn plan(db: &Connection, text: &str) -> Vec<String> {
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let unbound = vec![rusqlite::types::Null; statement.parameter_count()];
        let rows = statement.query_map(rusqlite::params_from_iter(unbound), |row| row.get("detail")).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn no_statement_scans_a_table_or_sorts() {
        let db = database();
        let all = [
            users::ALL,
            sessions::ALL,
            rooms::ALL,
            room_erasures::ALL,
            ranks::ALL,
            members::ALL,
            member_rows::ALL,
            event_rows::ALL,
            outbox::ALL,
            messages::ALL,
            epochs::ALL,
            message_changes::ALL,
            sanctions::ALL,
            unread::ALL,
            fence::ALL,
            jobs::ALL,
            registrations::ALL,
            names::ALL,
            one_time_tokens::ALL,
            server_invites::ALL,
            second_factors::ALL,
            blocks::ALL,
            room_filters::ALL,
            room_invites::ALL,
            join_requests::ALL,
            audit::ALL,
            reports::ALL,
            purges::ALL,
            figures::ALL,
            erasures::ALL,
            traces::ALL,
            threads::ALL,
            saved::ALL,
            pins::ALL,
            mentions::ALL,
            exports::ALL,
            notices::ALL,
            preferences::ALL,
            pushes::ALL,
            room_search::ALL,
            server_announcements::ALL,
            search::ALL,
            schedules::ALL,
            files::ALL,
            leases::ALL,
            kept_answers::ALL,
        ];
        for text in all.concat() {
            for line in plan(&db, text) {
                // What a bounded search inside a statement has found is no table.
                let scans = line.contains("SCAN") && !line.contains("USING") && !line.contains("(subquery");
                assert!(!scans && !line.contains("TEMP B-TREE"), "{line}: {text}");
            }
        }
    }

    #[test]
    fn unread_messages_are_counted_in_one_range_of_their_index() {
        let lines = unread::ALL.iter().flat_map(|text| plan(&database(), text)).collect::<Vec<_>>();
        for index in ["COVERING INDEX messages_unread", "INDEX mentions_name"] {
            let range =
                |line: &&String| line.contains(index) && line.contains("(epoch,seq)>(?,?) AND (epoch,seq)<(?,?)");
            assert!(lines.iter().any(|line| range(&line)), "{index}: {lines:#?}");
        }
    }

    #[test]
    fn sessions_of_before_are_read_as_they_are() {
        let db = Connection::open_in_memory().unwrap();
        let (before, after): (Vec<&Step>, Vec<&Step>) = STEPS.iter().partition(|step| step.name < "0010_sessions");
        for step in before {
            apply(&db, step).unwrap();
        }
        db.execute_batch(
            "INSERT INTO sessions (id, lookup, user_id, chain_key, current, parent, rotated_at, created_at, expires_at)
             VALUES (zeroblob(16), zeroblob(16), zeroblob(16), zeroblob(32), zeroblob(32), zeroblob(32), 7, 5, 9)",
        )
        .unwrap();
        for step in after {
            apply(&db, step).unwrap();
        }
        let session = sessions::by_lookup(&db, &[0; 16]).unwrap().unwrap();
        assert_eq!((session.replaced.len(), session.rotated_at, session.ends_at()), (0, UnixMillis(7), UnixMillis(9)));
        assert_eq!(session.replaced_lately(UnixMillis(8)), [UnixMillis(7)], "its parent still leads on");
    }

    #[test]
    fn a_step_is_applied_once() {
        let db = database();
        for step in STEPS {
            apply(&db, step).unwrap();
        }
    }
}
