//! `devices`: what this machine has.

use super::{answer, answer_json};
use crate::cli;
use crate::device;
use crate::error::Error;
use crate::report::text::table;

pub fn run(arguments: &cli::Devices) -> Result<(), Error> {
    let listings = device::list();
    if arguments.json {
        let document = serde_json::json!({ "devices": listings });
        return answer_json(&document);
    }
    let rows: Vec<_> = listings
        .into_iter()
        .map(|listing| [listing.place, listing.device, listing.note])
        .collect();
    answer(&table(&rows))
}
