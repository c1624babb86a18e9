//! Who may do what: signatures, clocks, keys and their permissions.
//!
//! PROTOCOL sections 3, 4 and 16 (Bybit v5, authentication). A signature covers the bytes as
//! they came, never a re-written form of them.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::api::{Call, Method, SocketUser};
use super::refusal::{Answer, Refusal};
use super::setup::ApiKey;
use super::{Exchange, Outcome};
use crate::domain::{Category, Timestamp};

/// `recv_window` of a request that gives none, in milliseconds.
const RECV_WINDOW_MS: i64 = 5_000;
/// How far a clock may be ahead, in milliseconds.
const AHEAD_MS: i64 = 1_000;

/// What a request needs to be allowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// Any key.
    Read,
    /// A key that may write.
    Write,
}

impl Exchange {
    /// Checks key, clock, signature and rights of a signed REST call; returns the key.
    pub(super) fn authorise(
        &self,
        now: Timestamp,
        call: &Call<'_>,
        right: Right,
    ) -> Result<String, Refusal> {
        let header = |name: &str| (call.headers)(name).filter(|value| !value.is_empty());
        let (Some(key), Some(sign), Some(stamp)) = (
            header("x-bapi-api-key"),
            header("x-bapi-sign"),
            header("x-bapi-timestamp"),
        ) else {
            let mut refusal = invalid_key();
            refusal.status = 401;
            return Err(refusal);
        };
        let known = self.key(&key)?;
        let window = header("x-bapi-recv-window");
        check_clock(now, &stamp, window.as_deref())?;
        let payload = match call.method {
            Method::Get => call.query.as_bytes(),
            Method::Post => call.body,
        };
        let head = format!("{stamp}{key}{}", window.unwrap_or_default());
        if !is_signed(known, &[head.as_bytes(), payload], &sign) {
            let origin = format!("{head}{}", String::from_utf8_lossy(payload));
            return Err(Refusal::new(
                10004,
                format!("error sign! origin_string[{origin}]"),
            ));
        }
        self.check_rights(now, known, right, header("x-real-ip").as_deref())?;
        Ok(key)
    }

    /// See [`Exchange::check_socket_auth`].
    pub(super) fn check_auth(
        &self,
        now: Timestamp,
        args: &Value,
    ) -> Result<SocketUser, (i64, String)> {
        let params = || (10001, "Params Error".to_owned());
        let text = |at: usize| match args.get(at) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let (Some(key), Some(expires), Some(sign)) = (text(0), text(1), text(2)) else {
            return Err(params());
        };
        let until: i64 = expires.parse().map_err(|_| params())?;
        let told = |refusal: Refusal| (refusal.code, refusal.text);
        let known = self.key(&key).map_err(told)?;
        if until <= now.millis() {
            return Err(params());
        }
        if !is_signed(known, &[b"GET/realtime", expires.as_bytes()], &sign) {
            return Err((10004, "Params Error".to_owned()));
        }
        self.check_rights(now, known, Right::Read, None)
            .map_err(told)?;
        Ok(SocketUser { key })
    }

    /// Rights of a key that showed itself earlier.
    pub(super) fn check_user(
        &self,
        now: Timestamp,
        key: &str,
        right: Right,
    ) -> Result<(), Refusal> {
        self.check_rights(now, self.key(key)?, right, None)
    }

    /// Whether a key may trade in a category.
    pub(super) fn check_trade(&self, key: &str, category: Category) -> Result<(), Refusal> {
        let known = self.key(key)?;
        let may = match category {
            Category::Linear => known.contract_trade,
            Category::Spot => known.spot_trade,
        };
        if may { Ok(()) } else { Err(denied()) }
    }

    fn key(&self, key: &str) -> Result<&ApiKey, Refusal> {
        self.keys
            .iter()
            .find(|known| known.key == key)
            .ok_or_else(invalid_key)
    }

    fn check_rights(
        &self,
        now: Timestamp,
        key: &ApiKey,
        right: Right,
        from: Option<&str>,
    ) -> Result<(), Refusal> {
        if key.expires.is_some_and(|end| end <= now) {
            return Err(Refusal::new(33004, "Your api key has expired."));
        }
        let bound = !key.ips.is_empty() && !key.ips.iter().any(|ip| ip == "*");
        if let Some(from) = from
            && bound
            && !key.ips.iter().any(|ip| ip == from)
        {
            return Err(Refusal::new(
                10010,
                "Unmatched IP, please check your API key's bound IP addresses.",
            ));
        }
        if right == Right::Write && key.read_only {
            return Err(denied());
        }
        if self.maintenance {
            return Err(Refusal::new(
                10016,
                "Internal server error. Please try again later",
            ));
        }
        Ok(())
    }

    /// `GET /v5/user/query-api`.
    pub(super) fn query_api(&self, key: &str) -> Outcome {
        let key = self.key(key)?;
        let rights = |on: bool, names: &[&str]| if on { json!(names) } else { json!([]) };
        let wallet: &[&str] = if key.can_withdraw {
            &["AccountTransfer", "SubMemberTransfer", "Withdraw"]
        } else {
            &["AccountTransfer"]
        };
        let ips = if key.ips.is_empty() {
            json!(["*"])
        } else {
            json!(key.ips)
        };
        Ok(Answer {
            text: "",
            result: json!({
                "id": "2208369", "note": "simulated", "apiKey": key.key, "secret": "",
                "readOnly": i32::from(key.read_only),
                "permissions": {
                    "ContractTrade": rights(key.contract_trade, &["Order", "Position"]),
                    "Spot": rights(key.spot_trade, &["SpotTrade"]),
                    "Wallet": wallet,
                    "Options": [],
                    "Derivatives": rights(key.contract_trade, &["DerivativesTrade"]),
                    "CopyTrading": [], "BlockTrade": [], "Exchange": [], "NFT": [],
                    "Affiliate": [], "Earn": [],
                },
                "ips": ips,
                "type": 1, "deadlineDay": key.expires.map_or(-2, |_| 90),
                "expiredAt": rfc3339(key.expires.unwrap_or_default()),
                "createdAt": rfc3339(self.started),
                "unified": 0, "uta": 1, "userID": 24_617_703, "inviterID": 0,
                "vipLevel": "No VIP", "mktMakerLevel": "0", "affiliateID": 0,
                "rsaPublicKey": "", "isMaster": true, "parentUid": "0",
                "kycLevel": "LEVEL_DEFAULT", "kycRegion": "",
            }),
            ext: json!({}),
        })
    }
}

/// Checks the clock of a request (PROTOCOL section 4).
pub(super) fn check_clock(
    now: Timestamp,
    stamp: &str,
    window: Option<&str>,
) -> Result<(), Refusal> {
    let window_ms = match window {
        None => Some(RECV_WINDOW_MS),
        Some(text) => text.parse().ok(),
    };
    let sent: Option<i64> = stamp.parse().ok();
    if let (Some(sent), Some(window_ms)) = (sent, window_ms)
        && now.millis().saturating_sub(window_ms) <= sent
        && sent < now.millis().saturating_add(AHEAD_MS)
    {
        return Ok(());
    }
    let text = format!(
        "invalid request, please check your server timestamp or recv_window param. \
         req_timestamp[{stamp}],server_timestamp[{}],recv_window[{}]",
        now.millis(),
        window.unwrap_or("5000")
    );
    Err(Refusal::new(10002, text))
}

fn is_signed(key: &ApiKey, parts: &[&[u8]], sign: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.secret.as_bytes()) else {
        return false;
    };
    for part in parts {
        mac.update(part);
    }
    hex::decode(sign).is_ok_and(|sign| mac.verify_slice(&sign).is_ok())
}

fn invalid_key() -> Refusal {
    Refusal::new(10003, "API key is invalid.")
}

fn denied() -> Refusal {
    Refusal::new(
        10005,
        "Permission denied, please check your API key permissions.",
    )
}

fn rfc3339(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((head, _)) => format!("{head}Z"),
        None => text,
    }
}
