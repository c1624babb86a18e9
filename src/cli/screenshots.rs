//! `tradeterm screenshots`: pictures of the console on fixed sessions, from the very functions
//! that draw it.

use std::io::Write;
use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::args::ScreenshotArgs;
use super::{Exit, Failure, Outcome};
use crate::app::{build_session, open_market};
use crate::config::Settings;
use crate::control::{KillPhase, Snapshot, TradeCommand};
use crate::domain::{KillLevel, Timestamp};
use crate::engine::Event;
use crate::runtime::{Session, Unwatched};
use crate::tui::keymap::Keymap;
use crate::tui::model::{KillModal, Model, Overlay, View};
use crate::tui::sample;
use crate::tui::svg;
use crate::tui::theme::Theme;
use crate::tui::view::{self, KillView, OverlayData};

/// Part of the demo that is played before the pictures are taken, in milliseconds.
const PLAYED_MS: i64 = 4 * 86_400_000 + 10 * 3_600_000 + 40_000;

struct Shot {
    name: &'static str,
    size: (u16, u16),
    theme: &'static str,
    view: View,
    overlay: Option<Overlay>,
    of: Of,
}

/// Which session a picture shows.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    /// The demo.
    Demo,
    /// The demo after a first `K`.
    Killed,
    /// A made-up session on the demo account, with a lost connection and differences.
    Venue,
}

fn shots() -> Vec<Shot> {
    let shot = |name, size, view| Shot {
        name,
        size,
        theme: "dark",
        view,
        overlay: None,
        of: Of::Demo,
    };
    let venue = |name, size, view| Shot {
        of: Of::Venue,
        ..shot(name, size, view)
    };
    let modal = KillModal {
        before: KillLevel::Active,
        opened_ms: 0,
        armed_flatten: false,
        banner: false,
    };
    vec![
        shot("dashboard_80x24", (80, 24), View::Dashboard),
        shot("dashboard_120x40", (120, 40), View::Dashboard),
        shot("dashboard_200x60", (200, 60), View::Dashboard),
        shot("book_120x40", (120, 40), View::Book),
        shot("blotter_120x40", (120, 40), View::Blotter),
        shot("agent_120x40", (120, 40), View::Agent),
        shot("risk_120x40", (120, 40), View::Risk),
        shot("performance_120x40", (120, 40), View::Performance),
        shot("log_120x40", (120, 40), View::Log),
        venue("health_80x24", (80, 24), View::Health),
        venue("health_120x40", (120, 40), View::Health),
        venue("health_200x60", (200, 60), View::Health),
        venue("venue_120x40", (120, 40), View::Dashboard),
        Shot {
            overlay: Some(Overlay::Kill(modal)),
            of: Of::Killed,
            ..shot("kill_120x40", (120, 40), View::Dashboard)
        },
        Shot {
            theme: "okabe",
            ..shot("okabe_120x40", (120, 40), View::Dashboard)
        },
        Shot {
            theme: "light",
            ..shot("light_120x40", (120, 40), View::Dashboard)
        },
    ]
}

/// Writes the pictures, or compares them with those that are there.
pub(super) fn screenshots(args: &ScreenshotArgs) -> Outcome {
    let (calm, killed) = play()?;
    let venue = sample::troubled(42);
    let mut out = std::io::stdout().lock();
    let mut n_different = 0;
    for shot in shots() {
        let snapshot = match shot.of {
            Of::Demo => &calm,
            Of::Killed => &killed,
            Of::Venue => &venue,
        };
        let picture = picture(&shot, snapshot)?;
        let path = args.out.join(format!("{}.svg", shot.name));
        if args.check {
            let old = std::fs::read_to_string(&path).unwrap_or_default();
            if old != picture {
                n_different += 1;
                writeln!(out, "differs: {}", path.display())?;
            }
        } else {
            write(&path, &picture)?;
            writeln!(out, "written: {}", path.display())?;
        }
    }
    if n_different > 0 {
        let text = format!("{n_different} pictures differ: run `tradeterm screenshots`");
        return Err(Failure::new(Exit::Failures, text));
    }
    Ok(Exit::Done)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let fail = |error: std::io::Error| {
        Failure::new(
            Exit::Unexpected,
            format!("cannot write {}: {error}", path.display()),
        )
    };
    std::fs::create_dir_all(path.parent().unwrap_or(path)).map_err(fail)?;
    std::fs::write(path, text).map_err(fail)
}

/// Plays the demo for a fixed time; returns the picture then, and the one after a first `K`.
fn play() -> Result<(Snapshot, Snapshot), Failure> {
    let settings = Settings::default();
    let mut market = open_market(&settings)?;
    let built = build_session(
        &settings,
        &market.instruments,
        &market.intervals,
        KillLevel::Active,
    )?;
    let mut session = Session::new(built.engine, built.broker, built.watch);
    let until = market
        .feed
        .span()
        .map_or(Timestamp::default(), |(first, _)| {
            first.plus_millis(PLAYED_MS)
        });
    let span = market.feed.span();
    while let Some(item) = market.feed.next() {
        let (at, event) = item?;
        if until < at {
            break;
        }
        let Ok(()) = session.turn(at, &Event::Market(event), &mut Unwatched);
    }
    let view = crate::control::SessionView {
        run_id: "demo".to_owned(),
        mode: settings.mode,
        synthetic: true,
        feed: market.feed.label(),
        speed: Some(settings.feed.speed.factor()).filter(|s| s.is_finite()),
        held: false,
        progress: span.map(|(from, to)| super::run::part(until, from, to)),
        ended: false,
        config_hash: settings.hash().chars().take(12).collect(),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        inference: built.inference.unwrap_or_else(|| "-".to_owned()),
        coin: settings.account.coin.clone(),
    };
    let calm = session.engine.snapshot(view.clone());
    let kill = TradeCommand::Kill {
        level: KillLevel::ReduceOnly,
        reason: "operator key".to_owned(),
    };
    let now = session.engine.now();
    let Ok(()) = session.turn(now, &Event::Command(kill), &mut Unwatched);
    Ok((calm, session.engine.snapshot(view)))
}

fn picture(shot: &Shot, snapshot: &Snapshot) -> Result<String, Failure> {
    let theme = Theme::builtin(shot.theme)
        .ok_or_else(|| Failure::new(Exit::Unexpected, format!("no theme {}", shot.theme)))?;
    let model = Model {
        view: shot.view,
        overlay: shot.overlay.clone(),
        theme: shot.theme.to_owned(),
        ..Model::default()
    };
    let kill = if shot.of == Of::Killed {
        KillView {
            level: KillLevel::ReduceOnly,
            phase: KillPhase::Tripped,
            reason: "operator key",
        }
    } else {
        KillView {
            level: KillLevel::Active,
            phase: KillPhase::Idle,
            reason: "",
        }
    };
    let mut buffer = Buffer::empty(Rect::new(0, 0, shot.size.0, shot.size.1));
    let overlay = OverlayData {
        help: &[],
        palette: &[],
    };
    let scene = view::Scene {
        snapshot,
        model: &model,
        kill,
        keymap: &Keymap::builtin(),
        overlay: &overlay,
    };
    view::draw_into(&mut buffer, &scene, &theme);
    Ok(svg::render(&buffer, &theme))
}
