//! The one ONNX Runtime of this process.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ort::environment::Environment;
use ort::logging::LogLevel;

use crate::LoadError;

/// The library in use and its environment; a process can hold one.
static RUNTIME: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

/// The library that a node uses: the parameter if it is set, else `ORT_DYLIB_PATH`.
///
/// # Errors
/// When neither names one.
pub fn library_path(parameter: &str) -> Result<PathBuf, LoadError> {
    if !parameter.is_empty() {
        return Ok(PathBuf::from(parameter));
    }
    match std::env::var_os("ORT_DYLIB_PATH") {
        Some(path) if !path.is_empty() => Ok(PathBuf::from(path)),
        _ => Err(LoadError::NoLibrary),
    }
}

/// The process's environment, made at the first call.
pub(crate) fn environment(library: &Path) -> Result<Environment, LoadError> {
    let mut runtime = RUNTIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((loaded, environment)) = &*runtime {
        if loaded != library {
            return Err(LoadError::OtherLibrary {
                loaded: loaded.clone(),
                asked: library.to_path_buf(),
            });
        }
        return Ok(environment.clone());
    }
    let failed = |reason: String| LoadError::Library { path: library.to_path_buf(), reason };
    // Looked at before the loader does, because its message for a missing file is a riddle.
    let file = std::fs::metadata(library).map_err(|error| failed(error.to_string()))?;
    if !file.is_file() {
        return Err(failed("not a file".to_owned()));
    }
    // The binding talks at length while it loads; what matters comes back as an error.
    let silence = tracing::subscriber::NoSubscriber::default();
    let environment = tracing::subscriber::with_default(silence, || {
        let builder = ort::init_from(library).map_err(|error| failed(error.to_string()))?;
        builder.with_name("praxis").build().map_err(|error| failed(error.to_string()))
    })?;
    environment.set_log_level(LogLevel::Warning);
    *runtime = Some((library.to_path_buf(), environment.clone()));
    Ok(environment)
}
