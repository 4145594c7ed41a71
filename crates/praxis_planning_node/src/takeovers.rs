//! When motions took over because of what a frame showed, for whoever measures.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use praxis_geometry::Stamp;

use crate::shared::lock;

/// Why and when a motion takes over.
#[derive(Clone, Copy, Debug)]
pub struct Cause {
    /// When the frame was taken that showed what is in the way.
    pub frame: Stamp,
    /// When the node heard of it.
    pub heard: Instant,
    /// From then until the motion was planned.
    pub planning: Duration,
    /// When it is to take over.
    pub takes_over: Instant,
}

/// A file with a line for every motion that takes over, written when control has taken it in:
/// `frame takes_over planning joined`, the frame's stamp, the wall clock at which the
/// motion takes over, and the spans from hearing of what the frame showed until it was planned and
/// control had it, in nanoseconds.
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

    /// Control has just taken the motion in.
    pub fn joined(&self, cause: &Cause) {
        let Some(file) = &self.0 else { return };
        let joined = cause.heard.elapsed();
        // One that comes too late takes over when it comes.
        let takes_over_in = cause.takes_over.saturating_duration_since(Instant::now());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = format!(
            "{} {} {} {}\n",
            cause.frame.nanoseconds,
            (now + takes_over_in).as_nanos(),
            cause.planning.as_nanos(),
            joined.as_nanos()
        );
        if let Err(error) = lock(file).write_all(line.as_bytes()) {
            tracing::warn!(%error, "a takeover could not be written down");
        }
    }
}
