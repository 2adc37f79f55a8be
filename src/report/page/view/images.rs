//! What a page of images has besides: images, and their errors by class.

use super::code::{CodeView, code_view};
use super::confusion::{ConfusionView, confusion_view};
use crate::config::Config;
use crate::data::Source;
use crate::evaluate::ClassError;
use crate::report::metrics::description;
use crate::report::page::picture::data_address;
use crate::report::page::{Exhibit, ImageSubject, MOST_POINTS};
use crate::report::text::{figure, thousands};

/// What a page of images has besides.
pub struct ImagesView {
    pub noun: &'static str,
    pub test_images: String,
    pub code_size: usize,
    pub is_denoising: bool,
    pub has_plane: bool,
    pub plane_points: String,
    pub plane_caption: String,
    /// Width and height of an exhibited image.
    pub thumbnail: (usize, usize),
    pub exhibits: Vec<ExhibitView>,
    pub error_description: String,
    pub classes: Vec<ClassRow>,
    /// Classes beyond those of `classes`, in words; empty if there are no more.
    pub other_classes: String,
    /// Classes whose colours are explained.
    pub legend: Vec<u32>,
    /// Classes beyond those of `legend`, in words; empty if there are no more.
    pub other_colours: String,
    pub confusion: Option<ConfusionView>,
    pub code: CodeView,
}

pub struct ExhibitView {
    pub title: &'static str,
    pub items: Vec<ExhibitItem>,
}

pub struct ExhibitItem {
    pub class: Option<u32>,
    pub index: usize,
    pub error: String,
    pub original: String,
    pub corrupted: Option<String>,
    pub reconstructed: String,
}

pub struct ClassRow {
    pub class: u32,
    pub images: String,
    pub mean: String,
    pub standard_deviation: String,
    /// Of the greatest mean, in percent.
    pub percent: f64,
}

/// Classes that a table lists, and whose colours a legend explains.
const MOST_ROWS: usize = 256;
const MOST_COLOURS: usize = 30;
/// Pixels on the screen of the longer side of an exhibited image.
const THUMBNAIL_SIDE: usize = 56;

pub fn images_view(config: &Config, images: &ImageSubject<'_>) -> ImagesView {
    let test = images.images;
    let classes = test.labels().map(|labels| images.by_image.by_class(labels));
    let classes = classes.unwrap_or_default();
    let beyond = |shown: usize| match classes.len().saturating_sub(shown) {
        0 => String::new(),
        others => format!("and {} other classes", thousands(others as u64)),
    };
    let is_mnist = config
        .experiment
        .images()
        .is_some_and(|data| data.source == Source::Mnist);
    let noun = if is_mnist { "digit" } else { "image" };
    let plane = images.map_plane().map(|(plane, _)| plane);
    let shape = test.shape();
    let longest = shape.height.max(shape.width);
    let side = |length: usize| (THUMBNAIL_SIDE * length).div_ceil(longest);
    ImagesView {
        noun,
        test_images: thousands(test.count() as u64),
        code_size: images.code_size(),
        is_denoising: config.experiment.corruption().is_some(),
        has_plane: plane.is_some(),
        plane_points: thousands(test.count().min(MOST_POINTS) as u64),
        thumbnail: (side(shape.width), side(shape.height)),
        plane_caption: match images.code_size() {
            2 => "the two code units".into(),
            _ => format!(
                "the two directions in which codes vary most: {:.0} % of their variance",
                100.0
                    * plane
                        .and_then(|plane| plane.variance_share)
                        .unwrap_or_default()
            ),
        },
        exhibits: images
            .exhibits
            .iter()
            .map(|exhibit| exhibit_view(exhibit, images))
            .collect(),
        error_description: description(images.by_image.metric),
        classes: class_rows(&classes[..classes.len().min(MOST_ROWS)]),
        other_classes: beyond(MOST_ROWS),
        legend: classes
            .iter()
            .take(MOST_COLOURS)
            .map(|class| class.class)
            .collect(),
        other_colours: beyond(MOST_COLOURS),
        confusion: images.look_alikes.as_ref().and_then(confusion_view),
        code: code_view(&images.by_image.codes, images.code_size()),
    }
}

fn exhibit_view(exhibit: &Exhibit, images: &ImageSubject<'_>) -> ExhibitView {
    let test = images.images;
    let pixels = test.pixels_per_image();
    let part =
        |all: &[f32], place: usize| data_address(&all[place * pixels..][..pixels], test.shape());
    let item = |(place, &index): (usize, &usize)| ExhibitItem {
        class: test.labels().map(|labels| labels[index]),
        index,
        error: figure(images.by_image.errors[index]),
        original: data_address(&test.image(index), test.shape()),
        corrupted: exhibit.corrupted.as_ref().map(|all| part(all, place)),
        reconstructed: part(&exhibit.reconstructed, place),
    };
    ExhibitView {
        title: exhibit.title,
        items: exhibit.indices.iter().enumerate().map(item).collect(),
    }
}

fn class_rows(classes: &[ClassError]) -> Vec<ClassRow> {
    let most = classes
        .iter()
        .map(|class| class.mean)
        .fold(f64::MIN_POSITIVE, f64::max);
    let row = |class: &ClassError| ClassRow {
        class: class.class,
        images: thousands(class.images as u64),
        mean: figure(class.mean),
        standard_deviation: figure(class.standard_deviation),
        percent: 100.0 * class.mean / most,
    };
    classes.iter().map(row).collect()
}
