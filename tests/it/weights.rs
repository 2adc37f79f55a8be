//! The network's shape, and its weights through files.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Tensor;
use hourglass::model::autoencoder::Architecture;
use hourglass::model::weights::{self, Network};
use hourglass::model::{
    Activation, Autoencoder, Classifier, Codec, DropoutMasks, TiedAutoencoder, Variational,
    classifier, variational,
};
use safetensors::SafeTensors;

use crate::support;

#[test]
fn the_lectures_network_has_209_968_parameters() {
    let lecture = support::architecture(&[784, 128, 32]);
    let opened = &support::backends()[0];
    let model = Autoencoder::new(&lecture, 1, &opened.device);
    assert_eq!(model.num_params(), 209_968);
    assert_eq!(lecture.shape(), "784-128-32-128-784");
    // Without the decoder's two weight matrices, 32 × 128 and 128 × 784.
    let tied = TiedAutoencoder::new(&lecture, 1, &opened.device);
    assert_eq!(tied.num_params(), 209_968 - 104_448);
}

#[test]
fn weights_are_the_same_on_every_backend_and_survive_burnpack() {
    let architecture = support::architecture(&[9, 4, 2]);
    let directory = tempfile::tempdir().unwrap();
    let mut fingerprints = Vec::new();
    for opened in support::backends() {
        let model = Autoencoder::new(&architecture, 3, &opened.device);
        let path = directory
            .path()
            .join(format!("{}.bpk", opened.backend.name()));
        weights::save_burnpack(&model, &path).unwrap();
        let other = Autoencoder::new(&architecture, 4, &opened.device);
        assert_ne!(
            weights::fingerprint(&other).unwrap(),
            weights::fingerprint(&model).unwrap()
        );
        let loaded = weights::load_burnpack(other, &path).unwrap();
        assert_eq!(
            weights::fingerprint(&loaded).unwrap(),
            weights::fingerprint(&model).unwrap()
        );
        fingerprints.push(weights::fingerprint(&model).unwrap());
    }
    assert!(fingerprints.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn burnpack_of_another_shape_or_damaged_is_refused() {
    let opened = &support::backends()[0];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.bpk");
    let network =
        |encoder: &[usize]| Autoencoder::new(&support::architecture(encoder), 3, &opened.device);
    weights::save_burnpack(&network(&[9, 4, 2]), &path).unwrap();
    for other in [&[9, 5, 2][..], &[9, 2], &[9, 4, 3, 2]] {
        let error = weights::load_burnpack(network(other), &path).unwrap_err();
        assert!(error.to_string().contains("model.bpk"), "{error}");
    }
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 1, 20, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        weights::load_burnpack(network(&[9, 4, 2]), &path).unwrap_err();
    }
}

#[test]
fn safetensors_has_pytorchs_names_and_layout() {
    let opened = &support::backends()[0];
    let architecture = support::architecture(&[9, 4, 2]);
    let model = Autoencoder::new(&architecture, 3, &opened.device);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.safetensors");
    model
        .save_safetensors(&architecture.shape(), &path)
        .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut shapes: Vec<_> = file
        .tensors()
        .iter()
        .map(|(name, tensor)| (name.clone(), tensor.shape().to_vec()))
        .collect();
    shapes.sort();
    let expected: [(&str, &[usize]); 8] = [
        ("decoder.0.bias", &[4]),
        ("decoder.0.weight", &[4, 2]),
        ("decoder.2.bias", &[9]),
        ("decoder.2.weight", &[9, 4]),
        ("encoder.0.bias", &[4]),
        ("encoder.0.weight", &[4, 9]),
        ("encoder.2.bias", &[2]),
        ("encoder.2.weight", &[2, 4]),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, shape)| ((*name).to_owned(), shape.to_vec()))
        .collect();
    assert_eq!(shapes, expected);
}

/// Runs the dense layers of a safetensors file by hand, with their `[out, in]` weights; the
/// activation is a ReLU except after the last.
fn by_hand(path: &Path, layers: &[&str], x: &[f32]) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let values = |name: String| -> Vec<f32> {
        let data = file.tensor(&name).unwrap().data();
        data.chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    };
    let mut x = x.to_vec();
    for (index, layer) in layers.iter().enumerate() {
        let weight = values(format!("{layer}.weight"));
        let bias = values(format!("{layer}.bias"));
        let rows = weight.chunks_exact(x.len()).zip(bias);
        let sums = rows.map(|(row, b)| row.iter().zip(&x).map(|(w, x)| w * x).sum::<f32>() + b);
        x = match index + 1 == layers.len() {
            true => sums.collect(),
            false => sums.map(|sum| sum.max(0.0)).collect(),
        };
    }
    x
}

fn close(what: &str, found: Tensor<2>, expected: &[f32]) {
    let found: Vec<f32> = found.into_data().iter::<f32>().collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-6,
            "{what}: {found}, {expected}"
        );
    }
}

/// Whoever computes with the weights of the file gets what the network gives; and so does the network
/// after its own file.
#[test]
fn every_network_computes_the_same_from_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let safetensors = directory.path().join("model.safetensors");
    let burnpack = directory.path().join("model.bpk");
    let x: Vec<f32> = (0..9).map(|i| i as f32 / 9.0).collect();
    let code = [0.7, 0.3];
    let encoder = ["encoder.0", "encoder.2"];
    let decoder = ["decoder.0", "decoder.2"];
    for opened in support::backends() {
        let device = &opened.device;
        let row = |values: &[f32]| hourglass::batches::tensor(values.to_vec(), 1, device);
        let none = DropoutMasks::none;

        let plain = Architecture {
            code_activation: Activation::Linear,
            ..support::architecture(&[9, 4, 2])
        };
        let codec = |network: &dyn Codec| {
            close(
                "code",
                network.encode(row(&x)),
                &by_hand(&safetensors, &encoder, &x),
            );
            let logits = network.logits_masked(row(&code), &mut none());
            close("logits", logits, &by_hand(&safetensors, &decoder, &code));
        };
        let network = Autoencoder::new(&plain, 3, device);
        network
            .save_safetensors(&plain.shape(), &safetensors)
            .unwrap();
        codec(&network);

        let network = TiedAutoencoder::new(&plain, 3, device);
        network
            .save_safetensors(&plain.shape(), &safetensors)
            .unwrap();
        codec(&network);
        weights::save_burnpack(&network, &burnpack).unwrap();
        let other = TiedAutoencoder::new(&plain, 4, device);
        codec(&weights::load_burnpack(other, &burnpack).unwrap());

        let shape = variational::Architecture {
            encoder: vec![9, 4, 2],
            decoder: vec![2, 4, 9],
            activation: Activation::Relu,
            dropout: 0.0,
        };
        let network = Variational::new(&shape, 3, device);
        network
            .save_safetensors(&shape.shape(), &safetensors)
            .unwrap();
        weights::save_burnpack(&network, &burnpack).unwrap();
        let other = Variational::new(&shape, 4, device);
        let network = weights::load_burnpack(other, &burnpack).unwrap();
        let posterior = network.posterior(row(&x), &mut none());
        let expected = by_hand(&safetensors, &encoder, &x);
        close("μ", posterior.mu, &expected[..2]);
        close("ln σ²", posterior.log_var, &expected[2..]);
        let logits = network.logits_masked(row(&code), &mut none());
        close("logits", logits, &by_hand(&safetensors, &decoder, &code));

        let shape = classifier::Architecture {
            layers: vec![2, 5, 3],
            activation: Activation::Relu,
            dropout: 0.0,
        };
        let network = Classifier::new(&shape, 3, device);
        network
            .save_safetensors(&shape.shape(), &safetensors)
            .unwrap();
        weights::save_burnpack(&network, &burnpack).unwrap();
        let other = Classifier::new(&shape, 4, device);
        let network = weights::load_burnpack(other, &burnpack).unwrap();
        let expected = by_hand(&safetensors, &["0", "2"], &code);
        close("logits", network.logits(row(&code), &mut none()), &expected);
    }
}

/// Names and shapes of the tensors in a safetensors file that `network` writes.
fn exported(network: &impl Network, shape: &str) -> Vec<(String, Vec<usize>)> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.safetensors");
    network.save_safetensors(shape, &path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut shapes: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, tensor)| (name, tensor.shape().to_vec()))
        .collect();
    shapes.sort();
    shapes
}

#[test]
fn other_networks_have_pytorchs_names_too() {
    let device = &support::backends()[0].device;
    let named = |names: &[(&str, &[usize])]| -> Vec<(String, Vec<usize>)> {
        let owned = |(name, shape): &(&str, &[usize])| ((*name).to_owned(), shape.to_vec());
        names.iter().map(owned).collect()
    };
    let classifier = classifier::Architecture {
        layers: vec![2, 5, 3],
        activation: Activation::Relu,
        dropout: 0.0,
    };
    let network = Classifier::new(&classifier, 1, device);
    assert_eq!(
        exported(&network, &classifier.shape()),
        named(&[
            ("0.bias", &[5]),
            ("0.weight", &[5, 2]),
            ("2.bias", &[3]),
            ("2.weight", &[3, 5]),
        ])
    );
    let variational = variational::Architecture {
        encoder: vec![9, 4, 2],
        decoder: vec![2, 4, 9],
        activation: Activation::Relu,
        dropout: 0.0,
    };
    let network = Variational::new(&variational, 1, device);
    let names = exported(&network, &variational.shape());
    // Two means, then two logarithms of variances.
    assert!(
        names.contains(&("encoder.2.weight".into(), vec![4, 4])),
        "{names:?}"
    );
    assert!(
        names.contains(&("decoder.2.weight".into(), vec![9, 4])),
        "{names:?}"
    );
    // A tied network goes out with all the weights that it uses.
    let tied = support::architecture(&[9, 4, 2]);
    let plain = exported(&Autoencoder::new(&tied, 1, device), &tied.shape());
    let network = TiedAutoencoder::new(&tied, 1, device);
    assert_eq!(exported(&network, &tied.shape()), plain);
}

/// Copies of the weights make the same network, before and after they have gone through a file.
#[test]
fn untying_changes_nothing_but_where_the_weights_are() {
    for opened in support::backends() {
        let device = &opened.device;
        let architecture = Architecture {
            code_activation: Activation::Tanh,
            ..support::architecture(&[9, 4, 2])
        };
        let tied = TiedAutoencoder::new(&architecture, 3, device);
        let x: Vec<f32> = (0..18).map(|i| i as f32 / 18.0).collect();
        let x = hourglass::batches::tensor(x, 2, device);
        let reconstruct = |network: &dyn Codec| -> Vec<f32> {
            let code = network.encode(x.clone());
            network.decode(code).into_data().iter::<f32>().collect()
        };
        let expected = reconstruct(&tied);
        assert!(expected.iter().any(|pixel| (pixel - 0.5).abs() > 0.01));
        for (a, b) in reconstruct(&tied.untied()).iter().zip(&expected) {
            assert!((a - b).abs() < 1e-6, "{}", opened.backend.name());
        }
    }
}
