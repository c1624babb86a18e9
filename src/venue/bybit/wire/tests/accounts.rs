//! Balances, positions, keys and settings.

use rstest::rstest;

use super::super::account::{
    AccountInfo, DcpInfo, FeeRate, KeyInfo, MarginModeAnswer, SetDcp, SetMarginMode, UserSettings,
    Wallet,
};
use super::super::names::{MarginMode, PositionIdx, PositionStatus};
use super::super::position::{ClosedPnl, Position, SetLeverage, SwitchMode};
use super::super::{Envelope, Page, from_json};
use super::{at, decimal, money, price, qty, rate, symbol};
use crate::domain::SignedQty;

const LONG: &str = r#"{"positionIdx":0,"riskId":1,"riskLimitValue":"2000000","symbol":"BTCUSDT",
    "side":"Buy","size":"0.5","avgPrice":"31250.40661225","positionValue":"15625.203306125",
    "tradeMode":0,"positionStatus":"Normal","autoAddMargin":1,"adlRankIndicator":2,"leverage":"10",
    "breakEvenPrice":"27480","markPrice":"32224.50","liqPrice":"","bustPrice":"0.10",
    "positionMM":"69.5","positionIM":"1373.2","takeProfit":"0.00","stopLoss":"27000",
    "trailingStop":"0.00","unrealisedPnl":"-0.00035413","curRealisedPnl":"0.1","seq":6833621632,
    "cumRealisedPnl":"-0.00086902","isReduceOnly":false,"mmrSysUpdateTime":"",
    "createdTime":"1706538056258","updatedTime":"1707673600012","openTime":1700000000123}"#;

#[test]
fn a_position_over_rest() {
    let position: Position = from_json(LONG).unwrap();
    assert_eq!(position.position_idx, PositionIdx::OneWay);
    assert_eq!(position.entry(), Some(price("31250.40661225")));
    assert_eq!(
        position.signed_size(),
        Some(SignedQty::from_raw(50_000_000))
    );
    assert_eq!(position.liq_price, None);
    assert_eq!(position.stop_loss, Some(price("27000")));
    assert_eq!(position.unrealised_pnl, Some(money("-0.00035413")));
    assert_eq!(position.position_im, Some(money("1373.2")));
    assert_eq!(position.position_status, Some(PositionStatus::Normal));
    assert_eq!(position.open_time, Some(at(1_700_000_000_123)));
    let back: Position = from_json(&serde_json::to_string(&position).unwrap()).unwrap();
    assert_eq!(back, position);
}

#[test]
fn the_stream_calls_the_entry_price_otherwise() {
    let text = LONG
        .replace("avgPrice", "entryPrice")
        .replace("Buy", "Sell");
    let position: Position = from_json(&text).unwrap();
    assert_eq!(
        (position.avg_price, position.entry()),
        (None, Some(price("31250.40661225")))
    );
    assert_eq!(
        position.signed_size(),
        Some(SignedQty::from_raw(-50_000_000))
    );
}

#[rstest]
#[case::empty(
    r#"{"symbol":"BTCUSDT","positionIdx":2,"side":"","size":"","avgPrice":"",
    "leverage":"","liqPrice":"","markPrice":"","positionIM":"","seq":"-1","updatedTime":""}"#
)]
#[case::zeros(
    r#"{"symbol":"BTCUSDT","positionIdx":"2","side":"None","size":"0","entryPrice":"0",
    "seq":-1,"isReduceOnly":null}"#
)]
#[case::bare(r#"{"symbol":"BTCUSDT","positionIdx":2}"#)]
fn closed_positions(#[case] text: &str) {
    let position: Position = from_json(text).unwrap();
    assert!(position.is_flat());
    assert_eq!(position.position_idx, PositionIdx::Short);
    assert_eq!(position.signed_size(), Some(SignedQty::ZERO));
    assert_eq!(position.entry(), None);
    assert_eq!(position.is_reduce_only, None);
    assert!(position.seq.is_none_or(|seq| seq == -1));
}

#[test]
fn a_size_without_a_direction_is_no_report() {
    for side in ["", "None", "Both"] {
        let text = LONG.replace(r#""side":"Buy""#, &format!(r#""side":"{side}""#));
        let position: Position = from_json(&text).unwrap();
        assert_eq!(position.signed_size(), None, "{side}");
    }
}

#[test]
fn closed_profits_and_position_requests() {
    let text = r#"{"symbol":"ETHPERP","orderType":"Market","leverage":"3","side":"Sell",
        "updatedTime":"1702214887236","orderId":"6b484cff","closedPnl":"-58.4065323","qty":"3",
        "avgEntryPrice":"1294.97516667","closedSize":"3","avgExitPrice":"1280.59833333"}"#;
    let closed: ClosedPnl = from_json(text).unwrap();
    assert_eq!(
        (closed.closed_pnl, closed.closed_size),
        (money("-58.4065323"), qty("3"))
    );
    let leverage = SetLeverage::both(symbol("BTCUSDT"), decimal("6.50"));
    let body =
        r#"{"category":"linear","symbol":"BTCUSDT","buyLeverage":"6.5","sellLeverage":"6.5"}"#;
    assert_eq!(serde_json::to_string(&leverage).unwrap(), body);
    let mode = SwitchMode::one_way(symbol("BTCUSDT"));
    let body = r#"{"category":"linear","symbol":"BTCUSDT","mode":0}"#;
    assert_eq!(serde_json::to_string(&mode).unwrap(), body);
}

#[test]
fn balances() {
    let text = r#"{"retCode":0,"result":{"list":[{"totalEquity":"3000.5","accountIMRate":"0.01",
        "totalAvailableBalance":"2500","totalPerpUPL":"-1.5","accountType":"UNIFIED","accountMMRate":"",
        "coin":[{"coin":"USDT","walletBalance":"1000.123456789012345678","totalPositionIM":"100",
                 "totalOrderIM":"","locked":"0.123456789012345678","bonus":"50","equity":"1001",
                 "availableToWithdraw":"","collateralSwitch":true},
                {"coin":"ETH","walletBalance":"0","borrowAmount":"0.06"}]}]}}"#;
    let envelope = Envelope::parse(text).unwrap();
    let page: Page<Wallet> = envelope.result().unwrap();
    let wallet = &page.list[0];
    assert_eq!(wallet.total_equity, Some(decimal("3000.5")));
    assert_eq!(
        (wallet.account_mm_rate, wallet.total_perp_upl),
        (None, Some(decimal("-1.5")))
    );
    let usdt = wallet.coin("USDT").unwrap();
    assert_eq!(
        usdt.free_isolated(),
        Some(decimal("850.000000000000000000"))
    );
    assert_eq!(
        wallet.coin("ETH").unwrap().borrow_amount,
        Some(decimal("0.06"))
    );
    assert_eq!(wallet.coin("BTC"), None);
    let back: Wallet = from_json(&serde_json::to_string(wallet).unwrap()).unwrap();
    assert_eq!(&back, wallet);
    let sparse: Wallet = from_json(r#"{"coin":[{"coin":"X"}],"totalPerpUpl":"2"}"#).unwrap();
    assert_eq!(sparse.coin("X").unwrap().free_isolated(), None);
    assert_eq!(sparse.total_perp_upl, Some(decimal("2")));
}

const KEY: &str = r#"{"id":"3309470","note":"desk","apiKey":"SHOULDNOTSHOW","readOnly":0,"secret":"",
    "permissions":{"ContractTrade":["Order","Position"],"Spot":["SpotTrade"],
    "Wallet":["AccountTransfer"],"Options":[],"Derivatives":["DerivativesTrade"]},
    "ips":["203.0.113.7"],"type":1,"deadlineDay":83,"expiredAt":"2026-02-01T12:00:00Z","unified":0,
    "uta":1,"userID":2559040,"vipLevel":"No VIP","isMaster":true,"parentUid":"0"}"#;

#[test]
fn rights_of_a_key() {
    let key: KeyInfo = from_json(KEY).unwrap();
    assert!(key.can_trade_spot() && key.can_trade_contracts() && !key.can_withdraw());
    assert_eq!(key.expires(), Some(at(1_769_947_200_000)));
    assert_eq!((key.deadline_day, key.uta), (Some(83), Some(1)));
    let shown = format!("{key:?}");
    for private in ["SHOULDNOTSHOW", "203.0.113.7", "2559040", "desk"] {
        assert!(!shown.contains(private), "{shown}");
    }
    let read_only: KeyInfo = from_json(&KEY.replace(r#""readOnly":0"#, r#""readOnly":1"#)).unwrap();
    assert!(!read_only.can_trade_spot() && !read_only.can_trade_contracts());
    let rich: KeyInfo = from_json(&KEY.replace("AccountTransfer", "Withdraw")).unwrap();
    assert!(rich.can_withdraw());
    let poor: KeyInfo = from_json(&KEY.replace(r#"["SpotTrade"]"#, "[]")).unwrap();
    assert!(!poor.can_trade_spot() && poor.can_trade_contracts());
    for never in ["1970-01-01T00:00:00Z", "", "soon"] {
        let key: KeyInfo = from_json(&KEY.replace("2026-02-01T12:00:00Z", never)).unwrap();
        assert_eq!(key.expires(), None, "{never}");
    }
}

#[test]
fn settings() {
    let info: AccountInfo =
        from_json(r#"{"marginMode":"REGULAR_MARGIN","unifiedMarginStatus":6}"#).unwrap();
    assert_eq!(info.margin_mode, Some(MarginMode::Cross));
    assert!(info.is_unified());
    let classic: AccountInfo = from_json(r#"{"unifiedMarginStatus":1}"#).unwrap();
    assert!(!classic.is_unified());
    let fee: FeeRate =
        from_json(r#"{"symbol":"","takerFeeRate":"0.00055","makerFeeRate":"-0.00005"}"#).unwrap();
    assert_eq!(
        (fee.taker_fee_rate, fee.maker_fee_rate),
        (rate("0.00055"), rate("-0.00005"))
    );
    assert!(from_json::<FeeRate>(r#"{"takerFeeRate":"","makerFeeRate":"0"}"#).is_err());
    let user: UserSettings = from_json(r#"{"lpaSpot":true,"lpaPerp":false}"#).unwrap();
    assert_eq!((user.lpa_spot, user.lpa_perp), (Some(true), Some(false)));
    let text = r#"{"retCode":3400045,"retMsg":"Set margin mode failed","result":{"reasons":[
        {"reasonCode":"3400000","reasonMsg":"Equity is too small"}]}}"#;
    let answer: MarginModeAnswer = Envelope::parse(text).unwrap().result().unwrap();
    assert_eq!(answer.reasons[0].reason_code, 3_400_000);
    let body = SetMarginMode {
        set_margin_mode: MarginMode::Isolated,
    };
    let text = serde_json::to_string(&body).unwrap();
    assert_eq!(text, r#"{"setMarginMode":"ISOLATED_MARGIN"}"#);
}

#[test]
fn cancel_on_disconnect() {
    let text = r#"{"dcpInfos":[{"product":"SPOT","dcpStatus":"ON","timeWindow":"10"},
        {"product":"DERIVATIVES","dcpStatus":"OFF"}]}"#;
    let info: DcpInfo = from_json(text).unwrap();
    assert!(info.products[0].is_on() && !info.products[1].is_on());
    assert_eq!(info.products[0].time_window, Some(10));
    let body = SetDcp {
        product: Some("DERIVATIVES".to_owned()),
        time_window: 40,
    };
    let text = serde_json::to_string(&body).unwrap();
    assert_eq!(text, r#"{"product":"DERIVATIVES","timeWindow":40}"#);
}
