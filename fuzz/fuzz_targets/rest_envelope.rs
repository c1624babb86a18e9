//! Any bytes into `entries::rest_envelope`; they may be refused, they may not panic.

#![no_main]

#[expect(dead_code, reason = "the other targets use the rest")]
#[path = "../entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entries::rest_envelope(bytes);
});
