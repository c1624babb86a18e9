//! What an answer code means for the order it is about.
