//! `map`: codes of test images in a plane.

use indicatif::ProgressBar;

use super::{answer, answer_json, open_trained, warn};
use crate::cli;
use crate::error::Error;
use crate::evaluate::{LEAST_CODES, Plane, principal_plane, t_sne};
use crate::report::{self, MapPanel, MapPicture};
use crate::run_directory::RunDirectory;

pub fn run(arguments: cli::Map, quiet: bool) -> Result<(), Error> {
    let loaded = open_trained(&arguments.run)?;
    let (out, _lock) = loaded.place_for_picture(arguments.out, RunDirectory::map)?;
    let mut images = loaded.test_images()?;
    images.truncate(usize::from(arguments.count).min(images.count()));
    if images.count() < LEAST_CODES {
        return Err(Error::TooFewImages {
            wanted: LEAST_CODES,
            found: images.count(),
        });
    }
    let codes = loaded.evaluator().encode(&*loaded.network, &images)?;
    let width = loaded.code_size;
    let mut planes: Vec<(&str, String, Plane)> = Vec::new();
    for projection in &arguments.projection {
        let (name, caption, plane) = match projection {
            cli::Projection::Pca => {
                let plane = principal_plane(&codes, width)?;
                let share = plane.variance_share.unwrap_or(1.0);
                let caption = format!(
                    "two principal axes of the codes: {:.0} % of their variance",
                    100.0 * share
                );
                ("pca", caption, plane)
            }
            cli::Projection::TSne => {
                let bar = match quiet {
                    true => ProgressBar::hidden(),
                    false => ProgressBar::new(0),
                };
                let plane = t_sne(&codes, width, |iteration, all| {
                    bar.set_length(all as u64);
                    bar.set_position(iteration as u64);
                })?;
                bar.finish_and_clear();
                let Some(plane) = plane else {
                    warn(
                        "t-SNE has no places for codes that are alike or so few; only other planes are drawn",
                    );
                    continue;
                };
                let caption = "t-SNE: near codes are near, far ones anywhere".to_owned();
                ("t_sne", caption, plane)
            }
        };
        planes.push((name, caption, plane));
    }
    let panels: Vec<MapPanel<'_>> = planes
        .iter()
        .map(|(_, caption, plane)| MapPanel {
            caption,
            points: &plane.points,
        })
        .collect();
    let picture = MapPicture {
        title: &format!(
            "{}: codes of {} test images",
            loaded.config.title(),
            images.count()
        ),
        panels: &panels,
        classes: images.labels(),
    };
    report::map(&out, &picture)?;
    if !arguments.json {
        return answer(&format!("{}\n", out.display()));
    }
    let mut document = serde_json::Map::new();
    document.insert("picture".into(), serde_json::json!(out));
    document.insert("classes".into(), serde_json::json!(images.labels()));
    for (name, _, plane) in &planes {
        document.insert((*name).into(), serde_json::json!(plane.points));
    }
    answer_json(&document.into())
}
