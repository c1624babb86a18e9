//! The order gateway: the last stop before the wire, and the one that finds out what became of
//! what left.
//!
//! Each order is sent at most once. An answer that leaves its outcome open starts a search that
//! ends only with evidence: the venue knows the order, or the receive window is over, the trading
//! engine itself denies the name, and every place that keeps orders has denied it twice.
//! The latch is looked at right before each entry leaves. Cancels and closes have a lane of their
//! own, which is emptied first. It also reads the account: fills since the newest known one, then
//! orders, positions and wallet, at the start, after each reconnect and every while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::live::{Ended, Inbox, VenueBoard};
use super::remote::{Outbox, Outgoing, VenueWord};
use crate::control::KillSwitch;
use crate::domain::{
    AccountEvent, AccountReport, ClientOrderId, InstrumentId, KillLevel, LinkEvent, NotSent, Price,
    Purpose, Qty, RejectReason, Timestamp,
};
use crate::engine::Event;
use crate::risk::Approved;
use crate::venue::broker::{
    AskError, CancelSent, Found, KnownOrder, RemoteBroker, Standing, Submitted,
};
use crate::venue::bybit::clock::WallClock;

/// Times and bounds of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayTiming {
    /// After this nothing that was sent can still be accepted: receive window, a second of the
    /// venue's tolerance, and the error of our clock.
    pub fence: Duration,
    /// How long the venue's queries may lag behind its trading engine.
    pub visibility: Duration,
    /// Wait between two looks for an order of open outcome, at first; it doubles up to ten seconds.
    pub look: Duration,
    /// Wait between two readings of the account after a change or a failure.
    pub again: Duration,
    /// The same while an order is open.
    pub busy: Duration,
    /// The same while none is.
    pub quiet: Duration,
    /// Overlap of two readings of the executions.
    pub overlap: Duration,
}

impl Default for GatewayTiming {
    /// The budgets of the fault tables.
    fn default() -> Self {
        Self {
            fence: Duration::from_millis(4_500),
            visibility: Duration::from_secs(10),
            look: Duration::from_millis(500),
            again: Duration::from_secs(2),
            busy: Duration::from_secs(10),
            quiet: Duration::from_mins(1),
            overlap: Duration::from_mins(1),
        }
    }
}

/// Most tries of one cancel (F20).
const CANCELS: u32 = 3;
/// Most tries of a close that a limiter held back.
const CLOSES: u32 = 5;
/// Rounds of "nowhere" that prove something once the window is over.
const ROUNDS: u32 = 2;
/// Quick readings after a reconnect: what the venue's queries show may lag.
const QUICK: u32 = 2;
/// After this long in venue time, a fill that the stream has not told will not be told any more.
const MUTE_MS: i64 = 5_000;
/// Error allowed for our picture of the venue's time when the stream came up.
const UP_SLACK_MS: i64 = 1_000;
/// Longest wait between two looks.
const LONGEST_LOOK: Duration = Duration::from_secs(10);

/// What the account's own stream has to say, already in our words.
#[derive(Debug)]
pub enum Heard {
    /// Connected, logged in and subscribed: read the account anew.
    Up,
    /// Not connected; why.
    Down(String),
    /// Something happened.
    Event(AccountEvent),
    /// Something that nobody here understands: the account must be read anew.
    Strange(String),
}

/// What the gateway knows of an order.
#[derive(Debug, Clone, Copy)]
struct Tracked {
    instrument: InstrumentId,
    qty: Qty,
    filled: Qty,
    /// When it was last sent or heard of.
    touched: Timestamp,
    is_accepted: bool,
    is_searched: bool,
}

/// What a task brings back.
enum Done {
    /// Events about an order, and whether its search is over.
    Events(ClientOrderId, Vec<AccountEvent>),
    /// The outcome is open: search.
    Open(ClientOrderId, String),
    /// A search has ended.
    Searched(ClientOrderId, Vec<AccountEvent>),
    /// The venue refuses us; what that means for the order.
    Refused(String, AccountEvent),
    /// The account was read.
    Read(Box<Result<Reading, AskError>>),
}

struct Reading {
    /// State of the stream when it was begun.
    epoch: u64,
    executions: Vec<AccountEvent>,
    report: AccountReport,
    is_quiet: bool,
}

/// What a gateway is made of.
pub struct GatewayParts<B> {
    /// The venue.
    pub broker: Arc<B>,
    /// What the engine wants sent.
    pub outbox: Outbox,
    /// The account's stream.
    pub heard: mpsc::Receiver<Heard>,
    /// The way to the engine.
    pub inbox: Inbox,
    /// The latch.
    pub kill: Arc<KillSwitch>,
    /// The venue's newest word, for the flat certificate.
    pub word: VenueWord,
    /// What front ends see of it.
    pub board: VenueBoard,
    /// The venue's time.
    pub clock: Arc<dyn WallClock>,
    /// Times and bounds.
    pub timing: GatewayTiming,
    /// Venue time from which executions belong to this session.
    pub since: Timestamp,
}

/// Ends the connection of the account's stream; a new one follows.
pub type Restart = Box<dyn Fn() + Send + Sync>;

/// The gateway's own state; one task owns it.
pub struct Gateway<B> {
    parts: GatewayParts<B>,
    orders: BTreeMap<ClientOrderId, Tracked>,
    tasks: JoinSet<Done>,
    /// Closes that have no answer yet, with their instruments.
    closing: BTreeMap<ClientOrderId, InstrumentId>,
    /// Entries that wait for such an answer: what turns a position around must not overtake what
    /// closes it, or the close finds nothing and the turn ends flat.
    held: Vec<(Approved, Option<Price>)>,
    /// Ends the stream's connection so that a new one is made.
    restart: Option<Restart>,
    /// Fills that the stream has told since it came up, with their venue times.
    streamed: BTreeMap<String, Timestamp>,
    /// Venue time from which the stream has to tell every fill.
    up_since: Timestamp,
    /// Venue time of the newest execution.
    newest: Timestamp,
    /// Names of the executions and payments that were passed on, as far back as readings overlap.
    /// The ledger keeps them for ever; this only spares the journal the repetitions.
    told: BTreeMap<String, Timestamp>,
    /// Grows with every change of the stream that a reading has to follow.
    epoch: u64,
    is_connected: bool,
    is_reading: bool,
    reads_again: bool,
    next_read: Instant,
    /// Readings that follow one another quickly, because something has just changed.
    n_quick: u32,
}

impl<B: RemoteBroker> Gateway<B> {
    /// A gateway over its parts.
    #[must_use]
    pub fn new(parts: GatewayParts<B>) -> Self {
        Self {
            newest: parts.since,
            told: BTreeMap::new(),
            parts,
            orders: BTreeMap::new(),
            tasks: JoinSet::new(),
            closing: BTreeMap::new(),
            held: Vec::new(),
            restart: None,
            streamed: BTreeMap::new(),
            up_since: Timestamp::default(),
            epoch: 0,
            is_connected: false,
            is_reading: false,
            reads_again: false,
            next_read: Instant::now(),
            n_quick: 0,
        }
    }

    /// The same, with a way to replace a stream that answers pings and tells nothing (F17).
    #[must_use]
    pub fn with_restart(mut self, restart: Restart) -> Self {
        self.restart = Some(restart);
        self
    }

    /// Runs until the engine has gone.
    pub async fn run(mut self) {
        if self.lacks(Some("not read yet".to_owned())).await.is_err() {
            return;
        }
        loop {
            let next_look = self.next_look();
            let step = tokio::select! {
                biased;
                out = self.parts.outbox.urgent.recv() => match out {
                    Some(out) => { self.send(out).await }
                    None => return,
                },
                done = self.tasks.join_next(), if !self.tasks.is_empty() => match done {
                    Some(Ok(done)) => self.on_done(done).await,
                    // A task that panicked took its answer with it: read everything anew.
                    Some(Err(_)) => self.on_lost_task().await,
                    None => Ok(()),
                },
                heard = self.parts.heard.recv() => match heard {
                    Some(heard) => self.on_heard(heard).await,
                    None => return,
                },
                out = self.parts.outbox.entries.recv() => match out {
                    Some(out) => { self.send_entry(out).await }
                    None => return,
                },
                () = tokio::time::sleep_until(next_look) => {
                    // While trading is stopped somebody waits for the venue's word.
                    let is_stopped = KillLevel::Halted <= self.parts.kill.level();
                    self.reads_again |= is_stopped || self.next_read <= Instant::now();
                    Ok(())
                }
            };
            if step.is_err() {
                return;
            }
            if self.reads_again && self.is_connected && !self.is_reading {
                self.read();
                self.next_read = Instant::now() + self.until_next_read();
            } else if self.next_read <= Instant::now() {
                self.next_read = Instant::now() + self.parts.timing.again;
            }
        }
    }

    /// Takes up an order of an interrupted session.
    async fn take_up(&mut self, known: KnownOrder, standing: Standing) -> Result<(), Ended> {
        let (order, spec) = (known.id, known.spec.clone());
        self.parts.broker.remember(known);
        if standing == Standing::Over {
            return Ok(());
        }
        let tracked = Tracked {
            instrument: spec.instrument,
            qty: spec.qty,
            filled: Qty::ZERO,
            touched: self.parts.clock.now(),
            is_accepted: standing == Standing::Working,
            is_searched: false,
        };
        self.orders.insert(order, tracked);
        if standing == Standing::Open {
            let cause = "the session was interrupted".to_owned();
            self.tell(AccountEvent::Unknown { order, cause }).await?;
            self.search(order);
        }
        Ok(())
    }

    /// Sends an entry after whatever was handed over before it.
    async fn send_entry(&mut self, out: Outgoing) -> Result<(), Ended> {
        // A close that was queued first may have come while the lanes were looked at.
        while let Ok(urgent) = self.parts.outbox.urgent.try_recv() {
            self.send(urgent).await?;
        }
        match out {
            Outgoing::Submit(order, expected)
                if self.is_closing(order.intent().spec.instrument) =>
            {
                self.held.push((order, expected));
                Ok(())
            }
            out => self.send(out).await,
        }
    }

    /// A task has panicked and nobody knows which: whatever had no answer is looked for, and the
    /// account is read anew.
    async fn on_lost_task(&mut self) -> Result<(), Ended> {
        self.is_reading = false;
        self.reads_again = true;
        self.give_up_held().await?;
        let open: Vec<ClientOrderId> = self
            .orders
            .iter_mut()
            .filter(|(_, tracked)| !tracked.is_accepted)
            .map(|(id, tracked)| {
                tracked.is_searched = false;
                *id
            })
            .collect();
        for order in open {
            let cause = "its answer was lost in this program".to_owned();
            self.tell(AccountEvent::Unknown { order, cause }).await?;
            self.search(order);
        }
        Ok(())
    }

    /// Nobody knows any more which close is still without an answer.
    async fn give_up_held(&mut self) -> Result<(), Ended> {
        let closing: Vec<ClientOrderId> = self.closing.keys().copied().collect();
        for order in closing {
            self.on_answered(order, false).await?;
        }
        Ok(())
    }

    fn is_closing(&self, instrument: InstrumentId) -> bool {
        self.closing.values().any(|closing| *closing == instrument)
    }

    /// The answer to a close is here: entries that waited for it leave, unless nobody knows
    /// whether the close has arrived.
    async fn on_answered(&mut self, order: ClientOrderId, is_known: bool) -> Result<(), Ended> {
        let Some(instrument) = self.closing.remove(&order) else {
            return Ok(());
        };
        let (freed, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|(entry, _)| entry.intent().spec.instrument == instrument);
        self.held = held;
        let freed: Vec<(Approved, Option<Price>)> = freed;
        for (entry, expected) in freed {
            if !is_known {
                let order = entry.intent().id;
                let cause = NotSent::Gateway("the close before it has no outcome".to_owned());
                self.tell(AccountEvent::NotSent { order, cause }).await?;
            } else if self.is_closing(instrument) {
                self.held.push((entry, expected));
            } else {
                self.send(Outgoing::Submit(entry, expected)).await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self, out: Outgoing) -> Result<(), Ended> {
        // Soon after something has left the account is read, whatever its own stream says.
        let soon = Instant::now() + self.parts.timing.again;
        self.next_read = self.next_read.min(soon);
        match out {
            Outgoing::Submit(order, expected) => {
                let intent = order.intent();
                let id = intent.id;
                if !may_leave(&self.parts.kill, &order) {
                    let cause = NotSent::Gateway("kill latch is closed".to_owned());
                    return self.tell(AccountEvent::NotSent { order: id, cause }).await;
                }
                let tracked = Tracked {
                    instrument: intent.spec.instrument,
                    qty: intent.spec.qty,
                    filled: Qty::ZERO,
                    touched: self.parts.clock.now(),
                    is_accepted: false,
                    is_searched: false,
                };
                self.orders.insert(id, tracked);
                let spec = &order.intent().spec;
                if spec.reduce_only && spec.kind.trigger().is_none() {
                    self.closing.insert(id, spec.instrument);
                }
                let broker = Arc::clone(&self.parts.broker);
                let kill = Arc::clone(&self.parts.kill);
                let clock = Arc::clone(&self.parts.clock);
                self.tasks
                    .spawn(async move { submit(&*broker, &kill, &*clock, order, expected).await });
            }
            Outgoing::Known(known, standing) => return self.take_up(known, standing).await,
            Outgoing::Cancel(id) => {
                let Some(tracked) = self.orders.get(&id) else {
                    return self.tell(AccountEvent::CancelRejected { order: id }).await;
                };
                let instrument = tracked.instrument;
                let broker = Arc::clone(&self.parts.broker);
                let look = self.parts.timing.look;
                self.tasks
                    .spawn(async move { cancel(&*broker, id, instrument, look).await });
            }
        }
        Ok(())
    }

    /// Looks for an order until there is evidence.
    fn search(&mut self, order: ClientOrderId) {
        let Some(tracked) = self.orders.get_mut(&order) else {
            return;
        };
        if std::mem::replace(&mut tracked.is_searched, true) {
            return;
        }
        let (instrument, was_there) = (tracked.instrument, tracked.is_accepted);
        let broker = Arc::clone(&self.parts.broker);
        let timing = self.parts.timing;
        self.tasks.spawn(async move {
            let events = search(&*broker, order, instrument, timing, was_there).await;
            Done::Searched(order, events)
        });
    }

    /// Reads the account in a task of its own.
    fn read(&mut self) {
        self.is_reading = true;
        self.reads_again = false;
        let broker = Arc::clone(&self.parts.broker);
        let overlap = i64::try_from(self.parts.timing.overlap.as_millis()).unwrap_or(i64::MAX);
        let since = self.newest.plus_millis(-overlap).max(self.parts.since);
        let asked_at = self.parts.clock.now();
        let is_quiet = self.orders.is_empty() && self.tasks.is_empty();
        let epoch = self.epoch;
        self.tasks.spawn(async move {
            let reading = async {
                let executions = broker.executions(since).await?;
                let report = broker.report(asked_at).await?;
                Ok(Reading {
                    epoch,
                    executions,
                    report,
                    is_quiet,
                })
            };
            Done::Read(Box::new(reading.await))
        });
    }

    /// When to look at the clock and the latch next.
    fn next_look(&self) -> Instant {
        self.next_read.min(Instant::now() + self.parts.timing.again)
    }

    fn until_next_read(&mut self) -> Duration {
        if self.n_quick > 0 || KillLevel::Halted <= self.parts.kill.level() {
            self.n_quick = self.n_quick.saturating_sub(1);
            self.parts.timing.again
        } else if self.orders.is_empty() {
            self.parts.timing.quiet
        } else {
            self.parts.timing.busy
        }
    }

    async fn on_done(&mut self, done: Done) -> Result<(), Ended> {
        match done {
            Done::Events(order, events) => {
                self.touch(order);
                let is_sent = !events
                    .iter()
                    .any(|event| matches!(event, AccountEvent::NotSent { .. }));
                for event in events {
                    self.tell(event).await?;
                }
                self.on_answered(order, is_sent).await?;
            }
            Done::Open(order, cause) => {
                self.tell(AccountEvent::Unknown { order, cause }).await?;
                self.on_answered(order, false).await?;
                self.search(order);
            }
            Done::Searched(order, events) => {
                if let Some(tracked) = self.orders.get_mut(&order) {
                    tracked.is_searched = false;
                }
                self.touch(order);
                for event in events {
                    self.tell(event).await?;
                }
                self.reads_again = true;
            }
            Done::Refused(reason, event) => {
                self.parts
                    .inbox
                    .account(Event::Link(LinkEvent::Refused { reason }))
                    .await?;
                if let AccountEvent::Rejected { order, .. } = &event {
                    let order = *order;
                    self.on_answered(order, false).await?;
                }
                self.tell(event).await?;
            }
            Done::Read(reading) => {
                self.is_reading = false;
                match *reading {
                    Ok(reading) => self.on_reading(reading).await?,
                    Err(error) => self.on_unread(error).await?,
                }
            }
        }
        Ok(())
    }

    /// Whether an execution or payment is told for the first time.
    fn is_news(&mut self, event: &AccountEvent) -> bool {
        let (name, at) = match event {
            AccountEvent::Fill(fill) => (&fill.exec_id, fill.at),
            AccountEvent::Funding {
                payment: Some(name),
                ..
            } => (name, self.parts.clock.now()),
            _ => return true,
        };
        let is_new = self.told.insert(name.clone(), at).is_none();
        let overlap = i64::try_from(self.parts.timing.overlap.as_millis()).unwrap_or(i64::MAX);
        let oldest = self.newest.plus_millis(overlap.saturating_mul(-3));
        if is_new && self.told.len().is_multiple_of(64) {
            self.told.retain(|_, at| oldest <= *at);
        }
        is_new
    }

    /// A stream that has not told what the account itself shows is mute: it is replaced.
    fn look_for_silence(&mut self, reading: &Reading) {
        let oldest = reading.report.asked_at.plus_millis(-MUTE_MS);
        let is_untold = |event: &AccountEvent| match event {
            AccountEvent::Fill(fill) => {
                self.up_since < fill.at
                    && fill.at < oldest
                    && !self.streamed.contains_key(&fill.exec_id)
            }
            _ => false,
        };
        let is_mute = self.is_connected && reading.executions.iter().any(is_untold);
        // What later readings cannot bring again is not needed any more.
        let overlap = i64::try_from(self.parts.timing.overlap.as_millis()).unwrap_or(i64::MAX);
        let known = self.newest.plus_millis(-overlap);
        self.streamed.retain(|_, at| known <= *at);
        if let Some(restart) = self.restart.as_ref().filter(|_| is_mute) {
            tracing::warn!("the account's stream has not told a fill: it is connected anew");
            restart();
        }
    }

    async fn on_reading(&mut self, reading: Reading) -> Result<(), Ended> {
        self.look_for_silence(&reading);
        for event in reading.executions {
            self.tell(event).await?;
        }
        let report = reading.report;
        self.look_for_missing(&report);
        self.parts.word.report(report.clone(), reading.is_quiet);
        let at = report.asked_at;
        self.tell(AccountEvent::Report(report)).await?;
        // One that was begun before the stream came back may lack what happened meanwhile.
        if self.is_connected && reading.epoch == self.epoch {
            self.lacks(None).await?;
        }
        self.parts.board.update(|b| b.compared_at = Some(at));
        Ok(())
    }

    /// Orders that we believe to be open and that the venue does not list: ask for their end.
    fn look_for_missing(&mut self, report: &AccountReport) {
        let lag = i64::try_from(self.parts.timing.look.as_millis()).unwrap_or(0);
        let missing: Vec<ClientOrderId> = self
            .orders
            .iter()
            .filter(|(id, tracked)| {
                let is_listed = report.orders.iter().any(|o| o.order == Some(**id));
                let is_old = tracked.touched.plus_millis(lag) < report.asked_at;
                tracked.is_accepted && !tracked.is_searched && !is_listed && is_old
            })
            .map(|(id, _)| *id)
            .collect();
        for order in missing {
            self.search(order);
        }
    }

    async fn on_unread(&mut self, error: AskError) -> Result<(), Ended> {
        if let AskError::Refused(reason) = &error {
            let reason = reason.clone();
            self.parts
                .inbox
                .account(Event::Link(LinkEvent::Refused { reason }))
                .await?;
        }
        self.lacks(Some(error.to_string())).await?;
        self.reads_again = false;
        // A key that is refused will be in a moment, too: no hammering (F52).
        let wait = match error {
            AskError::Refused(_) => self.parts.timing.quiet,
            _ => self.parts.timing.again,
        };
        self.next_read = Instant::now() + wait;
        Ok(())
    }

    async fn on_heard(&mut self, heard: Heard) -> Result<(), Ended> {
        self.epoch += u64::from(!matches!(heard, Heard::Event(_)));
        match heard {
            Heard::Up => {
                self.is_connected = true;
                self.up_since = self.parts.clock.now().plus_millis(UP_SLACK_MS);
                self.streamed.clear();
                self.reads_again = true;
                self.n_quick = QUICK;
                self.lacks(Some("reading orders and positions".to_owned()))
                    .await
            }
            Heard::Down(why) => {
                self.is_connected = false;
                self.parts.word.disturb();
                self.lacks(Some(format!("private stream is down: {why}")))
                    .await
            }
            Heard::Event(event) => {
                if let AccountEvent::Fill(fill) = &event {
                    self.streamed.insert(fill.exec_id.clone(), fill.at);
                }
                self.tell(event).await
            }
            Heard::Strange(text) => {
                tracing::warn!(text, "the venue said something that is not understood");
                self.reads_again = true;
                self.lacks(Some(format!("not understood: {text}"))).await
            }
        }
    }

    /// Tells the engine what its picture of the account lacks.
    async fn lacks(&mut self, lacks: Option<String>) -> Result<(), Ended> {
        self.parts
            .board
            .update(|board| board.account_lacks.clone_from(&lacks));
        self.parts
            .inbox
            .account(Event::Link(LinkEvent::Account { lacks }))
            .await
    }

    fn touch(&mut self, order: ClientOrderId) {
        let now = self.parts.clock.now();
        if let Some(tracked) = self.orders.get_mut(&order) {
            tracked.touched = now;
        }
    }

    /// Passes an event on, and keeps count of what is open.
    async fn tell(&mut self, event: AccountEvent) -> Result<(), Ended> {
        if !self.is_news(&event) {
            return Ok(());
        }
        let now = self.parts.clock.now();
        match &event {
            AccountEvent::Accepted { order } | AccountEvent::Triggered { order } => {
                if let Some(tracked) = self.orders.get_mut(order) {
                    tracked.is_accepted = true;
                    tracked.touched = now;
                }
            }
            AccountEvent::Rejected { order, .. }
            | AccountEvent::NotSent { order, .. }
            | AccountEvent::Cancelled { order }
            | AccountEvent::NeverAccepted { order } => {
                self.orders.remove(order);
            }
            AccountEvent::Fill(fill) => {
                self.newest = self.newest.max(fill.at);
                self.parts.word.disturb();
                if let Some(tracked) = self.orders.get_mut(&fill.order) {
                    tracked.is_accepted = true;
                    tracked.touched = now;
                    tracked.filled += fill.qty;
                    if tracked.qty <= tracked.filled {
                        self.orders.remove(&fill.order);
                    }
                }
            }
            _ => {}
        }
        self.parts.inbox.account(Event::Account(event)).await
    }
}

/// The latch, right before the wire: the same ladder as the recorder's gate.
fn may_leave(kill: &KillSwitch, order: &Approved) -> bool {
    let spec = &order.intent().spec;
    let is_protection = matches!(spec.purpose, Purpose::StopLoss | Purpose::TakeProfit);
    match kill.level() {
        KillLevel::Active => true,
        KillLevel::ReduceOnly => spec.reduce_only,
        KillLevel::Halted => spec.reduce_only && is_protection,
        KillLevel::Flatten => {
            spec.reduce_only && (spec.purpose == Purpose::Flatten || is_protection)
        }
    }
}

async fn submit<B: RemoteBroker>(
    broker: &B,
    kill: &KillSwitch,
    clock: &dyn WallClock,
    order: Approved,
    expected: Option<Price>,
) -> Done {
    let id = order.intent().id;
    let instrument = order.intent().spec.instrument;
    let is_close = order.intent().spec.reduce_only;
    let not_sent = |why: String| {
        let cause = NotSent::Gateway(why);
        Done::Events(id, vec![AccountEvent::NotSent { order: id, cause }])
    };
    let mut tries = 0;
    loop {
        tries += 1;
        match broker.submit(&order, expected).await {
            // The account's own stream tells what became of it; the answer proves it arrived.
            Submitted::Accepted => {
                return Done::Events(id, vec![AccountEvent::Accepted { order: id }]);
            }
            Submitted::Rejected(RejectReason::DuplicateId) | Submitted::Exists => {
                return Done::Open(id, "the venue knows the name already".to_owned());
            }
            Submitted::Rejected(reason) => {
                return Done::Events(id, vec![AccountEvent::Rejected { order: id, reason }]);
            }
            Submitted::NotSent(why) => return not_sent(why),
            Submitted::Refused(text) => {
                let reason = RejectReason::Rule(text.clone());
                return Done::Refused(text, AccountEvent::Rejected { order: id, reason });
            }
            Submitted::Unknown(cause) => return Done::Open(id, cause),
            Submitted::Limited { until } => {
                // One look before its place is given up: a limiter may have let it through.
                match broker.find(id, instrument).await {
                    Ok(Found::Events(events)) => return Done::Events(id, events),
                    Ok(Found::Nowhere) => {}
                    Err(error) => return Done::Open(id, error.to_string()),
                }
                if !is_close || tries == CLOSES {
                    return not_sent(format!("the venue's limiter until {until}"));
                }
                let ms = u64::try_from(until.since(clock.now())).unwrap_or(0);
                tokio::time::sleep(Duration::from_millis(ms)).await;
                if !may_leave(kill, &order) {
                    return not_sent("kill latch is closed".to_owned());
                }
            }
        }
    }
}

async fn cancel<B: RemoteBroker>(
    broker: &B,
    order: ClientOrderId,
    instrument: InstrumentId,
    look: Duration,
) -> Done {
    for n in 1..=CANCELS {
        match broker.cancel(order, instrument).await {
            // The stream tells when it is gone.
            CancelSent::Accepted => return Done::Events(order, Vec::new()),
            CancelSent::Refused(reason) => {
                return Done::Refused(reason, AccountEvent::CancelRejected { order });
            }
            CancelSent::Gone => {
                // Over, or never there: not an outcome. The order's own history is.
                let events = match broker.find(order, instrument).await {
                    Ok(Found::Events(events)) => events,
                    Ok(Found::Nowhere) | Err(_) => Vec::new(),
                };
                let too_late = AccountEvent::CancelRejected { order };
                return Done::Events(order, [events, vec![too_late]].concat());
            }
            CancelSent::NotSent(_) | CancelSent::Unknown(_) if n < CANCELS => {
                tokio::time::sleep(look * n).await;
            }
            CancelSent::NotSent(_) | CancelSent::Unknown(_) => {}
        }
    }
    // The order may still work: whoever wants it gone asks again.
    Done::Events(order, vec![AccountEvent::CancelRejected { order }])
}

/// Looks until the venue knows the order, or until its absence is proven.
async fn search<B: RemoteBroker>(
    broker: &B,
    order: ClientOrderId,
    instrument: InstrumentId,
    timing: GatewayTiming,
    was_there: bool,
) -> Vec<AccountEvent> {
    let begun = Instant::now();
    let quarantine = timing.fence + timing.visibility;
    let mut wait = timing.look;
    let mut rounds = 0;
    let mut is_denied = false;
    loop {
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_LOOK);
        let is_over = quarantine <= begun.elapsed();
        match broker.find(order, instrument).await {
            Ok(Found::Events(events)) => return events,
            Ok(Found::Nowhere) if is_over => rounds += 1,
            // Not an answer: nothing is proven by it.
            Ok(Found::Nowhere) | Err(_) => {}
        }
        if is_over && !is_denied {
            // The trading engine itself, not a cache of it.
            match broker.cancel(order, instrument).await {
                CancelSent::Gone => is_denied = true,
                CancelSent::Accepted
                | CancelSent::NotSent(_)
                | CancelSent::Refused(_)
                | CancelSent::Unknown(_) => rounds = 0,
            }
        }
        if is_denied && ROUNDS <= rounds {
            return vec![if was_there {
                AccountEvent::Cancelled { order }
            } else {
                AccountEvent::NeverAccepted { order }
            }];
        }
        if is_over {
            wait = timing.look;
        }
    }
}

#[cfg(test)]
mod tests;
