//! Signatures of requests and sockets.
