//! How often training waits for a graphics card. wgpu says in its log when it is asked for results.

use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Device;
use hourglass::batches::Batches;
use hourglass::data::{Corruption, ImageSet};
use hourglass::device::{self, Backend};
use hourglass::model::Autoencoder;
use hourglass::objective::Reconstruction;
use hourglass::task::ReconstructionTask;
use hourglass::train::{Adam, Event, Fit, Optimizer, fit};

use crate::support;

/// Results that this process has asked the device for: each is a wait.
static WAITS: AtomicUsize = AtomicUsize::new(0);

struct Log;

impl log::Log for Log {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("wgpu_core")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata())
            && record.args().to_string().starts_with("Buffer::map_async")
        {
            WAITS.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn flush(&self) {}
}

/// In a process of its own, where no other test uses the device.
#[test]
fn training_on_a_gpu_waits_for_it_only_to_read_the_loss() {
    if !support::backends()
        .iter()
        .any(|opened| opened.backend == Backend::Wgpu)
    {
        return;
    }
    let output = support::tests()
        .args([
            "--exact",
            "synchronisations::counted",
            "--ignored",
            "--nocapture",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    // 60 steps: after the 50th and the last.
    assert!(text.contains("waits in 60 steps: [2, 2]"), "{text}");
    assert!(text.contains("waits in 60 noisy steps: [2, 2]"), "{text}");
}

#[test]
#[ignore = "run by the test above"]
fn counted() {
    log::set_logger(&Log).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let device = device::open(Backend::Wgpu).unwrap().device;
    println!("waits in 60 steps: {:?}", waits(&device, None));
    let noise = Corruption::Gaussian { sigma: 0.4 };
    println!("waits in 60 noisy steps: {:?}", waits(&device, Some(noise)));
}

/// Waits in the training part of each of two epochs of 60 steps.
fn waits(device: &Device, corruption: Option<Corruption>) -> Vec<usize> {
    let pixels = (0..120 * 12).map(|i| (i * 37 % 256) as u8).collect();
    let images = ImageSet::new(3, 4, pixels, None);
    let mut examples = support::image_examples(&images, device);
    examples.batches = vec![Batches::resident(device, &images, u64::MAX)];
    examples.corruption = corruption;
    let task = ReconstructionTask {
        images: examples,
        reconstruction: Reconstruction::BinaryCrossEntropy,
        sparsity: None,
    };
    let architecture = support::architecture(&[12, 6, 3]);
    let settings = Fit {
        epochs: 2,
        batch_size: 2,
        ..support::fit(Optimizer::Adam(Adam::default()))
    };
    let (mut before, mut waits) = (0, Vec::new());
    let network = Autoencoder::new(&architecture, 1, device);
    fit(&settings, &task, network, &mut |event| {
        let now = WAITS.load(Ordering::SeqCst);
        match event {
            Event::EpochBegins { .. } => before = now,
            Event::Step { step: 60, .. } => waits.push(now - before),
            _ => {}
        }
    })
    .unwrap();
    waits
}
