//! Texts of the venue, made fit for a journal and a screen, and what some of them mean.

use crate::domain::{OrderSpec, RejectReason};
use crate::venue::bybit::codes::describe;

/// Characters of a text that are kept.
const LONGEST: usize = 200;

/// A text of the venue's on one line, without what a terminal would act on, and not too long.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .take(LONGEST)
        .collect()
}

/// Marks that turn or hide text.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Code, message and, where there is one, remedy of a refusal.
pub(super) fn of_code(code: i64, message: &str) -> String {
    let message = plain(message);
    let mut text = code.to_string();
    if !message.is_empty() {
        text = format!("{text}: {message}");
    }
    if let Some(remedy) = describe(code) {
        text = format!("{text} ({remedy})");
    }
    text
}

/// Why an order is refused, as the code of the answer says.
pub(super) fn rejection(code: i64, message: &str, spec: &OrderSpec) -> RejectReason {
    let is_conditional = spec.kind.trigger().is_some();
    match code {
        110_017 if spec.reduce_only => RejectReason::NothingToReduce,
        110_092 | 110_093 if is_conditional => RejectReason::TriggerPassed,
        10001 if is_conditional && is_about_trigger(message) => RejectReason::TriggerPassed,
        _ => RejectReason::Rule(of_code(code, message)),
    }
}

/// Whether a parameter error is about a trigger on the wrong side of the price, as in
/// `expect Rising, but trigger_price[..] <= current[..]`.
fn is_about_trigger(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["trigger", "expect rising", "expect falling", "base_price"]
        .iter()
        .any(|part| message.contains(part))
}

/// Why an order ended, as its `rejectReason` says (Bybit v5, enums).
pub(super) fn reason(text: &str) -> RejectReason {
    match text {
        "EC_PostOnlyWillTakeLiquidity" => RejectReason::WouldTake,
        "EC_CancelForNoFullFill" => RejectReason::CannotFillWhole,
        "EC_DuplicatedClOrdID" => RejectReason::DuplicateId,
        _ => RejectReason::Rule(plain(text)),
    }
}

/// Whether `rejectReason` tells of a cancel that came too late.
pub(super) fn is_lost_cancel(text: &str) -> bool {
    matches!(
        text,
        "EC_OrigClOrdIDDoesNotExist" | "EC_TooLateToCancel" | "EC_OrderNotExist"
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::venue::bybit::broker::samples;

    #[test]
    fn texts_are_harmless_and_short() {
        assert_eq!(plain("a\r\n\u{1b}[2J\u{7}\u{202e}b"), "a  [2Jb");
        assert_eq!(plain(&"x".repeat(900)).len(), LONGEST);
        assert_eq!(
            of_code(110_020, "too many\u{1b}"),
            "110020: too many (the venue holds 500 orders of this account: cancel some)"
        );
        assert_eq!(of_code(4242, ""), "4242");
    }

    #[rstest]
    #[case("reduce", 110_017, "", RejectReason::NothingToReduce)]
    #[case("stop", 110_092, "", RejectReason::TriggerPassed)]
    #[case("stop", 110_093, "", RejectReason::TriggerPassed)]
    #[case(
        "stop",
        10001,
        "expect Rising, but trigger_price[1] <= current[2]",
        RejectReason::TriggerPassed
    )]
    fn passed_triggers_and_empty_positions(
        #[case] kind: &str,
        #[case] code: i64,
        #[case] message: &str,
        #[case] expected: RejectReason,
    ) {
        assert_eq!(rejection(code, message, &samples::spec(kind)), expected);
    }

    #[rstest]
    #[case("market", 110_017, "too small")]
    #[case("market", 110_092, "")]
    #[case("market", 10001, "trigger")]
    #[case("stop", 10001, "position idx not match position mode")]
    #[case("limit", 110_007, "ab not enough for new order")]
    fn everything_else_keeps_code_and_message(
        #[case] kind: &str,
        #[case] code: i64,
        #[case] message: &str,
    ) {
        let RejectReason::Rule(text) = rejection(code, message, &samples::spec(kind)) else {
            panic!("{code}");
        };
        assert!(text.starts_with(&code.to_string()), "{text}");
        assert!(text.contains(message), "{text}");
    }
}
