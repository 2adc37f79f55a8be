//! The command line, as clap reads it. No logic.

mod applying;
mod looking;
mod serving;
mod studies;
mod training;

use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

pub use applying::{Brought, Decode, Denoise, Encode, Fitting, Man, Rows, Score, SplitChoice};
pub use looking::{
    Curves, Evaluate, Export, ExportFormat, Interpolate, Map, Neighbours, Projection, Reconstruct,
    Report, Run, Sample,
};
pub use serving::Serve;
pub use studies::{Compare, StudyRun, Sweep};
pub use training::{Bench, Gradcheck, Import, NewRun, Placement, Train, Verify};

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
  hourglass encode artifacts/deep --input my-images/ --out codes.csv
  hourglass score artifacts/deep --input my-images/ --out scores.csv
  hourglass report artifacts/deep                   a page with the network inside, to play with
  hourglass compare                                 PCA, a topic model and autoencoders side by side
  hourglass gradcheck                               are the gradients right?
  hourglass train --config configs/variational.toml && hourglass sample artifacts/variational

Exit codes:
  0    done
  1    the run failed, a gradient is wrong, or a file cannot be written
  2    wrong usage, config or data
  3    `verify`: within tolerance
  4    `verify`: different
  5    the device failed, or its server is not reached
  130  interrupted";

#[derive(Debug, Subcommand)]
pub enum Command {
    Train(Train),
    Verify(Verify),
    Evaluate(Evaluate),
    Reconstruct(Reconstruct),
    Encode(Encode),
    Decode(Decode),
    Denoise(Denoise),
    Score(Score),
    Sample(Sample),
    Interpolate(Interpolate),
    Map(Map),
    Neighbours(Neighbours),
    Report(Report),
    Export(Export),
    Import(Import),
    Curves(Curves),
    Compare(Compare),
    Sweep(Sweep),
    Gradcheck(Gradcheck),
    Bench(Bench),
    Devices(Devices),
    Serve(Serve),
    #[command(subcommand)]
    Data(Data),
    Completions(Completions),
    Man(Man),
}

/// Reads the name of a directory that is to be made; an empty one is none.
fn directory() -> impl TypedValueParser<Value = PathBuf> {
    NonEmptyStringValueParser::new().map(PathBuf::from)
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
  hourglass data check --set data.dataset=idx --set data.path=DIR
  hourglass data check --set data.dataset=images --set data.path=photos --set data.resize=32")]
pub struct DataCheck {
    /// Experiment whose data to check [default: the lecture's, configs/deep.toml]
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Override any key of the config; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Fail where an example cannot be read, rather than leave it out: data.strict=true
    #[arg(long)]
    pub strict: bool,
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
