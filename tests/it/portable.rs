//! Networks as numbers on the host give what they give on a device.

use burn::tensor::{Tensor, TensorData};
use hourglass::baselines::{self, Baseline, Kind};
use hourglass::batches::Batches;
use hourglass::data::ImageSet;
use hourglass::device::{self, Backend};
use hourglass::model::{
    Activation, Autoencoder, Classifier, Codec, DropoutMasks, Stage, TiedAutoencoder, Variational,
    classifier, run_stages, variational,
};

use crate::support::architecture;

const PIXELS: usize = 12;

/// Images of all greys.
fn images() -> ImageSet {
    let pixels = (0..40 * PIXELS).map(|i| ((i * 37) ^ (i / 7 * 11)) as u8);
    ImageSet::new(3, 4, pixels.collect(), None)
}

fn on_device(values: &[f64], width: usize) -> Tensor<2> {
    let opened = device::open(Backend::Flex).unwrap();
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    let shape = [values.len() / width, width];
    Tensor::from_data(TensorData::new(values, shape), &opened.device)
}

fn assert_close(found: &[f64], expected: Tensor<2>, what: &str) {
    let expected: Vec<f64> = expected.into_data().iter::<f64>().collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let most = 1e-5 * expected.abs().max(1.0);
        assert!(
            (found - expected).abs() <= most,
            "{what}: {found} is not {expected}"
        );
    }
}

/// Compares codes and drawings of one image.
fn check(network: &dyn Codec, what: &str) {
    let images = images();
    let portable = network.portable().unwrap();
    for index in [0, 7] {
        let image: Vec<f64> = images.gather(&[index]).into_iter().map(f64::from).collect();
        let (_, code) = run_stages(&portable.encoder, &image);
        assert_close(&code, network.encode(on_device(&image, PIXELS)), what);
        let (logits, drawn) = run_stages(&portable.decoder, &code);
        let code = || on_device(&code, code.len());
        assert_close(&drawn, network.decode(code()), what);
        if network.output_activation() == Activation::Sigmoid {
            let expected = network.logits_masked(code(), &mut DropoutMasks::none());
            assert_close(&logits, expected, what);
        }
    }
}

#[test]
fn autoencoders_are_portable_with_every_activation() {
    let opened = device::open(Backend::Flex).unwrap();
    for (name, activation) in Activation::NAMES {
        let mut architecture = architecture(&[PIXELS, 7, 3]);
        architecture.activation = activation;
        architecture.code_activation = activation;
        architecture.initial_bias.code = 0.5;
        check(&Autoencoder::new(&architecture, 3, &opened.device), name);
        if activation.pieces() == 1 {
            check(
                &TiedAutoencoder::new(&architecture, 3, &opened.device),
                name,
            );
        }
        architecture.output = activation;
        check(&Autoencoder::new(&architecture, 4, &opened.device), name);
    }
}

#[test]
fn the_code_of_a_variational_network_is_its_mean() {
    let opened = device::open(Backend::Flex).unwrap();
    let architecture = variational::Architecture {
        encoder: vec![PIXELS, 6, 2],
        decoder: vec![2, 6, PIXELS],
        activation: Activation::Tanh,
        dropout: 0.0,
    };
    let network = Variational::new(&architecture, 1, &opened.device);
    check(&network, "variational");
    assert!(matches!(
        network.portable().unwrap().encoder.last(),
        Some(Stage::Dense(layer)) if layer.outputs == 2
    ));
}

#[test]
fn baselines_are_portable() {
    let opened = device::open(Backend::Flex).unwrap();
    for kind in [Kind::Pca, Kind::ProbabilisticPca, Kind::TopicModel] {
        let architecture = baselines::Architecture {
            kind,
            encoder: [PIXELS, 3],
            iterations: Some(20),
        };
        let images = images();
        let batches = Batches::new(&opened.device);
        let mut listener = |_| std::ops::ControlFlow::Continue(());
        let fitted = Baseline::fit(
            &architecture,
            &images,
            &batches,
            1,
            &opened.device,
            &mut listener,
        );
        check(&fitted.unwrap(), &format!("{kind:?}"));
    }
}

#[test]
fn classifiers_are_portable() {
    let opened = device::open(Backend::Flex).unwrap();
    let architecture = classifier::Architecture {
        layers: vec![2, 9, 4],
        activation: Activation::Relu,
        dropout: 0.0,
    };
    let network = Classifier::new(&architecture, 5, &opened.device);
    let layers = network.portable().unwrap();
    let stages: Vec<Stage> = layers.into_iter().map(Stage::Dense).collect();
    let point = [0.3, -0.8];
    let (logits, _) = run_stages(&stages, &point);
    let expected = network.logits(on_device(&point, 2), &mut DropoutMasks::none());
    assert_close(&logits, expected, "classifier");
}
