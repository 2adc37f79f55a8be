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

Exit codes: 0 done, 1 the run failed, 2 wrong usage, config or data.";

#[derive(Debug, Subcommand)]
pub enum Command {
    Train(Train),
    Evaluate(Evaluate),
    Reconstruct(Reconstruct),
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
  hourglass train --set train.batch_size=256 --set 'model.encoder=[784, 256, 64]' --force")]
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
    /// Threads for the CPU; ndarray's matrix products follow MATMUL_NUM_THREADS instead [default: all
    /// this process may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// Measure a trained network on the test images
#[derive(Debug, Args)]
#[command(after_help = "Example:
  hourglass evaluate artifacts/deep --json")]
pub struct Evaluate {
    #[command(flatten)]
    pub run: Run,
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
