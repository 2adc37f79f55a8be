//! What a trained network is used for.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Run;
use crate::apply::Format;

/// Examples that the user brings.
#[derive(Debug, Args)]
pub struct Brought {
    /// Images (PNG, JPEG, WebP, BMP, TIFF, GIF, PNM, QOI), folders of images, .npy or .npz, CSV, IDX;
    /// - reads standard input; may be repeated
    #[arg(long, short, value_name = "PATH", required = true, num_args = 1..)]
    pub input: Vec<PathBuf>,
    #[command(flatten)]
    pub fitting: Fitting,
    /// Fail if an example cannot be read, instead of skipping it
    #[arg(long)]
    pub strict: bool,
}

/// How examples are made to fit.
#[derive(Clone, Debug, Default, Args)]
pub struct Fitting {
    /// Bring pictures to the network's size, cutting off what goes beyond its shape
    #[arg(long)]
    pub resize: bool,
    /// Turn black to white and white to black, such as ink on paper for a network of MNIST's digits
    #[arg(long)]
    pub invert: bool,
    /// Which array of an .npz [default: the only one, or x]
    #[arg(long, value_name = "NAME")]
    pub array: Option<String>,
    /// Which column of a table has the classes, by its name or its number from 1
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
}

/// Where rows of numbers or pictures go.
#[derive(Debug, Args)]
pub struct Rows {
    /// Where to write: a .npy or .csv file, a folder for pictures, or - for standard output
    #[arg(long, short, value_name = "PATH")]
    pub out: PathBuf,
    /// How, where the name does not say
    #[arg(long, short, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Write into a folder that holds files already
    #[arg(long)]
    pub force: bool,
}

/// Turn examples into codes
#[derive(Debug, Args)]
#[command(
    after_help = "Codes are written in the order of the examples, in single precision. A variational network writes the means of its \
distributions. A CSV has the name of each example, and its class if the input has classes; for a .npy they are in .names.txt and \
.classes.txt files beside it. --split encodes the run's own examples, split by split, and adds a column `split` (for a .npy, a \
.splits.txt file). Inputs are read in blocks, so they may be larger than memory. Numbers are scaled as in training; floating-point \
pixels go from 0 to 1 and bytes from 0 to 255.

Examples:
  hourglass encode artifacts/deep --input digits/ --out codes.npy
  hourglass encode artifacts/deep --split test --out codes.csv
  hourglass encode artifacts/deep --input photo.jpg --resize --invert --out -
  cat images.npy | hourglass encode artifacts/deep --input - --out - --format npy > codes.npy"
)]
pub struct Encode {
    #[command(flatten)]
    pub run: Run,
    /// Images (PNG, JPEG, WebP, BMP, TIFF, GIF, PNM, QOI), folders of images, .npy or .npz, CSV, IDX;
    /// - reads standard input; may be repeated
    #[arg(long, short, value_name = "PATH", num_args = 1.., required_unless_present = "split")]
    pub input: Vec<PathBuf>,
    /// Encode the run's own data instead of --input, labelled with their split
    #[arg(long, value_name = "SPLIT", conflicts_with_all = ["input", "resize", "invert", "array", "label", "strict"])]
    pub split: Option<SplitChoice>,
    #[command(flatten)]
    pub fitting: Fitting,
    /// Fail if an example cannot be read, instead of skipping it
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub rows: Rows,
    /// Print what was done as JSON
    #[arg(long)]
    pub json: bool,
}

/// Selects examples of a run by their split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitChoice {
    Train,
    Validation,
    Test,
    /// Every split, in this order
    All,
}

/// Turn codes into what they stand for
#[derive(Debug, Args)]
#[command(
    after_help = "Codes are what `encode` writes: .npy, or CSV with a column for each element and perhaps one called name. A folder \
gets a PNG for each; a .npy or .csv has the outputs of the network in the units of the training data, converted in double \
precision. Pixels that were bytes go from 0 to 1.

Examples:
  hourglass decode artifacts/deep --input codes.npy --out drawn/
  hourglass decode artifacts/deep --input codes.csv --out drawn.npy"
)]
pub struct Decode {
    #[command(flatten)]
    pub run: Run,
    /// Codes: .npy, .npz or CSV; - reads standard input
    #[arg(long, short, value_name = "PATH")]
    pub input: PathBuf,
    /// Which array of an .npz [default: the only one, or x]
    #[arg(long, value_name = "NAME")]
    pub array: Option<String>,
    #[command(flatten)]
    pub rows: Rows,
    /// Print what was done as JSON
    #[arg(long)]
    pub json: bool,
}

/// Remove noise from examples
#[derive(Debug, Args)]
#[command(
    after_help = "Each example goes through the code and back; a network that was trained with objective.corruption gives it back \
without noise of that kind.

Examples:
  hourglass denoise artifacts/denoising --input scans/ --out clean/
  hourglass denoise artifacts/denoising --input noisy.npy --out clean.npy"
)]
pub struct Denoise {
    #[command(flatten)]
    pub run: Run,
    #[command(flatten)]
    pub brought: Brought,
    #[command(flatten)]
    pub rows: Rows,
    /// Print what was done as JSON
    #[arg(long)]
    pub json: bool,
}

/// Rank examples by how badly they are reconstructed, to find anomalies
#[derive(Debug, Args)]
#[command(
    after_help = "The error is per number: the squared difference, or the cross-entropy above the least possible where training minimised \
cross-entropy. An example is called anomalous where its error is above the \
threshold: a quantile of the errors of the training examples, which are measured at the end of training and stored in the run directory. The CSV has \
the examples in their order, each with its error, its rank from the greatest error and whether it is anomalous.

How well that finds what training has not seen is measured by leaving a class out of training:
  hourglass train --set 'data.exclude_classes=[3]' --out artifacts/without-3      (see anomaly_roc_auc)

Examples:
  hourglass score artifacts/deep --input images/ --out scores.csv
  hourglass score artifacts/deep --input images.npy --quantile 0.999 --json"
)]
pub struct Score {
    #[command(flatten)]
    pub run: Run,
    #[command(flatten)]
    pub brought: Brought,
    /// CSV to write, - for standard output; without it only the summary is printed
    #[arg(long, short, value_name = "CSV")]
    pub out: Option<PathBuf>,
    /// Share of the training examples whose error is below the threshold
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.99,
        conflicts_with = "threshold"
    )]
    pub quantile: f64,
    /// A threshold on the error, rather than a quantile of the training examples'
    #[arg(long, value_name = "ERROR")]
    pub threshold: Option<f64>,
    /// Examples of the greatest errors to print
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub count: usize,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// Print or write the manual pages
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hourglass man | man -l -
  hourglass man --out ~/.local/share/man/man1")]
pub struct Man {
    /// Directory for a page of each command, which is made; without it the main page is printed
    #[arg(long, short, value_name = "DIR", value_parser = super::directory())]
    pub out: Option<PathBuf>,
}
