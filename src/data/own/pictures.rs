//! Images as splits: one scale for the samples of all, and no image in two of them.

use std::path::{Path, PathBuf};

use super::folders::Folders;
use crate::data::error::DataError;
use crate::data::input::{Depth, Input, InputError, Options, Pictures};
use crate::data::preparation::{Preparation, Scaling};

/// The inputs of the splits: training, validation, test.
pub(super) struct Inputs {
    pub(super) train: Input,
    pub(super) validation: Option<Input>,
    pub(super) test: Option<Input>,
}

/// Opens the folders of the splits.
///
/// # Errors
/// One cannot be read, two hold the same images, or their samples have no common scale.
pub(super) fn open(folders: &Folders, options: &Options) -> Result<Inputs, DataError> {
    let open = |path: &Option<PathBuf>| -> Result<Option<Input>, InputError> {
        path.as_ref()
            .map(|path| Input::open(path, options))
            .transpose()
    };
    let mut inputs = Inputs {
        train: Input::open(&folders.train, options)?,
        validation: open(&folders.validation)?,
        test: open(&folders.test)?,
    };
    let mut all: Vec<(&str, &mut Pictures)> = [
        ("training", Some(&mut inputs.train)),
        ("validation", inputs.validation.as_mut()),
        ("test", inputs.test.as_mut()),
    ]
    .into_iter()
    .filter_map(|(name, input)| match input {
        Some(Input::Pictures(pictures)) => Some((name, pictures)),
        _ => None,
    })
    .collect();
    for (place, (name, pictures)) in all.iter().enumerate() {
        for (other_name, other) in &all[..place] {
            if let Some(shared) = pictures.folders().intersection(other.folders()).next() {
                return Err(DataError::Unsuitable {
                    path: shared.clone(),
                    problem: format!("is in the {other_name} and in the {name} split"),
                    hint: "remove the link that leads to it, or name other folders".into(),
                });
            }
        }
    }
    let depths = all.iter().filter_map(|(_, pictures)| pictures.depth());
    if let Some(depth) = depths.max() {
        let are_others = all
            .iter()
            .any(|(_, pictures)| pictures.depth() != Some(depth));
        if depth == Depth::Numbers && are_others {
            return Err(DataError::Unsuitable {
                path: folders.train.clone(),
                problem: "mixes floating-point or signed images with 8- or 16-bit images across its splits".into(),
                hint: "give images of one kind: samples of the two have no common scale".into(),
            });
        }
        all.iter_mut()
            .for_each(|(_, pictures)| pictures.bring_to(depth));
    }
    Ok(inputs)
}

/// What the samples of images become; as is `known` of the run that they are measured with.
///
/// # Errors
/// They have no defined black and white, and none are given.
pub(super) fn prepared(
    pictures: &Pictures,
    path: &Path,
    known: Option<&Preparation>,
    preparation: Preparation,
) -> Result<Preparation, DataError> {
    if let Some(known) = known {
        return Ok(Preparation {
            scaling: known.scaling.clone(),
            in_unit_range: known.in_unit_range,
            is_bounded: known.is_bounded,
            are_bytes: known.are_bytes,
            depth: known.depth,
            ..preparation
        });
    }
    let Some(depth) = pictures.depth() else {
        return Ok(preparation);
    };
    let scaling = match (preparation.fit.range, depth) {
        (Some((low, high)), _) => Some(Scaling::of_range(low, high)),
        (None, Depth::Eight) => None,
        (None, Depth::Sixteen) => Some(Scaling::of_range(0.0, depth.white())),
        (None, Depth::Numbers) => {
            if let Some((least, greatest)) = pictures.extremes()
                && (least < 0.0 || greatest > 1.0)
            {
                return Err(DataError::Unsuitable {
                    path: path.to_owned(),
                    problem: format!(
                        "its samples go from {least} to {greatest}, and floating-point or signed samples have no defined black and white"
                    ),
                    hint: format!(
                        "say which become 0 and 1 with data.range = [LOW, HIGH], such as [{least}, {greatest}]"
                    ),
                });
            }
            None
        }
    };
    Ok(Preparation {
        is_bounded: preparation.is_bounded || scaling.is_some(),
        are_bytes: pictures.are_bytes(),
        in_unit_range: true,
        scaling,
        depth: Some(depth),
        ..preparation
    })
}
