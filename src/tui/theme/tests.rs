//! Every shipped theme is complete and readable, for all eyes and on poor terminals.

use ratatui::style::{Color, Modifier};
use rstest::rstest;

use super::measure::{Deficiency, ciede2000, contrast, lab, simulate};
use super::*;

fn no_parents(_: &str) -> Option<String> {
    None
}

fn shipped() -> impl Iterator<Item = Theme> {
    Theme::builtin_names().map(|name| {
        let text = Theme::builtin_text(name).unwrap();
        let parents = |parent: &str| Theme::builtin_text(parent).map(str::to_owned);
        Theme::parse(name, text, &parents).unwrap()
    })
}

fn seen(theme: &Theme, role: Role) -> (measure::Rgb, measure::Rgb) {
    let fg = color::rgb(theme.style(role).fg.unwrap()).unwrap();
    (fg, color::rgb(theme.ground(role)).unwrap())
}

#[test]
fn shipped_themes_are_named_as_their_files() {
    for (theme, name) in shipped().zip(Theme::builtin_names()) {
        assert_eq!(theme.name(), name);
        assert_eq!(Theme::builtin(name).unwrap(), theme);
    }
    assert!(Theme::builtin("no such theme").is_none());
}

#[test]
fn text_and_banners_are_readable() {
    for theme in shipped().filter(|theme| theme.name() != "terminal") {
        for role in Role::ALL {
            let least = match role {
                // Frames and the empty part of gauges carry no text.
                Role::Border | Role::GaugeRest => 1.3,
                Role::ChartVolume | Role::BorderFocus => 2.0,
                _ => 4.5,
            };
            let (fg, bg) = seen(&theme, *role);
            let got = contrast(fg, bg);
            assert!(least <= got, "{} {}: {got:.2}", theme.name(), role.name());
        }
    }
}

#[test]
fn up_and_down_stay_apart() {
    for theme in shipped().filter(|theme| theme.name() != "terminal") {
        let (up, down) = (seen(&theme, Role::Up).0, seen(&theme, Role::Down).0);
        let name = theme.name();
        if name == "mono" {
            assert!(25.0 <= (lab(up)[0] - lab(down)[0]).abs());
        } else {
            let normal = ciede2000(up, down);
            assert!(40.0 <= normal, "{name}: {normal:.1}");
        }
        if theme.is_cvd_safe() {
            for deficiency in Deficiency::ALL {
                let got = ciede2000(simulate(up, deficiency), simulate(down, deficiency));
                assert!(30.0 <= got, "{name} {deficiency:?}: {got:.1}");
            }
        }
    }
    let safe: Vec<_> = shipped().filter(Theme::is_cvd_safe).collect();
    let names: Vec<_> = safe.iter().map(Theme::name).collect();
    assert_eq!(names, ["okabe", "high-contrast", "mono"]);
}

#[test]
fn no_text_has_the_colour_of_its_ground_on_any_terminal() {
    for theme in shipped() {
        for depth in [Depth::True, Depth::C256, Depth::C16] {
            let theme = theme.quantised(depth);
            for role in Role::ALL {
                let (fg, bg) = (theme.style(*role).fg.unwrap(), theme.ground(*role));
                let both_default = fg == Color::Reset && bg == Color::Reset;
                assert!(
                    fg != bg || both_default,
                    "{} {depth:?} {}",
                    theme.name(),
                    role.name()
                );
                let fits = match depth {
                    Depth::True => true,
                    Depth::C256 => !matches!(fg, Color::Rgb(..)),
                    _ => !matches!(fg, Color::Rgb(..) | Color::Indexed(_)),
                };
                assert!(fits, "{} {depth:?} {}", theme.name(), role.name());
            }
            assert_ne!(
                theme.style(Role::Up),
                theme.style(Role::Down),
                "{} {depth:?}",
                theme.name()
            );
        }
    }
}

#[test]
fn without_colours_banners_and_selection_are_reversed() {
    let theme = Theme::builtin("dark").unwrap().quantised(Depth::Mono);
    for role in Role::ALL {
        let style = theme.style(*role);
        assert_eq!((style.fg, style.bg), (None, None), "{}", role.name());
    }
    for role in [Role::Selection, Role::ModeLive, Role::Kill] {
        let reversed = theme.style(role).add_modifier.contains(Modifier::REVERSED);
        assert!(reversed, "{}", role.name());
    }
}

#[test]
fn terminal_theme_uses_the_terminals_own_colours() {
    let theme = Theme::builtin("terminal").unwrap();
    for role in Role::ALL {
        for color in [theme.style(*role).fg.unwrap(), theme.ground(*role)] {
            assert!(!matches!(color, Color::Rgb(..) | Color::Indexed(_)));
        }
    }
}

#[rstest]
#[case::bad_colour(
    "[palette]\nup = \"#12345\"",
    r##"theme mine: palette.up = "#12345": use #RRGGBB, a palette name, or a terminal colour such as bright-red"##
)]
#[case::not_a_palette_name(
    "[roles]\nup = \"grean\"",
    r#"theme mine: roles.up = "grean": use #RRGGBB, a palette name, or a terminal colour such as bright-red: did you mean "green"?"#
)]
#[case::unknown_role(
    "[roles]\n\"state.haltd\" = \"red\"",
    r#"theme mine: unknown key "roles.state.haltd": did you mean "state.halted"?"#
)]
#[case::unknown_key(
    "pallete = 1",
    r#"theme mine: unknown key "pallete": did you mean "palette"?"#
)]
#[case::unknown_part(
    "[roles]\nup = { gf = \"red\" }",
    r#"theme mine: unknown key "roles.up.gf""#
)]
#[case::bad_modifier(
    "[roles]\nup = { fg = \"red\", mods = [\"blink\"] }",
    r#"theme mine: roles.up.mods = "blink": use a list of bold, dim, italic, underlined, reversed, crossed-out"#
)]
#[case::bad_variant(
    "variant = \"grey\"",
    r#"theme mine: variant = "grey": use "dark" or "light""#
)]
#[case::bad_flag("cvd = 1", "theme mine: cvd = 1: use true or false")]
#[case::syntax("\n\nname = = 1", "theme mine: line 3: invalid string")]
fn mistakes_are_named(#[case] text: &str, #[case] message: &str) {
    let text = if text.contains("name") {
        text.to_owned()
    } else {
        format!("inherits = \"dark\"\n{text}")
    };
    let parents = |parent: &str| Theme::builtin_text(parent).map(str::to_owned);
    let error = Theme::parse("mine", &text, &parents)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(message), "{error}");
}

#[test]
fn incomplete_and_circular_themes_are_refused() {
    let text = "name = \"mine\"\nvariant = \"dark\"\n[roles]\nsurface = \"red\"";
    let error = Theme::parse("mine", text, &no_parents).unwrap_err();
    assert!(matches!(
        error,
        ThemeError::MissingRole {
            role: "surface",
            what: "bg",
            ..
        }
    ));
    let text = "name = \"mine\"\nvariant = \"dark\"";
    let error = Theme::parse("mine", text, &no_parents).unwrap_err();
    assert!(matches!(
        error,
        ThemeError::MissingRole {
            role: "surface",
            what: "colour",
            ..
        }
    ));
    let error = Theme::parse("mine", "inherits = \"away\"", &no_parents).unwrap_err();
    assert_eq!(
        error.to_string(),
        "theme mine: inherits = \"away\": there is no such theme"
    );
    let circle = |name: &str| {
        Some(format!(
            "inherits = \"{}\"",
            if name == "a" { "b" } else { "a" }
        ))
    };
    let error = Theme::parse("mine", "inherits = \"a\"", &circle).unwrap_err();
    assert_eq!(
        error.to_string(),
        "theme mine: inherits in a circle: mine -> a -> b -> a"
    );
}

#[test]
fn a_child_changes_the_palette_under_inherited_roles() {
    let parents = |parent: &str| Theme::builtin_text(parent).map(str::to_owned);
    let text = "name = \"mine\"\ninherits = \"okabe\"\n[palette]\nup = \"#010203\"";
    let theme = Theme::parse("mine", text, &parents).unwrap();
    for role in [Role::Up, Role::Long, Role::BookBid] {
        assert_eq!(theme.style(role).fg, Some(Color::Rgb(1, 2, 3)));
    }
    assert_eq!(theme.style(Role::Down).fg, Some(Color::Rgb(0xE6, 0x9F, 0)));
    assert!(
        !theme.is_cvd_safe(),
        "a promise about colours is not inherited"
    );
}
