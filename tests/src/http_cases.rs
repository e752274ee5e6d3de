//! Requests as they should not be, half a request, several at once, bodies that nobody wants: the table, and what a right
//! server does with each. [`run`] plays a case and looks at the answers; what is left of the connection has to be good for
//! a next request, or has to be said to end.

use crate::exchange::{Exchange, Reply, Step};

mod table;

pub use table::{EVERYWHERE, REST, SOCKETS};

/// One way to ask.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it is about.
    pub name: &'static str,
    /// What the client does; see [`steps`].
    pub script: &'static str,
    /// The answers, in their order.
    pub answers: &'static [u16],
    /// What becomes of the connection.
    pub after: After,
}

/// What becomes of a connection behind the last answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It takes the next request.
    Stays,
    /// Its last answer says that it ends, and it ends.
    Ends,
    /// It ends, and the answer is one of the parser, which knows no id.
    Broken,
    /// The client has ended it, so no answer need say so.
    Left,
    /// The same in the middle of a request, which a proxy need not pass on.
    Cut,
}

/// What fills the places of a script.
#[derive(Clone, Debug)]
pub struct Scene {
    /// `{host}`.
    pub host: String,
    /// `{token}`: of a user who is a member of the room.
    pub token: String,
    /// `{room}`.
    pub room: String,
}

/// Who listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// One of ours.
    Bare,
    /// One of ours behind a proxy, which may refuse by itself what is no HTTP, and does with connections as it likes.
    Proxied,
}

/// A request that any server of ours answers with 404, and its id.
pub const NEXT: &str = "GET /next HTTP/1.1|Host: rookery|X-Request-Id: {id}||";

/// The steps of a script. Lines are ended by `|`. Between `<` and `>` stands something else to do: `<5>` waits 5 ms, `<half>`
/// ends the client's half, `<100>` reads an interim answer, `<x:70>` sends 70 times an x, `<lf>`, `<cr>` and `<tab>` send that byte.
pub fn steps(script: &str, scene: &Scene) -> Vec<Step> {
    let (mut steps, mut text) = (Vec::new(), String::new());
    let filled = script
        .replace("{host}", &scene.host)
        .replace("{token}", &scene.token)
        .replace("{room}", &scene.room);
    let mut rest = filled.as_str();
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(&before.replace('|', "\r\n"));
        let (order, after) = after.split_once('>').expect("an order ends");
        rest = after;
        let step = match order {
            "lf" => Err("\n".to_owned()),
            "cr" => Err("\r".to_owned()),
            "tab" => Err("\t".to_owned()),
            "half" => Ok(Step::HalfClose),
            "100" => Ok(Step::HearsContinue),
            order => match order.rsplit_once(':') {
                Some((what, count)) => Err(what.replace('|', "\r\n").repeat(count.parse().expect("a number"))),
                None => Ok(Step::Pause(order.parse().expect("milliseconds"))),
            },
        };
        match step {
            Err(more) => text.push_str(&more),
            Ok(step) => steps.extend([Step::Send(std::mem::take(&mut text)), step]),
        }
    }
    text.push_str(&rest.replace('|', "\r\n"));
    steps.push(Step::Send(text));
    steps
}

/// Plays a case on a connection of its own. Panics if an answer is not its own, is lost, or if the connection is left in a
/// state that the answer has not told.
pub async fn run(case: &Case, address: &str, scene: &Scene, server: Server) {
    let mut client = Exchange::connect(address).await;
    for step in steps(case.script, scene) {
        client.step(&step).await;
    }
    let mut last = None;
    for (number, expected) in case.answers.iter().enumerate() {
        let to_head = case.script.starts_with("HEAD");
        let Some(reply) = final_reply(&mut client, to_head, server).await else {
            // A proxy need not serve what waits behind a request of a client that has closed its half.
            let has_left = case.after == After::Cut || (case.after == After::Left && number > 0);
            assert!(server == Server::Proxied && has_left, "{}: answer {number} is lost", case.name);
            return;
        };
        let marked = case.after != After::Broken;
        if !check(case.name, &mut client, &reply, (*expected, marked, server)) {
            // The proxy's own word about what is no HTTP.
            return;
        }
        let closes = reply.closes();
        last = Some(reply);
        if closes && server == Server::Proxied {
            break;
        }
    }
    let last = last.unwrap_or_else(|| panic!("{}: no answer", case.name));
    match (server, case.after) {
        (Server::Bare, After::Stays) => assert!(!last.closes(), "{}: {last:?}", case.name),
        (Server::Bare, After::Ends) => assert!(last.closes(), "{}: does not say that it ends: {last:?}", case.name),
        (Server::Bare, After::Broken | After::Left | After::Cut) | (Server::Proxied, _) => {}
    }
    if last.closes() || matches!(case.after, After::Broken | After::Left | After::Cut | After::Ends) {
        if server == Server::Bare {
            assert!(client.ends().await, "{}: more than its answers", case.name);
        }
        return;
    }
    next(case.name, &mut client).await;
}

/// The next answer. A proxy may ask for a body by itself.
async fn final_reply(client: &mut Exchange, to_head: bool, server: Server) -> Option<Reply> {
    loop {
        let reply = client.reply(to_head).await?;
        if server == Server::Bare || reply.status != 100 {
            return Some(reply);
        }
    }
}

/// Asks for one thing more and checks that this is what is answered.
pub async fn next(name: &str, client: &mut Exchange) {
    client.step(&Step::Send(NEXT.replace('|', "\r\n"))).await;
    let reply = client.reply(false).await.unwrap_or_else(|| panic!("{name}: the next answer is lost"));
    assert!(check(name, client, &reply, (404, true, Server::Bare)));
}

/// Whether an answer is one of ours; panics unless it is the one that is expected.
fn check(name: &str, client: &mut Exchange, reply: &Reply, expected: (u16, bool, Server)) -> bool {
    let (status, marked, server) = expected;
    let shown = || format!("{name}: {} {:?}\n{}", reply.status, reply.headers, String::from_utf8_lossy(&reply.body));
    let Some(id) = reply.header("x-request-id") else {
        let own_word = (400..500).contains(&reply.status) || matches!(reply.status, 501 | 505);
        assert!(server == Server::Proxied && own_word || !marked && reply.status == status, "{}", shown());
        return server == Server::Bare;
    };
    // A proxy may mend a request, so that there is nothing to refuse; it may not lose it.
    let mended = server == Server::Proxied && reply.status < 500;
    assert!(reply.status == status || mended, "{}", shown());
    assert!(!client.open.is_empty(), "an answer to nothing: {}", shown());
    assert_eq!(id, client.open.remove(0), "the answer of another request: {}", shown());
    true
}
