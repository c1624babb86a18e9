//! The simulated venue on real sockets.
