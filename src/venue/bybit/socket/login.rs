//! Login of a private or order-entry socket.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::domain::Timestamp;
use crate::venue::bybit::auth::sign_socket;

/// Venue time as it is now.
pub type VenueNow = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Key, secret and clock of a login. Its debug form shows neither key nor secret.
#[derive(Clone)]
pub struct SocketAuth {
    key: String,
    secret: SecretString,
    now: VenueNow,
}

impl SocketAuth {
    /// Login with `key` and `secret`; `now` is venue time, not that of this machine.
    #[must_use]
    pub fn new(key: impl Into<String>, secret: SecretString, now: VenueNow) -> Self {
        Self {
            key: key.into(),
            secret,
            now,
        }
    }

    /// Text of an `auth` request whose signature ends `validity` from now.
    pub(super) fn request(&self, validity: Duration) -> String {
        let validity_ms = i64::try_from(validity.as_millis()).unwrap_or(i64::MAX);
        let expires = (self.now)().plus_millis(validity_ms).millis();
        let signature = sign_socket(self.secret.expose_secret(), expires);
        serde_json::json!({"op": "auth", "args": [self.key, expires, signature]}).to_string()
    }
}

impl fmt::Debug for SocketAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketAuth").finish_non_exhaustive()
    }
}
