//! Messages of the venue as they are written on the wire.
