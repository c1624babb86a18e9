//! The simulated venue: matcher, paper broker, recorded and synthetic feeds.
