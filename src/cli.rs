//! The command line, as clap reads it. No logic.

use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{Args, Parser, Subcommand};

use crate::device::Backend;

/// Trains, measures, explains and applies autoencoders, on a CPU or any GPU
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Show no progress
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

const EXAMPLES: &str = "Examples:
  hourglass train                                   the lecture's network on MNIST
  hourglass train --backend wgpu                    the same on a GPU
  hourglass train --set train.epochs=20 --out artifacts/longer
  hourglass reconstruct artifacts/deep --count 30
  hourglass evaluate artifacts/deep --json
  hourglass compare                                 PCA, a topic model and autoencoders side by side
  hourglass gradcheck                               are the gradients right?
  hourglass train --config configs/variational.toml && hourglass sample artifacts/variational

Exit codes: 0 done, 1 the run failed, 2 wrong usage, config or data, 130 interrupted; of `verify` 3 and 4 too.";

#[derive(Debug, Subcommand)]
pub enum Command {
    Train(Train),
    Verify(Verify),
    Evaluate(Evaluate),
    Reconstruct(Reconstruct),
    Sample(Sample),
    Interpolate(Interpolate),
    Map(Map),
    Neighbours(Neighbours),
    Curves(Curves),
    Compare(Compare),
    Sweep(Sweep),
    Gradcheck(Gradcheck),
    Bench(Bench),
    Devices(Devices),
    #[command(subcommand)]
    Data(Data),
    Completions(Completions),
}

/// Train a network and leave a run directory
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hourglass train
  hourglass train --config configs/smoke.toml --backend ndarray --out artifacts/smoke-ndarray
  hourglass train --set train.batch_size=256 --set 'model.encoder=[784, 256, 64]' --force
  hourglass train --resume artifacts/deep
  hourglass train --resume artifacts/deep --set train.epochs=20

Ctrl-C ends the step, saves and exits with 130; --resume goes on from there and ends with the same bits as a run \
that was never stopped. A second Ctrl-C stops at once; then --resume goes on from the last checkpoint.")]
pub struct Train {
    /// Experiment to run [default: the lecture's, configs/deep.toml]
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Backend to run on, instead of the config's
    #[arg(long, short)]
    pub backend: Option<Backend>,
    /// Override any key of the config; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Run directory [default: artifacts/NAME, by the config's name]
    #[arg(long, short, value_name = "DIR", value_parser = clap::builder::NonEmptyStringValueParser::new().map(PathBuf::from))]
    pub out: Option<PathBuf>,
    /// Replace the run that is there
    #[arg(long)]
    pub force: bool,
    /// Go on with a run that was interrupted, from its newest checkpoint. More epochs may be given with --set
    /// train.epochs=N, and data that were moved with --set data.path=DIR, nothing else
    #[arg(long, value_name = "RUN", conflicts_with_all = ["config", "backend", "out", "force"])]
    pub resume: Option<PathBuf>,
    /// Threads for the CPU; ndarray's matrix products follow MATMUL_NUM_THREADS instead [default: all
    /// this process may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// Repeat a run from its receipt and say whether it comes out the same
#[derive(Debug, Args)]
#[command(
    after_help = "The run is trained again from its config, without touching its directory, and everything that \
does not depend on time is compared: the files of weights, every epoch's metrics and the final figures.

  identical          the same bits, as the same program, config, data and machine must give
  within tolerance   another backend, processor or version, whose roundings differ: the error on the test
                     examples is within 5 % of the run's
  different          anything else, a changed file among it

Examples:
  hourglass verify artifacts/deep
  hourglass verify artifacts/deep --backend wgpu --json

Exit codes: 0 identical, 3 within tolerance, 4 different; 1 and 2 as elsewhere, when there is no answer."
)]
pub struct Verify {
    #[command(flatten)]
    pub run: Run,
    /// Threads for the CPU [default: all this process may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
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

/// Draw images above their reconstructions
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hourglass reconstruct artifacts/deep --count 30
  hourglass reconstruct artifacts/deep --input my-digit.png --out mine.png")]
pub struct Reconstruct {
    #[command(flatten)]
    pub run: Run,
    /// Images to use instead of test images, without noise added: a PNG of the right size, or an IDX
    /// file
    #[arg(long, short, value_name = "PATH")]
    pub input: Option<PathBuf>,
    /// Picture to write [default: reconstructions.png in the run directory]
    #[arg(long, short, value_name = "PNG")]
    pub out: Option<PathBuf>,
    /// How many images, classes taking turns
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub count: u16,
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
    /// Image to begin or end with, instead of test images; given twice: a PNG of the right size, or
    /// an IDX file, of which the first image is taken
    #[arg(long, short, value_name = "PATH", conflicts_with = "rows")]
    pub input: Vec<PathBuf>,
    /// Picture to write [default: interpolation.png in the run directory]
    #[arg(long, short, value_name = "PNG")]
    pub out: Option<PathBuf>,
    /// Pairs of test images, classes taking turns
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub rows: u16,
    /// Codes from one image's to the other's, both included
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..=100))]
    pub steps: u16,
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
    /// Images to find neighbours of, instead of test images: a PNG of the right size, or an IDX file
    #[arg(long, short, value_name = "PATH")]
    pub input: Option<PathBuf>,
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
    /// Run directories that `train` made, up to nine so that colours tell them apart
    #[arg(required = true, value_name = "RUN", num_args = 1..=9)]
    pub runs: Vec<PathBuf>,
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

/// Set methods beside each other: PCA, probabilistic PCA, a topic model, autoencoders
#[derive(Debug, Args)]
#[command(
    after_help = "Every method is fitted to the same images and measured alike: how well it reconstructs test images, how \
well its codes tell classes apart (by the five nearest training codes, and by a linear classifier), how long it takes, how \
large it is. Runs are left in the directory and not made again by the same command.

A comparison is a TOML file: what stands outside of [method.NAME] is shared by all methods, and --set changes any of it, \
such as --set data.limit=5000 or --set method.deep.train.epochs=20.

Examples:
  hourglass compare
  hourglass compare --set seeds=5 --out artifacts/five-seeds
  hourglass compare --set 'grid.model.code_size=[8, 32]' --json"
)]
pub struct Compare {
    /// Comparison to make [default: all methods at K = 32, configs/comparisons/methods.toml]
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub study: StudyRun,
    /// Print the comparison as JSON
    #[arg(long)]
    pub json: bool,
}

/// Run an experiment for every combination of some settings
#[derive(Debug, Args)]
#[command(
    after_help = "A sweep is a TOML file as that of an experiment or a comparison, with a [grid] of keys and lists of values; \
all combinations are run, each in a process of its own. Runs that are there are not made again, those that were interrupted \
go on, and one that fails does not keep the others.

Where the grid has sizes or any other numbers in one key, the table and the picture show the error against them, and the \
least value is suggested whose error is within --tolerance of the least of its method: on validation images where there \
are any (data.validation), else on training images, never on test images.

Examples:
  hourglass sweep --config configs/sweeps/code-size.toml
  hourglass sweep --config configs/deep.toml --set 'grid.train.batch_size=[16, 64, 256]' --set seeds=3
  hourglass sweep --config configs/deep.toml --set 'grid.model.activation=[\"relu\", \"gelu\"]' --jobs 1"
)]
pub struct Sweep {
    /// Experiment, comparison or sweep to run
    #[arg(long, short, value_name = "FILE")]
    pub config: PathBuf,
    #[command(flatten)]
    pub study: StudyRun,
    /// Figure to show, without its split [default: the squared error per pixel, or what the first run minimises]
    #[arg(long, short, value_name = "NAME")]
    pub metric: Option<String>,
    /// How much more than the least the error at a suggested value may be
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub tolerance: f64,
    /// Runs at a time, which share the threads [default: one a thread; on an accelerator one]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Check gradients by hand against autodiff and finite differences
#[derive(Debug, Args)]
#[command(
    after_help = "For each parameter tensor three gradients of the same loss on the same examples are compared: the \
lecture's formulas in double precision, the backend's autodiff, and central differences in double \
precision. Differences are relative to the gradient, or to the root mean square of the tensor's \
gradients where that is larger; at most 1e-4 from autodiff, 1e-6 from differences. Coordinates with a \
kink of the loss between the two points of a difference are left out and counted.

Examples:
  hourglass gradcheck
  hourglass gradcheck --backend wgpu
  hourglass gradcheck --config configs/shallow.toml --set model.tied=true --json

Exit codes: 0 all agree, 1 they do not."
)]
pub struct Gradcheck {
    /// Experiment whose network and objective to check [default: deep, linear, shallow, sparse,
    /// variational and spirals]
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Backend whose autodiff to check, instead of the config's
    #[arg(long, short)]
    pub backend: Option<Backend>,
    /// Override any key of the config; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "config")]
    pub overrides: Vec<String>,
    /// Examples in the batch
    #[arg(long, short = 'n', value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub examples: u16,
    /// Coordinates of each tensor that differences are taken at; of smaller tensors all
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(2..))]
    pub coordinates: u16,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// Measure how fast training is here
#[derive(Debug, Args)]
#[command(
    after_help = "The first epoch of each measurement warms up and is not counted. Several backends, batch sizes, \
threads, widths or numbers of images are measured in all combinations, each in a process of its own. The \
peak is that of large matrix products alone on the same threads.

Examples:
  hourglass bench
  hourglass bench --batch-size 32,256 --threads 1,2
  hourglass bench --backend flex,ndarray --epochs 5 --json
  hourglass bench --images 1000,100000 --width 1,4 --batch-size 256"
)]
pub struct Bench {
    /// Experiment to train [default: the lecture's, configs/deep.toml]
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Override any key of the config; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Backends, instead of the config's
    #[arg(long, short, value_delimiter = ',')]
    pub backend: Vec<Backend>,
    /// Batch sizes, instead of the config's
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pub batch_size: Vec<u32>,
    /// Threads for the CPU [default: all this process may use]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Vec<u16>,
    /// Factors on the units of all hidden layers [default: 1]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub width: Vec<u16>,
    /// Train on so many made-up images instead of the config's
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub images: Vec<u32>,
    /// Counted epochs
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub epochs: u16,
    /// Print the measurements as JSON
    #[arg(long)]
    pub json: bool,
}

/// How to make the runs of a comparison or sweep, and where.
#[derive(Debug, Args)]
pub struct StudyRun {
    /// Backend to run on, instead of the config's
    #[arg(long, short)]
    pub backend: Option<Backend>,
    /// Override any key of the file; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Directory of the runs and results [default: artifacts/NAME, by the name in the file]
    #[arg(long, short, value_name = "DIR", value_parser = clap::builder::NonEmptyStringValueParser::new().map(PathBuf::from))]
    pub out: Option<PathBuf>,
    /// Make runs again that are there
    #[arg(long)]
    pub force: bool,
}

/// A finished run, and how to use it.
#[derive(Debug, Args)]
pub struct Run {
    /// Run directory that `train` made
    pub run: PathBuf,
    /// Backend to run on, instead of the run's
    #[arg(long, short)]
    pub backend: Option<Backend>,
    /// Override a key of the run's config, such as data.path; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
}

/// List the backends and the devices they find here
#[derive(Debug, Args)]
pub struct Devices {
    /// Print the list as JSON
    #[arg(long)]
    pub json: bool,
}

/// Look after data sets
#[derive(Debug, Subcommand)]
pub enum Data {
    Check(DataCheck),
}

/// Read a data set whole and say what is there
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hourglass data check
  hourglass data check --set data.dataset=idx --set data.path=DIR")]
pub struct DataCheck {
    /// Experiment whose data to check [default: the lecture's, configs/deep.toml]
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Override any key of the config; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:
  hourglass completions bash > ~/.local/share/bash-completion/completions/hourglass")]
pub struct Completions {
    pub shell: clap_complete::Shell,
}
