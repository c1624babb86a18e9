//! Signatures of requests and sockets.
//!
//! Pure functions over text: no clock, no headers, no keeping of secrets. What is signed must be
//! exactly what goes over the wire, so build the query or the body once, sign that text and send
//! that text (Bybit v5, "authentication" and "connect").

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Signature of a REST request, as 64 lower-case hex digits for the header `X-BAPI-SIGN`.
///
/// `payload` is the raw query string without its `?` for a GET, the raw body for a POST.
/// `timestamp_ms` and `recv_window_ms` must be the values of the headers sent along.
#[must_use]
pub fn sign_rest(
    secret: &str,
    timestamp_ms: i64,
    key: &str,
    recv_window_ms: u32,
    payload: &str,
) -> String {
    sign(
        secret,
        &format!("{timestamp_ms}{key}{recv_window_ms}{payload}"),
    )
}

/// Signature of an `auth` request on the private and the order entry socket, as 64 lower-case hex
/// digits. `expires_ms` is the moment, in the venue's time, until which the request is valid.
#[must_use]
pub fn sign_socket(secret: &str, expires_ms: i64) -> String {
    sign(secret, &format!("GET/realtime{expires_ms}"))
}

fn sign(secret: &str, text: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // Computed with another implementation (Python's hmac module).
    #[rstest]
    #[case::no_payload("s3cret", 1_690_000_000_000, "KEY1", 5000, "", REST_EMPTY)]
    #[case::query(
        "s3cret",
        1_690_000_000_000,
        "KEY1",
        5000,
        "category=linear&symbol=BTCUSDT",
        REST_QUERY
    )]
    #[case::body(
        "s3cret",
        1_690_000_000_001,
        "KEY1",
        20_000,
        r#"{"category":"spot","qty":"0.1"}"#,
        REST_BODY
    )]
    #[case::long_secret(LONG, 1, "k", 1, "cursor=a%3D1%26b", REST_LONG)]
    #[case::not_ascii("sécret-ключ", -5, "", 0, "ü", REST_UTF8)]
    fn requests(
        #[case] secret: &str,
        #[case] at: i64,
        #[case] key: &str,
        #[case] window: u32,
        #[case] payload: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(sign_rest(secret, at, key, window, payload), expected);
    }

    #[rstest]
    #[case("s3cret", 1_690_000_010_000, SOCKET_SHORT)]
    #[case(LONG, 0, SOCKET_LONG)]
    fn sockets(#[case] secret: &str, #[case] expires: i64, #[case] expected: &str) {
        assert_eq!(sign_socket(secret, expires), expected);
    }

    /// Longer than a block of SHA-256, so that it is hashed first.
    const LONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                        0123456789abcdef";
    const REST_EMPTY: &str = "e72dbd67896897684874d545530982d72f7410de8cf319afbf4efd71027b8c99";
    const REST_QUERY: &str = "a84523c36762fb144c91054d113bb1191fd818e4936b2efff1c73c87299b4bdd";
    const REST_BODY: &str = "880823d549128f9f326c06b4bc4afecc1de10baf776c3ec6292206389935ff99";
    const REST_LONG: &str = "3e8096cdb491404107b353582d609c1d2f3ce8863550182eb5916682a9fecb8c";
    const REST_UTF8: &str = "dc188750b1af23ba8c506e0af7552b889ea1a006aa2365547063bde74d1039ed";
    const SOCKET_SHORT: &str = "1e1cf24b6f3c22714864eaff49e5e8c497beb1f643b044073619872fbf088118";
    const SOCKET_LONG: &str = "8962b64f32b56b25c4ae82b4312b4e4619f45d5f80baf2b411bcbd9606decaf7";
}
