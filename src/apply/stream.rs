//! Examples that users bring, as a trained network takes them.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::Trained;
use crate::data::{
    Block, Columns, Fit, ImageSet, Input, InputError, Options, Pixels, Preparation, Resize, Seen,
    Shape, Source, Stage, UnreadableExamples, Values, Warnings, Watch, Words, describe,
    has_a_pictures_name,
};
use crate::error::Error;

/// How examples are made to fit, where they do not.
#[derive(Clone, Debug, Default)]
pub struct Fitting {
    /// Whether pictures are brought to the network's size.
    pub resize: bool,
    /// Whether black becomes white and white black, or the other way round than in training.
    pub invert: bool,
    /// Which array of an `.npz`.
    pub array: Option<String>,
    /// The column of the classes of a table.
    pub label: Option<String>,
    /// Where what users should know of their examples is added.
    pub warnings: Warnings,
}

/// Some examples, prepared.
pub struct Piece {
    pub examples: ImageSet,
    /// File names, or those of a column.
    pub names: Option<Vec<String>>,
    /// Where any of the inputs has classes; empty for those of inputs without.
    pub classes: Option<Vec<String>>,
    /// Examples before these.
    pub first: usize,
}

/// Examples of an input, prepared.
pub struct Brought {
    pub examples: ImageSet,
    pub names: Option<Vec<String>>,
    /// Of those that were looked at.
    pub unreadable: UnreadableExamples,
    /// How many were looked at, until there were enough.
    pub looked_at: usize,
    /// What users should know of them although it stops nothing.
    pub warnings: Vec<String>,
}

impl Trained {
    /// Reads pictures, a folder of them, an array, a table or an IDX file, whole.
    ///
    /// # Errors
    /// It cannot be read, or holds something else than the network takes.
    pub fn read(&self, input: &Path) -> Result<Brought, Error> {
        self.read_first(&[input.to_owned()], &Fitting::default(), usize::MAX)
    }

    /// Reads the first `most` examples of several inputs, made to fit. Inputs are read a few thousand examples at a time, and no
    /// further than that there are enough: of a folder of as many pictures, all that cannot be read are found.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_first(
        &self,
        inputs: &[PathBuf],
        fitting: &Fitting,
        most: usize,
    ) -> Result<Brought, Error> {
        let preparation = self.preparation()?;
        let mut numbers = Vec::new();
        let mut names: Option<Vec<String>> = None;
        let mut count = 0;
        let read = self.each_block_until(inputs, fitting, &mut |_, _| {}, &mut |piece| {
            count += piece.examples.count();
            numbers.extend(piece.examples.all());
            if let Some(more) = piece.names {
                names.get_or_insert_default().extend(more);
            }
            Ok(match count >= most {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })
        });
        let unreadable = read?;
        let mut examples = preparation.examples(Pixels::Numbers(numbers));
        examples.truncate(most.min(count));
        if let Some(names) = &mut names {
            names.truncate(most);
        }
        Ok(Brought {
            examples,
            names,
            looked_at: count + unreadable.len(),
            unreadable,
            warnings: fitting.warnings.list(),
        })
    }

    /// Reads inputs in order, some examples at a time, and gives each some to `each`: memory does not grow with the input.
    /// What cannot be read among others that can is left out and returned. Warnings go to those of `fitting`.
    ///
    /// # Errors
    /// As [`Self::read`], and when `each` fails.
    pub fn each_block(
        &self,
        inputs: &[PathBuf],
        fitting: &Fitting,
        watch: Watch<'_>,
        each: &mut dyn FnMut(Piece) -> Result<(), Error>,
    ) -> Result<UnreadableExamples, Error> {
        self.each_block_until(inputs, fitting, watch, &mut |piece| {
            each(piece).map(ControlFlow::Continue)
        })
    }

    fn each_block_until(
        &self,
        inputs: &[PathBuf],
        fitting: &Fitting,
        watch: Watch<'_>,
        each: &mut dyn FnMut(Piece) -> Result<ControlFlow<()>, Error>,
    ) -> Result<UnreadableExamples, Error> {
        let preparation = self.preparation()?;
        let options = self.options(&preparation, fitting);
        let mut first = 0;
        let mut seen = Seen::new(&preparation);
        let mut unreadable = UnreadableExamples::new();
        // Files given one by one, by a shell's pattern, are decoded together.
        let opened = match inputs {
            [_, _, ..] if inputs.iter().all(|input| is_a_picture(input)) => {
                vec![(
                    inputs[0].clone(),
                    Input::pictures(inputs.to_vec(), &options)?,
                )]
            }
            _ => {
                let open = |input: &PathBuf| Ok((input.clone(), Input::open(input, &options)?));
                inputs
                    .iter()
                    .map(open)
                    .collect::<Result<Vec<_>, InputError>>()?
            }
        };
        for (path, input) in &opened {
            check(path, input, &preparation)?;
        }
        let total: Option<usize> = opened.iter().map(|(_, input)| input.count()).sum();
        let have_classes = opened.iter().any(|(_, input)| input.has_classes());
        let mut done_before = 0;
        for (path, input) in &opened {
            let mut done = 0;
            let mut answer = ControlFlow::Continue(());
            for warning in input.notes().at(path).warnings {
                fitting.warnings.add(warning);
            }
            let watch = &mut |now, _| {
                done = now;
                watch(done_before + now, total);
            };
            let found =
                input.read_until(input.at_a_time(), watch, &mut |block: Block| -> Result<
                    ControlFlow<()>,
                    Error,
                > {
                    let size = preparation.shape.size();
                    let are_pictures = matches!(input, Input::Pictures(_) | Input::Idx(_));
                    seen.look(&block.values, are_pictures);
                    let values =
                        preparation
                            .prepare(block.values, are_pictures)
                            .map_err(|unsuitable| {
                                let (problem, hint) = describe(
                                    &unsuitable,
                                    first,
                                    &preparation,
                                    preparation.shape,
                                    Stage::Application,
                                );
                                InputError {
                                    path: path.clone(),
                                    problem,
                                    hint,
                                }
                            })?;
                    let count = values.len() / size;
                    let pixels = match values {
                        Values::Bytes(bytes) => Pixels::Bytes(bytes),
                        Values::Numbers(numbers) => Pixels::Numbers(numbers),
                    };
                    let classes = block.classes.filter(|classes| classes.len() == count);
                    let classes = classes.unwrap_or_else(|| vec![String::new(); count]);
                    answer = each(Piece {
                        examples: preparation.examples(pixels),
                        names: block.names,
                        classes: have_classes.then_some(classes),
                        first,
                    })?;
                    first += count;
                    Ok(answer)
                })?;
            done_before += done;
            unreadable.extend(found);
            if answer.is_break() {
                break;
            }
        }
        for warning in seen.application_warnings() {
            fitting.warnings.add(warning);
        }
        match first {
            0 => Err(Error::Input(InputError {
                path: inputs.first().cloned().unwrap_or_default(),
                problem: "none of its examples can be read".into(),
                hint: "check the files".into(),
            })),
            _ => Ok(unreadable),
        }
    }

    fn options(&self, preparation: &Preparation, fitting: &Fitting) -> Options {
        let Shape {
            height,
            width,
            channels,
        } = preparation.shape;
        let trained = &preparation.fit;
        let data = self.config.experiment.images();
        let given = data.and_then(|data| data.own.as_ref()?.numbers.clone());
        let is_table = data.is_some_and(|data| data.source == Source::Csv);
        let label = given
            .as_ref()
            .and_then(|given| given.labels.clone())
            .filter(|_| is_table);
        Options {
            shape: Some(preparation.shape),
            fit: Fit {
                resize: match fitting.resize {
                    true => Some(Resize {
                        size: (height, width),
                        // As in training; images that were all of one size are cropped, as by default.
                        crop: trained.resize.is_none_or(|resize| resize.crop),
                    }),
                    false => trained.resize,
                },
                grayscale: channels == 1,
                invert: trained.invert != fitting.invert,
                background: trained.background,
                grey_weights: trained.grey_weights,
                range: trained.range,
            },
            samples: preparation.samples(),
            transpose: preparation.transpose,
            array: fitting.array.clone(),
            label_arrays: Vec::new(),
            columns: Columns {
                header: given.as_ref().and_then(|given| given.header),
                label: fitting.label.clone().or(label),
                name: None,
                drop: preparation.dropped.clone(),
                dialect: given.map(|given| given.dialect).unwrap_or_default(),
                known: preparation.columns.clone(),
                // Who has classes in training need not have them afterwards.
                optional: fitting.label.is_none(),
                of_another: true,
            },
            words: Words::OF_OPTIONS,
            warnings: fitting.warnings.clone(),
        }
    }
}

fn is_a_picture(path: &Path) -> bool {
    has_a_pictures_name(path) && path.is_file()
}

/// Whether the examples of an input are of the network's size.
fn check(path: &Path, input: &Input, preparation: &Preparation) -> Result<(), InputError> {
    let (wanted, found) = (preparation.shape, input.shape());
    let error = |problem: String, hint: &str| {
        Err(InputError {
            path: path.to_owned(),
            problem,
            hint: hint.to_owned(),
        })
    };
    if found.size() != wanted.size() || (matches!(input, Input::Pictures(_)) && found != wanted) {
        let hint = match input {
            Input::Pictures(_) => {
                "--resize brings pictures to that size, cutting off what goes beyond its shape"
            }
            Input::Table(_) => {
                "give the columns that it was trained on; --label names one that is no number of them"
            }
            _ => "give examples like those that it was trained on",
        };
        let numbers = match wanted.is_row() {
            true => format!(
                "{} numbers, the network takes {}",
                found.size(),
                wanted.size()
            ),
            false => format!(
                "{found} ({} numbers), the network takes {wanted} ({})",
                found.size(),
                wanted.size()
            ),
        };
        return error(format!("has examples of {numbers}"), hint);
    }
    if let (Some(found), Some(known)) = (input.column_names(), &preparation.columns)
        && found != known
    {
        let place = found
            .iter()
            .zip(known)
            .position(|(found, known)| found != known)
            .unwrap_or(0);
        return error(
            format!(
                "has the column `{}` where the network was trained on `{}`",
                found[place], known[place]
            ),
            "give the same columns in the same order",
        );
    }
    Ok(())
}
