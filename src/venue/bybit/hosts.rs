//! Hosts of each environment.
