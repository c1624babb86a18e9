//! The terminal front end: pure views over a snapshot, an action registry, a draw and an input
//! thread. It cannot name the engine or a broker.

pub mod action;
pub mod adopt;
pub mod hangup;
pub mod input;
pub mod keymap;
pub mod kill_key;
pub mod model;
pub mod palette;
pub mod run;
pub mod sample;
pub mod svg;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;
pub mod widget;
