//! All errors together, each with what to do about it and the exit code it ends with.

use std::io;
use std::path::PathBuf;

use burn::tensor::ExecutionError;
use thiserror::Error;

use crate::apply::OutputError;
use crate::baselines::BaselineError;
use crate::config::ConfigError;
use crate::data::{DataError, InputError, Shape};
use crate::device::{Backend, DeviceError};
use crate::files::FileError;
use crate::model::import::ImportError;
use crate::model::weights::WeightsError;
use crate::report::PictureError;
use crate::report::page::TooCoarse;
use crate::run_directory::RunError;
use crate::signals;
use crate::train::TrainError;
use crate::train::checkpoint::CheckpointError;

/// Why a command did not do what it was asked for.
#[derive(Debug, Error)]
pub enum Error {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    #[error("the experiment is a baseline, which is not trained by gradients")]
    NotTrained,
    #[error("{devices} devices, but train.shards = {shards}: some would have nothing to do")]
    IdleDevices {
        devices: usize,
        shards: usize,
        /// Whether there could be more shards.
        is_open: bool,
    },
    #[error("--key is that of remote devices, and none is named")]
    IdleKey,
    #[error("--remote names a server, and --backend {} is of this machine", .0.name())]
    TwoPlaces(Backend),
    /// Burn panicked because of a device.
    #[error("the device failed: {0}")]
    DeviceLost(String),
    #[error("a remote device is served by the machine that it is of")]
    ServedAlready,
    #[error(transparent)]
    Checkpoint(CheckpointError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("stopped after {place}; all of it is saved")]
    Interrupted { place: String, run: PathBuf },
    #[error("stopped; a baseline is fitted in one go, and nothing of it is saved")]
    FitInterrupted { run: PathBuf },
    #[error("stopped after {done} of {all} runs; what they came to is saved")]
    StudyInterrupted { done: usize, all: usize },
    #[error("the images have no classes to be told apart")]
    NoClasses,
    #[error("a page shows pictures, and {} holds a network of other numbers", .0.display())]
    NoPage(PathBuf),
    #[error("the run has no {0} split")]
    NoSplit(&'static str),
    #[error("rows and --json cannot both be on standard output")]
    TwoAnswers,
    #[error("reconstructions as rows are those of an input, and none is given")]
    NoInput,
    #[error("--quantile {0} is not a share, from 0 to 1")]
    Quantile(f64),
    #[error("--tolerance {0} is not a share of an error, from 0")]
    Tolerance(f64),
    #[error("`{first}` and `{other}` see other images, so they cannot be compared")]
    OtherImages { first: String, other: String },
    #[error("{} holds a run of another config or of other data{}", path.display(), match others { 0 => String::new(), n => format!(", and so do {n} more") })]
    OtherConfig { path: PathBuf, others: usize },
    #[error("only codes of images are compared, and a classifier has none")]
    NothingToCompare,
    #[error("{failed} of {all} runs failed")]
    RunsFailed { failed: usize, all: usize },
    #[error("{}: {problem}", path.display())]
    Import { path: PathBuf, problem: ImportError },
    #[error("weights cannot be imported into {0}")]
    NotImportable(&'static str),
    #[error("{} is neither a run nor a file of weights", .0.display())]
    NoStart(PathBuf),
    #[error("{} holds weights of a different network\n  there: {theirs}\n  here:  {ours}", path.display())]
    OtherNetwork {
        path: PathBuf,
        theirs: String,
        ours: String,
    },
    #[error("{} was imported, not trained", .0.display())]
    IsImported(PathBuf),
    #[error("{0}")]
    NotResumable(String),
    #[error("the data are not those that {} was trained on: their SHA-256 differs", .0.display())]
    OtherData(PathBuf),
    #[error("{} has no checkpoint that can be used", .0.display())]
    NoCheckpoint(PathBuf),
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error("the device failed: {}", crate::device::cause(.0))]
    Execution(#[from] ExecutionError),
    /// The network and the images do not fit.
    #[error("the network takes {network} numbers, {} has {}", if shape.is_row() { "an example".to_owned() } else { format!("an image of {shape}") }, shape.size())]
    Width { network: usize, shape: Shape },
    #[error("{} holds a classifier, which has no code", .0.display())]
    NoCode(PathBuf),
    #[error("a manifold is drawn over codes of two units; this network's have {0}")]
    NotAPlane(usize),
    #[error(transparent)]
    TooCoarse(#[from] TooCoarse),
    #[error("{} finished no epoch", .0.display())]
    NoEpoch(PathBuf),
    #[error("{} did not measure `{metric}` in every epoch", path.display())]
    NoMetric { path: PathBuf, metric: String },
    /// A picture cannot be written there.
    #[error("{}: {problem}", path.display())]
    Out {
        path: PathBuf,
        problem: &'static str,
    },
    /// What is to be written does not belong there.
    #[error("{}: {problem}", path.display())]
    Place {
        path: PathBuf,
        problem: &'static str,
        hint: &'static str,
    },
    #[error("--input was given {0} times; a line between images has two ends")]
    NotTwoInputs(usize),
    #[error("the picture needs {wanted} test images; there are {found}")]
    TooFewImages { wanted: usize, found: usize },
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("stopped; nothing is written")]
    Stopped,
    #[error(
        "the threshold is a quantile of the training examples' errors, which cannot be read: {0}"
    )]
    NoThreshold(Box<Error>),
    #[error("losses or gradients of {} do not agree", if *.0 == 1 { "a network".to_owned() } else { format!("{} networks", .0) })]
    GradientsDiffer(usize),
    /// The process of a measurement failed, and said why.
    #[error("the measurement of {0} failed")]
    Measurement(String),
    #[error("the experiment has no images that --images could stand in for")]
    NoImages,
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<CheckpointError> for Error {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Train(error) => Self::Train(error),
            other => Self::Checkpoint(other),
        }
    }
}

impl Error {
    /// What stands before the message.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Interrupted { .. }
            | Self::FitInterrupted { .. }
            | Self::StudyInterrupted { .. }
            | Self::Stopped => "interrupted",
            Self::Device(_)
            | Self::DeviceLost(_)
            | Self::Execution(_)
            | Self::Train(TrainError::Device(_))
            | Self::Baseline(BaselineError::Execution(_)) => "device error",
            _ => "error",
        }
    }

    /// The exit code of a command whose device failed or is not reached: the caller may try another device.
    pub const OF_DEVICE: u8 = 5;

    /// 130 for a run that was asked to stop, 2 for a wrong command line, config or input, 5 for a device that failed; 1 for a run
    /// that failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Device(error) if error.is_failure() => Self::OF_DEVICE,
            Self::DeviceLost(_)
            | Self::Execution(_)
            | Self::Train(TrainError::Device(_))
            | Self::Baseline(BaselineError::Execution(_)) => Self::OF_DEVICE,
            Self::Config(_)
            | Self::Data(_)
            | Self::Device(_)
            | Self::Width { .. }
            | Self::NoCode(_)
            | Self::NotAPlane(_)
            | Self::NoEpoch(_)
            | Self::TooCoarse(_)
            | Self::Import { .. }
            | Self::NotImportable(_)
            | Self::IsImported(_)
            | Self::NoStart(_)
            | Self::OtherNetwork { .. }
            | Self::NoMetric { .. }
            | Self::Out { .. }
            | Self::Place { .. }
            | Self::NotTwoInputs(_)
            | Self::TooFewImages { .. }
            | Self::Picture(PictureError::TooLarge { .. })
            | Self::NoImages
            | Self::NotTrained
            | Self::IdleDevices { .. }
            | Self::IdleKey
            | Self::TwoPlaces(_)
            | Self::ServedAlready
            | Self::NothingToCompare
            | Self::OtherImages { .. }
            | Self::OtherConfig { .. }
            | Self::NoClasses
            | Self::Tolerance(_)
            | Self::Quantile(_)
            | Self::NoInput
            | Self::TwoAnswers
            | Self::NoSplit(_)
            | Self::NoPage(_)
            | Self::Input(_)
            | Self::Output(OutputError::Unwritable { .. }) => 2,
            Self::NoThreshold(error) => error.exit_code(),
            Self::Stopped => signals::INTERRUPTED,
            Self::Baseline(_) => 2,
            Self::NotResumable(_) | Self::NoCheckpoint(_) | Self::OtherData(_) => 2,
            Self::Interrupted { .. }
            | Self::FitInterrupted { .. }
            | Self::StudyInterrupted { .. } => signals::INTERRUPTED,
            Self::RunsFailed { .. } => 1,
            Self::Run(error) => match error {
                RunError::File(_) => 1,
                _ => 2,
            },
            Self::Weights(_)
            | Self::Train(_)
            | Self::Checkpoint(_)
            | Self::File(_)
            | Self::Output(OutputError::File(_))
            | Self::Picture(PictureError::Failed { .. } | PictureError::File(_))
            | Self::GradientsDiffer(_)
            | Self::Measurement(_)
            | Self::Io(_) => 1,
        }
    }

    /// What the user can do about it, unless the message says so already.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(ConfigError::Unreadable(_)) => {
                Some("the repository's experiments are under configs/; without --config, `train` runs configs/deep.toml".into())
            }
            Self::Data(error) => Some(error.hint()),
            Self::Device(error) => Some(error.hint()),
            Self::Run(error) => error.hint().map(Into::into),
            Self::Train(error) => Some(error.hint().into()),
            Self::DeviceLost(_) => Some(TrainError::OF_DEVICE.into()),
            Self::Baseline(error) => Some(error.hint()),
            Self::IdleDevices { devices, is_open: true, .. } => Some(format!(
                "--set train.shards={devices} gives each a part of every batch, which changes roundings but nothing else"
            )),
            Self::IdleDevices { shards, .. } => Some(format!("name no more than {shards}")),
            Self::IdleKey => Some("name a server with --remote HOST, or leave --key out".into()),
            Self::ServedAlready => Some("serve flex, ndarray or wgpu".into()),
            Self::TwoPlaces(_) => Some("leave --backend out, or say --backend remote".into()),
            Self::NotTrained => Some("name the experiment of a network, such as configs/deep.toml".into()),
            Self::Width { shape, .. } => Some(format!("begin model.encoder with {}", shape.size())),
            Self::NoCode(_) => Some("name the run of an autoencoder; `evaluate` works for a classifier too".into()),
            Self::NotAPlane(_) => Some("leave --manifold out, or train configs/variational-2d.toml".into()),
            Self::NoMetric { .. } => Some("choose one that all of the runs have with --metric, such as mse_per_pixel; metrics.jsonl lists them behind `test_`".into()),
            Self::Input(error) => Some(error.hint.clone()),
            Self::Output(OutputError::Unwritable { hint, .. }) => Some((*hint).into()),
            Self::NoThreshold(error) if matches!(**error, Self::Run(RunError::Changed(_) | RunError::Missing(_))) => {
                error.hint().map(|hint| format!("{hint}, or give a --threshold"))
            }
            Self::NoThreshold(_) => Some("name where they are now with --set data.path=PATH, or give a --threshold".into()),
            Self::Stopped => None,
            Self::NotTwoInputs(_) => Some("give --input twice, or leave it out to use test images".into()),
            Self::TooFewImages { .. } => Some("take fewer --rows, or raise data.test_limit".into()),
            Self::GradientsDiffer(_) => Some("the findings of that network say where it begins, and which of the three is wrong".into()),
            Self::NoEpoch(_) => Some("train it again with --force".into()),
            Self::Import { problem: ImportError::Unreadable(_), .. } => Some("name a safetensors file with --weights".into()),
            Self::Import { problem: ImportError::Format(_), .. } => Some("save the weights with the safetensors package of Python; what is pickled is not read".into()),
            Self::Import { problem: ImportError::Tensors(_), .. } => Some("set model.encoder, model.decoder or model.layers to match the network that the weights come from, and model.kind = \"variational\" for one with mu and log_var".into()),
            Self::Import { problem: ImportError::Posterior(_), .. } => Some("name the layers mu and log_var in the file, or concatenate them with torch.cat, mu first".into()),
            Self::Import { problem: ImportError::OtherLayers(_), .. } => Some("only dense layers are supported; torch.nn.utils.fusion.fuse_linear_bn_eval folds a batch normalisation into the dense layer before it".into()),
            Self::Import { problem: ImportError::Values(_), .. } => Some("save finite numbers of 16, 32 or 64 bits".into()),
            Self::NotImportable(_) => Some("name the config of an autoencoder with model.tied = false, of a variational network or of a classifier".into()),
            Self::IsImported(path) => Some(format!(
                "`hourglass train --from {} --out DIR` trains its weights further, as a new run",
                path.display()
            )),
            Self::NoStart(_) => Some("name a run such as artifacts/deep, or a safetensors file".into()),
            Self::OtherNetwork { .. } => Some("leave --config out to use the run's own, or set model to match it; the run's model.safetensors holds an untied network's weights too".into()),
            Self::TooCoarse(problem) => Some(problem.hint().into()),
            Self::Place { hint, .. } => Some((*hint).into()),
            Self::Out { .. } => Some("make the directory, or choose another --out".into()),
            Self::Picture(PictureError::TooLarge { .. }) => Some("show fewer images".into()),
            Self::Interrupted { run, .. } => Some(format!(
                "`hourglass train --resume {}` goes on from there",
                run.display()
            )),
            Self::StudyInterrupted { .. } => Some("the same command without --force goes on from there".into()),
            Self::NoClasses => Some("leave --codes out, or give data with labels".into()),
            Self::OtherImages { .. } => Some("write [data] outside of the methods, and no grid over it; `hourglass sweep` runs any grid".into()),
            Self::OtherConfig { .. } => Some("pass --force to make its runs again, or --out DIR for another place".into()),
            Self::NoPage(_) => Some("`hourglass evaluate`, `map`, `curves` and `score` look at such a run".into()),
            Self::NoSplit(_) => Some("data.validation = N holds examples out of training".into()),
            Self::TwoAnswers => Some("name a file with --out, or leave --json out".into()),
            Self::NoInput => Some("add --input PATH, or let --out end with .png for a picture of test images".into()),
            Self::Quantile(_) => Some("write --quantile 0.99 for a threshold that 1 % of the training examples are above".into()),
            Self::Tolerance(_) => Some("write --tolerance 0.1 for 10 %".into()),
            Self::NothingToCompare => Some("leave the classifier out; `hourglass sweep` runs any experiment".into()),
            Self::RunsFailed { .. } => Some("see above why; the same command without --force tries them again and leaves the others".into()),
            Self::FitInterrupted { run } => Some(format!(
                "`hourglass train --resume {}` fits it anew",
                run.display()
            )),
            Self::Checkpoint(_) => Some("make room or mend the place; the checkpoint before it is whole, and `hourglass train --resume RUN` goes on from there".into()),
            Self::NotResumable(_) => Some("begin another run with `hourglass train --config RUN/config.toml --out DIR`".into()),
            Self::OtherData(_) => Some("name where the run's own data are now with --set data.path=PATH".into()),
            Self::NoCheckpoint(_) => Some("`hourglass train --config RUN/config.toml --out DIR` begins it anew".into()),
            Self::Picture(PictureError::Failed { .. } | PictureError::File(_))
            | Self::File(_)
            | Self::Output(OutputError::File(_))
            | Self::Io(_)
            | Self::Weights(_) => {
                Some("check that the directory exists, can be written and has room".into())
            }
            Self::NoImages => Some("leave --images out".into()),
            Self::Config(ConfigError::Problems(_)) | Self::Execution(_) | Self::Measurement(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_does_has_an_exit_code_of_its_own() {
        let lost = Error::DeviceLost("gone".into());
        let refused = Error::Device(DeviceError::Refused("no memory".into()));
        for error in [lost, refused] {
            assert_eq!(
                (error.exit_code(), error.label()),
                (Error::OF_DEVICE, "device error")
            );
        }
        // A wrong command is not a failure.
        let missing = Error::Device(DeviceError::NotCompiledIn(Backend::Remote));
        assert_eq!((missing.exit_code(), missing.label()), (2, "device error"));
        assert_eq!(Error::Stopped.exit_code(), signals::INTERRUPTED);
        assert_eq!(Error::NotTrained.exit_code(), 2);
        let failed = Error::RunsFailed { failed: 1, all: 2 };
        assert_eq!((failed.exit_code(), failed.label()), (1, "error"));
    }
}
