//! Tests across the whole crate and of the real binary. One binary: linking Burn is slow.

mod backends;
mod command_line;
mod configs;
mod golden;
mod linear;
mod support;
mod weights;
