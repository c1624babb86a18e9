//! Which addresses are let through.

use super::*;

#[test]
fn every_environment_passes_its_own_check() {
    for environment in [
        Environment::Mainnet,
        Environment::Testnet,
        Environment::Demo,
    ] {
        let hosts = Hosts::of(environment);
        let public = hosts.public_ws_of(Category::Spot);
        for url in [hosts.rest(), &public, hosts.private_ws()] {
            assert_eq!(check_allowed(environment, url), Ok(()), "{url}");
        }
        if let Some(url) = hosts.trade_ws() {
            assert_eq!(check_allowed(environment, url), Ok(()), "{url}");
        }
    }
}

#[test]
fn demo_reads_mainnet_prices_and_has_no_order_socket() {
    let demo = Hosts::of(Environment::Demo);
    assert_eq!(demo.rest(), "https://api-demo.bybit.com");
    assert_eq!(
        demo.public_ws_of(Category::Linear),
        "wss://stream.bybit.com/v5/public/linear"
    );
    assert_eq!(demo.private_ws(), "wss://stream-demo.bybit.com/v5/private");
    assert_eq!(demo.trade_ws(), None);
    let private = "wss://stream.bybit.com/v5/private";
    assert!(check_allowed(Environment::Demo, private).is_err());
}

#[test]
fn what_is_not_on_the_list_is_refused() {
    use Environment::{Demo, Mainnet, Testnet};
    for (environment, url) in [
        (Mainnet, "https://example.com"),
        (Mainnet, "http://api.bybit.com"),
        (Mainnet, "ws://stream.bybit.com/v5/private"),
        (Mainnet, "https://api.bybit.com.example.com"),
        (Mainnet, "https://api.bybit.com@example.com"),
        (Mainnet, "https://user:word@api.bybit.com"),
        (Mainnet, "https://api.bybit.com:8443"),
        (Mainnet, "https://api-testnet.bybit.com"),
        (Mainnet, "https://127.0.0.1"),
        (Mainnet, "api.bybit.com"),
        (Testnet, "https://api.bybit.com"),
        (Testnet, "https://api.bybit.nl"),
        (Demo, "https://api.bybit.com"),
        (Demo, "wss://stream.bybit.nl/v5/public/linear"),
    ] {
        assert!(
            check_allowed(environment, url).is_err(),
            "{environment} {url}"
        );
    }
}

#[test]
fn a_region_has_to_be_named_and_known() {
    let hosts = Hosts::mainnet_at("api.bybit.nl", "stream.bybit.com").unwrap();
    assert_eq!(hosts.rest(), "https://api.bybit.nl");
    assert_eq!(hosts.trade_ws(), Some("wss://stream.bybit.com/v5/trade"));
    assert_eq!(check_allowed(Environment::Mainnet, hosts.rest()), Ok(()));
    for (rest, stream) in [
        ("api.bybit.zz", "stream.bybit.com"),
        ("api.bybit.com", "api.bybit.com"),
        ("api.bybit.com/", "stream.bybit.com"),
        ("api-testnet.bybit.com", "stream.bybit.com"),
    ] {
        let error = Hosts::mainnet_at(rest, stream).unwrap_err().to_string();
        assert!(error.contains("use one of api.bybit.com"), "{error}");
    }
}

#[test]
fn a_local_exchange_is_on_this_machine_only() {
    for (rest, ws, base) in [
        (
            "http://127.0.0.1:80",
            "ws://127.0.0.1:81",
            "http://127.0.0.1",
        ),
        (
            "https://localhost:8443/",
            "wss://[::1]:9",
            "https://localhost:8443",
        ),
        (
            "http://127.9.9.9:1",
            "ws://localhost:2",
            "http://127.9.9.9:1",
        ),
    ] {
        let hosts = Hosts::local(rest, ws).unwrap();
        assert_eq!(hosts.rest(), base);
        assert!(hosts.is_local());
    }
    let hosts = Hosts::local("http://[::1]:8080", "ws://127.0.0.1:81").unwrap();
    assert_eq!(hosts.rest(), "http://[::1]:8080");
    assert_eq!(
        hosts.public_ws_of(Category::Linear),
        "ws://127.0.0.1:81/v5/public/linear"
    );
    assert_eq!(hosts.private_ws(), "ws://127.0.0.1:81/v5/private");
    assert_eq!(hosts.trade_ws(), Some("ws://127.0.0.1:81/v5/trade"));
    for rest in [
        "http://api.bybit.com",
        "http://192.168.1.2",
        "http://0.0.0.0:8080",
        "http://[::ffff:127.0.0.1]:8080",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1:8080/v5",
        "http://127.0.0.1:8080?x=1",
        "http://me:word@127.0.0.1:8080",
        "ftp://127.0.0.1",
        "ws://127.0.0.1",
        "",
    ] {
        let refused = Hosts::local(rest, "ws://127.0.0.1:1");
        assert!(refused.is_err(), "{rest}");
    }
}

#[test]
fn an_error_names_host_and_remedy_and_no_password() {
    for (url, part) in [
        (
            "http://api.bybit.com",
            "api.bybit.com is addressed by http: use https or wss",
        ),
        (
            "https://example.com",
            "example.com is not a host of mainnet: use one of",
        ),
        (
            "https://me:hidden@api.bybit.com",
            "api.bybit.com has a user",
        ),
        ("me:hidden@nowhere", "is not an address"),
    ] {
        let error = check_allowed(Environment::Mainnet, url)
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{error}");
        assert!(!error.contains("hidden"), "{error}");
    }
}
