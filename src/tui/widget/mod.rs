//! The building blocks of the views. They know cells and roles, and nothing of snapshots.

pub mod bar;
pub mod braille;
pub mod candles;
pub mod canvas;
pub mod ladder;
pub mod line;
pub mod num;
pub mod table;

pub use canvas::Canvas;
pub use line::Line;
