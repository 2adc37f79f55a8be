//! `export`: a run's network as files that other tools read.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::prepare::{Examples, Prepared, prepare};
use super::{answer, answer_json, open_run};
use crate::apply::Trained;
use crate::baselines;
use crate::cli::{self, ExportFormat};
use crate::config::{Config, Experiment};
use crate::data::STANDARD_INPUT;
use crate::device::OpenDevice;
use crate::error::Error;
use crate::files;
use crate::model::{Activation, onnx};
use crate::run_directory::{RunDirectory, RunError};

/// Where the network goes: all files of a format to a directory, or the one with the whole network.
#[derive(Debug, PartialEq)]
enum Target {
    Directory(PathBuf),
    File(PathBuf),
}

pub fn run(arguments: &cli::Export) -> Result<(), Error> {
    let (target, format) = match &arguments.out {
        None => (None, arguments.format.unwrap_or(ExportFormat::Onnx)),
        Some(out) => {
            let (target, format) = target(out, arguments.format)?;
            (Some(target), format)
        }
    };
    let (run, config, opened) = open_run(&arguments.run)?;
    let target = match target {
        Some(Target::Directory(directory)) if !is_same(&directory, run.path()) => {
            // Another run's files are those of its weights.
            if !matches!(RunDirectory::open(&directory), Err(RunError::NotARun(_))) {
                return Err(Error::Out {
                    path: directory,
                    problem: "is another run",
                });
            }
            Target::Directory(directory)
        }
        Some(Target::File(file)) => {
            check_file(&file, &run)?;
            Target::File(file)
        }
        _ => Target::Directory(run.path().to_owned()),
    };
    let mut files = match format {
        ExportFormat::Onnx => onnx_files(&run, &config, opened)?,
        ExportFormat::Safetensors => vec![(RunDirectory::SAFETENSORS, run.read_safetensors()?)],
    };
    let (directory, files) = match &target {
        Target::Directory(directory) => {
            let path = |(name, bytes)| (directory.join(name), bytes);
            (
                directory.as_path(),
                files.into_iter().map(path).collect::<Vec<_>>(),
            )
        }
        Target::File(file) => {
            let whole = files.pop().map(|(_, bytes)| (file.clone(), bytes));
            (parent(file), whole.into_iter().collect())
        }
    };
    std::fs::create_dir_all(directory).map_err(files::at(directory))?;
    let is_own = is_same(directory, run.path());
    let _lock = is_own.then(|| run.lock_for_writing()).transpose()?;
    let mut written = Vec::new();
    for (file, bytes) in files {
        // The run has its own, which is what was read.
        if !is_same(&file, &run.path().join(RunDirectory::SAFETENSORS)) {
            files::write(&file, &bytes)?;
        }
        written.push(file);
    }
    let last = &written[written.len() - 1];
    let advice = match format {
        ExportFormat::Onnx => onnx_runtime(&config, last),
        ExportFormat::Safetensors => pytorch(&config, last),
    };
    if arguments.json {
        return answer_json(&json!({ "files": written, "code": advice }));
    }
    let mut text = String::new();
    for file in &written {
        let _ = writeln!(text, "{}", file.display());
    }
    answer(&format!("{text}\n{advice}"))
}

/// What `--out` names, and the format: a name with an ending is a file in that format.
fn target(out: &Path, given: Option<ExportFormat>) -> Result<(Target, ExportFormat), Error> {
    let wrong = |problem, hint| {
        let path = out.to_owned();
        Err(Error::Place {
            path,
            problem,
            hint,
        })
    };
    let ending = out.extension().map(OsStr::to_ascii_lowercase);
    let by_name = ending.as_deref().and_then(|ending| match ending.to_str() {
        Some("onnx") => Some(ExportFormat::Onnx),
        Some("safetensors") => Some(ExportFormat::Safetensors),
        _ => None,
    });
    let is_directory = out.is_dir() || files::ends_as_a_directory(out);
    match (by_name, ending) {
        _ if out == Path::new(STANDARD_INPUT) => wrong(
            "a network cannot be written to standard output",
            "name a file ending in .onnx or .safetensors, or a directory",
        ),
        (Some(_), _) if is_directory => wrong(
            "is a directory whose name has a file extension",
            "name a file in it, or a directory without an extension",
        ),
        (Some(by_name), _) => match given {
            Some(given) if given != by_name => wrong(
                "has an extension that contradicts --format",
                "omit --format, or use the extension of that format",
            ),
            _ => Ok((Target::File(out.to_owned()), by_name)),
        },
        (None, Some(_)) if !is_directory => wrong(
            "does not have the extension of a network format",
            "use the extension .onnx or .safetensors, or end the name with / for a directory",
        ),
        (None, None) if out.exists() && !is_directory => wrong(
            "is a file, not a directory",
            "name a directory, or a file ending in .onnx or .safetensors",
        ),
        (None, _) => {
            let format = given.unwrap_or(ExportFormat::Onnx);
            Ok((Target::Directory(out.to_owned()), format))
        }
    }
}

/// Checks that writing a file does not damage a run, if it is in a run directory.
fn check_file(file: &Path, run: &RunDirectory) -> Result<(), Error> {
    let directory = parent(file);
    let name = file.file_name().unwrap_or_default();
    let is_of_a_run = RunDirectory::open(directory).is_ok() && RunDirectory::writes(name);
    // The whole network under the name of a half would be read as that half.
    let whole = [RunDirectory::ONNX, RunDirectory::SAFETENSORS];
    let problem = match is_same(directory, run.path()) {
        _ if !is_of_a_run => return Ok(()),
        true if whole.iter().any(|own| name == *own) => return Ok(()),
        true => "is a name that the run uses for something else",
        false => "is a file of another run",
    };
    Err(Error::Place {
        path: file.to_owned(),
        problem,
        hint: "choose another name or directory",
    })
}

fn parent(file: &Path) -> &Path {
    let named = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// Returns whether two paths lead to the same file or directory.
fn is_same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// ONNX files under their names, the whole network last.
fn onnx_files(
    run: &RunDirectory,
    config: &Config,
    opened: OpenDevice,
) -> Result<Vec<(&'static str, Vec<u8>)>, Error> {
    let about = config.title();
    if let Experiment::Classifier { .. } = config.experiment {
        let Prepared::Classifier(network, _) = prepare(config, &opened, Examples::Test)? else {
            unreachable!("a classifier is prepared as one");
        };
        let layers = run.load_weights(network)?.portable()?;
        return Ok(vec![(
            RunDirectory::ONNX,
            onnx::classifier(&layers, &about),
        )]);
    }
    let loaded = Trained::of(run.clone(), config.clone(), opened)?;
    let network = loaded.network.portable()?;
    let files = onnx::codec(&network, loaded.input_size, loaded.code_size, &about);
    Ok(vec![
        (RunDirectory::ONNX_ENCODER, files.encoder),
        (RunDirectory::ONNX_DECODER, files.decoder),
        (RunDirectory::ONNX, files.whole),
    ])
}

/// Lines of Python that run an ONNX file.
fn onnx_runtime(config: &Config, file: &Path) -> String {
    let file = python_string(file);
    let (input, width, outputs) = match &config.experiment {
        Experiment::Classifier { model, .. } => ("point", model.layers[0], "logits, probabilities"),
        other => ("image", other.layer_sizes()[0], "code, reconstruction"),
    };
    format!(
        "import numpy, onnxruntime\n\n\
         session = onnxruntime.InferenceSession({file})\n\
         batch = numpy.zeros((5, {width}), numpy.float32)\n\
         {outputs} = session.run(None, {{\"{input}\": batch}})\n"
    )
}

/// Lines of Python that load the weights into PyTorch.
fn pytorch(config: &Config, file: &Path) -> String {
    let file = python_string(file);
    let begin = "import safetensors.torch, torch\n\n";
    let load = format!("model.load_state_dict(safetensors.torch.load_file({file}))\n");
    let codec = |encoder: &str, decoder: &str| {
        format!(
            "{begin}encoder = {encoder}\ndecoder = {decoder}\n\
             model = torch.nn.ModuleDict({{\"encoder\": encoder, \"decoder\": decoder}})\n{load}"
        )
    };
    match &config.experiment {
        Experiment::Autoencoder { model, .. } => codec(
            &sequential(&model.encoder, model.activation, model.code_activation),
            &sequential(&model.decoder, model.activation, model.output),
        ),
        Experiment::Variational { model, .. } => {
            let mut encoder = model.encoder.clone();
            if let Some(last) = encoder.last_mut() {
                *last *= 2;
            }
            let text = codec(
                &sequential(&encoder, model.activation, Activation::Linear),
                &sequential(&model.decoder, model.activation, Activation::Sigmoid),
            );
            format!("{text}# mu, log_var = encoder(image).chunk(2, dim=1)\n")
        }
        Experiment::Classifier { model, .. } => format!(
            "{begin}model = {}\n{load}",
            sequential(&model.layers, model.activation, Activation::Linear)
        ),
        Experiment::Baseline { model, .. } => {
            let formula = match model.kind {
                baselines::Kind::Pca => {
                    "# code = (image - mean) @ components.T, reconstruction = code @ components + mean"
                }
                baselines::Kind::ProbabilisticPca => {
                    "# code = (image - mean) @ weight.T / ((weight ** 2).sum(1) + noise_variance)\n\
                     # reconstruction = code @ weight + mean"
                }
                baselines::Kind::TopicModel => "# reconstruction = code @ topics",
            };
            format!(
                "import safetensors.torch\n\ntensors = safetensors.torch.load_file({file})\n{formula}\n"
            )
        }
    }
}

/// Layers as PyTorch writes them.
fn sequential(sizes: &[usize], activation: Activation, last: Activation) -> String {
    let depth = sizes.len() - 1;
    let layer = |(index, pair): (usize, &[usize])| {
        let after = if index + 1 == depth { last } else { activation };
        let linear = format!("torch.nn.Linear({}, {})", pair[0], pair[1] * after.pieces());
        let module = match after {
            Activation::LeakyRelu { slope } => &format!("torch.nn.LeakyReLU({slope})"),
            Activation::Linear => "torch.nn.Identity()",
            Activation::Sigmoid => "torch.nn.Sigmoid()",
            Activation::Tanh => "torch.nn.Tanh()",
            Activation::Relu => "torch.nn.ReLU()",
            Activation::Elu => "torch.nn.ELU()",
            Activation::Gelu => "torch.nn.GELU()",
            Activation::GeluTanh => "torch.nn.GELU(approximate=\"tanh\")",
            Activation::Silu => "torch.nn.SiLU()",
            // The pieces of a unit are side by side, which is a window of the pooling.
            Activation::Maxout => "torch.nn.MaxPool1d(2)",
        };
        format!("{linear}, {module}")
    };
    let layers: Vec<String> = sizes.windows(2).enumerate().map(layer).collect();
    format!("torch.nn.Sequential({})", layers.join(", "))
}

/// A path as Python writes it: strings of JSON are strings of Python.
fn python_string(path: &Path) -> String {
    serde_json::Value::from(path.display().to_string()).to_string()
}
