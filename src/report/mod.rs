//! What people and programs see of a run: progress, figures, pictures.

mod code;
mod curves;
mod drawing;
mod log;
mod progress;
mod reconstructions;
mod summary;
pub mod text;

pub use code::{CodePicture, MOST_UNITS, code};
pub use curves::curves;
pub use drawing::PictureError;
pub use log::MetricsLog;
pub use progress::Progress;
pub use reconstructions::{Row, reconstructions};
pub use summary::{Receipt, summary};
