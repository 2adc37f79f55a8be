//! `man`: manual pages, made of what `--help` says.

use std::fs;

use clap::CommandFactory;
use clap_mangen::{Man, generate_to};

use super::{answer, check_directory_name, print};
use crate::cli::{self, Cli};
use crate::error::Error;
use crate::files;

pub fn run(arguments: &cli::Man) -> Result<(), Error> {
    let Some(out) = &arguments.out else {
        let mut page = Vec::new();
        Man::new(Cli::command()).render(&mut page)?;
        return print(&String::from_utf8_lossy(&page));
    };
    check_directory_name(out)?;
    fs::create_dir_all(out).map_err(files::at(out))?;
    generate_to(Cli::command(), out).map_err(files::at(out))?;
    answer(&format!("{}\n", out.display()))
}
