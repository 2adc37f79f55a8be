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
    cargo clippy --release --all-targets --features remote -- -D warnings

# The same for the page of a report
lint-page:
    cd src/report/page/web && deno fmt --check --quiet && deno lint --quiet && deno check --quiet *.js
    cd tests/tools && deno fmt --check --quiet --line-width 110 script_test.js && deno lint --quiet script_test.js

# The README's test command
test:
    cargo test --release

# Devices of other machines, here another process: a build of its own, with the CPU backend and the feature `remote`
remote:
    cargo test --release --no-default-features --features flex,remote --lib -- device::
    cargo test --release --no-default-features --features flex,remote --test it -- remote:: shards::

# Pages in Chromium, event files in TensorBoard's reader, networks in ONNX Runtime; CONTRIBUTING.md says what that needs
tools:
    deno test --quiet --no-check tests/tools
    cd tests/tools && pytest -q -p no:cacheprovider

# docs/report.png, and pictures of all pages that the tests open
screenshots out="artifacts/screenshots":
    cd tests/tools && HOURGLASS_SCREENSHOTS={{absolute_path(out)}} pytest -q -p no:cacheprovider test_page.py
    cp {{out}}/report.png docs/report.png

# A small run on every backend, and what the other commands make of it
smoke out="artifacts":
    {{run}} devices
    {{run}} data check
    {{run}} train --config configs/smoke.toml --backend flex --out {{out}}/smoke-flex --force
    {{run}} train --config configs/smoke.toml --backend ndarray --out {{out}}/smoke-ndarray --force
    {{run}} train --config configs/smoke.toml --backend wgpu --out {{out}}/smoke-wgpu --force
    {{run}} verify {{out}}/smoke-flex
    {{run}} evaluate {{out}}/smoke-wgpu --backend flex
    {{run}} reconstruct {{out}}/smoke-wgpu --backend flex --count 20
    {{run}} interpolate {{out}}/smoke-flex
    {{run}} gradcheck
    {{run}} sample {{out}}/smoke-flex --count 25
    {{run}} map {{out}}/smoke-flex --count 500
    {{run}} neighbours {{out}}/smoke-wgpu --backend flex
    {{run}} report {{out}}/smoke-wgpu
    {{run}} compare --set seeds=1 --set data.limit=500 --set data.test_limit=200 --out {{out}}/smoke-comparison --force
    {{run}} curves {{out}}/smoke-flex {{out}}/smoke-ndarray {{out}}/smoke-wgpu --out {{out}}/smoke.png

# The tables of README and docs/results.md: five seeds of each experiment
results:
    scripts/results.py --write

# The tables and pictures of docs/comparison.md, and the README's: every method at one size of the code, some at all sizes
comparison:
    {{run}} compare --force
    {{run}} sweep --force --config configs/sweeps/code-size.toml
    {{run}} map artifacts/comparison/deep-seed-42
    {{run}} neighbours artifacts/comparison/deep-seed-42
    scripts/comparison.py

# The README's table of digits that are found by networks which have not seen them
leave-one-out:
    {{run}} sweep --force --config configs/sweeps/leave-one-out.toml --metric anomaly_roc_auc
    scripts/leave_one_out.py

# Every command of docs/lecture.md in order, and its pictures
lecture:
    scripts/walk.py docs/lecture.md
    cp artifacts/spirals.png docs/spirals-curves.png
    cp artifacts/spirals-adam/regions.png docs/spirals-regions.png
    cp artifacts/activations.png artifacts/overfit.png docs/
    cp artifacts/linear/code.png docs/linear-code.png
    cp artifacts/sparse/code.png docs/sparse-code.png
    cp artifacts/deep/reconstructions.png docs/
    cp artifacts/denoising/reconstructions.png docs/denoising.png
    cp artifacts/variational/samples.png docs/variational-samples.png
    cp artifacts/variational/interpolation.png artifacts/variational-2d/manifold.png docs/

# The tables of docs/performance.md: hourglass and its peers in turn, in a virtual environment of their own
peers *options:
    benches/peers/run.py --write {{options}}

# docs/growth.png: how the time of an epoch grows, and the model that explains it
growth:
    ${CARGO_TARGET_DIR:-target}/peers/bin/python benches/peers/growth.py --write

# Each kernel beside the stock operations that it stands in for
kernels:
    cargo bench --profile release --bench kernels

# Golden values of the tests, from PyTorch and scikit-image in the active Python environment
golden:
    python tests/golden/generate.py
    python tests/golden/ssim.py
    python tests/golden/pca.py
    python tests/golden/baselines.py
    python tests/golden/parity.py

# The tables of docs/scaling.md: shards, memory and devices behind a network; builds with the feature `remote`
scaling:
    scripts/scaling.py

# Servers of remote devices ended at random moments of runs: what docs/faults.md says of them (6 minutes)
lost-servers:
    scripts/lost_servers.py

# The table of docs/faults.md: runs killed, starved and damaged, readers fed garbage; half an hour
faults:
    cargo test --release --test it -- --ignored --exact faults::campaign --nocapture
