//! Batches that are cut, and computed by several workers.

use burn::module::Module;
use hourglass::batches::Batches;
use hourglass::data::{Corruption, ImageSet, Spirals};
use hourglass::device::{self, DeviceError, OpenDevice, Place};
use hourglass::model::parameters::{Tensors, parameters};
use hourglass::model::weights::{self, Network};
use hourglass::model::{
    Activation, Autoencoder, Classifier, Dropout, TiedAutoencoder, Variational, classifier,
    variational,
};
use hourglass::objective::{Reconstruction, Reduction, Sparsity};
use hourglass::task::{
    ClassificationTask, ImageExamples, ReconstructionTask, Task, VariationalTask,
};
use hourglass::train::{Adam, Fit, Optimizer, StepExamples, Trainer, Training};
use serde_json::Value;

use crate::support::{self, hourglass, refused, succeed, train_squares, write_squares};

/// 23 images, so that the last batch of 7 has two, fewer than there are shards.
fn images(opened: &OpenDevice, workers: usize) -> ImageExamples {
    let pixels = (0..23 * 12).map(|i| (i * 37 % 256) as u8).collect();
    let images = ImageSet::new(3, 4, pixels, None);
    let mut images = support::image_examples(&images, &opened.device);
    images.corruption = Some(Corruption::Gaussian { sigma: 0.4 });
    images.dropout = Some(Dropout {
        rate: 0.25,
        units: 17,
        seed: 3,
    });
    support::with_workers(images, workers)
}

fn sparse(opened: &OpenDevice, workers: usize, reduction: Reduction) -> ReconstructionTask {
    ReconstructionTask {
        images: images(opened, workers),
        reconstruction: Reconstruction::BinaryCrossEntropy,
        sparsity: Some(Sparsity::L1 {
            weight: 1e-3,
            reduction,
        }),
    }
}

fn bound(opened: &OpenDevice, workers: usize) -> VariationalTask {
    VariationalTask {
        images: images(opened, workers),
        code_size: 2,
        kl_weight: 0.5,
    }
}

fn classes(opened: &OpenDevice, workers: usize) -> ClassificationTask {
    let spirals = Spirals {
        classes: 3,
        points_per_class: 8,
        test_points_per_class: 8,
        noise: 0.2,
    };
    ClassificationTask {
        points: spirals.generate(0, 3),
        devices: vec![opened.device.clone(); workers],
        dropout: None,
    }
}

fn autoencoder(opened: &OpenDevice) -> Autoencoder {
    Autoencoder::new(&support::architecture(&[12, 7, 3]), 1, &opened.device)
}

fn variational(opened: &OpenDevice) -> Variational {
    let shape = variational::Architecture {
        encoder: vec![12, 7, 2],
        decoder: vec![2, 7, 12],
        activation: Activation::Tanh,
        dropout: 0.0,
    };
    Variational::new(&shape, 1, &opened.device)
}

fn classifier(opened: &OpenDevice) -> Classifier {
    let shape = classifier::Architecture {
        layers: vec![2, 9, 3],
        activation: Activation::Relu,
        dropout: 0.0,
    };
    Classifier::new(&shape, 1, &opened.device)
}

/// The network after one step of gradient descent, and the errors that are reported and minimised.
fn step<M: Module, T: Task<M>>(task: &T, network: &M, shards: usize) -> (Tensors, [f64; 2]) {
    let plain = Optimizer::Sgd {
        learning_rate: 1.0,
        momentum: 0.0,
    };
    let mut trainer = Trainer {
        optimizer: plain.init(),
        clip_gradient_norm: None,
        shards,
    };
    let examples = StepExamples {
        epoch: 1,
        indices: &[4, 11, 2, 9, 0, 6, 17],
    };
    let (network, loss) = trainer.step(task, network.clone().train(), examples, 1.0);
    let number = |tensor: burn::tensor::Tensor<1>| f64::from(tensor.into_scalar::<f32>());
    let error = number(loss.error);
    let minimised = loss.minimised.map_or(error, number);
    (parameters(&network).unwrap(), [error, minimised])
}

fn check_gradients<M: Module, T: Task<M>>(what: &str, task: &T, network: &M) {
    let before = parameters(network).unwrap();
    let (whole, losses) = step(task, network, 1);
    for shards in [2, 3, 7] {
        let (cut, cut_losses) = step(task, network, shards);
        for (found, expected) in cut_losses.iter().zip(losses) {
            let difference = (found / expected - 1.0).abs();
            assert!(
                difference < 1e-6,
                "{what}, {shards} shards: {cut_losses:?}, {losses:?}"
            );
        }
        for (((name, before), (_, whole)), (_, cut)) in
            before.iter().zip(whole.iter()).zip(cut.iter())
        {
            let gradient = before - whole;
            let largest = gradient.fold(0.0, |most: f64, value| most.max(value.abs()));
            assert!(largest > 0.0, "{what}: no gradient of {name}");
            let difference = (whole - cut).fold(0.0, |most: f64, value| most.max(value.abs()));
            assert!(
                difference < 1e-5 * largest.max(0.01),
                "{what}, {shards} shards: {name} is {difference:e} off, its gradient {largest:e}"
            );
        }
    }
}

/// Of uneven shards too, for every kind of network and of what is minimised.
#[test]
fn gradients_of_shards_add_up_to_those_of_the_batch() {
    for opened in support::backends() {
        let on = |what: &str| format!("{what} on {}", opened.backend.name());
        let network = autoencoder(&opened);
        for reduction in [Reduction::BatchSum, Reduction::BatchMean] {
            let task = sparse(&opened, 1, reduction);
            check_gradients(&on(&format!("{reduction:?}")), &task, &network);
        }
        check_gradients(&on("bound"), &bound(&opened, 1), &variational(&opened));
        check_gradients(&on("classes"), &classes(&opened, 1), &classifier(&opened));
    }
}

fn outcome<M: Network, T: Task<M>>(task: &T, network: M, shards: usize) -> (String, Vec<f64>) {
    let adam = Optimizer::Adam(Adam {
        learning_rate: 0.01,
        ..Adam::default()
    });
    let settings = Fit {
        batch_size: 7,
        shards,
        clip_gradient_norm: Some(0.5),
        ..support::fit(adam)
    };
    let mut training = Training::new(&settings, task, network);
    while training.advance().unwrap().is_some() {}
    let fitted = training.finish();
    let losses = fitted.history.iter().map(|epoch| epoch.train_loss);
    (
        weights::fingerprint(&fitted.network).unwrap(),
        losses.collect(),
    )
}

/// Bits belong to the number of shards; by how many workers they are computed is the machine's affair.
#[test]
fn one_two_and_three_workers_give_the_same_bits() {
    let processors = |opened: &OpenDevice| !opened.backend.is_accelerator();
    for opened in support::backends().into_iter().filter(processors) {
        let outcomes = |workers| {
            let task = sparse(&opened, workers, Reduction::BatchSum);
            let tied = TiedAutoencoder::new(&support::architecture(&[12, 7, 3]), 1, &opened.device);
            [
                outcome(&task, autoencoder(&opened), 3),
                outcome(&task, tied, 3),
                outcome(&bound(&opened, workers), variational(&opened), 3),
                outcome(&classes(&opened, workers), classifier(&opened), 3),
            ]
        };
        let one = outcomes(1);
        for workers in [2, 3, 5] {
            assert_eq!(
                outcomes(workers),
                one,
                "{workers} on {}",
                opened.backend.name()
            );
        }
        // Sums in another order, as soon as the order is another.
        let whole = outcome(
            &sparse(&opened, 1, Reduction::BatchSum),
            autoencoder(&opened),
            1,
        );
        assert_ne!(whole.0, one[0].0);
    }
}

/// An adapter that is named in two ways is two devices to Burn, between which weights and gradients go.
#[test]
fn two_devices_of_an_accelerator_train_as_one() {
    let places = ["wgpu", "wgpu:0"].map(|place| place.parse::<Place>().unwrap());
    let both = match device::open_all(&places, None) {
        Ok(both) => both,
        Err(DeviceError::NotCompiledIn(_)) => return,
        Err(error) => {
            // `backends` says whether that may be.
            assert!(
                !support::backends()
                    .iter()
                    .any(|it| it.backend.is_accelerator()),
                "{error}"
            );
            return;
        }
    };
    assert_ne!(both.workers[0], both.workers[1]);
    let mut task = sparse(&both, 2, Reduction::BatchMean);
    task.images.devices = both.workers.clone();
    let on = |device| Batches::resident(device, &task.images.splits.train, 1000);
    task.images.batches = both.workers.iter().map(on).collect();
    let network = autoencoder(&both);
    check_gradients("two devices", &task, &network);
    let one = sparse(&both, 1, Reduction::BatchMean);
    let (expected, losses) = step(&one, &network, 2);
    let (found, found_losses) = step(&task, &network, 2);
    assert_eq!(found_losses, losses);
    for ((name, expected), (_, found)) in expected.iter().zip(found.iter()) {
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_program_gives_the_same_weights_on_any_number_of_workers() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let weights = |name: &str, more: &[&str]| {
        let out = directory.path().join(name);
        let mut arguments = vec!["--set=train.shards=2", "--set=train.batch_size=7"];
        arguments.extend(more);
        succeed(&train_squares(&data, &out, &arguments));
        std::fs::read(out.join("model.safetensors")).unwrap()
    };
    for (name, backend) in hourglass::device::Backend::LOCAL {
        if !backend.is_compiled_in() || backend.is_accelerator() {
            continue;
        }
        let usual = weights(&format!("{name}-usual"), &["--backend", name]);
        for (place, devices) in [
            ("one", name.to_owned()),
            ("two", format!("{name}:0,{name}:1")),
        ] {
            let found = weights(&format!("{name}-{place}"), &["--devices", &devices]);
            assert!(found == usual, "{devices}");
        }
        let alone = weights(
            &format!("{name}-alone"),
            &["--backend", name, "--threads=1"],
        );
        assert!(alone == usual, "{name} on one thread");
    }
}

#[test]
fn what_cannot_be_shared_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("run");
    let out = format!("--out={}", out.display());
    let train = |more: &[&str], parts: &[&str]| {
        let mut arguments = vec!["train", "--config=configs/smoke.toml", &out];
        arguments.extend(more);
        refused(&arguments, parts);
    };
    train(
        &["--devices=flex,flex"],
        &["2 devices, but train.shards = 1", "--set train.shards=2"],
    );
    train(
        &["--set=train.shards=51"],
        &["`train.shards` = 51 is more than a batch has examples, 50"],
    );
    train(&["--set=train.shards=0"], &["train.shards"]);
    train(
        &[
            "--set=train.shards=2",
            "--set=model.code_activation=sigmoid",
            "--set=objective.sparsity={ kind = 'kullback_leibler', weight = 0.1, target = 0.1 }",
        ],
        &["looks at the mean over a whole batch", "l1"],
    );
    train(&["--devices=cuda"], &["is no device", "wgpu:1"]);
    train(
        &["--devices=flex", "--backend=flex"],
        &["cannot be used with"],
    );
    train(
        &["--backend=flex", "--remote=there"],
        &["--remote names a server", "--backend remote"],
    );
    train(&["--remote=there:port"], &["is no server"]);
    train(&["--key=mine.key"], &["--key is that of remote devices"]);
    refused(
        &[
            "train",
            "--config=configs/pca.toml",
            "--devices=flex,flex",
            &out,
        ],
        &["2 devices, but train.shards = 1", "name no more than 1"],
    );
    if cfg!(all(feature = "flex", feature = "ndarray")) {
        train(
            &["--devices=flex,ndarray", "--set=train.shards=2"],
            &["one backend", "flex and ndarray"],
        );
    }
    if support::backends()
        .iter()
        .any(|it| it.backend.is_accelerator())
    {
        train(
            &["--devices=wgpu:99"],
            &["there is no wgpu:99", "hourglass devices"],
        );
        train(
            &["--devices=wgpu,wgpu", "--set=train.shards=2"],
            &["is named twice", "name each device once"],
        );
        // Before any run is made on those that are there.
        let sweep = [
            "sweep",
            "--config=configs/smoke.toml",
            "--devices=flex,wgpu:99",
            &out,
        ];
        refused(&sweep, &["there is no wgpu:99"]);
    }
}

/// Where there is no such feature, what needs it says how to have it.
#[cfg(not(feature = "remote"))]
#[test]
fn a_build_without_remote_says_so() {
    for arguments in [
        &["serve"][..],
        &["train", "--backend=remote", "--remote=there"],
        &["train", "--devices=remote:there"],
    ] {
        refused(
            arguments,
            &["does not contain the backend `remote`", "--features remote"],
        );
    }
}

/// A run goes on elsewhere, and says so; its config keeps the backend that it was begun with.
#[test]
fn a_run_is_resumed_on_another_backend() {
    if !cfg!(all(feature = "flex", feature = "ndarray")) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let out = directory.path().join("run");
    succeed(&train_squares(&data, &out, &["--backend=flex"]));
    let config = std::fs::read_to_string(out.join("config.toml")).unwrap();
    let run = out.display().to_string();
    let arguments = [
        "train",
        "--resume",
        &run,
        "--set=train.epochs=5",
        "--devices=ndarray",
    ];
    let output = hourglass(&arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("backend flex there, ndarray here"), "{said}");
    let now = std::fs::read_to_string(out.join("config.toml")).unwrap();
    assert_eq!(now, config.replace("epochs = 3", "epochs = 5"));
}

/// The same study on two workers as without a word about workers, and one that fails by itself fails there too.
#[test]
fn a_sweep_on_named_devices_is_the_same_sweep() {
    if !cfg!(feature = "flex") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let sweep = |name: &str, more: &[&str]| -> Value {
        let out = format!("--out={}", directory.path().join(name).display());
        let mut arguments = vec![
            "sweep",
            "--config=configs/smoke.toml",
            "--set=grid.train.optimizer.learning_rate=[1e-3, 3e-3, 1e30]",
            "--set=data.limit=600",
            "--json",
            &out,
        ];
        arguments.extend(more);
        let output = hourglass(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(said.matches("failed: ").count(), 1, "{said}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let errors = |found: &Value| -> Vec<Value> {
        let points = found["methods"][0]["points"].as_array().unwrap();
        points
            .iter()
            .map(|point| point["metrics"]["test_bce_nats_per_pixel"].clone())
            .collect()
    };
    let usual = errors(&sweep("usual", &[]));
    let spread = errors(&sweep("spread", &["--devices=flex,flex:1"]));
    assert_eq!(usual.len(), 3);
    assert!(
        usual[0].is_f64() && usual[1].is_f64() && usual[0] != usual[1],
        "{usual:?}"
    );
    assert_eq!(usual, spread);
    refused(
        &[
            "sweep",
            "--config=configs/smoke.toml",
            "--devices=flex",
            "--jobs=2",
        ],
        &["cannot be used with"],
    );
}

#[test]
fn bench_measures_shards_beside_each_other() {
    let found = succeed(&[
        "bench",
        "--config=configs/smoke.toml",
        "--shards=1,2",
        "--batch-size=20,40",
        "--set=data.limit=300",
        "--epochs=1",
        "--json",
        "--quiet",
    ]);
    let found: Value = serde_json::from_str(&found).unwrap();
    let shown = found.as_array().unwrap().iter();
    let shown: Vec<_> = shown
        .map(|it| (it["batch_size"].as_u64(), it["shards"].as_u64()))
        .collect();
    let [one, two] = [1, 2].map(Some);
    assert_eq!(
        shown,
        [
            (Some(20), one),
            (Some(20), two),
            (Some(40), one),
            (Some(40), two)
        ]
    );
    refused(
        &[
            "bench",
            "--config=configs/smoke.toml",
            "--shards=1,32",
            "--batch-size=256,16",
        ],
        &["`train.shards` = 32 is more than a batch has examples, 16"],
    );
    refused(
        &[
            "bench",
            "--config=configs/smoke.toml",
            "--shards=1,2",
            "--set=model.code_activation=sigmoid",
            "--set=objective.sparsity={ kind = 'kullback_leibler', weight = 0.1, target = 0.1 }",
        ],
        &["looks at the mean over a whole batch"],
    );
}
