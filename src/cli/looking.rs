//! What is looked at of finished runs.

use std::path::PathBuf;

use clap::Args;

use super::Fitting;
use crate::apply::Format;
use crate::device::Backend;
use crate::report::page::Precision;
use crate::run_directory::RunPath;

/// A finished run, and how to use it.
#[derive(Debug, Args)]
pub struct Run {
    /// Run directory, or `latest` for the newest run under artifacts/
    pub run: RunPath,
    /// Backend to run on, instead of the run's
    #[arg(long, short)]
    pub backend: Option<Backend>,
    /// Override a key of the run's config, such as data.path; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
}

/// Measure a trained network on the test examples
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hourglass evaluate artifacts/deep --json
  hourglass evaluate artifacts/deep --codes")]
pub struct Evaluate {
    #[command(flatten)]
    pub run: Run,
    /// Measure what the codes are good for too: how well classes are told by the five nearest training codes, and by a
    /// linear classifier
    #[arg(long)]
    pub codes: bool,
    /// Print the figures as JSON
    #[arg(long)]
    pub json: bool,
}

/// Draw images above their reconstructions, or write reconstructions
#[derive(Debug, Args)]
#[command(
    after_help = "Without --input, test images are drawn, as the network was to see them. --out decides what is written for an input: a plot \
of the first --count (.png), which reads at most a few thousand examples, or all reconstructions, as numbers (.npy, .csv, -) or as \
one PNG each in a folder.

Examples:
  hourglass reconstruct artifacts/deep --count 30
  hourglass reconstruct artifacts/deep --input my-digit.png --out mine.png
  hourglass reconstruct artifacts/deep --input photos/ --resize --out reconstructed/
  hourglass reconstruct artifacts/deep --input images.npy --out reconstructed.npy"
)]
pub struct Reconstruct {
    #[command(flatten)]
    pub run: Run,
    /// Examples to use instead of test images, without added noise: images (PNG, JPEG, WebP, BMP, TIFF,
    /// GIF, PNM, QOI), folders of images, .npy or .npz, CSV, IDX; - reads standard input
    #[arg(long, short, value_name = "PATH", num_args = 1..)]
    pub input: Vec<PathBuf>,
    #[command(flatten)]
    pub fitting: Fitting,
    /// Where to write: a .png, .npy or .csv file, a folder, or - [default: reconstructions.png in the run directory]
    #[arg(long, short, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// How reconstructions are written, where the name does not say
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Write into a folder that holds files already
    #[arg(long)]
    pub force: bool,
    /// Fail if an example cannot be read, instead of skipping it. For a .png, only the examples that were
    /// read for it count
    #[arg(long)]
    pub strict: bool,
    /// How many images a picture has, classes taking turns
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub count: u16,
    /// Print where the picture is, or what was done, as JSON
    #[arg(long)]
    pub json: bool,
}

/// Draw images of codes that were drawn at random
#[derive(Debug, Args)]
#[command(
    after_help = "A variational network has a prior, the standard normal, from which codes are drawn. \
Another has none: its codes are drawn from a normal fitted to the codes of the test images.

Examples:
  hourglass sample artifacts/variational
  hourglass sample artifacts/variational-2d --manifold --count 625
  hourglass sample artifacts/deep --seed 7 --out samples.png"
)]
pub struct Sample {
    #[command(flatten)]
    pub run: Run,
    /// Instead of random codes, a grid over all codes of a network that has two code units
    #[arg(long, conflicts_with = "seed")]
    pub manifold: bool,
    /// Picture to write [default: samples.png or manifold.png in the run directory]
    #[arg(long, short, value_name = "PNG")]
    pub out: Option<PathBuf>,
    /// How many images; a manifold takes the largest square that is no more [default: 100, of a
    /// manifold 400]
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub count: Option<u16>,
    /// Seed of the codes [default: the run's]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Print where the picture is as JSON
    #[arg(long)]
    pub json: bool,
}

/// Draw what lies between images in code space
#[derive(Debug, Args)]
#[command(
    after_help = "Each row begins and ends with an image; between them are the images of codes evenly spaced \
on the line between their codes.

Examples:
  hourglass interpolate artifacts/variational
  hourglass interpolate artifacts/deep --rows 3 --steps 15
  hourglass interpolate artifacts/deep --input three.png --input eight.png --out mine.png"
)]
pub struct Interpolate {
    #[command(flatten)]
    pub run: Run,
    /// Image to begin or end with, instead of test images; given twice: a picture, or a folder, .npy, CSV or IDX file, of
    /// which the first is taken
    #[arg(long, short, value_name = "PATH", conflicts_with = "rows")]
    pub input: Vec<PathBuf>,
    #[command(flatten)]
    pub fitting: Fitting,
    /// Picture to write [default: interpolation.png in the run directory]
    #[arg(long, short, value_name = "PNG")]
    pub out: Option<PathBuf>,
    /// Pairs of test images, classes taking turns
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub rows: u16,
    /// Codes from one image's to the other's, both included
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..=100))]
    pub steps: u16,
    /// Print where the picture is as JSON
    #[arg(long)]
    pub json: bool,
}

/// Draw the codes of test images as points in a plane, coloured by class
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hourglass map artifacts/deep
  hourglass map artifacts/variational-2d --projection pca --count 10000 --out plane.png")]
pub struct Map {
    #[command(flatten)]
    pub run: Run,
    /// Planes to draw beside each other: the principal axes of the codes, and t-SNE
    #[arg(long, value_name = "NAME", value_enum, value_delimiter = ',', default_values_t = [Projection::Pca, Projection::TSne])]
    pub projection: Vec<Projection>,
    /// Picture to write [default: map.png in the run directory]
    #[arg(long, short, value_name = "PNG")]
    pub out: Option<PathBuf>,
    /// How many test images, from the first
    #[arg(long, short = 'n', value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u16).range(1..))]
    pub count: u16,
    /// Print the points as JSON
    #[arg(long)]
    pub json: bool,
}

/// Codes in a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Projection {
    /// The two principal axes of the codes
    Pca,
    /// t-distributed stochastic neighbour embedding
    #[value(name = "t-sne")]
    TSne,
}

/// Draw images beside the test images whose codes are nearest
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hourglass neighbours artifacts/deep
  hourglass neighbours artifacts/deep --input my-digit.png --count 20 --out mine.png")]
pub struct Neighbours {
    #[command(flatten)]
    pub run: Run,
    /// Images to find neighbours of, instead of test images: a picture, a folder, .npy, CSV or IDX file
    #[arg(long, short, value_name = "PATH")]
    pub input: Option<PathBuf>,
    #[command(flatten)]
    pub fitting: Fitting,
    /// Picture to write [default: neighbours.png in the run directory]
    #[arg(long, short, value_name = "PNG")]
    pub out: Option<PathBuf>,
    /// Images, classes taking turns
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub rows: u16,
    /// Neighbours of each
    #[arg(long, short = 'n', value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub count: u16,
    /// Print the neighbours' numbers as JSON
    #[arg(long)]
    pub json: bool,
}

/// Write one HTML file that says what happened and holds the network, to play with
#[derive(Debug, Args)]
#[command(
    after_help = "The page needs no server and no network: it opens from disk, from an e-mail and on a telephone. When it \
is opened it checks its network against test vectors. The images in it are test images.

Examples:
  hourglass report artifacts/deep
  hourglass report artifacts/variational --weights f32 --out digits.html
  hourglass train --report"
)]
pub struct Report {
    #[command(flatten)]
    pub run: Run,
    /// File to write [default: report.html in the run directory]
    #[arg(long, short, value_name = "HTML")]
    pub out: Option<PathBuf>,
    /// Numbers of the network in the page [default: f16 for a network of more than
    /// 260,000 numbers that is hardly changed by it, else f32]
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub weights: Option<Precision>,
    /// Print where the page is, and its size, as JSON
    #[arg(long)]
    pub json: bool,
}

/// Write the network for other tools
#[derive(Debug, Args)]
#[command(
    after_help = "onnx         encoder.onnx, decoder.onnx and model.onnx (both halves; code and reconstruction), for ONNX Runtime \
and whatever else reads operator set 17; any batch size. A classifier has model.onnx alone.
safetensors  model.safetensors, with PyTorch's names and layout.

--out FILE.onnx or FILE.safetensors writes one file; for ONNX it holds the whole network. Python code that loads it is printed.

Examples:
  hourglass export artifacts/deep
  hourglass export artifacts/deep --out deep.onnx
  hourglass export artifacts/deep --format safetensors --out for-pytorch/"
)]
pub struct Export {
    #[command(flatten)]
    pub run: Run,
    /// Format to write [default: by the extension of --out, else onnx]
    #[arg(long, short, value_enum)]
    pub format: Option<ExportFormat>,
    /// File to write, or directory for all files, created if missing [default: the run directory]
    #[arg(long, short, value_name = "PATH", value_parser = super::directory())]
    pub out: Option<PathBuf>,
    /// Print files and lines as JSON
    #[arg(long)]
    pub json: bool,
}

/// A format of other tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    Onnx,
    Safetensors,
}

/// Draw the errors of one or more runs over their epochs in one picture
#[derive(Debug, Args)]
#[command(
    after_help = "Runs that measured their training images after each epoch (train.evaluate_training) show that \
error as a dashed line beside the test error; the gap between them is how much was memorised.

Examples:
  hourglass curves artifacts/overfit artifacts/overfit-denoising --out overfit.png
  hourglass curves artifacts/deep artifacts/longer --metric mse_per_pixel"
)]
pub struct Curves {
    /// Run directories, or `latest`; at most nine, so that their colours differ
    #[arg(required = true, value_name = "RUN", num_args = 1..=9)]
    pub runs: Vec<RunPath>,
    /// Figure to draw, without its split [default: the error that the first run minimises]
    #[arg(long, short, value_name = "NAME")]
    pub metric: Option<String>,
    /// Leave the training errors out, where many runs are compared
    #[arg(long)]
    pub test_only: bool,
    /// Picture to write
    #[arg(long, short, value_name = "PNG", default_value = "curves.png")]
    pub out: PathBuf,
    /// Print the figures of the last epoch and the best as JSON
    #[arg(long)]
    pub json: bool,
}
