//! The terminal front end: pure views over a snapshot, an action registry, a draw and an input
//! thread. It cannot name the engine or a broker.

pub mod model;
pub mod sample;
pub mod svg;
pub mod theme;
pub mod view;
pub mod widget;
