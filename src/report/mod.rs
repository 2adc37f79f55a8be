//! What people and programs see of a run: progress, figures, pictures.

mod code;
mod curves;
mod drawing;
mod grid;
mod log;
mod map;
mod metrics;
pub mod page;
mod progress;
mod reading;
mod reconstructions;
mod references;
mod regions;
mod summary;
mod tensorboard;
pub mod text;
mod tradeoff;

pub use code::{CodePicture, MOST_UNITS, code, difference};
pub use curves::{Curve, CurvesPicture, curves, curves_of};
pub use drawing::{PictureError, SERIES_COLOURS};
pub use grid::{Grid, grid};
pub use log::{EVALUATED_TRAINING, MetricsLog, TIMES, entry};
pub use map::{MapPanel, MapPicture, map};
pub use progress::Progress;
pub use reading::Reading;
pub use reconstructions::{Row, reconstructions};
pub use regions::{RegionsPicture, cells, regions};
pub use summary::{Receipt, summary};
pub use tensorboard::TensorBoard;
pub use tradeoff::{Tradeoff, TradeoffPicture, tradeoff};
