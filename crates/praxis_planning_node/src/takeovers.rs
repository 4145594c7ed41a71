//! When motions took over because of what a frame showed, for whoever measures.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use praxis_geometry::Stamp;

use crate::shared::lock;

/// A file with a line for every motion that takes over: `frame takes_over planning`, the frame's stamp,
/// the wall clock at which the motion takes over and the time its planning and joining took, in
/// nanoseconds.
#[derive(Clone)]
pub struct Takeovers(Option<Arc<Mutex<File>>>);

impl Takeovers {
    /// Writes to a file, or nowhere if it has no name.
    pub fn open(file: &str) -> std::io::Result<Self> {
        if file.is_empty() {
            return Ok(Self(None));
        }
        Ok(Self(Some(Arc::new(Mutex::new(File::create(Path::new(file))?)))))
    }

    /// A motion takes over in `takes_over_in` because of what `frame` showed.
    pub fn note(&self, frame: Stamp, takes_over_in: Duration, planning: Duration) {
        let Some(file) = &self.0 else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = format!(
            "{} {} {}\n",
            frame.nanoseconds,
            (now + takes_over_in).as_nanos(),
            planning.as_nanos()
        );
        if let Err(error) = lock(file).write_all(line.as_bytes()) {
            tracing::warn!(%error, "a takeover could not be written down");
        }
    }
}
