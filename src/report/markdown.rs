//! A report as Markdown, for people.

use std::fmt::Display;

use super::model::{Percentiles, Report};
use crate::account::stats::CurvePoint;
use crate::domain::{Money, Rate};

/// What stands for a missing figure.
const DASH: &str = "-";

/// Blocks of rising height.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Width of the equity line, in characters.
const LINE_WIDTH: usize = 60;

/// Lines of a page.
#[derive(Default)]
struct Page(Vec<String>);

impl Page {
    fn heading(&mut self, text: &str) {
        self.0.push(String::new());
        self.0.push(format!("## {text}"));
        self.0.push(String::new());
    }

    fn line(&mut self, text: String) {
        self.0.push(text);
    }

    fn row<I: IntoIterator<Item = String>>(&mut self, cells: I) {
        let cells: Vec<_> = cells.into_iter().map(|c| escaped(&c)).collect();
        self.0.push(format!("| {} |", cells.join(" | ")));
    }

    /// A table whose first column is text and whose others are numbers.
    fn table(&mut self, columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        self.row(columns.iter().map(|c| (*c).to_owned()));
        let numbers = columns.len().saturating_sub(1);
        self.0.push(format!("| --- |{}", " ---: |".repeat(numbers)));
        for row in rows {
            self.row(row);
        }
    }

    fn facts(&mut self, rows: impl IntoIterator<Item = (&'static str, String)>) {
        let rows = rows
            .into_iter()
            .map(|(name, value)| vec![name.to_owned(), value]);
        self.table(&["", "value"], rows);
    }
}

impl Report {
    /// The report as Markdown; a missing figure is a dash.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut page = Page::default();
        page.line(format!("# Session {}", escaped(&self.session.run_id)));
        if self.session.synthetic {
            page.line(String::new());
            page.line("**SYNTHETIC: this market was made up.**".to_owned());
        }
        self.session_part(&mut page);
        self.result_part(&mut page);
        self.statistics_part(&mut page);
        self.symbols_part(&mut page);
        self.orders_part(&mut page);
        self.risk_part(&mut page);
        self.trades_part(&mut page);
        page.line(String::new());
        page.0.join("\n")
    }

    fn session_part(&self, page: &mut Page) {
        let s = &self.session;
        page.heading("Session");
        page.facts([
            ("mode", s.mode.to_string()),
            ("feed", s.feed.clone()),
            ("symbols", or_dash(joined(&s.symbols))),
            ("strategies", or_dash(joined(&s.legs))),
            ("from", dash(self.from)),
            ("to", dash(self.to)),
            ("inputs", self.n_steps.to_string()),
            ("build", s.build.clone()),
            ("configuration", s.config_hash.clone()),
        ]);
    }

    fn result_part(&self, page: &mut Page) {
        let a = &self.account;
        page.heading(&format!("Result ({})", escaped(&self.session.coin)));
        page.facts([
            ("start", cents(a.start)),
            ("equity", cents(a.equity)),
            ("profit and loss", signed(a.pnl)),
            ("of the start", percent(a.pnl_rate)),
            ("realised, before fees", signed(a.realised)),
            ("unrealised", signed(a.unrealised)),
            ("fees paid", fine(a.fees)),
            ("funding paid", fine(a.funding)),
            ("slippage paid", fine(a.slippage)),
            ("highest equity", cents(a.peak)),
            ("exposure at the end", cents(a.exposure)),
            ("largest exposure", cents(a.max_exposure)),
            ("fills", a.n_fills.to_string()),
        ]);
        if let Some(line) = sparkline(&self.equity) {
            page.line(String::new());
            page.line(format!("Equity: `{line}`"));
        }
    }

    fn statistics_part(&self, page: &mut Page) {
        let s = &self.stats;
        page.heading("Statistics");
        page.facts([
            ("trades", s.n_trades.to_string()),
            ("wins", s.n_wins.to_string()),
            ("losses", s.n_losses.to_string()),
            ("win rate", share(s.win_rate)),
            ("net of closed trades", signed(s.net)),
            ("profit factor", figure(s.profit_factor)),
            ("expectancy", figure(s.expectancy)),
            ("mean win", figure(s.mean_win)),
            ("mean loss", figure(s.mean_loss)),
            ("largest win", s.largest_win.map_or_else(none, signed)),
            ("largest loss", s.largest_loss.map_or_else(none, signed)),
            ("most losses in a row", s.most_losses_in_a_row.to_string()),
            ("days", s.n_days.to_string()),
            ("Sharpe ratio, yearly", figure(s.sharpe)),
            ("Sortino ratio, yearly", figure(s.sortino)),
            ("deepest drawdown", percent(s.max_drawdown)),
            (
                "deepest drawdown, amount",
                s.max_drawdown_amount.map_or_else(none, cents),
            ),
            ("longest drawdown", span(s.max_drawdown_ms)),
            ("time in market", share(s.time_in_market)),
            ("mean holding time", span(s.mean_holding_ms)),
            ("shortest holding time", span(s.min_holding_ms)),
            ("longest holding time", span(s.max_holding_ms)),
        ]);
    }

    fn symbols_part(&self, page: &mut Page) {
        page.heading("Symbols");
        let columns = [
            "symbol",
            "trades",
            "win rate",
            "net",
            "fees",
            "funding",
            "slippage",
            "open",
            "unrealised",
        ];
        let rows = self.symbols.iter().map(|s| {
            vec![
                s.symbol.clone(),
                s.n_trades.to_string(),
                share(s.win_rate),
                signed(s.net),
                fine(s.fees),
                fine(s.funding),
                fine(s.slippage),
                dash(s.open),
                s.unrealised.map_or_else(none, signed),
            ]
        });
        page.table(&columns, rows);
    }

    fn orders_part(&self, page: &mut Page) {
        page.heading("Orders");
        let columns = [
            "type",
            "sent",
            "filled",
            "cancelled",
            "rejected",
            "not sent",
            "fill rate",
            "slippage",
            "slippage bp",
            "fees",
            "maker",
        ];
        let rows = self.orders.iter().map(|o| {
            vec![
                o.kind.clone(),
                o.n_sent.to_string(),
                o.n_filled.to_string(),
                o.n_cancelled.to_string(),
                o.n_rejected.to_string(),
                o.n_not_sent.to_string(),
                share(o.fill_rate),
                fine(o.slippage),
                figure(o.slippage_bps),
                fine(o.fees),
                share(o.maker_rate),
            ]
        });
        page.table(&columns, rows);
        page.heading("Latency, ms of session time");
        let columns = ["from decision to", "n", "p50", "p95", "p99", "max"];
        let latency = [
            ("answer", self.latency.to_ack),
            ("first fill of a market order", self.latency.to_fill),
        ];
        page.table(&columns, latency.map(|(name, p)| percentile_row(name, p)));
    }

    fn risk_part(&self, page: &mut Page) {
        page.heading("Decisions");
        let d = &self.decisions;
        let mut rows = vec![
            vec!["targets".to_owned(), d.n_targets.to_string()],
            vec!["holds".to_owned(), d.n_holds.to_string()],
        ];
        rows.extend(
            d.holds
                .iter()
                .map(|c| vec![format!("hold: {}", c.what), c.n.to_string()]),
        );
        page.table(&["outcome", "n"], rows);
        page.heading("Risk limits reached");
        let rows = self.rules.iter().map(|r| {
            vec![
                r.rule.clone(),
                r.n_refused.to_string(),
                r.n_paused.to_string(),
            ]
        });
        or_none(page, self.rules.is_empty(), |page| {
            page.table(&["rule", "orders refused", "pauses"], rows);
        });
        page.heading("Kill ladder");
        let rows = self.kills.iter().map(|k| {
            let at = k.at.to_string();
            vec![at, k.what.to_owned(), k.level.clone(), k.reason.clone()]
        });
        or_none(page, self.kills.is_empty(), |page| {
            page.table(&["at", "what", "level", "reason"], rows);
        });
        page.heading("Incidents");
        let rows = self.incidents.iter();
        or_none(page, self.incidents.is_empty(), |page| {
            let rows = rows.map(|c| vec![c.what.clone(), c.n.to_string()]);
            page.table(&["what", "n"], rows);
        });
    }

    fn trades_part(&self, page: &mut Page) {
        page.heading(&format!("Newest trades ({})", self.trades.len()));
        let columns = [
            "closed", "symbol", "side", "qty", "entry", "exit", "held", "fees", "net", "reason",
        ];
        let rows = self.trades.iter().map(|t| {
            vec![
                t.closed.to_string(),
                t.symbol.clone(),
                t.side.to_string(),
                t.qty.to_string(),
                format!("{:.8}", t.entry)
                    .trim_end_matches('0')
                    .trim_end_matches('.')
                    .to_owned(),
                format!("{:.8}", t.exit)
                    .trim_end_matches('0')
                    .trim_end_matches('.')
                    .to_owned(),
                span(Some(t.held_ms)),
                fine(t.fees),
                signed(t.net),
                t.reason.clone().unwrap_or_else(none),
            ]
        });
        or_none(page, self.trades.is_empty(), |page| {
            page.table(&columns, rows);
        });
    }
}

fn or_none(page: &mut Page, is_empty: bool, table: impl FnOnce(&mut Page)) {
    if is_empty {
        page.line("None.".to_owned());
    } else {
        table(page);
    }
}

fn none() -> String {
    DASH.to_owned()
}

fn dash(value: Option<impl Display>) -> String {
    value.map_or_else(none, |v| v.to_string())
}

fn or_dash(text: String) -> String {
    if text.is_empty() { none() } else { text }
}

fn joined<T: Display>(items: &[T]) -> String {
    let items: Vec<_> = items.iter().map(T::to_string).collect();
    items.join(", ")
}

fn cents(money: Money) -> String {
    format!("{money:.2}")
}

fn signed(money: Money) -> String {
    format!("{money:+.2}")
}

fn fine(money: Money) -> String {
    format!("{money:.4}")
}

fn percent(rate: Option<Rate>) -> String {
    share(rate.map(Rate::to_f64))
}

fn share(part: Option<f64>) -> String {
    part.map_or_else(none, |p| format!("{:.2} %", p * 100.0))
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(none, |v| format!("{v:.3}"))
}

/// A length of time: `840 ms`, `0:01:05`, `3 d 4:00:00`.
fn span(ms: Option<i64>) -> String {
    let Some(ms) = ms else { return none() };
    if ms.abs() < 1000 {
        return format!("{ms} ms");
    }
    let seconds = ms / 1000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    if days == 0 {
        clock
    } else {
        format!("{days} d {clock}")
    }
}

fn percentile_row(name: &str, p: Option<Percentiles>) -> Vec<String> {
    let cells = match p {
        Some(p) => [
            p.n.to_string(),
            p.p50.to_string(),
            p.p95.to_string(),
            p.p99.to_string(),
            p.max.to_string(),
        ],
        None => ["0".to_owned(), none(), none(), none(), none()],
    };
    std::iter::once(name.to_owned()).chain(cells).collect()
}

/// Text that cannot leave its cell.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .replace('|', "\\|")
}

/// Equity as a line of blocks between its lowest and highest point; `None` below two points.
fn sparkline(points: &[CurvePoint]) -> Option<String> {
    let lowest = points.iter().map(|p| p.equity).min()?;
    let highest = points.iter().map(|p| p.equity).max()?;
    if points.len() < 2 {
        return None;
    }
    let width = LINE_WIDTH.min(points.len());
    let block = |column: usize| {
        let at = column * (points.len() - 1) / (width - 1);
        let part = (points[at].equity - lowest).fraction_of(highest - lowest);
        // Seven steps over the range; a flat line stays at the bottom.
        let step = part.map_or(0, |p| p.raw() * 7 / Rate::ONE.raw());
        BLOCKS[usize::try_from(step).unwrap_or(0).min(7)]
    };
    Some((0..width).map(block).collect())
}
