//! How far a classifier is from the classes of its examples.

use burn::tensor::{Int, Tensor, activation};

/// The negative log-likelihood of the right classes under a softmax, in nats, a mean over the batch.
///
/// ```text
/// −ln P(y|x),  P(k|x) = exp f_k / Σⱼ exp f_j        ∂/∂f_k = (P(k|x) − 1(y = k)) / n
/// ```
///
/// # Shapes
/// `[batch, classes], [batch] → [1]`
///
/// # Source
/// The lecture's loss, `−log P(y|x)`.
pub fn cross_entropy_nats(logits: Tensor<2>, classes: Tensor<1, Int>) -> Tensor<1> {
    let log_probabilities = activation::log_softmax(logits, 1);
    let right = log_probabilities.gather(1, classes.unsqueeze_dim(1));
    right.mean().neg()
}
