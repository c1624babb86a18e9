//! The closed list of things that have a colour. Views name a role, never a colour.

macro_rules! roles {
    ($($variant:ident => $name:literal, $doc:literal;)*) => {
        /// What a piece of the screen means; a theme gives each role its look.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Role {
            $(#[doc = $doc] $variant,)*
        }

        impl Role {
            /// All roles, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// Name of the role in a theme file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

roles! {
    Surface => "surface", "Ground of the whole screen: needs both colours.";
    Text => "text", "Normal text.";
    Dim => "dim", "Labels, units, and numbers that are stale.";
    Accent => "accent", "What is picked out: keys, names of models.";
    Title => "title", "Titles of panes and columns.";
    Border => "border", "Frames.";
    BorderFocus => "border.focus", "Frame of the focused pane.";
    Selection => "selection", "The selected row.";
    Tab => "tab", "Tabs that are not on screen.";
    TabActive => "tab.active", "The tab on screen.";
    Key => "key", "Keys in hints.";
    KeyDanger => "key.danger", "Keys in hints that change trading.";
    Toast => "toast", "A passing message.";
    ToastWarn => "toast.warn", "A passing warning.";
    Up => "up", "A rise, a profit.";
    Down => "down", "A fall, a loss.";
    Flat => "flat", "No change.";
    Long => "long", "A long position or a buy.";
    Short => "short", "A short position or a sell.";
    Ok => "ok", "As it should be.";
    Warn => "warn", "Needs an eye.";
    Bad => "bad", "Needs a hand.";
    Kill => "kill", "The kill banner and modal: needs both colours.";
    Held => "held", "The row that says what holds entries back: needs both colours.";
    KillKey => "kill.key", "Keys within the kill modal: needs both colours.";
    ModeReplay => "mode.replay", "Banner of a replay: needs both colours.";
    ModePaper => "mode.paper", "Banner of paper trading: needs both colours.";
    ModeDemo => "mode.demo", "Banner of the demo account: needs both colours.";
    ModeTestnet => "mode.testnet", "Banner of the testnet: needs both colours.";
    ModeLive => "mode.live", "Banner of real money: needs both colours.";
    Synthetic => "synthetic", "The badge of a made-up market: needs both colours.";
    StateActive => "state.active", "Trading normally.";
    StateReduce => "state.reduce", "Held back, or waiting.";
    StateHalted => "state.halted", "Stopped.";
    GaugeOk => "gauge.ok", "Used part of a limit that is far.";
    GaugeWarn => "gauge.warn", "Used part of a limit that is near.";
    GaugeBad => "gauge.bad", "Used part of a limit that is reached.";
    GaugeRest => "gauge.rest", "Unused part of a limit.";
    ChartAxis => "chart.axis", "Axis labels and guide lines.";
    ChartLine => "chart.line", "Curves.";
    ChartLast => "chart.last", "Marker of the last price.";
    ChartVolume => "chart.volume", "Volume bars.";
    LogDebug => "log.debug", "Debug lines.";
    LogInfo => "log.info", "Info lines.";
    LogWarn => "log.warn", "Warnings.";
    LogError => "log.error", "Errors.";
    BookBid => "book.bid", "Bids and their depth.";
    BookAsk => "book.ask", "Asks and their depth.";
}

impl Role {
    /// Role of a name in a theme file.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.name() == name)
    }

    /// Whether the role paints its own ground, so that both colours must be given.
    #[must_use]
    pub const fn needs_ground(self) -> bool {
        matches!(
            self,
            Role::Surface
                | Role::Kill
                | Role::KillKey
                | Role::Held
                | Role::ModeReplay
                | Role::ModePaper
                | Role::ModeDemo
                | Role::ModeTestnet
                | Role::ModeLive
                | Role::Synthetic
        )
    }
}
