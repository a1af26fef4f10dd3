//! What the window remembers: open and recent files, theme, zoom, size.

use super::{CompareLook, WorkbenchError};
use crate::data::write_atomic;
use crate::model::catalogue;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

/// How many recent files are kept.
const MOST_RECENT: usize = 12;

/// Of how many files it is remembered which column is what.
const MOST_MAPPED: usize = 200;

/// What the window remembers from run to run. A field that is missing in the file, or cannot be
/// read, has its first value again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Files that were open, as they were opened.
    pub open: Vec<OpenFile>,
    /// Files that were opened or written, newest first.
    pub recent: Vec<PathBuf>,
    /// Which column is what, in files that were opened so, also those that are closed; newest first.
    pub mapped: Vec<MappedFile>,
    /// `auto`, `dark` or `light`.
    pub theme: String,
    /// Size of everything; 1 is usual.
    pub zoom: f32,
    /// Size of the window in points.
    pub size: [f32; 2],
    /// Widths and heights of the movable panels, by name.
    pub panels: BTreeMap<String, f32>,
    /// The view that was shown.
    pub view: String,
    /// What Compare shows.
    pub compare: CompareLook,
    /// The columns of the table of records; none: the usual ones.
    pub columns: Vec<String>,
    /// Open files that take no part in tables and figures.
    pub hidden: BTreeSet<PathBuf>,
    /// The model that was chosen last: a path or a name of the catalogue.
    pub model: String,
}

/// A file and what the person said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFile {
    /// The file.
    pub path: PathBuf,
    /// The contexts joined to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<PathBuf>,
    /// The strategy that the person named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// Which column holds which field: field, column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub map: Vec<(String, String)>,
}

/// Which column of a file is what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedFile {
    /// The file.
    pub path: PathBuf,
    /// Field, column.
    pub map: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            open: Vec::new(),
            recent: Vec::new(),
            mapped: Vec::new(),
            theme: "auto".into(),
            zoom: 1.0,
            size: [1440.0, 900.0],
            panels: BTreeMap::new(),
            view: String::new(),
            compare: CompareLook::default(),
            columns: Vec::new(),
            hidden: BTreeSet::new(),
            model: catalogue::DEFAULT.into(),
        }
    }
}

impl Settings {
    /// Where they are kept in the program's own folder.
    pub fn path_in(home: &Path) -> PathBuf {
        home.join("settings.json")
    }

    /// The settings at `path`, or the first ones where there are none that can be read: a damaged
    /// file must not keep the window from opening.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let fields: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
        let one = |(name, value): (String, Value)| -> Option<(String, Value)> {
            let alone = Map::from_iter([(name.clone(), value.clone())]);
            serde_json::from_value::<Self>(alone.into()).ok().map(|_| (name, value))
        };
        let usable_fields: Map<String, Value> = fields.into_iter().filter_map(one).collect();
        let mut settings: Self = serde_json::from_value(usable_fields.into()).unwrap_or_default();
        let usable = |value: f32, lo: f32, hi: f32| value.is_finite() && (lo..=hi).contains(&value);
        if !usable(settings.zoom, 0.4, 4.0) {
            settings.zoom = 1.0;
        }
        if !settings.size.iter().all(|side| usable(*side, 300.0, 20_000.0)) {
            settings.size = Self::default().size;
        }
        settings
    }

    /// The size of a panel as the person left it, else `usual`.
    pub fn panel(&self, name: &str, usual: f32) -> f32 {
        let size = self.panels.get(name).copied();
        size.filter(|size| size.is_finite() && *size >= 50.0).unwrap_or(usual)
    }

    /// Takes note of a panel's size.
    pub fn set_panel(&mut self, name: &str, size: f32) {
        let size = size.round();
        if self.panels.get(name) != Some(&size) {
            self.panels.insert(name.to_owned(), size);
        }
    }

    /// Puts a file at the head of the recent ones.
    pub fn remember(&mut self, path: &Path) {
        self.recent.retain(|recent| recent != path);
        self.recent.insert(0, path.to_owned());
        self.recent.truncate(MOST_RECENT);
    }

    /// Which column of a file is what, as it was opened last.
    pub fn map_of(&self, path: &Path) -> Vec<(String, String)> {
        let mapped = self.mapped.iter().find(|mapped| mapped.path == path);
        mapped.map_or_else(Vec::new, |mapped| mapped.map.clone())
    }

    /// Takes note of which column of a file is what; an empty mapping forgets it.
    pub fn remember_map(&mut self, path: &Path, map: &[(String, String)]) {
        self.mapped.retain(|mapped| mapped.path != path);
        if !map.is_empty() {
            self.mapped.insert(0, MappedFile { path: path.to_owned(), map: map.to_vec() });
            self.mapped.truncate(MOST_MAPPED);
        }
    }

    /// Writes them.
    ///
    /// # Errors
    /// [`WorkbenchError::File`] and those of the writer.
    pub fn write(&self, path: &Path) -> Result<(), WorkbenchError> {
        if let Some(folder) = path.parent() {
            let fail = |source| WorkbenchError::File { verb: "make", path: folder.into(), source };
            std::fs::create_dir_all(folder).map_err(fail)?;
        }
        Ok(write_atomic(path, |out| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            out.write_all(b"\n")
        })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_gives_the_first_settings() {
        let path = std::env::temp_dir().join(format!("backstory_settings_{}", std::process::id()));
        for text in ["", "{", "[1]", r#"{"zoom": 0, "size": [1e9, 2]}"#] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(Settings::read(&path), Settings::default(), "{text}");
        }
        std::fs::write(&path, r#"{"theme": "light", "recent": 7, "view": "jobs"}"#).unwrap();
        let read = Settings::read(&path);
        assert_eq!((read.theme.as_str(), read.view.as_str()), ("light", "jobs"));
        let mut settings = Settings { theme: "dark".into(), ..Settings::default() };
        for n in 0..20 {
            settings.remember(Path::new(&format!("{n}.jsonl")));
        }
        settings.remember(Path::new("12.jsonl"));
        settings.write(&path).unwrap();
        assert_eq!(Settings::read(&path), settings);
        assert_eq!((settings.recent.len(), &settings.recent[0]), (12, &"12.jsonl".into()));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn columns_of_the_files_opened_last_are_remembered() {
        let mut settings = Settings::default();
        let map = |n: usize| vec![("context".to_owned(), format!("c{n}"))];
        let path = |n: usize| PathBuf::from(format!("{n}.jsonl"));
        (0..MOST_MAPPED + 5).for_each(|n| settings.remember_map(&path(n), &map(n)));
        assert_eq!(settings.mapped.len(), MOST_MAPPED);
        assert!(settings.map_of(&path(4)).is_empty());
        assert_eq!(settings.map_of(&path(5)), map(5));
        settings.remember_map(&path(5), &map(6));
        assert_eq!(settings.map_of(&path(5)), map(6));
        settings.remember_map(&path(5), &[]);
        assert!(settings.map_of(&path(5)).is_empty());
    }
}
