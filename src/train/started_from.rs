//! The weights that a training starts from, where these were not drawn for it.

use serde::{Deserialize, Serialize};

use crate::data::Checksum;

/// The source of the first weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartedFrom {
    /// The run or the file, as it was named.
    pub from: String,
    /// The file that held the weights.
    pub file: Checksum,
    /// Fingerprint of the weights.
    pub weights_sha256: String,
    /// The run's own copy of them.
    pub copy: Checksum,
}
