# What one does with hourglass, and what .ci/run calls. `just` alone lists it.

run := "cargo run --release --quiet --"

default:
    @just --list

# Check the format, lint, and build the documentation, warnings being errors
lint:
    cargo fmt --check
    cargo clippy --release --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --release --no-deps --quiet
    cargo clippy --release --no-default-features --features flex -- -D warnings

# The README's test command
test:
    cargo test --release

# A small run on every backend, and what the other commands make of it
smoke out="artifacts":
    {{run}} devices
    {{run}} data check
    {{run}} train --config configs/smoke.toml --backend flex --out {{out}}/smoke-flex --force
    {{run}} train --config configs/smoke.toml --backend ndarray --out {{out}}/smoke-ndarray --force
    {{run}} train --config configs/smoke.toml --backend wgpu --out {{out}}/smoke-wgpu --force
    {{run}} evaluate {{out}}/smoke-wgpu --backend flex
    {{run}} reconstruct {{out}}/smoke-wgpu --backend flex --count 20

# The README's table of results: five seeds of each experiment
results:
    scripts/results

# Golden values of the tests, from PyTorch and scikit-image in the active Python environment
golden:
    python tests/golden/generate.py
    python tests/golden/ssim.py
    python tests/golden/pca.py
