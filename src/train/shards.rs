//! The gradients of a step, of all its examples at once or of shards of them on several workers.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Device;

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

/// A part of a step's examples, as one worker computes it.
struct Shard<'a, M> {
    /// With an autodiff graph of its own, since graphs that share nodes wait for each other; the first is the network itself.
    network: Option<M>,
    indices: &'a [usize],
    /// Of the step's examples.
    share: f64,
    done: Option<(Loss, GradientsParams)>,
}

/// Cuts the examples of a step into as many shards as there are to be, alike in size but for one example, and computes
/// the gradients of each: where the task's devices are accelerators, on each of them in turn, and where they are a
/// processor, several times, on as many threads, each of which works alone. They are added up in the order of the
/// shards, so that nothing depends on how many workers there are.
pub fn backward<M: Module, T: Task<M>>(
    task: &T,
    network: &M,
    examples: StepExamples<'_>,
    shards: usize,
) -> Backward {
    let StepExamples { epoch, indices } = examples;
    let devices = task.devices();
    let parts = cut(indices, shards);
    if let [indices] = parts[..] {
        let batch = task.batch(epoch, indices, 0);
        let (loss, gradients) = differentiate(task.loss(network, batch, WHOLE), network);
        return Backward {
            losses: vec![loss],
            gradients,
        };
    }
    let mut shards: Vec<_> = (0..parts.len())
        .map(|index| Shard {
            network: Some(match index {
                0 => network.clone(),
                _ => network.clone().fork(&devices[index % devices.len()]),
            }),
            indices: parts[index],
            share: parts[index].len() as f64 / indices.len() as f64,
            done: None,
        })
        .collect();
    let compute = |shard: &mut Shard<'_, M>, device: usize| {
        let network = shard.network.take().expect("a shard is computed once");
        let batch = task.batch(epoch, shard.indices, device);
        let loss = task.loss(&network, batch, shard.share);
        shard.done = Some(differentiate(loss, &network));
    };
    match devices.len() > 1 && computes_on_callers_thread(&devices[0]) {
        true => {
            let mut by_worker: Vec<(usize, Vec<_>)> =
                (0..devices.len()).map(|each| (each, Vec::new())).collect();
            for (index, shard) in shards.iter_mut().enumerate() {
                by_worker[index % devices.len()].1.push(shard);
            }
            workers::each(by_worker, |(worker, shards)| {
                workers::alone(|| shards.into_iter().for_each(|shard| compute(shard, worker)));
            });
        }
        // Each takes its work and goes on by itself: nothing here waits for a result.
        false => {
            for (index, shard) in shards.iter_mut().enumerate() {
                compute(shard, index % devices.len());
            }
        }
    }
    reduce(shards, network, &devices[0])
}

fn reduce<M: Module>(shards: Vec<Shard<'_, M>>, network: &M, device: &Device) -> Backward {
    let mut losses = Vec::new();
    let mut sum = GradientsAccumulator::new();
    for shard in shards {
        let (loss, gradients) = shard.done.expect("every shard is computed");
        losses.push(loss.to_device(device));
        sum.accumulate(network, gradients.to_device(device, network));
    }
    Backward {
        losses,
        gradients: sum.grads(),
    }
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
