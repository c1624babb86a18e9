//! Variants of keys and accounts with the verdict that each has to get.

use rstest::rstest;

use super::*;
use crate::config::{MarginMode, PositionMode};
use crate::domain::{Category, Rate, Symbol, Timestamp};

const DAY_MS: i64 = 86_400_000;
const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);
const NEVER: [String; 0] = [];

/// A key as it should be: trades linear, bound, of a unified sub-account, without an end.
fn good_key() -> KeyFacts {
    KeyFacts {
        read_only: false,
        permissions: rights(&["ContractTrade.Order", "ContractTrade.Position"]),
        ips: vec!["192.0.2.7".to_owned()],
        expires: Some(Timestamp::from_millis(0)),
        deadline_day: Some(-2),
        unified: true,
        is_master: false,
        user_id: "1448939".to_owned(),
    }
}

fn rights(names: &[&str]) -> std::collections::BTreeMap<String, Vec<String>> {
    let mut map = std::collections::BTreeMap::<_, Vec<_>>::new();
    // The venue lists groups without rights, too.
    map.insert("Options".to_owned(), Vec::new());
    for name in names {
        let (group, right) = name.split_once('.').unwrap();
        map.entry(group.to_owned())
            .or_default()
            .push(right.to_owned());
    }
    map
}

fn policy(mode: Mode) -> KeyPolicy<'static> {
    KeyPolicy {
        mode,
        categories: &[Category::Linear],
        allow_permissions: &NEVER,
        accept_unbound_ip: false,
        pinned_user: None,
        now: NOW,
    }
}

fn with_rights(names: &[&str]) -> KeyFacts {
    KeyFacts {
        permissions: rights(names),
        ..good_key()
    }
}

const TRADE: [&str; 2] = ["ContractTrade.Order", "ContractTrade.Position"];

fn and(more: &[&str]) -> KeyFacts {
    with_rights(&[&TRADE, more].concat())
}

/// The one finding about `topic`.
#[track_caller]
fn about(findings: &[Finding], topic: Topic) -> &Finding {
    let mut of_topic = findings.iter().filter(|finding| finding.topic == topic);
    let found = of_topic.next();
    assert!(of_topic.next().is_none(), "{findings:#?}");
    found.unwrap_or_else(|| panic!("nothing about {topic:?} in {findings:#?}"))
}

#[test]
fn a_key_as_it_should_be_has_no_findings_but_good_ones() {
    for mode in [Mode::Live, Mode::Testnet, Mode::Demo] {
        let findings = check_key(&good_key(), &policy(mode));
        assert_eq!(worst(&findings), Severity::Ok, "{findings:#?}");
        assert!(findings.iter().all(|finding| finding.remedy.is_empty()));
    }
}

use Severity::{Ok as Fine, Refuse, Warning};

fn bound_to(ips: &[&str]) -> KeyFacts {
    KeyFacts {
        ips: ips.iter().map(|ip| (*ip).to_owned()).collect(),
        ..good_key()
    }
}

fn ending(expires_in_ms: Option<i64>, deadline_day: Option<i64>) -> KeyFacts {
    KeyFacts {
        expires: expires_in_ms.map(|ms| NOW.plus_millis(ms)),
        deadline_day,
        ..good_key()
    }
}

/// Verdict in live, then on the testnet.
#[rstest]
#[case::withdraw(and(&["Wallet.Withdraw"]), Topic::Withdrawal, Refuse, Refuse, "Wallet.Withdraw")]
#[case::withdraw_elsewhere(and(&["Exchange.withdrawal"]), Topic::Withdrawal, Refuse, Refuse, "no setting accepts it")]
#[case::transfer(and(&["Wallet.AccountTransfer"]), Topic::ExtraRights, Refuse, Warning, "Wallet.AccountTransfer")]
#[case::sub_transfer(and(&["Wallet.SubMemberTransfer"]), Topic::ExtraRights, Refuse, Warning, "Wallet.SubMemberTransfer")]
#[case::sub_transfer_list(and(&["Wallet.SubMemberTransferList"]), Topic::ExtraRights, Refuse, Warning, "allow_permissions")]
#[case::exchange(and(&["Exchange.ExchangeHistory"]), Topic::ExtraRights, Refuse, Warning, "Exchange.ExchangeHistory")]
#[case::earn(and(&["Earn.Earn"]), Topic::ExtraRights, Refuse, Warning, "Earn.Earn")]
#[case::p2p(and(&["FiatP2P.FiatP2POrder", "FiatP2P.Advertising"]), Topic::ExtraRights, Refuse, Warning, "FiatP2P.FiatP2POrder, FiatP2P.Advertising")]
#[case::fiat_pay(and(&["FiatBitPay.FaitPayOrder"]), Topic::ExtraRights, Refuse, Warning, "FiatBitPay.FaitPayOrder")]
#[case::convert(and(&["FiatConvertBroker.FiatConvertBrokerOrder"]), Topic::ExtraRights, Refuse, Warning, "FiatConvertBroker")]
#[case::card(and(&["BitCard.BitCard"]), Topic::ExtraRights, Refuse, Warning, "BitCard.BitCard")]
#[case::block(and(&["BlockTrade.BlockTrade"]), Topic::ExtraRights, Refuse, Warning, "BlockTrade.BlockTrade")]
#[case::affiliate(and(&["Affiliate.Affiliate"]), Topic::ExtraRights, Refuse, Warning, "Affiliate.Affiliate")]
#[case::other_market(and(&["Spot.SpotTrade"]), Topic::ExtraRights, Refuse, Warning, "Spot.SpotTrade")]
#[case::unheard_of(and(&["ByXPost.ByXPost"]), Topic::ExtraRights, Refuse, Warning, "ByXPost.ByXPost")]
#[case::new_right_in_a_known_group(and(&["ContractTrade.Lend"]), Topic::ExtraRights, Refuse, Warning, "ContractTrade.Lend")]
#[case::no_position(with_rights(&["ContractTrade.Order"]), Topic::NeededRights, Refuse, Refuse, "ContractTrade.Position missing")]
#[case::no_order(with_rights(&["ContractTrade.Position"]), Topic::NeededRights, Refuse, Refuse, "ContractTrade.Order missing")]
#[case::spot_only(with_rights(&["Spot.SpotTrade"]), Topic::NeededRights, Refuse, Refuse, "cannot trade linear")]
#[case::nothing(with_rights(&[]), Topic::NeededRights, Refuse, Refuse, "add these rights")]
#[case::unified_companion(and(&["Derivatives.DerivativesTrade"]), Topic::NeededRights, Fine, Fine, "can trade linear")]
#[case::companion_alone(with_rights(&["Derivatives.DerivativesTrade"]), Topic::NeededRights, Refuse, Refuse, "ContractTrade.Order")]
#[case::read_only(KeyFacts { read_only: true, ..with_rights(&[]) }, Topic::ReadOnly, Warning, Warning, "only looks")]
#[case::unbound(bound_to(&[]), Topic::Ips, Refuse, Warning, "every address")]
#[case::star(bound_to(&["*"]), Topic::Ips, Refuse, Warning, "90 days")]
#[case::star_among_others(bound_to(&["192.0.2.7", "*"]), Topic::Ips, Refuse, Warning, "bind it")]
#[case::two_addresses(bound_to(&["192.0.2.7", "192.0.2.8"]), Topic::Ips, Fine, Fine, "bound to 2")]
#[case::far_end(ending(Some(15 * DAY_MS), None), Topic::Expiry, Fine, Fine, "in 15 days")]
#[case::two_weeks(ending(Some(15 * DAY_MS - 1), None), Topic::Expiry, Warning, Warning, "in 14 days")]
#[case::two_days(ending(Some(2 * DAY_MS), None), Topic::Expiry, Warning, Warning, "in 2 days")]
#[case::one_day(ending(Some(2 * DAY_MS - 1), None), Topic::Expiry, Refuse, Refuse, "less than 2 days")]
#[case::today(
    ending(Some(1), Some(0)),
    Topic::Expiry,
    Refuse,
    Refuse,
    "less than 1 days"
)]
#[case::over(ending(Some(-1), None), Topic::Expiry, Refuse, Refuse, "is over")]
#[case::days_only(ending(None, Some(9)), Topic::Expiry, Warning, Warning, "in 9 days")]
#[case::sooner_counts(ending(Some(60 * DAY_MS), Some(1)), Topic::Expiry, Refuse, Refuse, "new key")]
#[case::no_end(ending(None, Some(-2)), Topic::Expiry, Fine, Fine, "no end")]
#[case::classic(KeyFacts { unified: false, ..good_key() }, Topic::AccountType, Refuse, Refuse, "upgrade")]
#[case::master(KeyFacts { is_master: true, ..good_key() }, Topic::Master, Warning, Warning, "sub-account")]
#[case::nobody(KeyFacts { user_id: String::new(), ..good_key() }, Topic::User, Refuse, Warning, "whose key")]
#[case::zero(KeyFacts { user_id: "0".to_owned(), ..good_key() }, Topic::User, Refuse, Warning, "whose key")]
fn each_key_gets_its_verdict(
    #[case] facts: KeyFacts,
    #[case] topic: Topic,
    #[case] live: Severity,
    #[case] testnet: Severity,
    #[case] part: &str,
) {
    for (mode, expected) in [(Mode::Live, live), (Mode::Testnet, testnet)] {
        let findings = check_key(&facts, &policy(mode));
        let finding = about(&findings, topic);
        assert_eq!(finding.severity, expected, "{mode}: {finding:?}");
        assert_eq!(worst(&findings), expected, "{mode}: {findings:#?}");
        let text = format!("{}: {}", finding.text, finding.remedy);
        assert!(text.contains(part), "{text}");
        assert_eq!(finding.remedy.is_empty(), expected == Fine, "{text}");
        assert!(!text.contains('\n'));
    }
}

#[test]
fn rights_are_accepted_one_by_one_and_withdrawal_never() {
    let facts = and(&["Wallet.AccountTransfer", "Earn.Earn"]);
    let verdict = |allowed: &[&str], facts: &KeyFacts| {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let policy = KeyPolicy {
            allow_permissions: &allowed,
            ..policy(Mode::Live)
        };
        let findings = check_key(facts, &policy);
        (worst(&findings), format!("{findings:?}"))
    };
    for too_few in [
        &[][..],
        &["Wallet.AccountTransfer"],
        &["Earn.Earn"],
        &["Wallet", "Earn"],
        &["AccountTransfer", "Earn"],
    ] {
        assert_eq!(verdict(too_few, &facts).0, Refuse, "{too_few:?}");
    }
    let (severity, text) = verdict(&["Wallet.AccountTransfer", "Earn.Earn"], &facts);
    assert_eq!(severity, Warning);
    assert!(
        text.contains("accepted by name: Earn.Earn, Wallet.AccountTransfer"),
        "{text}"
    );
    let facts = and(&["Wallet.Withdraw"]);
    let (severity, _) = verdict(&["Wallet.Withdraw", "Withdraw", "Wallet"], &facts);
    assert_eq!(severity, Refuse);
}

#[test]
fn a_market_needs_its_own_right() {
    let spot = KeyPolicy {
        categories: &[Category::Spot],
        ..policy(Mode::Live)
    };
    assert_eq!(
        worst(&check_key(&with_rights(&["Spot.SpotTrade"]), &spot)),
        Fine
    );
    assert_eq!(worst(&check_key(&good_key(), &spot)), Refuse);
    let both = KeyPolicy {
        categories: &[Category::Linear, Category::Spot],
        ..policy(Mode::Live)
    };
    assert_eq!(worst(&check_key(&and(&["Spot.SpotTrade"]), &both)), Fine);
    assert_eq!(worst(&check_key(&good_key(), &both)), Refuse);
}

#[test]
fn an_unbound_key_is_accepted_by_a_setting_and_still_named() {
    let accepting = KeyPolicy {
        accept_unbound_ip: true,
        ..policy(Mode::Live)
    };
    let findings = check_key(&bound_to(&[]), &accepting);
    assert_eq!(about(&findings, Topic::Ips).severity, Warning);
}

#[test]
fn a_user_stays_the_one_of_the_first_session() {
    for (pinned, expected) in [("1448939", Fine), ("1448940", Refuse), ("11448939", Refuse)] {
        let policy = KeyPolicy {
            pinned_user: Some(pinned),
            ..policy(Mode::Testnet)
        };
        let findings = check_key(&good_key(), &policy);
        assert_eq!(about(&findings, Topic::User).severity, expected, "{pinned}");
    }
}

#[test]
fn the_venues_own_sample_of_a_key_is_refused_for_every_right_too_many() {
    // Shape of the documented answer: read-only, transfers, an end in 1970, not bound to us.
    let facts = KeyFacts {
        read_only: true,
        is_master: true,
        ..and(&[
            "Spot.SpotTrade",
            "Wallet.AccountTransfer",
            "Wallet.SubMemberTransfer",
            "Derivatives.DerivativesTrade",
            "Exchange.ExchangeHistory",
        ])
    };
    let findings = check_key(&facts, &policy(Mode::Live));
    let extra = about(&findings, Topic::ExtraRights);
    assert_eq!(
        extra.text,
        "the key can do more than trade: Exchange.ExchangeHistory, Spot.SpotTrade, \
         Wallet.AccountTransfer, Wallet.SubMemberTransfer"
    );
    assert_eq!(about(&findings, Topic::Expiry).severity, Fine);
}

fn symbol(name: &str) -> Symbol {
    Symbol::new(name).unwrap()
}

fn good_account() -> AccountFacts {
    AccountFacts {
        margin_mode: AccountMargin::from_venue("ISOLATED_MARGIN"),
        symbols: vec![one_symbol(PositionMode::OneWay, &["10"])],
        equity: Some("25000".parse().unwrap()),
    }
}

fn one_symbol(position_mode: PositionMode, leverage: &[&str]) -> SymbolFacts {
    let leverage: Vec<Rate> = leverage.iter().map(|text| text.parse().unwrap()).collect();
    SymbolFacts {
        symbol: symbol("BTCUSDT"),
        position_mode,
        leverage,
    }
}

fn with_margin(word: &str) -> AccountFacts {
    AccountFacts {
        margin_mode: AccountMargin::from_venue(word),
        ..good_account()
    }
}

fn with_symbol(facts: SymbolFacts) -> AccountFacts {
    AccountFacts {
        symbols: vec![facts],
        ..good_account()
    }
}

fn with_equity(text: Option<&str>) -> AccountFacts {
    AccountFacts {
        equity: text.map(|text| text.parse().unwrap()),
        ..good_account()
    }
}

fn judge(facts: &AccountFacts, mode: Mode, category: Category) -> Vec<Finding> {
    let symbols = [symbol("BTCUSDT")];
    check_account(
        facts,
        &AccountPolicy {
            mode,
            category,
            symbols: &symbols,
            margin_mode: MarginMode::Isolated,
            leverage: 10,
            capital: "25000".parse().unwrap(),
            coin: "USDT",
        },
    )
}

#[rstest]
#[case::good(good_account(), Topic::MarginMode, Fine, Fine, "margin is isolated")]
#[case::cross(
    with_margin("REGULAR_MARGIN"),
    Topic::MarginMode,
    Refuse,
    Warning,
    "margin is cross at the venue and venue.margin_mode is isolated: switch the account on the venue's page, or set venue.margin_mode = \"cross\""
)]
#[case::portfolio(
    with_margin("PORTFOLIO_MARGIN"),
    Topic::MarginMode,
    Refuse,
    Warning,
    "portfolio at the venue"
)]
#[case::unheard_of(
    with_margin("NEW_MARGIN"),
    Topic::MarginMode,
    Refuse,
    Warning,
    "NEW_MARGIN at the venue"
)]
#[case::hedge(with_symbol(one_symbol(PositionMode::Hedge, &["10", "10"])), Topic::PositionMode, Refuse, Refuse, "BTCUSDT is in hedge mode at the venue and venue.position_mode is one-way")]
#[case::leverage(with_symbol(one_symbol(PositionMode::OneWay, &["25"])), Topic::Leverage, Refuse, Warning, "BTCUSDT has leverage 25 at the venue and venue.leverage is 10")]
#[case::fraction(with_symbol(one_symbol(PositionMode::OneWay, &["10.5"])), Topic::Leverage, Refuse, Warning, "leverage 10.5")]
#[case::same_number(with_symbol(one_symbol(PositionMode::OneWay, &["10.00"])), Topic::Leverage, Fine, Fine, "has leverage 10")]
#[case::one_side(with_symbol(one_symbol(PositionMode::OneWay, &["10", "5"])), Topic::Leverage, Refuse, Warning, "leverage 5 ")]
#[case::unsaid(with_symbol(one_symbol(PositionMode::OneWay, &[])), Topic::Leverage, Refuse, Warning, "does not say its leverage")]
#[case::no_symbol(AccountFacts { symbols: Vec::new(), ..good_account() }, Topic::PositionMode, Refuse, Refuse, "says nothing about")]
#[case::a_digit_too_many(
    with_equity(Some("2500")),
    Topic::Equity,
    Refuse,
    Warning,
    "account.capital is 25000 and the account has 2500 USDT: lower account.capital to at most 2500"
)]
#[case::just_short(
    with_equity(Some("24999.99")),
    Topic::Equity,
    Refuse,
    Warning,
    "at most 24999.99"
)]
#[case::unknown_equity(
    with_equity(None),
    Topic::Equity,
    Refuse,
    Warning,
    "does not say how much USDT"
)]
fn each_account_gets_its_verdict(
    #[case] facts: AccountFacts,
    #[case] topic: Topic,
    #[case] live: Severity,
    #[case] testnet: Severity,
    #[case] part: &str,
) {
    for (mode, expected) in [(Mode::Live, live), (Mode::Testnet, testnet)] {
        let findings = judge(&facts, mode, Category::Linear);
        let finding = about(&findings, topic);
        assert_eq!(finding.severity, expected, "{mode}: {finding:?}");
        assert_eq!(worst(&findings), expected, "{mode}: {findings:#?}");
        let text = format!("{}: {}", finding.text, finding.remedy);
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn spot_has_neither_leverage_nor_position_mode() {
    let facts = AccountFacts {
        symbols: Vec::new(),
        ..good_account()
    };
    assert_eq!(worst(&judge(&facts, Mode::Live, Category::Spot)), Fine);
}

#[test]
fn each_topic_has_an_exit_code_of_its_side() {
    for topic in [
        Topic::Withdrawal,
        Topic::ExtraRights,
        Topic::Ips,
        Topic::User,
    ] {
        assert_eq!(topic.exit(), Exit::Credentials);
    }
    for topic in [
        Topic::MarginMode,
        Topic::PositionMode,
        Topic::Leverage,
        Topic::Equity,
    ] {
        assert_eq!(topic.exit(), Exit::Config);
    }
}

#[test]
fn digits_are_taken_from_numbers_only() {
    for (user, digits) in [
        ("1448939", Some("8939")),
        ("8939", Some("8939")),
        ("939", None),
        ("", None),
        ("0", None),
        ("14\u{e9}8939", None),
        ("user-8939", None),
    ] {
        assert_eq!(last_digits(user), digits, "{user}");
    }
}
