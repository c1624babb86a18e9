//! Statistics and reports from journals.
