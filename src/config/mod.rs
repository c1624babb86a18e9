//! Composes the settings, validates them, names the origin of each value.
