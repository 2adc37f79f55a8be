//! How a network is trained, and what is known of its training.

use std::path::PathBuf;

use clap::Args;

use super::Run;
use crate::device::{Backend, Place, Server};
use crate::run_directory::RunPath;

/// An experiment, and where its run goes.
#[derive(Debug, Args)]
pub struct NewRun {
    /// Experiment of the run [default: the lecture's, configs/deep.toml]
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Backend to run on, instead of the config's
    #[arg(long, short)]
    pub backend: Option<Backend>,
    /// Override any key of the config; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Run directory [default: artifacts/NAME, with the config's name; artifacts/NAME-2 and so on if it
    /// exists]
    #[arg(long, short, value_name = "DIR", value_parser = super::directory())]
    pub out: Option<PathBuf>,
    /// Replace an existing run in --out or artifacts/NAME
    #[arg(long)]
    pub force: bool,
    /// Fail if an example cannot be read, instead of skipping it: data.strict=true
    #[arg(long)]
    pub strict: bool,
}

/// Where a network is trained.
#[derive(Debug, Args)]
pub struct Placement {
    /// Devices to train on, separated by commas: flex, ndarray, wgpu, wgpu:NUMBER as `devices` lists them, or
    /// remote:HOST or remote:HOST:PORT/NUMBER. Several share the shards of each batch, train.shards; a processor that is named
    /// several times, on as many threads. The run's config keeps the backend that other commands use
    #[arg(long, value_name = "DEVICE", value_delimiter = ',', conflicts_with_all = ["backend", "remote"])]
    pub devices: Vec<Place>,
    /// Machine to train on that runs `hourglass serve`; with --backend remote or without --backend
    #[arg(long, value_name = "HOST[:PORT]")]
    pub remote: Option<Server>,
    /// Key that a server and its clients share [default: hourglass/remote.key in the user's configuration]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// Train a network and leave a run directory
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hourglass train
  hourglass train --config configs/smoke.toml --backend ndarray --out artifacts/smoke-ndarray
  hourglass train --set train.batch_size=256 --set 'model.encoder=[784, 256, 64]' --force
  hourglass train --report --tensorboard
  hourglass train --config configs/own/images.toml --set data.path=photos
  hourglass train --resume latest
  hourglass train --resume artifacts/deep --set train.epochs=20
  hourglass train --from artifacts/deep --set train.optimizer.learning_rate=1e-4 --out artifacts/deep-tuned
  hourglass train --from theirs.safetensors --config configs/deep.toml --out artifacts/theirs-tuned
  hourglass train --set train.shards=2 --devices wgpu:0,wgpu:1
  hourglass train --backend remote --remote gpu-box:3000      (there: hourglass serve)

Ctrl-C ends the step, saves and exits with 130; --resume goes on from there and ends with the same bits as a run \
that was never stopped. A second Ctrl-C stops at once; --resume then continues from the last checkpoint.

Without --out, a new run never replaces an existing one: it is written to artifacts/NAME-2, NAME-3 and so on. artifacts/latest \
links to the newest run inside artifacts/, except the runs of `compare` and `sweep`. Every command that takes a RUN accepts `latest`.")]
pub struct Train {
    #[command(flatten)]
    pub new: NewRun,
    /// Resume an interrupted run, or `latest`, from its newest checkpoint. Only these may change: the
    /// epochs with --set train.epochs=N, the place of the data with --set data.path=DIR, and the device
    /// with --backend or --devices
    #[arg(long, value_name = "RUN", conflicts_with_all = ["config", "out", "force"])]
    pub resume: Option<RunPath>,
    /// Start from the weights of a run (finished or with a checkpoint) or of a safetensors file that
    /// `import` can read, with a fresh optimizer. Without --config, the config of that run is used. The new
    /// run keeps a copy of the weights, so `verify` needs nothing else
    #[arg(long, value_name = "RUN|FILE", conflicts_with = "resume")]
    pub from: Option<RunPath>,
    #[command(flatten)]
    pub placement: Placement,
    /// Threads for the CPU; ndarray's matrix products follow MATMUL_NUM_THREADS instead [default: all
    /// this process may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Write report.html too: one page that says what happened and holds the network, to play with
    #[arg(long)]
    pub report: bool,
    /// Write event files for TensorBoard too: figures as they come, and pictures as they change
    #[arg(long)]
    pub tensorboard: bool,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
    /// Do not update artifacts/latest: for the runs of a comparison or sweep
    #[arg(long, hide = true)]
    pub part_of_study: bool,
}

/// Make a run of weights that another program trained
#[derive(Debug, Args)]
#[command(
    after_help = "The file is safetensors, of numbers of 16, 32 or 64 bits. Tensors are found under the PyTorch names that `export` \
writes (encoder.0.weight), with or without a prefix such as module. or _orig_mod., or else under any names that end in \
weight ([outputs, inputs]) or kernel (Keras', [inputs, outputs]) and bias, or in Keras' vars/0 and vars/1. Layers are matched by \
shape, and layers of the same shape by the numbers in their names. The source of each tensor is printed. Tensors that are \
missing, unused, ambiguous or of a different shape are listed in one error. Counters such as n_averaged are skipped. The layers \
mu and log_var of a variational network are joined and recognised by name: fc_mu and fc_log_var, or fc21 and fc22 of PyTorch's \
example. The network is evaluated, and the run then works with every command except those that need the training history: \
train --resume, verify, curves. `hourglass train --from` trains it further, as a new run.

Examples:
  hourglass import --weights theirs.safetensors --out artifacts/theirs
  hourglass import --weights keras.safetensors --config configs/shallow.toml --set 'model.encoder=[784, 64]' --out artifacts/keras"
)]
pub struct Import {
    /// Weights, as safetensors
    #[arg(long, short, value_name = "FILE")]
    pub weights: PathBuf,
    #[command(flatten)]
    pub new: NewRun,
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

Exit codes: 0 identical, 3 within tolerance, 4 different; 1, 2 and 5 as elsewhere, if the comparison failed."
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
shards, threads, widths or numbers of images are measured in all combinations, each in a process of its own. The \
peak is that of large matrix products alone on the same threads.

Examples:
  hourglass bench
  hourglass bench --batch-size 32,256 --threads 1,2
  hourglass bench --batch-size 32,256,2048 --shards 1,2
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
    /// Shards that batches are cut into, instead of the config's
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    pub shards: Vec<u16>,
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
