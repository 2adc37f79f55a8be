//! hourglass trains, measures, explains and applies autoencoders.
//!
//! The binary of the same name is a thin layer over this library. Dependencies point one way:
//!
//! ```text
//! main → commands → config, device, data, train, evaluate, report, apply, run_directory, signals
//!                   apply → run_directory, evaluate, device
//!                   report → train, evaluate, config
//!                   gradcheck → backpropagation, task
//!                   run_directory → config, model, train → files
//!                   train → task, evaluate, random, files, environment
//!                   task → evaluate, objective, batches, baselines
//!                   evaluate → baselines → model, batches → data → random
//!                   objective → model → kernels → Burn
//!                   kernels, data → workers, memory
//!                   config, data, random know no Burn device
//! ```
//!
//! `ARCHITECTURE.md` walks through the rooms.

pub mod apply;
pub mod backpropagation;
pub mod baselines;
pub mod batches;
pub mod cli;
pub mod commands;
pub mod config;
pub mod data;
pub mod device;
pub mod environment;
pub mod error;
pub mod evaluate;
pub mod files;
pub mod gradcheck;
pub mod kernels;
pub mod memory;
pub mod model;
pub mod objective;
pub mod random;
pub mod report;
pub mod run_directory;
pub mod signals;
pub mod task;
pub mod train;
pub mod workers;
