//! The gradients of a step, of all its examples at once or of shards of them on several workers.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};

use crate::device::computes_on_callers_thread;
use crate::task::{Loss, Task, WHOLE};
use crate::workers;

/// The examples that a step is taken on.
#[derive(Clone, Copy, Debug)]
pub struct StepExamples<'a> {
    pub epoch: usize,
    pub indices: &'a [usize],
}

/// The losses of a step's shards, which add up to that of the step and no longer carry gradients, and the gradients of
/// their sum. All lie on the task's first device.
pub struct Backward {
    pub losses: Vec<Loss>,
    pub gradients: GradientsParams,
}

/// Cuts the examples of a step into as many shards as there are to be, alike in size but for one example, and computes
/// the gradients of as many at a time as the task has devices: one on each. They are added up in the order of the shards,
/// so that nothing depends on how many workers there are.
pub fn backward<M: Module, T: Task<M>>(
    task: &T,
    network: &M,
    examples: StepExamples<'_>,
    shards: usize,
) -> Backward {
    let devices = task.devices();
    let parts = cut(examples.indices, shards);
    if let [indices] = parts[..] {
        let batch = task.batch(examples.epoch, indices, 0);
        let (loss, gradients) = differentiate(task.loss(network, batch, WHOLE), network);
        return Backward {
            losses: vec![loss],
            gradients,
        };
    }
    // Each device's has an autodiff graph of its own: graphs that share nodes wait for each other.
    let used = &devices[..devices.len().min(parts.len())];
    let networks: Vec<M> = used
        .iter()
        .enumerate()
        .map(|(index, device)| match index {
            0 => network.clone(),
            _ => network.clone().fork(device),
        })
        .collect();
    let mut losses = Vec::new();
    let mut sum = GradientsAccumulator::new();
    for round in parts.chunks(used.len()) {
        for (loss, gradients) in at_once(task, &networks, examples, round) {
            losses.push(loss.to_device(&devices[0]));
            sum.accumulate(network, gradients.to_device(&devices[0], network));
        }
    }
    // Nobody else may hold weights that the optimizer is to change in place.
    drop(networks);
    Backward {
        losses,
        gradients: sum.grads(),
    }
}

/// What one device computes.
struct Shard<'a, M> {
    network: M,
    indices: &'a [usize],
    device: usize,
    done: &'a mut Option<(Loss, GradientsParams)>,
}

/// The losses and gradients of parts of a step's examples, each on a device of its own, with the network that is there.
fn at_once<M: Module, T: Task<M>>(
    task: &T,
    networks: &[M],
    examples: StepExamples<'_>,
    parts: &[&[usize]],
) -> Vec<(Loss, GradientsParams)> {
    let mut done: Vec<_> = parts.iter().map(|_| None).collect();
    let shards: Vec<_> = parts
        .iter()
        .zip(networks)
        .zip(&mut done)
        .enumerate()
        .map(|(device, ((indices, network), done))| Shard {
            network: network.clone(),
            indices,
            device,
            done,
        })
        .collect();
    let compute = |shard: Shard<'_, M>| {
        let share = shard.indices.len() as f64 / examples.indices.len() as f64;
        let batch = task.batch(examples.epoch, shard.indices, shard.device);
        let loss = task.loss(&shard.network, batch, share);
        *shard.done = Some(differentiate(loss, &shard.network));
    };
    match shards.len() > 1 && computes_on_callers_thread(&task.devices()[0]) {
        true => workers::each(shards, |shard| workers::alone(|| compute(shard))),
        // Each device takes its work and goes on by itself: nothing here waits for a result.
        false => shards.into_iter().for_each(compute),
    }
    let done = done.into_iter();
    done.map(|done| done.expect("every shard is computed"))
        .collect()
}

fn differentiate<M: Module>(loss: Loss, network: &M) -> (Loss, GradientsParams) {
    let gradients = GradientsParams::from_grads(loss.minimised.backward(), network);
    let loss = Loss {
        minimised: loss.minimised.without_autodiff(),
        ..loss
    };
    (loss, gradients)
}

/// Cuts indices into so many parts that follow each other, but leaves out those that would be empty.
fn cut(indices: &[usize], parts: usize) -> Vec<&[usize]> {
    let bound = |part| part * indices.len() / parts;
    (0..parts)
        .map(|part| &indices[bound(part)..bound(part + 1)])
        .filter(|part| !part.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_and_are_alike_in_size() {
        for length in 1..40 {
            let indices: Vec<usize> = (0..length).map(|index| 100 - index).collect();
            for parts in 1..10 {
                let cut = cut(&indices, parts);
                assert_eq!(cut.concat(), indices);
                assert_eq!(cut.len(), parts.min(length));
                let sizes = cut.iter().map(|part| part.len());
                assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
            }
        }
    }
}
