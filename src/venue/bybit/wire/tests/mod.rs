//! Own sample messages.
