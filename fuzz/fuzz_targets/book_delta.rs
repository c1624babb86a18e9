//! Any bytes into `entries::book_delta`; they may be refused, they may not panic.

#![no_main]

#[expect(dead_code, reason = "the other targets use the rest")]
#[path = "../entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entries::book_delta(bytes);
});
