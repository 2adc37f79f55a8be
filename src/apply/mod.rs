//! A trained network at work on whatever examples one has: the library's way in for other programs.
//!
//! ```no_run
//! use std::path::Path;
//! use hourglass::apply::Trained;
//!
//! # fn main() -> Result<(), hourglass::error::Error> {
//! let trained = Trained::open(Path::new("artifacts/deep"))?;
//! let images = trained.read(Path::new("my-digits"))?.examples;
//! let codes = trained.encode(&images)?;
//! let errors = trained.errors(&images)?.errors;
//! # Ok(())
//! # }
//! ```

mod output;
mod stream;
mod trained;

pub use output::{Beside, CLASS_COLUMN, Format, Output, OutputError, SPLIT_COLUMN, Written};
pub use stream::{Brought, Fitting, Piece};
pub use trained::{Trained, evaluation_batch, load_codec};
