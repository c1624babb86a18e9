//! Sockets that stay connected.
