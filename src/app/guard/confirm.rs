//! The confirmation of a live session as a script gives it.

use std::fmt;
use std::str::FromStr;

use crate::domain::Money;

/// `--confirm-live UID4:CAP`: the account and the risk, said by whoever starts a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmLive {
    /// Last four digits of the account's user number.
    pub user: String,
    /// Largest value of all positions, in the account's coin.
    pub cap: Money,
}

/// Why a text is no confirmation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not UID4:CAP: give the last four digits of the account's user number and the \
     largest exposure, such as 4821:25000"
)]
pub struct ConfirmError(String);

impl FromStr for ConfirmLive {
    type Err = ConfirmError;

    fn from_str(text: &str) -> Result<Self, ConfirmError> {
        let bad = || ConfirmError(text.chars().take(40).collect());
        let (user, cap) = text.split_once(':').ok_or_else(bad)?;
        let cap: Money = cap.parse().map_err(|_| bad())?;
        let is_user = user.len() == 4 && user.bytes().all(|b| b.is_ascii_digit());
        if !is_user || cap <= Money::ZERO {
            return Err(bad());
        }
        Ok(Self {
            user: user.to_owned(),
            cap,
        })
    }
}

impl fmt::Display for ConfirmLive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.user, self.cap)
    }
}
