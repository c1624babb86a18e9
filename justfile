# Everything CI runs.
check: fmt-check lint test

# Formats the code.
fmt:
    cargo fmt

fmt-check:
    cargo fmt --check

# Clippy with warnings denied.
lint:
    cargo clippy --all-targets -- -D warnings

# All tests.
test:
    cargo test

# Reviews changed screen snapshots.
snap:
    cargo insta review

# The console on the bundled market.
paper:
    cargo run --release -- --demo

# The same run as JSON lines.
headless:
    cargo run --release -- --demo --no-tui

# A backtest of a file with the crossing averages.
backtest FILE:
    cargo run --release -- backtest --bars {{FILE}} --rule ma-cross:10,30

# Repeats a journal and compares every effect.
replay JOURNAL:
    cargo run --release -- replay {{JOURNAL}} --check

# Writes screenshots/*.svg, and PNGs where rsvg-convert is installed.
shots:
    cargo run --release -- screenshots
    -for f in screenshots/*.svg; do rsvg-convert "$f" -o "${f%.svg}.png"; done

# Benchmarks.
bench:
    cargo bench

# Licences, sources, advisories.
deny:
    cargo deny check
