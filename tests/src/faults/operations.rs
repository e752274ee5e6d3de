//! What people do in a room beside talking, over REST and through a fault: topics, mutes, files, masked words, reports and
//! messages that are sent later. Each is asked for until it is answered, and looked for once everybody is quiet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Method;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::Epoch;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::ledger::{Findings, Outcome, Place};
use super::talk::Common;
use crate::rest::{Account, Answer, RawRequest, Rest};

/// Between two operations.
const PAUSE: Duration = Duration::from_millis(150);
/// Before an operation that was not answered is asked for again.
const RETRY: Duration = Duration::from_millis(300);
/// Messages to be sent later are asked for so long, so that they are due in the fault or soon after it.
const SCHEDULING: Duration = Duration::from_secs(2);
/// A little more than the soonest that the server takes.
const SENT_AFTER: Duration = Duration::from_secs(12);
/// They are read as one page.
const REPORTS_MAX: usize = 200;
/// A word that the room masks, and what it is shown as.
const MASKED: (&str, &str) = ("snarfle", "*******");

/// Who does what, and where.
pub(super) struct Operator {
    pub(super) rest: Rest,
    pub(super) room: String,
    pub(super) owner: Account,
    pub(super) author: Account,
    /// A member who only reports, and is muted.
    pub(super) visitor: Account,
    pub(super) common: Arc<Common>,
}

/// What was answered, to be looked for.
#[derive(Default)]
pub(super) struct Performed {
    topics: Vec<String>,
    mutes: Vec<String>,
    /// Messages with their `client_id`, and what the room has to show of them.
    messages: Vec<(String, Outcome, Expected)>,
    reports: Vec<String>,
    /// Text and id of what was to be sent later.
    schedules: BTreeMap<String, String>,
    /// Asked for, and never answered.
    unanswered: usize,
}

struct Expected {
    content: String,
    /// Id and content of its file.
    file: Option<(String, String)>,
}

impl Operator {
    /// Goes on until everybody is quiet, and everything that was to be sent later is sent.
    pub(super) async fn run(&self) -> Performed {
        let (mut performed, start) = (Performed::default(), Instant::now());
        let filter = json!({"mode": "mask", "words": [MASKED.0]});
        self.owner_sets(Method::PUT, "/filter", &filter).await;
        for number in 0_usize.. {
            if self.common.quiet.load(Ordering::Relaxed) {
                break;
            }
            let is_done = match number % 5 {
                0 => self.change_topic(number, &mut performed).await,
                1 => self.share_file(number, &mut performed).await,
                2 => self.say_masked(number, &mut performed).await,
                3 => self.report(&mut performed).await,
                _ => self.mute(number, &mut performed).await,
            };
            performed.unanswered += usize::from(is_done.is_none());
            if start.elapsed() < SCHEDULING {
                let is_done = self.schedule(number, &mut performed).await;
                performed.unanswered += usize::from(is_done.is_none());
            }
            sleep(PAUSE).await;
        }
        while !self.common.is_over() && !self.are_sent(&performed).await {
            sleep(RETRY).await;
        }
        performed
    }

    async fn change_topic(&self, number: usize, performed: &mut Performed) -> Option<()> {
        let topic = format!("topic {number}");
        self.owner_sets(Method::PATCH, "", &json!({"topic": topic})).await?;
        performed.topics.push(topic);
        Some(())
    }

    async fn mute(&self, number: usize, performed: &mut Performed) -> Option<()> {
        // No two end at the same time, so that each can be told from the others.
        let until = UnixMillis::now()
            .plus(Duration::from_hours(1) + Duration::from_millis(number as u64))
            .to_string();
        let path = format!("/members/{}/mute", self.visitor.user_id);
        self.owner_sets(Method::PUT, &path, &json!({"until": until})).await?;
        performed.mutes.push(until);
        Some(())
    }

    async fn share_file(&self, number: usize, performed: &mut Performed) -> Option<()> {
        let (path, text) = (format!("/api/v1/files?name=note-{number}.txt"), format!("This is note {number}."));
        let key = format!("file-{number}");
        let file = self.posted([&path, &self.author.token, &key], None, text.as_bytes()).await?;
        let file = text_of(&file, "file_id")?;
        let content = format!("see note {number}");
        let body = json!({"content": content, "attachments": [file]});
        self.say(&key, body, Expected { content, file: Some((file, text)) }, performed).await
    }

    async fn say_masked(&self, number: usize, performed: &mut Performed) -> Option<()> {
        let [said, shown] = [MASKED.0, MASKED.1].map(|word| format!("what a {word} {number}"));
        let expected = Expected { content: shown, file: None };
        self.say(&format!("masked-{number}"), json!({"content": said}), expected, performed).await
    }

    async fn say(&self, name: &str, mut body: Value, expected: Expected, performed: &mut Performed) -> Option<()> {
        body["client_id"] = json!(name);
        let path = format!("/api/v1/rooms/{}/messages", self.room);
        let (said, resent) = self.asked(&[201], || self.send(Method::POST, &path, &self.author, &body)).await?;
        let outcome = Outcome::Acked {
            place: place_of(&said)?,
            message_id: text_of(&said, "message_id")?,
            resent,
            at_ms: self.common.now_ms(),
        };
        performed.messages.push((name.to_owned(), outcome, expected));
        Some(())
    }

    /// Reports the first message that was not reported yet.
    async fn report(&self, performed: &mut Performed) -> Option<()> {
        let reported = performed.reports.len();
        if reported == REPORTS_MAX {
            return Some(());
        }
        let Some((_, Outcome::Acked { message_id, .. }, _)) = performed.messages.get(reported) else {
            return Some(());
        };
        let path = format!("/api/v1/rooms/{}/messages/{message_id}/report", self.room);
        let key = format!("report-{message_id}");
        let body = json!({"reason": "other"}).to_string();
        let made = self.posted([&path, &self.visitor.token, &key], JSON, body.as_bytes()).await?;
        performed.reports.push(text_of(&made, "report_id")?);
        Some(())
    }

    async fn schedule(&self, number: usize, performed: &mut Performed) -> Option<()> {
        let content = format!("later {number}");
        let (path, key) = (format!("/api/v1/rooms/{}/scheduled", self.room), format!("later-{number}"));
        let send_at = UnixMillis::now().plus(SENT_AFTER).to_string();
        let body = json!({"content": content, "send_at": send_at}).to_string();
        let made = self.posted([&path, &self.author.token, &key], JSON, body.as_bytes()).await?;
        performed.schedules.insert(content, text_of(&made, "schedule_id")?);
        Some(())
    }

    async fn are_sent(&self, performed: &Performed) -> bool {
        let Ok(sent) = self.schedules().await else { return false };
        performed
            .schedules
            .values()
            .all(|id| sent.get(id).is_some_and(|one| one["state"] != "scheduled"))
    }

    /// What was to be sent later, by its id.
    async fn schedules(&self) -> Result<BTreeMap<String, Value>, String> {
        let path = format!("/api/v1/rooms/{}/scheduled?limit=200", self.room);
        let all = self.list(&path, &self.author, "scheduled").await?;
        Ok(all.into_iter().filter_map(|one| Some((text_of(&one, "schedule_id")?, one))).collect())
    }

    async fn list(&self, path: &str, user: &Account, field: &str) -> Result<Vec<Value>, String> {
        let answer = self.rest.try_get(path, Some(&user.token)).await.map_err(|error| error.to_string())?;
        let list = answer.json()[field].as_array().cloned();
        list.ok_or_else(|| format!("{} {}", answer.status, answer.text))
    }

    async fn owner_sets(&self, method: Method, end: &str, body: &Value) -> Option<Value> {
        let path = format!("/api/v1/rooms/{}{end}", self.room);
        let asked = self.asked(&[200, 204], || self.send(method.clone(), &path, &self.owner, body));
        Some(asked.await?.0)
    }

    fn send<'a>(
        &'a self,
        method: Method,
        path: &'a str,
        by: &'a Account,
        body: &Value,
    ) -> impl Future<Output = Asked> + use<'a> {
        let body = body.to_string().into_bytes();
        self.rest
            .raw(RawRequest { method, path, token: Some(&by.token), content_type: JSON, body })
    }

    /// Under an `Idempotency-Key`, so that a repeat makes nothing twice.
    async fn posted(&self, request: [&str; 3], content_type: Option<&str>, body: &[u8]) -> Option<Value> {
        let asked = self.asked(&[201], || self.rest.try_keyed(request, content_type, body.to_vec()));
        Some(asked.await?.0)
    }

    /// Asks until one of these is answered: the answer, and whether it took more than one request. None if it is refused for good,
    /// which no fault explains, or time is up.
    async fn asked<F: Future<Output = Asked>>(&self, done: &[u16], ask: impl Fn() -> F) -> Option<(Value, bool)> {
        let mut is_repeated = false;
        while !self.common.is_over() {
            match ask().await {
                Ok(answer) if done.contains(&answer.status) => return Some((answer.json(), is_repeated)),
                // Not stored yet, too many at once, away, or no room on the disk.
                Ok(answer) if matches!(answer.status, 202 | 429 | 502 | 503 | 504 | 507) => {}
                Ok(answer) => {
                    self.common
                        .surprise(format!("an operation was refused: {} {}", answer.status, answer.text));
                    return None;
                }
                Err(_) => {}
            }
            is_repeated = true;
            sleep(RETRY).await;
        }
        None
    }

    /// Looks for everything that was answered: what is missing or there twice, and the ledger of the messages.
    pub(super) async fn look_for(&self, performed: Performed) -> Result<(Findings, BTreeMap<String, Outcome>), String> {
        let events = self.rest.try_history(&self.room, &self.owner.token).await?;
        let mut findings = Findings { unknown: performed.unanswered, ..Findings::default() };
        let mut note = |what: &str, times: usize| {
            findings.acked += 1;
            findings.lost += usize::from(times == 0);
            findings.duplicated += usize::from(times > 1);
            if times != 1 {
                self.common.surprise(format!("{what} is there {times} times"));
            }
        };
        let times = |is_it: &dyn Fn(&Value) -> bool| events.iter().filter(|event| is_it(event)).count();
        for topic in &performed.topics {
            note(topic, times(&|event| event["type"] == "room_updated" && event["changed"]["topic"] == *topic));
        }
        for until in &performed.mutes {
            note(until, times(&|event| event["type"] == "member_muted" && event["until"] == *until));
        }
        let path = format!("/api/v1/moderation/reports?limit=200&room={}", self.room);
        let reports = self.list(&path, &self.owner, "reports").await?;
        for report in &performed.reports {
            note(report, reports.iter().filter(|one| one["report_id"] == *report).count());
        }
        let schedules = self.schedules().await?;
        let mut sent = BTreeMap::new();
        for (content, id) in &performed.schedules {
            let there: Vec<&Value> = events.iter().filter(|event| event["message"]["content"] == *content).collect();
            note(content, there.len());
            if let ([event], Some(schedule)) = (&there[..], schedules.get(id)) {
                sent.extend(sent_later(event, schedule, self.common.now_ms()));
            }
        }
        for (name, outcome, expected) in performed.messages {
            let event = events.iter().find(|event| event["message"]["client_id"] == *name);
            if let Some(event) = event {
                self.compare(&name, &event["message"], &expected).await?;
            }
            // One that is not there is found by the ledger.
            sent.insert(name, outcome);
        }
        Ok((findings, sent))
    }

    async fn compare(&self, name: &str, message: &Value, expected: &Expected) -> Result<(), String> {
        let attached = message["attachments"][0]["file_id"].as_str();
        let file = expected.file.as_ref().map(|(file, _)| file.as_str());
        if message["content"] != expected.content || attached != file {
            self.common.surprise(format!("{name} is not as it was sent: {message}"));
        }
        let Some((file, text)) = &expected.file else { return Ok(()) };
        let path = format!("/api/v1/files/{file}");
        let got = self
            .rest
            .try_get(&path, Some(&self.owner.token))
            .await
            .map_err(|error| error.to_string())?;
        if got.text != *text {
            self.common
                .surprise(format!("the file of {name} is another: {} {}", got.status, got.text));
        }
        Ok(())
    }
}

type Asked = Result<Answer, reqwest::Error>;

const JSON: Option<&str> = Some("application/json");

fn text_of(value: &Value, field: &str) -> Option<String> {
    value[field].as_str().map(str::to_owned)
}

fn place_of(value: &Value) -> Option<Place> {
    let epoch: Epoch = serde_json::from_value(value["epoch"].clone()).ok()?;
    Some((epoch.0, value["seq"].as_u64()?))
}

/// What the ledger says of a message that was sent later: it is the one that its schedule names.
fn sent_later(event: &Value, schedule: &Value, at_ms: u64) -> Option<(String, Outcome)> {
    let (name, message_id) = (text_of(&event["message"], "client_id")?, text_of(schedule, "message_id")?);
    Some((name, Outcome::Acked { place: place_of(event)?, message_id, resent: false, at_ms }))
}
