//! Behaviour of the gateway against a scripted venue.
