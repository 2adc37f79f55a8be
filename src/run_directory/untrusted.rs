//! Untrusted entries at the names that a run uses. A run directory may be hostile: nothing in it is read,
//! written or removed through a link, and no FIFO, socket or device in it is opened.
//!
//! The directory itself may be named through a link, as `artifacts/latest` is.

use std::path::Path;

use super::{RunDirectory, RunError};
use crate::files;
use crate::train::checkpoint;

/// The treatment of links at the names of files.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Links {
    /// Those at files that are read are refused.
    Refused,
    /// All files are removed before others are written.
    Replaced,
}

impl RunDirectory {
    /// Files that are only ever written, by way of [`Self::unlink_outputs`]; all others are read and believed.
    const OUTPUTS: [&'static str; 13] = [
        Self::RECONSTRUCTIONS,
        Self::CURVES,
        Self::CODE,
        Self::SAMPLES,
        Self::MANIFOLD,
        Self::INTERPOLATION,
        Self::REGIONS,
        Self::MAP,
        Self::NEIGHBOURS,
        Self::REPORT,
        Self::ONNX_ENCODER,
        Self::ONNX_DECODER,
        Self::ONNX,
    ];

    /// Refuses a directory that has anything but files and directories at the names that a run uses.
    ///
    /// # Errors
    /// There is a link where it would be followed, or a FIFO, a socket or a device.
    pub(super) fn check_entries(path: &Path, links: Links) -> Result<(), RunError> {
        let never_links = [Self::CHECKPOINTS, Self::TENSORBOARD, Self::LOCK];
        let files = Self::FILES.into_iter().chain([checkpoint::CHECKSUMS]);
        let may_be_links = |name: &str| links == Links::Replaced || Self::OUTPUTS.contains(&name);
        let entries = never_links
            .map(|name| (name, false))
            .into_iter()
            .chain(files.map(|name| (name, may_be_links(name))));
        for (name, may_be_link) in entries {
            let entry = path.join(name);
            files::refuse_special(&entry).map_err(|_| RunError::Special(entry.clone()))?;
            if !may_be_link && entry.is_symlink() {
                return Err(RunError::Link(entry));
            }
        }
        Ok(())
    }

    /// Removes links at the names of files that are only written, before any of them is.
    ///
    /// # Errors
    /// One cannot be removed.
    pub(super) fn unlink_outputs(&self) -> Result<(), RunError> {
        for name in Self::OUTPUTS {
            files::unlink(&self.path.join(name))?;
        }
        Ok(())
    }
}
