//! The network's shape, and its weights through files.

use burn::module::Module;
use hourglass::config::Config;
use hourglass::model::{Autoencoder, weights};
use safetensors::SafeTensors;

use crate::support;

#[test]
fn the_lectures_network_has_209_968_parameters() {
    let config = Config::load(None, &[]).unwrap();
    let opened = &support::backends()[0];
    let model = Autoencoder::new(&config.model, 1, &opened.device);
    assert_eq!(model.num_params(), 209_968);
    assert_eq!(config.model.shape(), "784-128-32-128-784");
}

#[test]
fn weights_are_the_same_on_every_backend_and_survive_burnpack() {
    let config = Config::load(None, &["model.encoder=[9, 4, 2]".into()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut fingerprints = Vec::new();
    for opened in support::backends() {
        let model = Autoencoder::new(&config.model, 3, &opened.device);
        let path = directory
            .path()
            .join(format!("{}.bpk", opened.backend.name()));
        weights::save_burnpack(&model, &path).unwrap();
        let other = Autoencoder::new(&config.model, 4, &opened.device);
        assert_ne!(weights::fingerprint(&other), weights::fingerprint(&model));
        let loaded = weights::load_burnpack(other, &path).unwrap();
        assert_eq!(weights::fingerprint(&loaded), weights::fingerprint(&model));
        fingerprints.push(weights::fingerprint(&model));
    }
    assert!(fingerprints.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn burnpack_of_another_shape_or_damaged_is_refused() {
    let opened = &support::backends()[0];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.bpk");
    let network = |encoder: &str| {
        let config = Config::load(None, &[format!("model.encoder={encoder}")]).unwrap();
        Autoencoder::new(&config.model, 3, &opened.device)
    };
    weights::save_burnpack(&network("[9, 4, 2]"), &path).unwrap();
    for other in ["[9, 5, 2]", "[9, 2]", "[9, 4, 3, 2]"] {
        let error = weights::load_burnpack(network(other), &path).unwrap_err();
        assert!(error.to_string().contains("model.bpk"), "{error}");
    }
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 1, 20, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        weights::load_burnpack(network("[9, 4, 2]"), &path).unwrap_err();
    }
}

#[test]
fn safetensors_has_pytorchs_names_and_layout() {
    let opened = &support::backends()[0];
    let config = Config::load(None, &["model.encoder=[9, 4, 2]".into()]).unwrap();
    let model = Autoencoder::new(&config.model, 3, &opened.device);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.safetensors");
    weights::save_safetensors(&model, &config.model, &path).unwrap();
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

    // Encoding by hand with the file's [out, in] weights gives the network's own code.
    let values = |name: &str| -> Vec<f32> {
        let data = file.tensor(name).unwrap().data();
        data.chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    };
    let layer = |x: &[f32], name: &str| -> Vec<f32> {
        let weight = values(&format!("{name}.weight"));
        let bias = values(&format!("{name}.bias"));
        let rows = weight.chunks_exact(x.len()).zip(bias);
        rows.map(|(row, b)| (row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + b).max(0.0))
            .collect()
    };
    let x: Vec<f32> = (0..9).map(|i| i as f32 / 9.0).collect();
    let by_hand = layer(&layer(&x, "encoder.0"), "encoder.2");
    let x = burn::tensor::Tensor::<1>::from_floats(x.as_slice(), &opened.device).reshape([1, 9]);
    let code: Vec<f32> = model.encode(x).into_data().iter::<f32>().collect();
    for (code, by_hand) in code.iter().zip(by_hand) {
        assert!((code - by_hand).abs() < 1e-6);
    }
}
