//! The two ends between a session and its front ends.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tokio::sync::watch;

use super::command::{Command, TradeCommand};
use super::kill::{KillReason, KillSwitch};
use super::snapshot::Snapshot;
use crate::domain::KillLevel;

/// Commands that may wait for the engine; a person types slower than that.
const COMMANDS: usize = 64;

/// Why a command was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The queue is full; try again.
    #[error("busy: the engine has {COMMANDS} commands waiting")]
    Busy,
    /// The session is over.
    #[error("the session has ended")]
    Ended,
}

/// A front end's end. Cheap to clone; never blocks the session.
#[derive(Debug, Clone)]
pub struct Handle {
    // Private on purpose: a borrow held across a draw would block the publisher for as long.
    snapshots: watch::Receiver<Arc<Snapshot>>,
    commands: SyncSender<Command>,
    kill: Arc<KillSwitch>,
}

impl Handle {
    /// The newest snapshot. Takes the lock for one pointer copy.
    #[must_use]
    pub fn latest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// Whether the session has ended and no further snapshot will come.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.snapshots.has_changed().is_err()
    }

    /// Asks for something, without waiting.
    ///
    /// # Errors
    ///
    /// When the queue is full or the session is over; nothing was asked then.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        self.commands.try_send(command).map_err(|e| match e {
            TrySendError::Full(_) => SendError::Busy,
            TrySendError::Disconnected(_) => SendError::Ended,
        })
    }

    /// Trips the latch first, then tells the engine. The gate is closed when this returns, even
    /// when the engine hangs and its queue is full.
    pub fn trip(&self, level: KillLevel, reason: KillReason) {
        self.kill.trip(level, reason);
        let told = self.send(Command::Trade(TradeCommand::Kill {
            level,
            reason: reason.words().to_owned(),
        }));
        if let Err(error) = told {
            // The engine polls the latch on every turn as well, so nothing is lost.
            tracing::warn!(%error, level = level.name(), "kill command was not queued");
        }
    }

    /// Trips the latch for a person's own `words`, which take the place of those of the reason.
    ///
    /// They are queued before the latch is tripped: an engine that sees the trip finds them. When
    /// this returns, the gate is closed, as with [`Handle::trip`].
    pub fn trip_with(&self, level: KillLevel, reason: KillReason, words: &str) {
        let told = self.send(Command::Trade(TradeCommand::Kill {
            level,
            reason: words.to_owned(),
        }));
        self.kill.trip(level, reason);
        if let Err(error) = told {
            tracing::warn!(%error, level = level.name(), words, "kill command was not queued");
        }
    }

    /// The latch, for reading and tripping.
    #[must_use]
    pub fn kill(&self) -> &Arc<KillSwitch> {
        &self.kill
    }
}

/// The session's end.
#[derive(Debug)]
pub struct Publisher {
    snapshots: watch::Sender<Arc<Snapshot>>,
    commands: Receiver<Command>,
}

impl Publisher {
    /// Replaces the snapshot; readers see the newest only.
    pub fn publish(&self, snapshot: Snapshot) {
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    /// Commands waiting for the session.
    #[must_use]
    pub fn commands(&self) -> &Receiver<Command> {
        &self.commands
    }
}

/// Makes the two ends over one latch.
#[must_use]
pub fn channel(kill: Arc<KillSwitch>, first: Snapshot) -> (Publisher, Handle) {
    let (snapshots, receiver) = watch::channel(Arc::new(first));
    let (sender, commands) = sync_channel(COMMANDS);
    (
        Publisher {
            snapshots,
            commands,
        },
        Handle {
            snapshots: receiver,
            commands: sender,
            kill,
        },
    )
}
