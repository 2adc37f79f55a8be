//! The files of a checkpoint, fuzzed behind their checksums.

use std::fs;
use std::path::Path;

use hourglass::data::ImageSet;
use hourglass::model::Autoencoder;
use hourglass::model::weights;
use hourglass::objective::Reconstruction;
use hourglass::task::ReconstructionTask;
use hourglass::train::checkpoint::{self, Checkpoint, Checkpoints, Policy};
use hourglass::train::{Adam, Fit, Optimizer, Progress, Training};
use sha2::{Digest, Sha256};

use super::Tally;
use super::fuzz::fuzz;
use crate::support;

/// A small training with a checkpoint of it.
struct Trained {
    directory: tempfile::TempDir,
    task: ReconstructionTask,
    network: Autoencoder,
    fit: Fit,
    device: burn::tensor::Device,
}

impl Trained {
    fn new() -> Self {
        let opened = support::backends().remove(0);
        let pixels = (0..20 * 12).map(|i| (i * 37 % 256) as u8).collect();
        let images = ImageSet::new(3, 4, pixels, None);
        let task = ReconstructionTask {
            images: support::image_examples(&images, &opened.device),
            reconstruction: Reconstruction::BinaryCrossEntropy,
            sparsity: None,
        };
        let fit = Fit {
            epochs: 2,
            batch_size: 4,
            ..support::fit(Optimizer::Adam(Adam::default()))
        };
        let network = Autoencoder::new(&support::architecture(&[12, 7, 3]), 1, &opened.device);
        let directory = tempfile::tempdir().unwrap();
        let mut training = Training::new(&fit, &task, network.clone());
        while training.step() < 7 {
            training.advance().unwrap();
        }
        let policy = Policy::default();
        Checkpoints::new(
            directory.path(),
            policy,
            "name = \"x\"\n".into(),
            support::origin(&opened),
            &Progress::default(),
        )
        .save(&mut training)
        .unwrap();
        Self {
            directory,
            task,
            network,
            fit,
            device: opened.device,
        }
    }

    /// Fuzzes a file of the checkpoint; with `and_checksum` what changed it knew of the checksums.
    fn fuzz(self, times: usize, seed: u64, name: &str, and_checksum: bool) -> Tally {
        let (_, path) = checkpoint::list(self.directory.path()).unwrap().remove(0);
        let valid = fs::read(path.join(name)).unwrap();
        let sums = fs::read_to_string(path.join("checksums.sha256")).unwrap();
        let file = path.join(name);
        let known = hourglass::data::hexadecimal(&Sha256::digest(&valid));
        fuzz(
            times,
            seed,
            &valid,
            !name.ends_with("tensors"),
            move |input| {
                fs::write(&file, input).unwrap();
                if and_checksum {
                    let new = hourglass::data::hexadecimal(&Sha256::digest(input));
                    let sums = sums.replace(&known, &new);
                    fs::write(path.join("checksums.sha256"), sums).unwrap();
                }
                let Ok(checkpoint) = Checkpoint::read(&path) else {
                    return false;
                };
                let Ok(saved) = checkpoint.saved(&self.network) else {
                    return false;
                };
                let restored = Training::restore(&self.fit, &self.task, saved, &self.device);
                let Ok(mut training) = restored else {
                    return false;
                };
                // What can be restored can be gone on with to the end, for good or ill.
                while let Ok(Some(_)) = training.advance() {}
                let _ = training.save();
                true
            },
        )
    }
}

pub fn progress(times: usize, seed: u64) -> Tally {
    Trained::new().fuzz(times, seed, "progress.json", true)
}

pub fn optimizer(times: usize, seed: u64) -> Tally {
    Trained::new().fuzz(times, seed, "optimizer.safetensors", true)
}

pub fn checksums(times: usize, seed: u64) -> Tally {
    Trained::new().fuzz(times, seed, "checksums.sha256", false)
}

pub fn burnpack(times: usize, seed: u64) -> Tally {
    let network = Trained::new().network;
    let valid = weights::burnpack(&network).unwrap();
    let path = Path::new("model.bpk");
    assert!(weights::from_burnpack(network.clone(), valid.clone(), path).is_ok());
    fuzz(times, seed, &valid, false, move |input| {
        weights::from_burnpack(network.clone(), input.to_vec(), path).is_ok()
    })
}
