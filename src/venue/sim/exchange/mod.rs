//! The simulated venue behind the v5 interface, without sockets.
