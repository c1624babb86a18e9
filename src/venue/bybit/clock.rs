//! Distance between our clock and the venue's.
