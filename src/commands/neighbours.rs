//! `neighbours`: images, and the test images whose codes are nearest to theirs.

use super::{answer, answer_json, open_trained};
use crate::cli;
use crate::error::Error;
use crate::evaluate::Neighbours;
use crate::report::{self, Grid};
use crate::run_directory::RunDirectory;

pub fn run(arguments: cli::Neighbours) -> Result<(), Error> {
    let loaded = open_trained(&arguments.run)?;
    let (out, _lock) = loaded.place_for_picture(arguments.out, RunDirectory::neighbours)?;
    let pool = loaded.test_images()?;
    // A test image is not its own neighbour; one that the user brings has none to leave out.
    let (images, own) = match &arguments.input {
        Some(path) => {
            let most = arguments.rows.into();
            let images =
                loaded.read_images(std::slice::from_ref(path), &arguments.fitting, false, most)?;
            (images, None)
        }
        None => {
            let own = pool.one_of_each_class(arguments.rows.into());
            (pool.select(&own), Some(own))
        }
    };
    let count = usize::from(arguments.count);
    let wanted = count + usize::from(own.is_some());
    if pool.count() < wanted {
        return Err(Error::TooFewImages {
            wanted,
            found: pool.count(),
        });
    }
    let evaluator = loaded.evaluator();
    let codes = evaluator.encode(&*loaded.network, &pool)?;
    let queries = evaluator.encode(&*loaded.network, &images)?;
    let mut nearest = Neighbours::new(&codes, loaded.code_size).nearest(&queries, wanted);
    for (row, nearest) in nearest.iter_mut().enumerate() {
        if let Some(own) = &own {
            nearest.retain(|&index| index != own[row]);
        }
        nearest.truncate(count);
    }
    let classes = images.labels().zip(pool.labels());
    let same = classes.map(|(own, pool)| {
        let rows = nearest.iter().zip(own);
        let each =
            rows.flat_map(|(nearest, class)| nearest.iter().map(move |&n| pool[n] == *class));
        let same = each.filter(|same| *same).count();
        same as f64 / (images.count() * count) as f64
    });
    let size = images.pixels_per_image();
    let mut pixels = Vec::new();
    for (row, nearest) in nearest.iter().enumerate() {
        pixels.extend(images.image(row));
        // White parts an image from its neighbours.
        pixels.extend(std::iter::repeat_n(1.0, size));
        for &index in nearest {
            pixels.extend(pool.image(index));
        }
    }
    let mut note = "an image, and the test images whose codes are nearest to its code".to_owned();
    if let Some(same) = same {
        note += &format!("; {:.0} % of them are of its class", 100.0 * same);
    }
    let grid = Grid {
        title: &loaded.config.title(),
        note: &note,
        pixels: &pixels,
        shape: images.shape(),
        columns: count + 2,
        side: 84,
        gap: 6,
    };
    report::grid(&out, &grid)?;
    match arguments.json {
        false => answer(&format!("{}\n", out.display())),
        true => answer_json(&serde_json::json!({
            "picture": out,
            "images": own,
            "nearest": nearest,
            "same_class_share": same,
        })),
    }
}
