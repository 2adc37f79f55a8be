//! Codes, reconstructions and errors of one's own images by a network that `hourglass train` has trained.
//!
//!     cargo run --release --example encode -- artifacts/deep my-digits/

#![allow(clippy::print_stdout, reason = "what a program prints is its answer")]

use std::error::Error;
use std::path::PathBuf;

use hourglass::apply::Trained;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(run), Some(input)) = (arguments.next(), arguments.next()) else {
        return Err(
            "give a run directory, and a picture, a folder, a .npy, a CSV or an IDX file".into(),
        );
    };
    let trained = Trained::open(&run)?;
    let brought = trained.read(&input)?;
    let codes = trained.encode(&brought.examples)?;
    let scored = trained.errors(&brought.examples)?;
    let names = brought.names.unwrap_or_default();
    for (index, code) in codes.chunks_exact(trained.code_size).enumerate() {
        let name = names
            .get(index)
            .cloned()
            .unwrap_or_else(|| index.to_string());
        println!(
            "{name}  {} {:.4}  code {code:.2?}",
            scored.metric, scored.errors[index]
        );
    }
    Ok(())
}
