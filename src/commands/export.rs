//! `export`: a run's network as files that other tools read.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::prepare::{Examples, Prepared, prepare};
use super::{answer, answer_json, open_run};
use crate::apply::Trained;
use crate::baselines;
use crate::cli::{self, ExportFormat};
use crate::config::{Config, Experiment};
use crate::device::OpenDevice;
use crate::error::Error;
use crate::files;
use crate::model::{Activation, onnx};
use crate::run_directory::{RunDirectory, RunError};

pub fn run(arguments: &cli::Export) -> Result<(), Error> {
    let (run, config, opened) = open_run(&arguments.run)?;
    let directory = match &arguments.out {
        Some(out) if !is_same(out, run.path()) => {
            // Another run's files are those of its weights.
            if !matches!(RunDirectory::open(out), Err(RunError::NotARun(_))) {
                return Err(Error::Out {
                    path: out.clone(),
                    problem: "is another run",
                });
            }
            out.clone()
        }
        _ => run.path().to_owned(),
    };
    let files = match arguments.format {
        ExportFormat::Onnx => onnx_files(&run, &config, opened)?,
        ExportFormat::Safetensors => vec![(RunDirectory::SAFETENSORS, run.read_safetensors()?)],
    };
    let is_own = directory == run.path();
    let _lock = is_own.then(|| run.lock_for_writing()).transpose()?;
    std::fs::create_dir_all(&directory).map_err(files::at(&directory))?;
    let mut written = Vec::new();
    for (name, bytes) in files {
        let file = directory.join(name);
        // The run has its own, which is what was read.
        if !(is_own && name == RunDirectory::SAFETENSORS) {
            files::write(&file, &bytes)?;
        }
        written.push(file);
    }
    let last = &written[written.len() - 1];
    let advice = match arguments.format {
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

/// Whether two paths are of one directory.
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
