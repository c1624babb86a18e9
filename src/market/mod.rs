//! Gap-aware bar series, level-2 books and data health.
