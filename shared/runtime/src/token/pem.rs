//! PKCS#8 in PEM form, the format of signing keys (RFC 7468).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
const LINE: usize = 64;

pub(super) fn write(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    // Base64 is ASCII, so every slice of it is text.
    let lines: Vec<_> = body.as_bytes().chunks(LINE).map(String::from_utf8_lossy).collect();
    format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
}

pub(super) fn read(text: &str) -> Option<Vec<u8>> {
    let body = text.split_once(BEGIN)?.1.split_once(END)?.0;
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}
