//! The cross-entropy of one image, and the least that it can be.

use std::sync::LazyLock;

use crate::data::to_unit;

/// Binary cross-entropy of grey pixels against the sigmoid of logits, a sum over pixels.
pub(super) fn bce_nats(pixels: &[f32], logits: &[f32]) -> f64 {
    let mut sum = CrossEntropy::default();
    for (&pixel, &logit) in pixels.iter().zip(logits) {
        sum.add(f64::from(pixel), f64::from(logit));
    }
    sum.nats()
}

/// A sum of binary cross-entropies of grey pixels against the sigmoid of logits.
///
/// ```text
/// max(z, 0) − x z + ln(1 + exp(−|z|))
/// ```
pub(super) struct CrossEntropy {
    linear: f64,
    logarithms: f64,
    /// Of the factors `1 + exp(−|z|)` whose logarithms are not in the sum yet: a sum of logarithms is the
    /// logarithm of a product, which takes a hundredth of the time.
    product: f64,
    factors: u32,
}

impl Default for CrossEntropy {
    fn default() -> Self {
        Self {
            linear: 0.0,
            logarithms: 0.0,
            product: 1.0,
            factors: 0,
        }
    }
}

impl CrossEntropy {
    /// Factors up to 2 whose product is surely finite.
    const FACTORS: u32 = 1000;

    /// Adds a pixel, and gives the sigmoid of its logit.
    pub fn add(&mut self, x: f64, z: f64) -> f64 {
        let tail = (-z.abs()).exp();
        self.linear += z.max(0.0) - x * z;
        self.product *= 1.0 + tail;
        self.factors += 1;
        if self.factors == Self::FACTORS {
            self.logarithms += self.product.ln();
            (self.product, self.factors) = (1.0, 0);
        }
        let larger = 1.0 / (1.0 + tail);
        if z >= 0.0 { larger } else { tail * larger }
    }

    pub fn nats(&self) -> f64 {
        self.linear + self.logarithms + self.product.ln()
    }
}

/// The entropy of grey pixels read as probabilities, a sum over pixels.
pub(super) fn entropy_nats(pixels: &[f32]) -> f64 {
    fn of(x: f64) -> f64 {
        match x {
            0.0 | 1.0 => 0.0,
            x => -x * x.ln() - (1.0 - x) * (1.0 - x).ln(),
        }
    }
    static OF_BYTE: LazyLock<[f64; 256]> =
        LazyLock::new(|| std::array::from_fn(|byte| of(to_unit(byte as u8).into())));
    // Most pixels were bytes, and looking one up takes a tenth of the time of two logarithms.
    let each = pixels.iter().map(|&x| {
        let byte = (x * 255.0).round() as u8;
        match to_unit(byte) == x {
            true => OF_BYTE[usize::from(byte)],
            false => of(x.into()),
        }
    });
    each.sum()
}
