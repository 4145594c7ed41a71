//! One line a frame with the time of every stage.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use praxis_geometry::Stamp;
use praxis_perception::StageTimes;
use serde::Serialize;

/// Where the time of one frame went, from the arrival of its colour picture to its objects.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameTimes {
    /// Until depth was there too and the frame's turn came.
    pub wait: Duration,
    /// Until the camera's transform was known and the robot was placed.
    pub place: Duration,
    /// Inside perception.
    pub stages: StageTimes,
    /// Message and middleware.
    pub publish: Duration,
    /// Everything.
    pub whole: Duration,
}

/// A file of one JSON object a line.
pub struct Measuring(File);

#[derive(Serialize)]
struct Line {
    stamp_ns: i64,
    wait_us: u64,
    place_us: u64,
    preprocess_us: u64,
    network_us: u64,
    decode_us: u64,
    locate_us: u64,
    track_us: u64,
    publish_us: u64,
    arrival_to_objects_us: u64,
}

impl Measuring {
    /// Begins the file anew; none without a name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn start(file: &str) -> anyhow::Result<Option<Self>> {
        if file.is_empty() {
            return Ok(None);
        }
        let path = Path::new(file);
        let file = File::create(path)
            .with_context(|| format!("measure_file: cannot write {}", path.display()))?;
        Ok(Some(Self(file)))
    }

    /// Adds one frame.
    pub fn note(&mut self, stamp: Stamp, times: &FrameTimes) {
        let us = |span: Duration| span.as_micros() as u64;
        let stages = &times.stages;
        let line = Line {
            stamp_ns: stamp.nanoseconds,
            wait_us: us(times.wait),
            place_us: us(times.place),
            preprocess_us: us(stages.preprocess),
            network_us: us(stages.network),
            decode_us: us(stages.decode),
            locate_us: us(stages.locate),
            track_us: us(stages.track),
            publish_us: us(times.publish),
            arrival_to_objects_us: us(times.whole),
        };
        let written = serde_json::to_string(&line)
            .map_err(std::io::Error::from)
            .and_then(|text| writeln!(self.0, "{text}"));
        if let Err(error) = written {
            tracing::warn!(%error, "measure_file takes no more lines");
        }
    }
}
