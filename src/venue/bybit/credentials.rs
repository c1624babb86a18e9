//! The key and the secret.
