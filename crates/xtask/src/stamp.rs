use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Remembers that a set-up step ended well: from which inputs, and which files it left behind.
///
/// It is written last, so a step that was interrupted has none.
pub struct Stamp {
    key: PathBuf,
    files: PathBuf,
}

impl Stamp {
    /// The stamp of one step; `folder` holds those of all.
    pub fn new(folder: &Path, step: &str) -> Self {
        Self { key: folder.join(step), files: folder.join(format!("{step}.files")) }
    }

    /// Whether the step was done from these inputs and its files are still whole; else why not.
    pub fn check(&self, key: &str, made: &Path) -> Result<(), String> {
        let Ok(found) = fs::read_to_string(&self.key) else {
            let begun = made.exists();
            return Err(if begun { "unfinished, again …" } else { "fetching …" }.to_owned());
        };
        if found != key {
            return Err("its inputs changed, again …".to_owned());
        }
        let Ok(files) = fs::read_to_string(&self.files) else {
            return Err("the list of its files is gone, again …".to_owned());
        };
        for line in files.lines() {
            let Some((size, name)) = line.split_once(' ') else {
                return Err("the list of its files is damaged, again …".to_owned());
            };
            match fs::symlink_metadata(made.join(name)) {
                Ok(file) if file.len().to_string() == size => {}
                Ok(file) => {
                    return Err(format!("{name} has {} bytes, not {size}; again …", file.len()));
                }
                Err(_) => return Err(format!("{name} is gone; again …")),
            }
        }
        Ok(())
    }

    /// Forgets the step.
    pub fn remove(&self) {
        // Absent already is as good.
        let _ = fs::remove_file(&self.key);
    }

    /// Says that the step ended well and left `made` as it is now.
    pub fn write(&self, key: &str, made: &Path) -> Result<()> {
        let mut files = String::new();
        list(made, made, &mut files)
            .with_context(|| format!("cannot list what is in {}", made.display()))?;
        if let Some(folder) = self.key.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        for (path, text) in [(&self.files, files.as_str()), (&self.key, key)] {
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// One line a file: size and name. Python's caches come and go, so they are left out.
fn list(folder: &Path, top: &Path, lines: &mut String) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "__pycache__" {
                list(&path, top, lines)?;
            }
        } else if let Some(name) = path.strip_prefix(top).ok().and_then(Path::to_str)
            && !name.contains('\n')
        {
            let _ = writeln!(lines, "{} {name}", entry.metadata()?.len());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (tempfile::TempDir, Stamp, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("made");
        fs::create_dir_all(made.join("lib/__pycache__")).unwrap();
        fs::write(made.join("lib/librcl.so"), "code").unwrap();
        fs::write(made.join("lib/__pycache__/a.pyc"), "cache").unwrap();
        let stamp = Stamp::new(&folder.path().join("stamps"), "ros");
        (folder, stamp, made)
    }

    #[test]
    fn a_step_without_a_stamp_was_interrupted() {
        let (_folder, stamp, made) = made();
        assert!(stamp.check("key", &made).unwrap_err().contains("unfinished"));
        stamp.write("key", &made).unwrap();
        assert_eq!(stamp.check("key", &made), Ok(()));
        stamp.remove();
        assert!(stamp.check("key", &made).is_err());
    }

    #[test]
    fn other_inputs_are_noticed() {
        let (_folder, stamp, made) = made();
        stamp.write("key", &made).unwrap();
        assert!(stamp.check("other key", &made).unwrap_err().contains("inputs"));
    }

    #[test]
    fn lost_and_cut_files_are_noticed_and_caches_are_not() {
        let (_folder, stamp, made) = made();
        stamp.write("key", &made).unwrap();
        fs::remove_dir_all(made.join("lib/__pycache__")).unwrap();
        assert_eq!(stamp.check("key", &made), Ok(()));
        fs::write(made.join("lib/librcl.so"), "co").unwrap();
        assert!(stamp.check("key", &made).unwrap_err().contains("2 bytes, not 4"));
        fs::remove_file(made.join("lib/librcl.so")).unwrap();
        assert!(stamp.check("key", &made).unwrap_err().contains("librcl.so is gone"));
    }
}
