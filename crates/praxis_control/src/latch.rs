use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::LatchError;

/// The emergency stop on disk: it outlives a crash, so control comes back stopped.
#[derive(Clone, Debug)]
pub struct EStopLatch {
    path: PathBuf,
}

impl EStopLatch {
    /// Kept in the file at `path`: engaged while it exists.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the stop is engaged. What cannot be read counts as engaged.
    pub fn is_engaged(&self) -> bool {
        self.path.try_exists().unwrap_or(true)
    }

    /// Stores the stop, with its reason, so that it survives a loss of power.
    pub fn engage(&self, reason: &str) -> Result<(), LatchError> {
        let write = || {
            if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty())
            {
                fs::create_dir_all(folder)?;
            }
            let mut file = File::create(&self.path)?;
            writeln!(file, "{reason}")?;
            file.sync_all()
        };
        write().map_err(|source| self.failed("engage", source))
    }

    /// Why the stop was engaged, if it is.
    pub fn reason(&self) -> Option<String> {
        fs::read_to_string(&self.path).ok().map(|text| text.trim().to_owned())
    }

    /// Releases the stop; no error if it was not engaged.
    pub fn reset(&self) -> Result<(), LatchError> {
        match fs::remove_file(&self.path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(self.failed("reset", source))
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, action: &'static str, source: std::io::Error) -> LatchError {
        LatchError { action, path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_outlives_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/e_stop");
        EStopLatch::new(&path).engage("button 3").unwrap();
        let later = EStopLatch::new(&path);
        assert!(later.is_engaged());
        assert_eq!(later.reason().as_deref(), Some("button 3"));
        later.reset().unwrap();
        later.reset().unwrap();
        assert!(!later.is_engaged());
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = EStopLatch::new(file.join("e_stop")).engage("x").unwrap_err();
        assert!(error.to_string().contains("cannot engage"), "{error}");
    }
}
