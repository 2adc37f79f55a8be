//! Many experiments at once.

use std::path::PathBuf;

use clap::Args;

use crate::device::{Backend, Place};

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
  hourglass sweep --config configs/deep.toml --set 'grid.model.activation=[\"relu\", \"gelu\"]' --jobs 1
  hourglass sweep --config configs/sweeps/code-size.toml --devices wgpu:0,wgpu:1,remote:gpu-box:3000
  hourglass sweep --config configs/sweeps/code-size.toml --list > points      each line a command, as for
  parallel < points                                                          GNU parallel, or in a Slurm array
  sed -n \"${SLURM_ARRAY_TASK_ID}p\" points | sh"
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
    /// Devices to train on, separated by commas, each one run at a time: flex, ndarray, wgpu, wgpu:NUMBER,
    /// remote:HOST or remote:HOST:PORT/NUMBER. A processor that is named several times shares its threads among as many runs. Whatever
    /// a run is made on, it is the same experiment
    #[arg(long, value_name = "DEVICE", value_delimiter = ',', conflicts_with_all = ["jobs", "list"])]
    pub devices: Vec<Place>,
    /// Key of remote devices, see `train`
    #[arg(long, value_name = "FILE", requires = "devices")]
    pub key: Option<PathBuf>,
    /// Train nothing: write the config of each run that is not finished, and print a command line for each, for a cluster's
    /// scheduler; the same command without --list then gathers what they left
    #[arg(long)]
    pub list: bool,
    /// Print the results, or the command lines, as JSON
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
    #[arg(long, short, value_name = "DIR", value_parser = super::directory())]
    pub out: Option<PathBuf>,
    /// Make runs again that are there
    #[arg(long)]
    pub force: bool,
}
