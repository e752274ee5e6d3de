//! Encryption of pushes: only the device reads them, not the push service that carries them (RFC 8291, with the content coding
//! of RFC 8188).

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hmac;
use ring::rand::SystemRandom;
use rookery_store::push::{P256DH_BYTES, PUSH_AUTH_BYTES};

use crate::limits::PUSH_PADDED_BYTES;

/// Bytes of a record: everything is in one.
const RECORD_BYTES: u32 = 4_096;
/// Bytes of the salt.
const SALT_BYTES: usize = 16;
/// Ends the text of the last record; what follows is padding.
const LAST_RECORD: u8 = 2;

/// It was not encrypted. That can only be the device's key being none, or a system without randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the push could not be encrypted")]
pub(super) struct NotEncrypted;

impl From<ring::error::Unspecified> for NotEncrypted {
    fn from(_: ring::error::Unspecified) -> Self {
        Self
    }
}

/// What a device has told of itself.
#[derive(Clone, Copy)]
pub(super) struct DeviceKeys<'a> {
    /// Its public key.
    pub(super) p256dh: &'a [u8; P256DH_BYTES],
    /// The secret that it shares with us.
    pub(super) auth: &'a [u8; PUSH_AUTH_BYTES],
}

/// Whether it is a point that one can agree on a secret with.
pub(super) fn is_public_key(p256dh: &[u8; P256DH_BYTES]) -> bool {
    let agreed = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new())
        .and_then(|key| agree_ephemeral(key, &UnparsedPublicKey::new(&ECDH_P256, p256dh), |_| ()));
    agreed.is_ok()
}

/// The body of a push, padded so that its length does not tell what it says.
pub(super) fn encrypt(text: &[u8], device: DeviceKeys<'_>) -> Result<Vec<u8>, NotEncrypted> {
    let salt = crate::random::bytes::<SALT_BYTES>().map_err(|_| NotEncrypted)?;
    let own = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new())?;
    let own_public = own.compute_public_key()?;
    let device_public = UnparsedPublicKey::new(&ECDH_P256, device.p256dh);
    let padded = padding(text.len());
    agree_ephemeral(own, &device_public, |secret| {
        sealed(text, padded, device, &Agreed { secret, own_public: own_public.as_ref(), salt: &salt })
    })?
}

/// Zeroes up to the next multiple.
const fn padding(bytes: usize) -> usize {
    (bytes + 1).next_multiple_of(PUSH_PADDED_BYTES) - (bytes + 1)
}

/// What both sides know in the end.
struct Agreed<'a> {
    secret: &'a [u8],
    own_public: &'a [u8],
    salt: &'a [u8; SALT_BYTES],
}

fn sealed(text: &[u8], padding: usize, device: DeviceKeys<'_>, agreed: &Agreed<'_>) -> Result<Vec<u8>, NotEncrypted> {
    let Agreed { secret, own_public, salt } = agreed;
    let info = [&b"WebPush: info\0"[..], device.p256dh, own_public].concat();
    let material = derived(&extracted(device.auth, secret), &info);
    let key = extracted(*salt, material.as_ref());
    let (content_key, nonce) =
        (derived(&key, b"Content-Encoding: aes128gcm\0"), derived(&key, b"Content-Encoding: nonce\0"));
    let mut record = Vec::with_capacity(text.len() + padding + 1 + AES_128_GCM.tag_len());
    record.extend_from_slice(text);
    record.push(LAST_RECORD);
    record.resize(record.len() + padding, 0);
    let seal = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &content_key.as_ref()[..AES_128_GCM.key_len()])?);
    let nonce = Nonce::try_assume_unique_for_key(&nonce.as_ref()[..AES_128_GCM.nonce_len()])?;
    seal.seal_in_place_append_tag(nonce, Aad::empty(), &mut record)?;
    let own_length = u8::try_from(own_public.len()).map_err(|_| NotEncrypted)?;
    Ok([&salt[..], &RECORD_BYTES.to_be_bytes(), &[own_length], own_public, &record].concat())
}

/// HKDF's first step (RFC 5869).
fn extracted(salt: &[u8], material: &[u8]) -> hmac::Key {
    let key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), material);
    hmac::Key::new(hmac::HMAC_SHA256, key.as_ref())
}

/// Its second one, for at most 32 bytes.
fn derived(key: &hmac::Key, info: &[u8]) -> hmac::Tag {
    hmac::sign(key, &[info, &[1]].concat())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
    }

    /// RFC 8291, appendix A.
    #[test]
    fn the_example_of_the_standard_is_encrypted_as_it_says() {
        let (p256dh, auth) = (
            bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
            bytes("BTBZMqHH6r4Tts7J_aSIgg"),
        );
        let secret: [u8; 32] = bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
        let own_public: [u8; 65] =
            bytes("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8");
        let agreed = Agreed { secret: &secret, own_public: &own_public, salt: &bytes("DGv6ra1nlYgDCS1FRnbzlw") };
        let device = DeviceKeys { p256dh: &p256dh, auth: &auth };
        let body = sealed(b"When I grow up, I want to be a watermelon", 0, device, &agreed).unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl\
             7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn what_is_said_does_not_show_in_the_length() {
        let own = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).unwrap();
        let p256dh: [u8; P256DH_BYTES] = own.compute_public_key().unwrap().as_ref().try_into().unwrap();
        let device = DeviceKeys { p256dh: &p256dh, auth: &[7; PUSH_AUTH_BYTES] };
        let length = |text: &[u8]| encrypt(text, device).unwrap().len();
        assert_eq!(length(b""), length(&[b'x'; PUSH_PADDED_BYTES - 1]));
        assert_eq!(length(b"a") + PUSH_PADDED_BYTES, length(&[b'x'; PUSH_PADDED_BYTES]));
        assert!(length(&[b'x'; crate::limits::PUSH_TEXT_BYTES_MAX]) <= 4_096);
        assert_ne!(encrypt(b"a", device), encrypt(b"a", device), "another key each time");
    }

    #[test]
    fn a_key_that_is_no_point_is_none() {
        let own = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).unwrap();
        let p256dh: [u8; P256DH_BYTES] = own.compute_public_key().unwrap().as_ref().try_into().unwrap();
        assert!(is_public_key(&p256dh));
        for bad in [[0; P256DH_BYTES], [4; P256DH_BYTES], [255; P256DH_BYTES]] {
            assert!(!is_public_key(&bad));
            assert_eq!(encrypt(b"a", DeviceKeys { p256dh: &bad, auth: &[7; PUSH_AUTH_BYTES] }), Err(NotEncrypted));
        }
    }
}
