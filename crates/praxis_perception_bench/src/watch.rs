//! Watches a running perception node from outside: when frames are published, when their objects
//! come, and what the node says of its stages.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use praxis_ros::r2r::builtin_interfaces::msg::Time;
use praxis_ros::{Node, topics};
use serde_json::{Map, Value, json};

use crate::figures::{percentile, thousandths};

/// Options of `watch`.
#[derive(Args)]
pub struct Options {
    /// How long frames are counted, seconds.
    #[arg(long)]
    seconds: u64,
    /// Seconds before anything counts.
    #[arg(long, default_value_t = 5)]
    warm_up: u64,
    /// The file that the node writes its stages to (its parameter `measure_file`).
    #[arg(long)]
    measure_file: PathBuf,
    /// Where the figures go as JSON.
    #[arg(long)]
    json: PathBuf,
}

/// When a frame was seen to be published and when its objects came.
#[derive(Clone, Copy, Default)]
struct Sight {
    published: Option<Instant>,
    objects: Option<Instant>,
}

type Sights = Rc<RefCell<BTreeMap<i64, Sight>>>;

/// Watches, then writes the figures.
pub fn run(options: &Options) -> Result<()> {
    let mut node = Node::create("frame_watch")?;
    let sights = Sights::default();
    // The camera's info is the first message of a frame; its way here is as long as that of the
    // objects and far shorter than a picture's.
    let ours = Rc::clone(&sights);
    node.listen_to(&topics::CAMERA_INFO, move |info| {
        let mut sights = ours.borrow_mut();
        sights.entry(nanoseconds(&info.header.stamp)).or_default().published = Some(Instant::now());
    })?;
    let ours = Rc::clone(&sights);
    node.listen_to(&topics::OBJECTS, move |objects| {
        let mut sights = ours.borrow_mut();
        sights.entry(nanoseconds(&objects.header.stamp)).or_default().objects =
            Some(Instant::now());
    })?;
    let (started, stop) = (Instant::now(), node.stop_flag());
    let warm_up = Duration::from_secs(options.warm_up);
    let end = warm_up + Duration::from_secs(options.seconds);
    node.every(Duration::from_millis(100), move || {
        // Frames of the last moment still have their objects to come.
        if started.elapsed() > end + Duration::from_secs(1) {
            stop.stop();
        }
    });
    node.spin();

    let text = std::fs::read_to_string(&options.measure_file).with_context(|| {
        format!("the perception node left no {}", options.measure_file.display())
    })?;
    let stages = stages_of(&text)?;
    let counted = |at: Instant| (warm_up..end).contains(&at.duration_since(started));
    let figures = figures(&sights.borrow(), &stages, counted)?;
    let text = serde_json::to_string_pretty(&figures)?;
    std::fs::write(&options.json, text)
        .with_context(|| format!("cannot write {}", options.json.display()))
}

fn nanoseconds(stamp: &Time) -> i64 {
    i64::from(stamp.sec) * 1_000_000_000 + i64::from(stamp.nanosec)
}

/// Milliseconds of every stage by the frame's stamp.
fn stages_of(text: &str) -> Result<BTreeMap<i64, Map<String, Value>>> {
    let mut frames = BTreeMap::new();
    for line in text.lines() {
        let mut stages: Map<String, Value> = serde_json::from_str(line)
            .with_context(|| format!("the perception node wrote the line '{line}'"))?;
        let stamp = stages.remove("stamp_ns").and_then(|stamp| stamp.as_i64());
        frames.insert(stamp.context("a line without stamp_ns")?, stages);
    }
    Ok(frames)
}

fn figures(
    sights: &BTreeMap<i64, Sight>,
    stages: &BTreeMap<i64, Map<String, Value>>,
    counted: impl Fn(Instant) -> bool,
) -> Result<Value> {
    let (mut frames, mut unanswered) = (0_u64, 0_u64);
    let (mut whole, mut rest) = (Vec::new(), Vec::new());
    let mut spans: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (stamp, sight) in sights {
        let Some(published) = sight.published.filter(|&at| counted(at)) else { continue };
        frames += 1;
        let Some((objects, stages)) = sight.objects.zip(stages.get(stamp)) else {
            unanswered += 1;
            continue;
        };
        let ms = objects.saturating_duration_since(published).as_secs_f64() * 1e3;
        let span = |key: &str| stages.get(key).and_then(Value::as_f64).map(|us| us * 1e-3);
        let network = span("network_us").context("a line without network_us")?;
        whole.push(ms);
        rest.push(ms - network);
        for key in stages.keys() {
            let name = key.strip_suffix("_us").unwrap_or(key);
            spans.entry(name.to_owned()).or_default().extend(span(key));
        }
    }
    ensure!(!whole.is_empty(), "no frame was answered: {frames} were published");
    let spans: Map<String, Value> =
        spans.iter().map(|(name, values)| (name.clone(), spread(values))).collect();
    Ok(json!({
        "frames_published": frames,
        "frames_without_objects": unanswered,
        "frame_to_objects_ms": spread(&whole),
        "without_network_ms": spread(&rest),
        "stages_ms": spans,
    }))
}

fn spread(values: &[f64]) -> Value {
    let at = |share| thousandths(percentile(values, share));
    json!({ "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counted_frames_matter_and_unanswered_ones_are_told() {
        let begun = Instant::now();
        let ms = |ms| begun + Duration::from_millis(ms);
        let sight = |published, objects: Option<u64>| Sight {
            published: Some(ms(published)),
            objects: objects.map(ms),
        };
        let sights = BTreeMap::from([
            (1, sight(0, Some(90))),
            (2, sight(100, Some(120))),
            (3, sight(200, None)),
        ]);
        let line = |stamp| format!("{{\"stamp_ns\":{stamp},\"network_us\":15000}}");
        let stages = stages_of(&[line(1), line(2)].join("\n")).unwrap();
        let figures = figures(&sights, &stages, |at| at >= ms(50)).unwrap();
        assert_eq!(figures["frames_published"], 2);
        assert_eq!(figures["frames_without_objects"], 1);
        assert_eq!(figures["frame_to_objects_ms"]["p99"], 20.0);
        assert_eq!(figures["without_network_ms"]["p50"], 5.0);
        assert_eq!(figures["stages_ms"]["network"]["max"], 15.0);
    }
}
