//! The repository's experiments, for a program away from it.

/// An experiment under `configs/`.
#[derive(Clone, Copy, Debug)]
pub struct StockConfig {
    pub name: &'static str,
    /// Where it is in the repository.
    pub file: &'static str,
    pub text: &'static str,
}

macro_rules! stock {
    ($($name:literal),* $(,)?) => {
        &[$(StockConfig {
            name: $name,
            file: concat!("configs/", $name, ".toml"),
            text: include_str!(concat!("../../configs/", $name, ".toml")),
        }),*]
    };
}

/// All of them, in order of name.
pub const STOCK: &[StockConfig] = stock![
    "activations",
    "deep",
    "denoising",
    "fast",
    "linear",
    "overfit",
    "overfit-denoising",
    "pca",
    "probabilistic-pca",
    "shallow",
    "smoke",
    "sparse",
    "spirals",
    "spirals-adam",
    "spirals-minibatch",
    "spirals-momentum",
    "topic-model",
    "variational",
    "variational-2d",
];

impl StockConfig {
    /// The experiment of a name.
    ///
    /// # Panics
    /// There is none.
    pub fn named(name: &str) -> &'static Self {
        let found = STOCK.iter().find(|stock| stock.name == name);
        found.unwrap_or_else(|| panic!("there is no configs/{name}.toml"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_experiment_is_here() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
        let entries = std::fs::read_dir(directory).unwrap();
        let files = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file());
        let names: BTreeSet<String> = files
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        let stock = STOCK.iter().map(|stock| stock.name.to_owned());
        assert_eq!(stock.collect::<BTreeSet<_>>(), names);
    }
}
