//! What computes: program, machine and backend, as far as results depend on them.

use serde::{Deserialize, Serialize};

use crate::device::{self, OpenDevice};

/// The release of Burn that `Cargo.toml` pins.
const BURN_VERSION: &str = "0.22.1";

/// What a run is made with. The same environment, config and data give the same bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    pub hourglass: String,
    pub burn: String,
    /// Operating system and instruction set.
    pub platform: String,
    pub processor: String,
    /// Extensions of the instruction set that this build takes for granted.
    pub compiled_for: Vec<String>,
    /// Extensions that the processor has and that kernels make use of.
    pub detected: Vec<String>,
    pub backend: String,
    pub device: String,
}

/// Names of the extensions that `$test` finds, among those that matter to the kernels.
macro_rules! extensions {
    ($test:ident, $($name:tt),*) => {
        [$(($name, $test!($name))),*]
            .into_iter()
            .filter_map(|(name, is_there)| is_there.then(|| name.to_owned()))
            .collect()
    };
}

#[cfg(target_arch = "x86_64")]
fn detected() -> Vec<String> {
    use std::arch::is_x86_feature_detected as detected;
    extensions!(
        detected, "sse4.2", "avx", "fma", "avx2", "avx512f", "avx512vl", "avx512dq", "avx512bw"
    )
}

#[cfg(target_arch = "aarch64")]
fn detected() -> Vec<String> {
    use std::arch::is_aarch64_feature_detected as detected;
    extensions!(detected, "neon", "sve")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detected() -> Vec<String> {
    Vec::new()
}

fn compiled_for() -> Vec<String> {
    macro_rules! compiled {
        ($name:tt) => {
            cfg!(target_feature = $name)
        };
    }
    extensions!(
        compiled, "sse2", "sse4.2", "avx", "fma", "avx2", "avx512f", "avx512vl", "avx512dq",
        "avx512bw", "neon", "sve"
    )
}

impl Environment {
    /// This program on this machine with an open device.
    pub fn new(opened: &OpenDevice) -> Self {
        Self {
            hourglass: env!("CARGO_PKG_VERSION").into(),
            burn: BURN_VERSION.into(),
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            processor: device::processor_name(),
            compiled_for: compiled_for(),
            detected: detected(),
            backend: opened.backend.name().into(),
            device: opened.device_name.clone(),
        }
    }

    /// In what this one differs from another, in words.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let list = |names: &[String]| names.join(" ");
        [
            ("hourglass", self.hourglass.clone(), other.hourglass.clone()),
            ("Burn", self.burn.clone(), other.burn.clone()),
            ("platform", self.platform.clone(), other.platform.clone()),
            ("processor", self.processor.clone(), other.processor.clone()),
            (
                "compiled for",
                list(&self.compiled_for),
                list(&other.compiled_for),
            ),
            ("extensions", list(&self.detected), list(&other.detected)),
            ("backend", self.backend.clone(), other.backend.clone()),
            ("device", self.device.clone(), other.device.clone()),
        ]
        .into_iter()
        .filter(|(_, here, there)| here != there)
        .map(|(name, here, there)| format!("{name} {there} there, {here} here"))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_receipt_names_the_burn_that_is_built() {
        let manifest = include_str!("../Cargo.toml");
        let pin = format!("burn = {{ version = \"={}\"", super::BURN_VERSION);
        assert!(manifest.contains(&pin));
    }
}
