//! The targets that need no server: what reads a text or some bytes, and the promise about it.

use rookery_api::files::kind::{HEAD_BYTES, Kind};
use rookery_api::files::multipart;
use rookery_api::http::cursor::Cursors;
use rookery_filter::WordFilter;
use rookery_gateway::dialect::{Decoded, Encode as _, Translator};
use rookery_media::picture;
use rookery_protocol::client::ClientFrame;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::Event;
use rookery_protocol::id::{Epoch, RoomId, Seq, SessionId, UserId};
use rookery_protocol::limits::FRAME_BYTES_MAX;
use rookery_protocol::position::Position;
use rookery_protocol::server::{AckMode, ErrorFrame, Limits, ServerFrame, UserBrief};
use rookery_protocol::{mention, text};
use rookery_store::search::query::Query;

use crate::bytes::{self, halves, sixteen};

/// Characters of a name in the texts that are played.
const NAME_CHARS: usize = 80;
/// What the connections are told.
const LIMITS: Limits = Limits {
    frame_bytes: 32_768,
    content_chars: 4_000,
    content_bytes: 12_000,
    rooms: 200,
    resume_events: 500,
};
/// Sides of the squares that are drawn.
const SIDES: &[u32] = &[64, 16];

/// A frame of a client is taken or refused by name.
pub(crate) fn client_frame(input: &[u8]) {
    let frame = bytes::text(input);
    if ClientFrame::decode(&frame).is_ok() {
        assert!(frame.len() <= FRAME_BYTES_MAX, "a frame above the bound was taken");
    }
}

/// Engine.IO and Socket.IO packets, line by line over one connection that enters the namespace whenever it may.
pub(crate) fn socketio_packet(input: &[u8]) {
    let (packets, connection) = (bytes::text(input), Translator::SocketIo(Box::default()));
    for packet in packets.split('\n') {
        match connection.decode(packet) {
            Decoded::Answer(answer) => {
                assert!(answer.bytes().len() <= 6 * packet.len() + 512, "an answer outgrows its packet");
            }
            Decoded::Connect(_) => {
                let _entered = hello().encode(&connection);
            }
            // Whatever is said is refused, in the client's own words.
            Decoded::Frame(..) => {
                let _refused = ServerFrame::Error(ErrorFrame::new(ErrorCode::Overloaded)).encode(&connection);
            }
            Decoded::Nothing | Decoded::Close | Decoded::Broken(_) => {}
        }
    }
}

fn hello() -> ServerFrame {
    ServerFrame::Hello {
        session: SessionId::generate(),
        user: UserBrief { user_id: UserId::generate(), username: "ann".to_owned() },
        heartbeat_ms: 25_000,
        limits: LIMITS,
        ack: AckMode::Stored,
    }
}

/// What a log or a store holds, whoever wrote it: what can be read is written as it was read.
pub(crate) fn event(input: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(input) else { return };
    let written = event.to_json();
    let again: Event = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
    assert_eq!(again.to_json(), written, "an event changes when it is written");
}

/// Names and texts: what is taken is taken again as it is, and the forms of comparison do not move.
pub(crate) fn text_rules(input: &[u8]) {
    let given = bytes::text(input);
    if let Some(name) = text::line(&given, NAME_CHARS) {
        assert!(name.chars().count() <= NAME_CHARS && !text::is_blank(&name));
        assert_eq!(text::line(&name, NAME_CHARS).as_ref(), Some(&name), "a name changes when it is taken again");
    }
    if let Some(lines) = text::lines(&given, NAME_CHARS) {
        assert_eq!(text::lines(&lines, NAME_CHARS).as_ref(), Some(&lines), "a text changes when it is taken again");
    }
    let mended = text::mended_line(&given, NAME_CHARS);
    assert!(
        mended.is_empty() || text::line(&mended, NAME_CHARS).is_some(),
        "what was mended breaks the rule: {mended:?}"
    );
    let key = text::key(&given);
    assert_eq!(text::key(&key), key, "the key of a key is another");
    let search_key = text::search_key(&given);
    assert_eq!(text::search_key(&search_key), search_key, "the search key of a search key is another");
    assert!(mention::names(&given).len() <= given.len());
}

/// The first half is words, line by line, the second a text: what was masked has none of them any more.
pub(crate) fn filter(input: &[u8]) {
    let (words, text) = halves(input);
    let (words, text) = (bytes::text(words), bytes::text(text));
    let filter = WordFilter::new(words.split('\n').take(rookery_filter::WORDS_MAX), [], true);
    let mut end = 0;
    for range in filter.find(&text) {
        assert!(range.start >= end && range.start < range.end, "ranges overlap");
        assert!(text.get(range.clone()).is_some(), "a range cuts a character");
        end = range.end;
    }
    if let Some(masked) = filter.mask(&text) {
        assert!(end > 0, "nothing was found and something masked");
        assert!(masked.len() <= text.len(), "a mask is longer than what it hides");
    }
}

/// The first half is a query, the second a text.
pub(crate) fn search_query(input: &[u8]) {
    let (query, text) = halves(input);
    let (query, text) = (bytes::text(query), bytes::text(text));
    let Ok(query) = Query::parse(&query) else { return };
    assert!(!query.rarest_term().is_empty(), "a query without a term");
    let chars = text.chars().count();
    let mut end = 0;
    for range in query.find(&text).unwrap_or_default() {
        assert!(range.start >= end && range.start < range.end && range.end <= chars, "a highlight lies outside");
        end = range.end;
    }
}

/// A place comes back from its own cursor only, and strangers' texts are none.
pub(crate) fn cursor(input: &[u8]) {
    let (id, rest) = input.split_at(input.len().min(16));
    let room = RoomId::from_uuid(uuid::Uuid::from_bytes(sixteen(id)));
    let cursors = Cursors::new(&[[7; 32]]);
    let text = bytes::text(rest);
    assert!(cursors.read_history(room, &text).is_none(), "a stranger's text is a cursor");
    assert!(cursors.read_members(room, &text).is_none() && cursors.read_users(&text, &text).is_none());
    let numbers = u64::from_be_bytes(*sixteen(rest).first_chunk().unwrap_or(&[0; 8]));
    let place = Position { epoch: Epoch(numbers >> 1), seq: Seq::new(numbers & 0xffff_ffff) };
    let sealed = cursors.history(room, place);
    assert_eq!(cursors.read_history(room, &sealed), Some(place));
    assert!(Cursors::new(&[[8; 32]]).read_history(room, &sealed).is_none(), "another secret reads it");
    let other = RoomId::from_uuid(uuid::Uuid::from_bytes(sixteen(rest)));
    assert!(other == room || cursors.read_history(other, &sealed).is_none(), "another room's cursor");
}

/// What is uploaded as a picture: what is drawn of it is a picture of the wanted size and has nothing else in it.
pub(crate) fn picture(input: &[u8]) {
    let Ok(drawn) = picture::squares(input, SIDES) else { return };
    for (square, side) in drawn.iter().zip(SIDES) {
        let again = picture::squares(square, &[*side]);
        assert!(again.is_ok(), "what was drawn is no picture");
    }
}

/// What is uploaded is of one kind, which it may be called; a picture that is drawn anew is one that is drawn again, as large.
pub(crate) fn upload(input: &[u8]) {
    let head = &input[..input.len().min(HEAD_BYTES)];
    let Some(kind) = Kind::of(head) else { return };
    assert!(
        kind.agrees(None, "file") && kind.agrees(Some(kind.media_type), "file"),
        "it may not be what it is: {kind:?}"
    );
    if !kind.is_drawn() {
        return;
    }
    let Ok(drawn) = picture::redrawn(input) else { return };
    let size = (drawn.width, drawn.height);
    let again = picture::redrawn(&drawn.picture).map(|again| (again.width, again.height));
    assert_eq!(again, Ok(size), "what was drawn is no picture");
    assert!(picture::redrawn(&drawn.thumbnail).is_ok(), "the small picture is none");
}

/// The first line is a boundary, the rest a form: what its file is does not depend on how it is cut on its way.
pub(crate) fn multipart(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let boundary = bytes::text(&input[..end.min(70)]);
    let form = &input[end..];
    let read = |piece: usize| {
        let file = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = file.unwrap_or_else(|error| panic!("no runtime: {error}"));
        runtime.block_on(multipart::read_in_pieces(form, &boundary, piece)).ok()
    };
    let whole = read(form.len());
    for piece in [1, 3, 64] {
        assert_eq!(read(piece), whole, "by {piece}");
    }
    if let Some(file) = whole {
        let is_part = file.content.is_empty() || form.windows(file.content.len()).any(|part| part == file.content);
        assert!(is_part, "the file is not in the form");
    }
}
