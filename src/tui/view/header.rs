//! Rows at the top: mode and state, health, tabs, the kill banner.

use ratatui::layout::Rect;

use super::scene::{Scene, Size};
use super::venue;
use crate::control::{FeedHealth, KillPhase, LegPhase, MarketView};
use crate::domain::{KillLevel, Mode, Money};
use crate::tui::model::View;
use crate::tui::theme::Role;
use crate::tui::widget::line::{Line, Ranked, fit};
use crate::tui::widget::{Canvas, num};

/// Role of a mode's banner.
pub(super) const fn mode_role(mode: Mode) -> Role {
    match mode {
        Mode::Replay => Role::ModeReplay,
        Mode::Paper => Role::ModePaper,
        Mode::Demo => Role::ModeDemo,
        Mode::Testnet => Role::ModeTestnet,
        Mode::Live => Role::ModeLive,
    }
}

/// Trading state: glyph with words, a shorter form that the longer one contains, and its role.
pub(super) fn state(scene: &Scene<'_>) -> (String, &'static str, Role) {
    let snapshot = scene.snapshot;
    let (level, phase) = (scene.kill_level(), scene.kill.phase);
    let fixed = |text: &str, short, role| (text.to_owned(), short, role);
    match level {
        KillLevel::Flatten if phase == KillPhase::Flat => {
            return fixed("■ FLAT", "■ FLAT", Role::StateHalted);
        }
        KillLevel::Flatten if phase == KillPhase::Stuck => {
            return fixed("■ FLATTENING STUCK", "■ FLATTEN", Role::StateHalted);
        }
        KillLevel::Flatten => return fixed("■ FLATTENING", "■ FLATTEN", Role::StateHalted),
        KillLevel::Halted => return fixed("■ HALTED", "■ HALT", Role::StateHalted),
        KillLevel::ReduceOnly => return fixed("‖ REDUCE-ONLY", "‖ REDUCE", Role::StateReduce),
        KillLevel::Active => {}
    }
    if snapshot.state.disconnected || snapshot.at.is_none() {
        return fixed("✗ NO DATA", "✗ NO DATA", Role::StateHalted);
    }
    if venue::holds_everything(scene) {
        return fixed("‖ NO ENTRIES", "‖ NO ENTRIES", Role::StateReduce);
    }
    let end = snapshot.state.pauses.iter().map(|pause| pause.until).max();
    if let (Some(end), Some(at)) = (end, snapshot.at)
        && at < end
    {
        let text = format!("◷ PAUSED {}", num::span(end.since(at)));
        return (text, "◷ PAUSED", Role::StateReduce);
    }
    if let Some((have, need)) = scene.warming() {
        let text = format!("◌ WARMING {have}/{need}");
        return (text, "◌ WARMING", Role::StateReduce);
    }
    fixed("● ACTIVE", "● ACTIVE", Role::StateActive)
}

/// Row 0: mode first, state last, the selected market and the account between them.
pub(super) fn first_row(canvas: &mut Canvas<'_>, row: Rect, scene: &Scene<'_>, size: Size) {
    let session = &scene.snapshot.session;
    let live = session.mode == Mode::Live;
    let mode_role = mode_role(session.mode);
    canvas.clear(row, if live { mode_role } else { Role::Surface });
    let name = session.mode.name().to_uppercase();
    let (long, short, state_role) = state(scene);
    let mut mode = Line::of(mode_role, format!(" {name} "));
    if session.synthetic {
        mode.push(Role::Synthetic, " SYNTHETIC ");
    }
    let mut state = Line::of(state_role, format!("{long} "));
    let fits = |a: &Line<'_>, b: &Line<'_>| a.width().saturating_add(b.width()) < row.width;
    if !fits(&mode, &state) {
        state = Line::of(state_role, short);
    }
    if !fits(&mode, &state) {
        mode = Line::of(mode_role, name.clone());
        if session.synthetic {
            mode.push(Role::Synthetic, "SYN");
        }
    }
    if !fits(&mode, &state) {
        mode = Line::of(mode_role, name);
    }
    let start = canvas.line(row.x, row.y, row.width, &mode);
    let rest = row.right().saturating_sub(start);
    let middle = rest.saturating_sub(state.width());
    if size != Size::Xs && 12 < middle {
        let facts = facts(scene, middle - 1, size);
        canvas.line(start, row.y, middle - 1, &facts);
    }
    let spot = Rect::new(start, row.y, rest, 1);
    canvas.line_right(spot, &state);
    if live {
        canvas.tint(row, mode_role);
    }
}

/// `│ BTCUSDT 67312.4 ▲ +1.24% mark ... │ eq 25184.22 day +84.10 +0.34% │`
fn facts<'a>(scene: &Scene<'_>, width: u16, size: Size) -> Line<'a> {
    let piece = |rank, line| Ranked { rank, line };
    let mut pieces = vec![piece(0, Line::of(Role::Border, " │"))];
    if let Some(market) = scene.market() {
        pieces.push(piece(0, quote(scene, market)));
        if size != Size::S {
            pieces.extend(market_facts(scene, market));
        }
        pieces.push(piece(1, Line::of(Role::Border, "│")));
    }
    let account = &scene.snapshot.account;
    let old = scene.is_old();
    let role = if old { Role::Dim } else { Role::Text };
    pieces.push(piece(
        2,
        Line::of(Role::Dim, "eq ").with(role, num::plain_or_dash(account.equity)),
    ));
    pieces.push(piece(
        1,
        Line::of(Role::Dim, "day ").with(
            if old {
                Role::Dim
            } else {
                pnl_role(account.day)
            },
            num::signed_or_dash(account.day),
        ),
    ));
    if let Some(rate) = day_rate(account.equity, account.day) {
        pieces.push(piece(3, Line::of(pnl_role(account.day), rate)));
    }
    if size == Size::L {
        pieces.push(piece(
            5,
            Line::of(Role::Dim, "uPnL ").with(
                pnl_role(account.unrealised),
                num::signed_or_dash(account.unrealised),
            ),
        ));
        pieces.push(piece(6, Line::of(Role::Border, "│")));
        let run = format!(
            "{} · {}",
            scene.snapshot.session.run_id, scene.snapshot.session.build
        );
        pieces.push(piece(7, Line::of(Role::Dim, run)));
    }
    fit(pieces, width, &Line::of(Role::Text, " "))
}

fn quote<'a>(scene: &Scene<'_>, market: &MarketView) -> Line<'a> {
    let mut line = Line::of(Role::Title, market.symbol.to_string());
    line.push(Role::Text, " ");
    line.append(last_price(scene, market));
    if let Some(change) = market.change_24h {
        let (glyph, role) = direction(change.raw());
        line.push(role, format!(" {glyph} {}", num::percent(change, 2)));
    }
    line
}

/// The last price; dim and with `~` where it is stale.
pub(super) fn last_price<'a>(scene: &Scene<'_>, market: &MarketView) -> Line<'a> {
    let text = num::price_or_dash(market.last, market.tick);
    if scene.is_stale(market) {
        Line::of(Role::Dim, format!("{text}~"))
    } else {
        Line::of(Role::Text, text)
    }
}

fn market_facts<'a>(scene: &Scene<'_>, market: &MarketView) -> Vec<Ranked<'a>> {
    let mark = num::price_or_dash(market.mark, market.tick);
    let mut all = vec![Ranked {
        rank: 4,
        line: Line::of(Role::Dim, "mark ").with(Role::Text, mark),
    }];
    if let Some(rate) = market.funding {
        all.push(Ranked {
            rank: 5,
            line: Line::of(Role::Dim, "fund ").with(Role::Text, num::percent(rate, 3)),
        });
    }
    if let (Some(next), Some(at)) = (market.next_funding, scene.snapshot.at) {
        all.push(Ranked {
            rank: 6,
            line: Line::of(Role::Dim, num::span(next.since(at))),
        });
    }
    all
}

/// Profit of the day as a part of the equity it began with.
fn day_rate(equity: Option<Money>, day: Option<Money>) -> Option<String> {
    let (equity, day) = (equity?.to_f64(), day?.to_f64());
    let start = equity - day;
    (0.0 < start).then(|| num::signed_float(day / start * 100.0, 2, "%"))
}

/// Role of a profit or loss.
pub(super) fn pnl_role(money: Option<Money>) -> Role {
    money.map_or(Role::Dim, |money| direction_role(money.raw()))
}

fn direction_role(raw: i128) -> Role {
    match raw {
        0 => Role::Flat,
        raw if raw < 0 => Role::Down,
        _ => Role::Up,
    }
}

fn direction(raw: i64) -> (char, Role) {
    match raw {
        0 => ('·', Role::Flat),
        raw if raw < 0 => ('▼', Role::Down),
        _ => ('▲', Role::Up),
    }
}

/// Health of a feed: word and role.
pub(super) const fn health(health: FeedHealth) -> (&'static str, Role) {
    match health {
        FeedHealth::Waiting => ("waiting", Role::Warn),
        FeedHealth::Ok => ("ok", Role::Ok),
        FeedHealth::Stale => ("stale", Role::Bad),
        FeedHealth::Gap => ("gap", Role::Warn),
        FeedHealth::Resync => ("resync", Role::Warn),
    }
}

/// Row 1: where the data comes from and how healthy it is, the model, the bar, the session.
pub(super) fn second_row(canvas: &mut Canvas<'_>, row: Rect, scene: &Scene<'_>) {
    let mut pieces = Vec::new();
    if scene.model.paused {
        pieces.push(Ranked {
            rank: 0,
            line: Line::of(Role::Warn, "VIEW HELD, trading goes on"),
        });
    }
    if scene.is_old() {
        let age = i64::try_from(scene.model.snapshot_age_ms).unwrap_or(i64::MAX);
        pieces.push(Ranked {
            rank: 0,
            line: Line::of(Role::Bad, format!("picture is {} old", num::age(age))),
        });
    }
    pieces.extend(session_pieces(scene));
    pieces.extend(venue::pieces(scene));
    pieces.extend(market_pieces(scene));
    pieces.extend(leg_pieces(scene));
    let line = fit(
        pieces,
        row.width.saturating_sub(1),
        &Line::of(Role::Border, " │ "),
    );
    canvas.row(row, 0, &line);
}

fn session_pieces<'a>(scene: &Scene<'_>) -> Vec<Ranked<'a>> {
    let session = &scene.snapshot.session;
    let mut all = Vec::new();
    let mut add = |rank, line| all.push(Ranked { rank, line });
    if session.ended {
        add(1, Line::of(Role::Warn, "ENDED"));
    } else if session.held {
        add(1, Line::of(Role::Warn, "HELD"));
    }
    if let Some(progress) = session.progress.filter(|p| p.is_finite()) {
        add(4, Line::of(Role::Text, format!("{:.0}%", progress * 100.0)));
    }
    match session.speed.filter(|s| s.is_finite()) {
        Some(speed) => add(
            5,
            Line::of(Role::Dim, "speed ").with(Role::Text, format!("{speed}x")),
        ),
        None if session.mode == Mode::Replay => {
            add(5, Line::of(Role::Dim, "speed ").with(Role::Text, "max"));
        }
        None => {}
    }
    add(
        7,
        Line::of(Role::Dim, "from ").with(Role::Text, short(&session.feed, 24)),
    );
    all
}

fn market_pieces<'a>(scene: &Scene<'_>) -> Vec<Ranked<'a>> {
    let Some(market) = scene.market() else {
        let line = Line::of(Role::Dim, "no market yet");
        return vec![Ranked { rank: 0, line }];
    };
    let (word, role) = health(market.health);
    let mut line = Line::of(Role::Dim, "feed ").with(role, word);
    if let (Some(updated), Some(at)) = (market.updated, scene.snapshot.at) {
        line.push(role, format!(" {}", num::age(at.since(updated))));
    }
    let mut all = vec![Ranked { rank: 1, line }];
    let mut add = |rank, line| all.push(Ranked { rank, line });
    let (word, role) = match (&market.book, market.health) {
        (None, _) => ("none", Role::Dim),
        (Some(_), FeedHealth::Resync) => ("resync", Role::Warn),
        (Some(_), _) => ("ok", Role::Ok),
    };
    add(4, Line::of(Role::Dim, "book ").with(role, word));
    if 0 < market.n_bad_bars {
        add(
            5,
            Line::of(Role::Dim, "bad bars ").with(Role::Warn, market.n_bad_bars.to_string()),
        );
    }
    if let (Some(close), Some(at)) = (market.next_close, scene.snapshot.at) {
        add(
            2,
            Line::of(Role::Dim, "bar ").with(Role::Text, num::span(close.since(at))),
        );
    }
    all
}

fn leg_pieces<'a>(scene: &Scene<'_>) -> Vec<Ranked<'a>> {
    let Some(leg) = scene.leg() else {
        let line = Line::of(Role::Dim, "no strategy");
        return vec![Ranked { rank: 6, line }];
    };
    let (word, role) = phase(&leg.phase);
    let mut line = Line::of(Role::Accent, short(&leg.name, 20)).with(role, format!(" {word}"));
    if let (Some(decision), Some(at)) = (&leg.decision, scene.snapshot.at) {
        line.push(
            Role::Dim,
            format!(", {} ago", num::age(at.since(decision.at))),
        );
    }
    vec![
        Ranked { rank: 3, line },
        Ranked {
            rank: 9,
            line: Line::of(Role::Dim, short(&scene.snapshot.session.inference, 24)),
        },
    ]
}

/// Phase of a leg: words and role.
pub(super) fn phase(phase: &LegPhase) -> (String, Role) {
    match phase {
        LegPhase::Warming { have, need } => (format!("warming {have}/{need}"), Role::Warn),
        LegPhase::Running => ("running".to_owned(), Role::Ok),
        LegPhase::Stopped => ("stopped".to_owned(), Role::Warn),
        LegPhase::Failed => ("failed".to_owned(), Role::Bad),
    }
}

/// The first characters of a text.
pub(super) fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// `[1 Dash]  2 Book   3 Blotter`
pub(super) fn tabs(canvas: &mut Canvas<'_>, row: Rect, scene: &Scene<'_>) {
    let mut line = Line::of(Role::Tab, " ");
    for (n, view) in View::ALL.into_iter().enumerate() {
        let title = format!("{} {}", n + 1, view.title());
        if view == scene.model.view {
            line.push(Role::TabActive, format!("[{title}] "));
        } else {
            line.push(Role::Tab, format!(" {title}  "));
        }
    }
    canvas.line(row.x, row.y, row.width, &line);
}
