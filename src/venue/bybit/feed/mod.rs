//! Market data of the venue as market events.
