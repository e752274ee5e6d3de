//! The cases. `|` ends a line; see [`super::steps`].

use super::After::{Broken, Cut, Ends, Left, Stays};
use super::Case;

macro_rules! cases {
    ($($name:literal: $script:expr => $answers:expr, $after:ident;)+) => {
        &[$(Case { name: $name, script: $script, answers: &$answers, after: $after },)+]
    };
}

/// The begin of a request for nothing.
macro_rules! get {
    ($($rest:literal)*) => { concat!("GET /nothing HTTP/1.1|Host: rookery|X-Request-Id: {id}|", $($rest),*) };
}
macro_rules! post {
    ($($rest:literal)*) => { concat!("POST /nothing HTTP/1.1|Host: rookery|X-Request-Id: {id}|", $($rest),*) };
}
/// The begin of a request for something.
macro_rules! rest {
    ($line:literal $($rest:literal)*) => { concat!($line, " HTTP/1.1|Host: {host}|X-Request-Id: {id}|", $($rest),*) };
}

/// What every listener answers alike: nothing is at this path, and rules hold before anybody looks at it.
pub const EVERYWHERE: &[Case] = cases! {
    "get": get!("|") => [404], Stays;
    "head": "HEAD /nothing HTTP/1.1|Host: rookery|X-Request-Id: {id}||" => [404], Stays;
    "body at once": post!("Content-Length: 70||<x:70>") => [404], Stays;
    "body 5 ms later": post!("Content-Length: 70||<5><x:70>") => [404], Stays;
    "body 200 ms later": post!("Content-Length: 70||<200><x:70>") => [404], Stays;
    "body in drips": post!("Content-Length: 6||x<5>x<5>x<5>x<5>x<5>x") => [404], Stays;
    "body that looks like a request": post!("Content-Length: 33||<5>GET /evil HTTP/1.1|Host: rookery|") => [404], Stays;
    "body that never comes": post!("Content-Length: 70||") => [404], Ends;
    "half a body": post!("Content-Length: 70||<x:30>") => [404], Ends;
    "body of 200 KB": post!("Content-Length: 200000||<x:200000>") => [404], Stays;
    "body of 1 MB": post!("Content-Length: 1000000||<x:1000000>") => [404], Ends;
    "body of 10 MB": post!("Content-Length: 10000000||<x:10000000>") => [404], Ends;
    "multipart": post!("Content-Type: multipart/form-data; boundary=b|Content-Length: 73||<5>--b|Content-Disposition: form-data; name=\"file\"|"
        "|<5><x:12>|--b--|") => [404], Stays;
    "chunks": post!("Transfer-Encoding: chunked||3|abc|0||") => [404], Stays;
    "chunks later": post!("Transfer-Encoding: chunked||<5>3|abc|<5>0|<5>|") => [404], Stays;
    "chunks with an extension": post!("Transfer-Encoding: chunked||3;x=y|abc|0||") => [404], Stays;
    "chunks with a trailer": post!("Transfer-Encoding: chunked||3|abc|0|X-More: 1||") => [404], Stays;
    "chunks of 1 MB": post!("Transfer-Encoding: chunked||f4240|<x:1000000>|0||") => [404], Ends;
    "chunks without an end": post!("Transfer-Encoding: chunked||3|abc|") => [404], Ends;
    "a chunk whose size is none": post!("Transfer-Encoding: chunked||zz|abc|0||") => [404], Ends;
    "a chunk that is longer than it says": post!("Transfer-Encoding: chunked||3|abcdef|0||") => [404], Ends;
    "a length in a sign": post!("Content-Length: +5||hello") => [400], Broken;
    "a length below nothing": post!("Content-Length: -5||hello") => [400], Broken;
    "a length that is no number": post!("Content-Length: 5x||hello") => [400], Broken;
    "two lengths": post!("Content-Length: 5|Content-Length: 6||hello!") => [400], Broken;
    "one length twice": post!("Content-Length: 5|Content-Length: 5||hello") => [404], Stays;
    "chunks and a length": post!("Content-Length: 5|Transfer-Encoding: chunked||3|abc|0||") => [404], Ends;
    "a length and chunks": post!("Transfer-Encoding: chunked|Content-Length: 5||3|abc|0||") => [404], Ends;
    "chunks that are not the last coding": post!("Transfer-Encoding: chunked, identity||3|abc|0||") => [400], Broken;
    "a coding that is no chunks": post!("Transfer-Encoding: xchunked||3|abc|0||") => [400], Broken;
    "identity as a transfer coding": post!("Transfer-Encoding: identity||") => [400], Broken;
    "chunks that are compressed": post!("Transfer-Encoding: gzip, chunked||3|abc|0||") => [501], Ends;
    "chunks in chunks": post!("Transfer-Encoding: chunked, chunked||3|abc|0||") => [501], Ends;
    "chunks in the first version": "POST /nothing HTTP/1.0|Transfer-Encoding: chunked||3|abc|0||" => [400], Broken;
    "two at once": get!("|GET /other HTTP/1.1|Host: rookery|X-Request-Id: {id}||") => [404, 404], Stays;
    "a body and a next one at once":
        post!("Content-Length: 5||helloGET /other HTTP/1.1|Host: rookery|X-Request-Id: {id}||") => [404, 404], Stays;
    "chunks and a next one at once":
        post!("Transfer-Encoding: chunked||3|abc|0||GET /other HTTP/1.1|Host: rookery|X-Request-Id: {id}||") => [404, 404], Stays;
    "eight at once": "<GET /nothing HTTP/1.1|Host: rookery|X-Request-Id: {id}||:8>" => [404, 404, 404, 404, 404, 404, 404, 404], Stays;
    "the next one in halves": get!("|GET /other HTTP/1.1|Ho<5>st: rookery|X-Request-Id: {id}||") => [404, 404], Stays;
    "half closed": get!("|<half>") => [404], Left;
    "half closed later": get!("|<5><half>") => [404], Left;
    "half closed after a body": post!("Content-Length: 5||hello<half>") => [404], Left;
    "half closed after two": get!("|GET /other HTTP/1.1|Host: rookery|X-Request-Id: {id}||<half>") => [404, 404], Left;
    "half closed in a body": post!("Content-Length: 70||<x:30><half>") => [404], Cut;
    "no host": "GET /nothing HTTP/1.1|X-Request-Id: {id}||" => [400], Stays;
    "no host and a body": "POST /nothing HTTP/1.1|X-Request-Id: {id}|Content-Length: 5||<5>hello" => [400], Stays;
    "two hosts": get!("Host: rookery||") => [400], Stays;
    "an empty host": "GET /nothing HTTP/1.1|Host: |X-Request-Id: {id}||" => [400], Stays;
    "a host with a path": "GET /nothing HTTP/1.1|Host: a/b|X-Request-Id: {id}||" => [400], Stays;
    "a host with a user": "GET /nothing HTTP/1.1|Host: u@a|X-Request-Id: {id}||" => [400], Stays;
    "the first version without a host": "GET /nothing HTTP/1.0|X-Request-Id: {id}||" => [404], Left;
    "the first version that stays": "GET /nothing HTTP/1.0|Connection: keep-alive|X-Request-Id: {id}||" => [404], Stays;
    "an absolute address": "GET http://rookery/nothing HTTP/1.1|Host: rookery|X-Request-Id: {id}||" => [404], Stays;
    "an absolute address of another host": "GET http://other/nothing HTTP/1.1|Host: rookery|X-Request-Id: {id}||" => [404], Stays;
    "an absolute address of another scheme": "GET ftp://rookery/nothing HTTP/1.1|Host: rookery|X-Request-Id: {id}||" => [400], Stays;
    "an absolute address with a user": "GET http://u@rookery/nothing HTTP/1.1|Host: rookery|X-Request-Id: {id}||" => [400], Stays;
    "options of the server": "OPTIONS * HTTP/1.1|Host: rookery|X-Request-Id: {id}||" => [404], Stays;
    "an expectation on the way to nothing": post!("Expect: 100-continue|Content-Length: 5||") => [404], Ends;
    "an expectation that does not wait": post!("Expect: 100-continue|Content-Length: 5||hello") => [404], Ends;
    "an unknown expectation": get!("Expect: magic||") => [417], Stays;
    "an unknown expectation and a body": post!("Expect: magic|Content-Length: 5||hello") => [417], Ends;
    "a compressed body": post!("Content-Encoding: gzip|Content-Length: 5||<5>hello") => [415], Stays;
    "a body that is compressed in no way": post!("Content-Encoding: identity|Content-Length: 5||hello") => [404], Stays;
    "compression of no body": get!("Content-Encoding: gzip||") => [404], Stays;
    "an upgrade to something else": get!("Connection: Upgrade, HTTP2-Settings|Upgrade: h2c|HTTP2-Settings: AA||") => [404], Stays;
    "the client closes": get!("Connection: close||") => [404], Ends;
    "lines before the request": "||GET /nothing HTTP/1.1|Host: rookery|X-Request-Id: {id}||" => [404], Stays;
    "line feeds alone": "GET /nothing HTTP/1.1<lf>Host: rookery<lf>X-Request-Id: {id}<lf><lf>" => [404], Stays;
    "a carriage return alone": get!("X-Bad: a<cr>b||") => [400], Broken;
    "a folded line": get!("X-Long: a| b||") => [400], Broken;
    "a folded line by a tab": get!("X-Long: a|<tab>b||") => [400], Broken;
    "a space before the colon": get!("X-Bad : a||") => [400], Broken;
    "a line without a colon": get!("X-Bad||") => [400], Broken;
    "a version of the future": "GET /nothing HTTP/9.9|Host: rookery|X-Request-Id: {id}||" => [400], Broken;
    "no http at all": "hello|" => [400], Broken;
    "a long address": "GET /<x:20000> HTTP/1.1|Host: rookery|X-Request-Id: {id}||" => [431], Broken;
    "a long line": get!("X-Long: <x:20000>||") => [431], Broken;
    "many lines": get!("<X-Many: 1|:200>|") => [431], Broken;
};

/// What REST answers, early and late.
pub const REST: &[Case] = cases! {
    "nobody asks, and the body comes later": rest!("POST /api/v1/rooms" "Content-Type: application/json|Content-Length: 70||<5><x:70>") => [401], Stays;
    "nobody asks, and no body comes": rest!("POST /api/v1/rooms" "Content-Type: application/json|Content-Length: 70||") => [401], Ends;
    "nobody asks, and waits to continue": rest!("POST /api/v1/rooms" "Expect: 100-continue|Content-Length: 70||") => [401], Ends;
    "another method, and the body comes later": rest!("DELETE /api/v1/auth/login" "Content-Length: 70||<5><x:70>") => [405], Stays;
    "another media type, and the body comes later":
        rest!("POST /api/v1/auth/login" "Content-Type: text/plain|Content-Length: 70||<5><x:70>") => [415], Stays;
    "no media type": rest!("POST /api/v1/auth/login" "Content-Length: 2||<5>{}") => [415], Stays;
    "a compressed login": rest!("POST /api/v1/auth/login" "Content-Type: application/json|Content-Encoding: gzip|Content-Length: 2||{}") => [415], Stays;
    "no JSON": rest!("POST /api/v1/auth/login" "Content-Type: application/json|Content-Length: 5||<5>hello") => [400], Stays;
    "a body that is a little too large":
        rest!("POST /api/v1/auth/login" "Content-Type: application/json|Content-Length: 100000||<5><x:100000>") => [413], Stays;
    "a body that is much too large":
        rest!("POST /api/v1/auth/login" "Content-Type: application/json|Content-Length: 3000000||<x:3000000>") => [413], Ends;
    "chunks that are too large":
        rest!("POST /api/v1/auth/login" "Content-Type: application/json|Transfer-Encoding: chunked||186a0|<x:100000>|0||") => [413], Stays;
    "a body that is too large, announced":
        rest!("POST /api/v1/auth/login" "Content-Type: application/json|Expect: 100-continue|Content-Length: 10000000||") => [413], Ends;
    "a body that is asked for":
        rest!("POST /api/v1/auth/login" "Content-Type: application/json|Expect: 100-continue|Content-Length: 2||<100>{}") => [400], Stays;
    "who am I": rest!("GET /api/v1/users/me" "Authorization: Bearer {token}||") => [200], Stays;
    "who am I, half closed": rest!("GET /api/v1/users/me" "Authorization: Bearer {token}||<half>") => [200], Left;
    "a message, half closed": rest!("POST /api/v1/rooms/{room}/messages"
        "Authorization: Bearer {token}|Content-Type: application/json|Content-Length: 16||{\"content\":\"hi\"}<half>") => [201], Left;
    "two messages at once": "<POST /api/v1/rooms/{room}/messages HTTP/1.1|Host: {host}|X-Request-Id: {id}|\
        Authorization: Bearer {token}|Content-Type: application/json|Content-Length: 16||{\"content\":\"hi\"}:2>" => [201, 201], Stays;
    "a message with half a body": rest!("POST /api/v1/rooms/{room}/messages"
        "Authorization: Bearer {token}|Content-Type: application/json|Content-Length: 16||{\"con<half>") => [400], Cut;
    "a document with a body": rest!("GET /openapi.json" "Content-Length: 5||<5>hello") => [200], Stays;
    "the page with a body": rest!("GET /" "Content-Length: 5||<5>hello") => [200], Stays;
    "an absolute address of the page": "GET http://{host}/ HTTP/1.1|Host: {host}|X-Request-Id: {id}||" => [200], Stays;
    "a question of a browser": rest!("OPTIONS /api/v1/auth/login"
        "Origin: https://chat.example|Access-Control-Request-Method: POST|Content-Length: 5||<5>hello") => [200], Stays;
};

/// What sockets refuse.
pub const SOCKETS: &[Case] = cases! {
    "no handshake": rest!("GET /ws" "|") => [426], Stays;
    "no handshake, and a body": rest!("GET /ws" "Content-Length: 5||<5>hello") => [426], Stays;
    "another method": rest!("POST /ws" "Content-Length: 70||<5><x:70>") => [405], Stays;
    "a handshake with a body": rest!("GET /ws" "Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Version: 13|"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|Content-Length: 5||<5>hello") => [400], Stays;
    "a handshake of another version": rest!("GET /ws" "Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Version: 12|"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==||") => [426], Stays;
    "a handshake of a foreign page": rest!("GET /ws" "Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Version: 13|"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|Origin: http://evil.example||") => [403], Stays;
    "a handshake of a page whose name leads here": "GET /ws HTTP/1.1|Host: evil.example|X-Request-Id: {id}|Connection: Upgrade|\
        Upgrade: websocket|Sec-WebSocket-Version: 13|Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|Origin: http://evil.example||" => [403], Stays;
    "a handshake without a host": "GET /ws HTTP/1.1|X-Request-Id: {id}|Connection: Upgrade|Upgrade: websocket|\
        Sec-WebSocket-Version: 13|Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==||" => [400], Stays;
};
