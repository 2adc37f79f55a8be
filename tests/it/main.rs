//! Tests across the whole crate and of the real binary. One binary: linking Burn is slow.

// Clippy knows tests by their attribute only, not the functions that they share.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod activations;
#[cfg(unix)]
mod allocations;
mod backends;
mod baseline_runs;
mod baselines;
mod code_space;
mod command_line;
mod configs;
mod documents;
mod export;
#[cfg(unix)]
mod faults;
mod finite_differences;
mod golden;
mod gradients;
mod imports;
mod imports_by_name;
#[cfg(unix)]
mod interruptions;
mod kernels;
mod kinds;
mod linear;
mod not_finite;
mod own;
mod pages;
mod parity;
mod portable;
mod receipts;
#[cfg(all(feature = "remote", unix))]
mod remote;
mod resume;
mod shards;
mod studies;
mod support;
mod synchronisations;
mod tasks;
#[cfg(unix)]
mod untrusted;
mod verify;
mod warm_start;
mod weights;
