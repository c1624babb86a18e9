//! The engine's behaviour through a session: bars in, effects out.
//!
//! With the paper broker where its fills matter, with a scripted broker where a venue misbehaves.

#[cfg(test)]
#[path = "engine/decisions.rs"]
mod decisions;
#[cfg(test)]
#[path = "engine/desk.rs"]
mod desk;
#[cfg(test)]
#[path = "engine/ladder.rs"]
mod ladder;
#[cfg(test)]
#[path = "engine/limits.rs"]
mod limits;
#[cfg(test)]
#[path = "engine/plans.rs"]
mod plans;
#[cfg(test)]
#[path = "engine/protection.rs"]
mod protection;
#[cfg(test)]
#[path = "engine/random.rs"]
mod random;
