//! `import`: the names that PyTorch, Keras and those who use them give, and what is not part of the network.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::imports::{import, transposed};
use crate::support::{hourglass, refused, succeed, train_squares, write_squares};

/// Tensors by their names.
type File = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn read(path: &Path) -> File {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.iter()
        .map(|(name, view)| {
            let tensor = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
            (name.to_owned(), tensor)
        })
        .collect()
}

fn write(path: &Path, file: &File) {
    let views = file.iter().map(|(name, (dtype, shape, bytes))| {
        let view = TensorView::new(*dtype, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn zeros(shape: &[usize]) -> (Dtype, Vec<usize>, Vec<u8>) {
    let count: usize = shape.iter().product();
    (Dtype::F32, shape.to_vec(), vec![0; 4 * count])
}

fn counter() -> (Dtype, Vec<usize>, Vec<u8>) {
    (Dtype::I64, Vec::new(), 7i64.to_le_bytes().to_vec())
}

/// A trained network on the squares, and the file of its weights.
struct Trained {
    directory: tempfile::TempDir,
    data: PathBuf,
    settings: Vec<String>,
    own: File,
}

impl Trained {
    fn new(settings: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = write_squares(&directory.path().join("data"), 60, 20);
        let run = directory.path().join("run");
        let all = [&["--quiet", "--set=train.epochs=1"], settings].concat();
        succeed(&train_squares(&data, &run, &all));
        let own = read(&run.join("model.safetensors"));
        Self {
            data,
            settings: settings.iter().map(|&text| text.to_owned()).collect(),
            own,
            directory,
        }
    }

    fn arguments(&self, file: &File) -> Vec<String> {
        let weights = self.directory.path().join("theirs.safetensors");
        write(&weights, file);
        let out = self.directory.path().join("imported");
        let mut arguments = import(&self.data, &weights, &out);
        arguments.extend(self.settings.iter().cloned());
        arguments.push("--force".into());
        arguments
    }

    /// Demands that the weights of a file are this network's, bit for bit.
    fn is_imported(&self, file: &File) {
        let output = hourglass(&self.arguments(file));
        let names: Vec<&String> = file.keys().collect();
        assert!(output.status.success(), "{names:?}: {output:?}");
        let out = self.directory.path().join("imported/model.safetensors");
        assert!(read(&out) == self.own, "{names:?}");
    }

    /// The tensors of layers in order, under names of other programs: with `{}` for what a tensor is to its layer.
    fn renamed(&self, layers: &[&str], weight: &str, bias: &str) -> File {
        let depth = self.own.len() / 2;
        assert_eq!(layers.len(), depth);
        let mut file = File::new();
        for (name, (dtype, shape, bytes)) in &self.own {
            let (place, role) = name.rsplit_once('.').unwrap();
            let (part, layer) = place.split_once('.').unwrap();
            let of_encoder = self
                .own
                .keys()
                .filter(|name| name.starts_with("encoder"))
                .count()
                / 2;
            let before = if part == "decoder" { of_encoder } else { 0 };
            let layer = layers[before + layer.parse::<usize>().unwrap() / 2];
            let role = if role == "bias" { bias } else { weight };
            let name = layer.replace("{}", role);
            file.insert(name, (*dtype, shape.clone(), bytes.clone()));
        }
        file
    }
}

const VARIATIONAL: [&str; 2] = ["--set=model.kind=variational", "--set=objective={}"];

/// The layer of a name in two: its first outputs under one name, the others under another.
fn split(file: &mut File, whole: &str, first: &str, second: &str) {
    for role in ["weight", "bias"] {
        let (dtype, mut shape, bytes) = file.remove(&whole.replace("{}", role)).unwrap();
        shape[0] /= 2;
        let (mu, log_var) = bytes.split_at(bytes.len() / 2);
        for (name, bytes) in [(first, mu), (second, log_var)] {
            let tensor = (dtype, shape.clone(), bytes.to_vec());
            file.insert(name.replace("{}", role), tensor);
        }
    }
}

/// Weights as Keras has them.
fn of_keras(file: File, weight: &str) -> File {
    let turned = file.into_iter().map(|(name, (dtype, shape, bytes))| {
        let (shape, bytes) = match name.ends_with(weight) {
            true => transposed(&shape, &bytes),
            false => (shape, bytes),
        };
        (name, (dtype, shape, bytes))
    });
    turned.collect()
}

#[test]
fn the_two_layers_of_a_variational_network_are_joined() {
    let trained = Trained::new(&VARIATIONAL);
    for [one, whole, three, four, mu, log_var] in [
        // PyTorch's example.
        ["fc1.{}", "fc2.{}", "fc3.{}", "fc4.{}", "fc21.{}", "fc22.{}"],
        [
            "encoder.0.{}",
            "x.{}",
            "decoder.0.{}",
            "decoder.2.{}",
            "fc_mu.{}",
            "fc_log_var.{}",
        ],
        [
            "module.enc.{}",
            "x.{}",
            "module.dec1.{}",
            "module.dec2.{}",
            "module.z_mean.{}",
            "module.a_logvar.{}",
        ],
        [
            "encoder.0.{}",
            "x.{}",
            "decoder.0.{}",
            "decoder.2.{}",
            "encoder.mu.0.{}",
            "encoder.log_var.0.{}",
        ],
        ["e.{}", "x.{}", "d1.{}", "d2.{}", "fc_mu.{}", "fc_var.{}"],
    ] {
        let mut file = trained.renamed(&[one, whole, three, four], "weight", "bias");
        split(&mut file, whole, mu, log_var);
        trained.is_imported(&file);
    }
    let mut keras = trained.renamed(
        &["vae/dense/{}", "x.{}", "vae/dense_1/{}", "vae/dense_2/{}"],
        "weight",
        "bias",
    );
    split(&mut keras, "x.{}", "vae/z_mean/{}", "vae/z_log_var/{}");
    let keras = keras
        .into_iter()
        .map(|(name, tensor)| (name.replace("weight", "kernel"), tensor));
    trained.is_imported(&of_keras(keras.collect(), "kernel"));
}

#[test]
fn the_mean_is_not_guessed() {
    let trained = Trained::new(&VARIATIONAL);
    let apart = |mu: &str, log_var: &str| {
        let mut file = trained.renamed(&["fc1.{}", "x.{}", "fc3.{}", "fc4.{}"], "weight", "bias");
        split(&mut file, "x.{}", mu, log_var);
        trained.arguments(&file)
    };
    refused(
        &apart("first.{}", "second.{}"),
        &[
            "which layer 24 → 4 is mu and which is log_var is not clear from their names: first.weight, second.weight",
            "hint: name the layers mu and log_var",
        ],
    );
    refused(
        &apart("mu.{}", "log_sigma.{}"),
        &["`log_sigma.weight` is σ or ln σ by its name"],
    );
    // Into a network of another kind.
    let mut file = trained.renamed(&["fc1.{}", "x.{}", "fc3.{}", "fc4.{}"], "weight", "bias");
    split(&mut file, "x.{}", "fc21.{}", "fc22.{}");
    let mut arguments = trained.arguments(&file);
    arguments.retain(|argument| !argument.contains("variational"));
    refused(
        &arguments,
        &[
            "the network has 1 layer 24 → 4, the file 2",
            "model.kind = \"variational\"",
        ],
    );
}

/// As `.weights.h5` has them, with what Keras saves beside the layers.
#[test]
fn numbered_variables_of_keras_are_known() {
    let trained = Trained::new(&["--set=model.encoder=[144, 9, 9, 4]"]);
    for separator in ["/", "."] {
        let layers = [
            "dense", "dense_1", "dense_2", "dense_3", "dense_4", "dense_5",
        ]
        .map(|layer| format!("layers/{layer}/vars/{{}}"));
        let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
        let mut file = of_keras(trained.renamed(&layers, "0", "1"), "0");
        file.insert("optimizer/vars/0".into(), counter());
        file.insert("optimizer/vars/1".into(), zeros(&[]));
        file.insert("optimizer/vars/2".into(), zeros(&[144, 9]));
        file.insert("layers/dropout/seed_generator/vars/0".into(), zeros(&[2]));
        file.insert("total_loss_tracker/vars/0".into(), zeros(&[]));
        let file: File = file
            .into_iter()
            .map(|(name, tensor)| (name.replace('/', separator), tensor))
            .collect();
        trained.is_imported(&file);
    }
}

#[test]
fn wrappers_and_counters_of_pytorch_are_not_in_the_way() {
    // Middle layers of one shape: only their own names tell which is which.
    let trained = Trained::new(&["--set=model.encoder=[144, 9, 9, 4]"]);
    for prefix in [
        "module.",
        "_orig_mod.",
        "model.",
        "net.0.",
        "module._orig_mod.autoencoder.",
    ] {
        let mut file: File = trained
            .own
            .iter()
            .map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone()))
            .collect();
        file.insert("n_averaged".into(), counter());
        trained.is_imported(&file);
        let mut arguments = trained.arguments(&file);
        arguments.retain(|argument| argument != "--quiet");
        let output = hourglass(&arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.contains("`n_averaged` is not part of the network"),
            "{told}"
        );
    }
    // A counter as a floating-point number.
    let mut file = trained.own.clone();
    file.insert("n_averaged".into(), zeros(&[]));
    trained.is_imported(&file);
    // A number that may be a parameter is not left out.
    file.insert("temperature".into(), zeros(&[]));
    refused(&trained.arguments(&file), &["`temperature` [] is not used"]);
}

#[test]
fn layers_that_are_not_dense_are_named() {
    let trained = Trained::new(&[]);
    let more = |tensors: &[(&str, &[usize])], parts: &[&str]| {
        let mut file = trained.own.clone();
        for (name, shape) in tensors {
            file.insert((*name).to_owned(), zeros(shape));
        }
        file.insert("encoder.1.num_batches_tracked".into(), counter());
        refused(&trained.arguments(&file), parts);
    };
    more(
        &[
            ("encoder.1.weight", &[24]),
            ("encoder.1.bias", &[24]),
            ("encoder.1.running_mean", &[24]),
            ("encoder.1.running_var", &[24]),
        ],
        &[
            "it has layers that are not dense",
            "`encoder.1.running_mean` [24] belongs to a batch normalisation",
            "`encoder.1.weight` [24] has one dimension",
            "fuse_linear_bn_eval",
        ],
    );
    more(
        &[("conv1.weight", &[8, 1, 3, 3]), ("conv1.bias", &[8])],
        &["`conv1.weight` [8, 1, 3, 3] belongs to a convolution"],
    );
    more(
        &[("layers/batch_normalization/vars/2", &[24])],
        &["belongs to a normalisation"],
    );
    more(
        &[("rnn.weight_ih_l0", &[24, 24])],
        &["belongs to a recurrent layer"],
    );
    more(
        &[("encoder.0.weight_g", &[24, 1])],
        &["remove_parametrizations"],
    );
}
