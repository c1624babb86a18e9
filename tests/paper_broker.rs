//! The matcher's stated rules, one case each, through its public face.
//!
//! Names begin with the requirement they prove: S0-13 and S0-47 (fills and fees), S0-21
//! (post-only), S0-22 (time in force), S0-24 (venue minimums), C-02 (costs to the last digit).

#[cfg(test)]
#[path = "paper_broker/admission.rs"]
mod admission;
#[cfg(test)]
#[path = "paper_broker/desk.rs"]
mod desk;
#[cfg(test)]
#[path = "paper_broker/fills.rs"]
mod fills;
#[cfg(test)]
#[path = "paper_broker/money.rs"]
mod money;
#[cfg(test)]
#[path = "paper_broker/props.rs"]
mod props;
#[cfg(test)]
#[path = "paper_broker/triggers.rs"]
mod triggers;
