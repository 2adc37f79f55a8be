//! Where in a folder the picture of a name goes.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::OutputError;

/// Names of pictures without one have so many digits.
pub const DIGITS: usize = 6;

/// Where the picture of a name goes: never outside of the folder.
pub fn picture_path(
    folder: &Path,
    name: Option<&str>,
    number: usize,
) -> Result<PathBuf, OutputError> {
    let Some(name) = name else {
        return Ok(folder.join(format!("{number:0DIGITS$}.png")));
    };
    let relative: PathBuf = Path::new(name)
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .collect();
    let leads_out = Path::new(name)
        .components()
        .any(|part| matches!(part, Component::ParentDir));
    let (false, Some(file)) = (leads_out, relative.file_name()) else {
        return Err(OutputError::Unwritable {
            path: folder.to_owned(),
            problem: format!("`{}` is no name of a file within it", name.escape_debug()),
            hint: "change the names of the input, or write .npy or .csv",
        });
    };
    let mut with_ending: OsString = Path::new(file).file_stem().unwrap_or(file).to_owned();
    // Pictures of other formats keep their ending within the name: a.jpg and a.png are two.
    if let Some(extension) = Path::new(file)
        .extension()
        .filter(|extension| *extension != "png")
    {
        with_ending.push(".");
        with_ending.push(extension);
    }
    with_ending.push(".png");
    Ok(folder.join(relative.with_file_name(with_ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stay_within_their_folder() {
        let path = |name: &str| picture_path(Path::new("out"), Some(name), 0);
        assert_eq!(path("a/b.png").unwrap(), Path::new("out/a/b.png"));
        assert_eq!(path("a/b.jpg").unwrap(), Path::new("out/a/b.jpg.png"));
        assert_eq!(path("/etc/x.png").unwrap(), Path::new("out/etc/x.png"));
        assert_eq!(path("7").unwrap(), Path::new("out/7.png"));
        for wrong in ["../x.png", "a/../../x", "", "/", ".."] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            picture_path(Path::new("o"), None, 12).unwrap(),
            Path::new("o/000012.png")
        );
    }
}
