//! Taking over the venue's position: the selected difference, or the one of a typed symbol.

use super::acts::Wish;
use super::{Pending, Request, Ui};
use crate::control::{Snapshot, TradeCommand};
use crate::tui::adopt::{self, Adoptable, adoptable};
use crate::tui::model::View;

/// Pane of the differences in the health view.
const INBOX: usize = 0;

impl Ui {
    /// Asks about the difference under the cursor.
    pub(super) fn adopt_selected(&self, snapshot: &Snapshot) -> Result<Wish, String> {
        let row = self.row_of(View::Health, INBOX, "a difference")?;
        let difference = snapshot
            .differences
            .get(row)
            .ok_or("there is no difference to settle")?;
        self.ask_to_adopt(&adoptable(difference, &snapshot.markets)?)
    }

    /// Asks about the position in a symbol that was typed into the palette.
    pub(super) fn adopt_named(&mut self, symbol: &str, snapshot: &Snapshot) -> Vec<Request> {
        if symbol.is_empty() {
            self.toast("an adoption needs a symbol: type `adopt <symbol>`", true);
            self.open_palette("adopt ");
            return Vec::new();
        }
        let wish = adopt::all(snapshot)
            .find(|one| one.symbol.as_str().eq_ignore_ascii_case(symbol))
            .ok_or_else(|| format!("no position of {symbol} differs from the venue's"))
            .and_then(|one| self.ask_to_adopt(&one));
        self.carry(wish)
    }

    fn ask_to_adopt(&self, one: &Adoptable<'_>) -> Result<Wish, String> {
        if self.model.paused {
            return Err("the picture is held and may be old: let it go on first".to_owned());
        }
        let difference = one.difference;
        Ok(Wish::Ask(Pending {
            command: TradeCommand::Adopt(one.instrument),
            effect: format!(
                "take over the venue's position {} as ours, in place of {}",
                difference.venue, difference.ours
            ),
            word: Some(one.phrase().into()),
            typed: String::new(),
            only_while: Some(difference.clone()),
        }))
    }
}
