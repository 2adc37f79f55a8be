//! The files of a folder and of those within it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::kind::{Kind, has_a_pictures_name, kind_of};
use crate::data::input::InputError;

/// The content of a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Images, readable or not, in the order of their paths.
    pub(super) images: Vec<(PathBuf, Kind)>,
    /// Every folder that was entered, by its real path.
    pub(super) folders: BTreeSet<PathBuf>,
    /// The number of each kind of entry that is not an image, and one example.
    skipped: BTreeMap<String, (usize, String)>,
}

/// Looks at all files of a folder and of those within it, but for hidden ones. Links are followed, to each folder once.
///
/// # Errors
/// A folder cannot be read.
pub(super) fn walk(root: &Path) -> Result<Found, InputError> {
    let mut walk = Walk {
        root,
        found: Found::default(),
        files: Vec::new(),
        links: Vec::new(),
    };
    walk.enter(root)?;
    // After the folders that are really there, whose names are those of their classes.
    while !walk.links.is_empty() {
        let mut links = std::mem::take(&mut walk.links);
        links.sort();
        for link in links {
            walk.follow(&link)?;
        }
    }
    let Walk {
        mut found,
        mut files,
        ..
    } = walk;
    files.sort();
    let kinds: Vec<_> = files.par_iter().map(|path| kind_of(path)).collect();
    for (path, kind) in files.into_iter().zip(kinds) {
        match kind {
            Ok(Kind::Other) => {
                let kind = match path.extension() {
                    Some(extension) => format!(".{}", extension.to_string_lossy()),
                    None => "without an extension".into(),
                };
                found.skip(kind, within(root, &path));
            }
            Ok(kind) => found.images.push((path, kind)),
            // To be told with the reason when it is read.
            Err(_) if has_a_pictures_name(&path) => {
                let kind = Kind::Image {
                    depth: None,
                    has_more: false,
                };
                found.images.push((path, kind));
            }
            Err(error) => found.skip(format!("unreadable ({error})"), within(root, &path)),
        }
    }
    Ok(found)
}

/// A file's path within a folder.
fn within(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.display().to_string()
}

struct Walk<'a> {
    root: &'a Path,
    found: Found,
    /// Regular ones.
    files: Vec<PathBuf>,
    /// To folders.
    links: Vec<PathBuf>,
}

impl Walk<'_> {
    fn enter(&mut self, folder: &Path) -> Result<(), InputError> {
        let real = folder.canonicalize().map_err(InputError::io(folder))?;
        if !self.found.folders.insert(real) {
            return Ok(());
        }
        let entries = fs::read_dir(folder).map_err(InputError::io(folder))?;
        let mut folders = Vec::new();
        for entry in entries {
            let entry = entry.map_err(InputError::io(folder))?;
            if is_hidden(&entry.file_name()) {
                continue;
            }
            let path = entry.path();
            let kind = entry.file_type();
            if kind.as_ref().is_ok_and(fs::FileType::is_file) {
                self.files.push(path);
                continue;
            }
            let is_link = kind.is_ok_and(|kind| kind.is_symlink());
            // Of what a link leads to.
            match fs::metadata(&path) {
                Ok(there) if there.is_dir() && is_link => self.links.push(path),
                Ok(there) if there.is_dir() => folders.push(path),
                Ok(there) if there.is_file() => self.files.push(path),
                Ok(_) => self.skip("a pipe, socket or device", &path),
                Err(_) if is_link => self.skip("a link that leads nowhere", &path),
                Err(error) => self.skip(&format!("unreadable ({error})"), &path),
            }
        }
        folders.sort();
        folders.iter().try_for_each(|folder| self.enter(folder))
    }

    /// Enters the folder that a link leads to, unless it was entered already or holds the link itself.
    fn follow(&mut self, link: &Path) -> Result<(), InputError> {
        let real = link.canonicalize().map_err(InputError::io(link))?;
        let parent = link.parent().and_then(|parent| parent.canonicalize().ok());
        let holds_itself = parent.is_some_and(|parent| parent.starts_with(&real));
        match holds_itself || self.found.folders.contains(&real) {
            true => {
                self.skip("a link to a folder that is read already", link);
                Ok(())
            }
            false => self.enter(link),
        }
    }

    fn skip(&mut self, kind: &str, path: &Path) {
        self.found.skip(kind.to_owned(), within(self.root, path));
    }
}

/// Returns whether a file or folder is not the user's: it is hidden, or systems leave it beside the user's.
pub fn is_hidden(name: &OsStr) -> bool {
    const OF_SYSTEMS: [&str; 3] = ["__MACOSX", "@eaDir", "$RECYCLE.BIN"];
    name.as_encoded_bytes().starts_with(b".") || OF_SYSTEMS.iter().any(|known| name == *known)
}

impl Found {
    fn skip(&mut self, kind: String, name: String) {
        let (count, first) = self.skipped.entry(kind).or_insert((0, name.clone()));
        *count += 1;
        if name < *first {
            *first = name;
        }
    }

    /// Describes the skipped entries that are not images, by kind.
    pub(super) fn skipped(&self) -> Option<String> {
        let count: usize = self.skipped.values().map(|(count, _)| count).sum();
        let kinds: Vec<String> = self
            .skipped
            .iter()
            .map(|(kind, (count, first))| match count {
                1 => format!("1 {kind} ({first})"),
                _ => format!("{count} {kind} (such as {first})"),
            })
            .collect();
        let (files, are) = match count {
            0 => return None,
            1 => ("file", "is not an image and is"),
            _ => ("files", "are not images and are"),
        };
        Some(format!(
            "{count} {files} {are} skipped: {}",
            kinds.join(", ")
        ))
    }
}
