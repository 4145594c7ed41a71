use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use praxis_geometry::Stamp;
use praxis_inference::{InferenceConfig, OrtNetwork, library_path};
use praxis_network::Card;
use praxis_perception::{Frame, Perceiver, PerceiverConfig, Perception, RobotModel, Track};
use praxis_recording::Topics;
use serde_json::{Value, json};

use crate::files;
use crate::looks::{LookOptions, Looks, Next, Placed};

/// Options of `perceive`.
#[derive(Args)]
pub struct Options {
    /// The recording: an MCAP file, or the folder of a bag.
    file: PathBuf,
    /// Folder of the network: card.toml and the network that it describes.
    #[arg(long, default_value = "models/networks/tabletop")]
    network: PathBuf,
    /// ONNX Runtime's library; ORT_DYLIB_PATH if not given.
    #[arg(long, default_value = "")]
    onnxruntime_library: String,
    /// Folder of a robot's configuration whose perception.yaml applies.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Frame in which objects are told; that of the configuration, or `world`.
    #[arg(long)]
    planning_frame: Option<String>,
    /// URDF of the robot, if not the recorded one.
    #[arg(long)]
    urdf: Option<PathBuf>,
    /// Topic of the colour pictures; `/compressed` behind it is read as well.
    #[arg(long, default_value = "camera/color/image_raw")]
    colour: String,
    /// Topic of the depth pictures; `/compressedDepth` behind it is read as well.
    #[arg(long, default_value = "camera/depth/image_raw")]
    depth: String,
    /// Topic of the camera's info.
    #[arg(long, default_value = "camera/color/camera_info")]
    camera_info: String,
    /// One JSON object a line instead of text: a frame each, then the latencies.
    #[arg(long)]
    json: bool,
}

/// Looks at a recording as the perception node would, every frame of it, and tells the objects.
pub fn run(options: &Options) -> Result<()> {
    let parameters = match &options.config {
        Some(folder) => files::parameters(folder, "perception.yaml")?,
        None => Value::Null,
    };
    let robot = match &options.urdf {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            Some(RobotModel::from_urdf(&text)?)
        }
        None => None,
    };
    let frame = parameters["planning_frame"].as_str().unwrap_or("world").to_owned();
    let mut looks = Looks::open(
        &options.file,
        Topics {
            colour: options.colour.clone(),
            depth: options.depth.clone(),
            camera_info: options.camera_info.clone(),
            ..Topics::default()
        },
        robot,
        LookOptions {
            planning_frame: options.planning_frame.clone().unwrap_or(frame),
            max_stamp_gap_s: parameters["max_stamp_gap_s"].as_f64().unwrap_or(0.010),
            padding_m: Some(parameters["robot"]["padding_m"].as_f64().unwrap_or(0.02)),
        },
    )?;
    let mut perceiver = load(options, &parameters)?;
    let out = &mut std::io::stdout().lock();
    let (mut stages, mut refused) = (Stages::default(), 0_u64);
    for next in &mut looks {
        match next? {
            Next::Look(placed) => match look(&mut perceiver, &placed, &mut stages) {
                Ok(perception) => {
                    let stamp = placed.look.colour.stamp;
                    tell(out, perceiver.card(), stamp, &perception, options.json)?;
                }
                Err(error) => {
                    refused += 1;
                    let stamp = Some(placed.look.colour.stamp);
                    tell_refusal(out, stamp, &error.to_string(), options.json)?;
                }
            },
            Next::Refused { stamp, reason } => {
                refused += 1;
                tell_refusal(out, stamp, &reason, options.json)?;
            }
        }
    }
    stages.tell(out, perceiver.provider(), refused, options.json)?;
    ensure!(
        stages.frames() > 0,
        "no frame of {} could be looked at: does it hold {}, {} and transforms? {}",
        options.file.display(),
        options.colour,
        options.camera_info,
        looks.others()
    );
    Ok(())
}

fn load(options: &Options, parameters: &Value) -> Result<Perceiver> {
    let card = Card::read(&options.network)?;
    let network = OrtNetwork::load(
        &card,
        &InferenceConfig {
            library: library_path(&options.onnxruntime_library)?,
            providers: vec!["cpu".to_owned()],
            intra_op_threads: 1,
        },
    )?;
    let mut config = match &parameters["perceiver"] {
        Value::Null => PerceiverConfig::default(),
        own => serde_json::from_value(own.clone()).context("perception.yaml: perceiver")?,
    };
    // Nobody waits: what takes long takes long.
    config.network_limit_ms = 0;
    Ok(Perceiver::new(card, Box::new(network), config))
}

fn look(perceiver: &mut Perceiver, placed: &Placed, stages: &mut Stages) -> Result<Perception> {
    let started = Instant::now();
    let Placed { look, world_from_camera, robot } = placed;
    let depth = look.depth.as_ref().filter(|depth| depth.frame == look.colour.frame);
    ensure!(
        look.depth.is_none() || depth.is_some(),
        "depth is not in the frame '{}' of colour; depth aligned to colour is needed",
        look.colour.frame
    );
    let perception = perceiver.process(&Frame {
        stamp: look.colour.stamp,
        colour: &look.colour.image,
        depth: depth.map(|depth| &*depth.image),
        camera: &look.camera,
        world_from_camera,
        robot,
    })?;
    let times = perception.times;
    stages.add([
        times.preprocess,
        times.network,
        times.decode,
        times.locate,
        times.track,
        started.elapsed(),
    ]);
    Ok(perception)
}

fn tell(
    out: &mut impl Write,
    card: &Card,
    stamp: Stamp,
    perception: &Perception,
    as_json: bool,
) -> Result<()> {
    let name = |track: &Track| card.classes.get(track.class).map_or("", |class| &class.name);
    if as_json {
        let objects: Vec<Value> = perception
            .objects
            .iter()
            .map(|track| {
                json!({
                    "id": track.id,
                    "class": name(track),
                    "score": track.score,
                    "position_m": track.centre_m.as_slice(),
                    "yaw_rad": track.yaw_rad,
                    "size_m": track.size_m.as_slice(),
                })
            })
            .collect();
        let line = json!({
            "stamp_ns": stamp.nanoseconds,
            "detections": perception.detections.len(),
            "objects": objects,
        });
        writeln!(out, "{line}")?;
        return Ok(());
    }
    writeln!(out, "{:.3} s: {} objects", stamp.as_secs_f64(), perception.objects.len())?;
    for track in &perception.objects {
        let at = track.centre_m;
        writeln!(
            out,
            "  {:3} {:12} {:.2}  at ({:.3}, {:.3}, {:.3}) m, turned {:.0}°, {:.0} × {:.0} × {:.0} mm",
            track.id,
            name(track),
            track.score,
            at.x,
            at.y,
            at.z,
            track.yaw_rad.to_degrees(),
            1e3 * track.size_m.x,
            1e3 * track.size_m.y,
            1e3 * track.size_m.z
        )?;
    }
    Ok(())
}

fn tell_refusal(
    out: &mut impl Write,
    stamp: Option<Stamp>,
    reason: &str,
    as_json: bool,
) -> Result<()> {
    if as_json {
        let stamp = stamp.map(|stamp| stamp.nanoseconds);
        writeln!(out, "{}", json!({ "stamp_ns": stamp, "refused": reason }))?;
    } else {
        match stamp {
            Some(stamp) => writeln!(out, "{:.3} s: nothing: {reason}", stamp.as_secs_f64())?,
            None => writeln!(out, "left out: {reason}")?,
        }
    }
    Ok(())
}

/// What each stage took, milliseconds.
#[derive(Default)]
struct Stages([Vec<f64>; 6]);

impl Stages {
    const NAMES: [&str; 6] = ["preprocess", "network", "decode", "locate", "track", "whole"];

    fn add(&mut self, spans: [Duration; 6]) {
        for (own, span) in self.0.iter_mut().zip(spans) {
            own.push(span.as_secs_f64() * 1e3);
        }
    }

    fn frames(&self) -> usize {
        self.0[0].len()
    }

    fn tell(
        &self,
        out: &mut impl Write,
        provider: &str,
        refused: u64,
        as_json: bool,
    ) -> Result<()> {
        let frames = self.frames();
        if !as_json {
            writeln!(out, "{frames} frames on {provider}, {refused} refused")?;
        }
        let mut stages = serde_json::Map::new();
        for (name, spans) in Self::NAMES.into_iter().zip(&self.0) {
            let mut sorted = spans.clone();
            sorted.sort_by(f64::total_cmp);
            let Some(last) = sorted.len().checked_sub(1) else { continue };
            let [p50, p95, p99] =
                [0.5, 0.95, 0.99].map(|share| sorted[(share * last as f64).round() as usize]);
            if as_json {
                let figure = |ms: f64| (ms * 1e3).round() / 1e3;
                let own = json!({ "p50": figure(p50), "p95": figure(p95), "p99": figure(p99) });
                stages.insert(name.to_owned(), own);
            } else {
                writeln!(out, "  {name:10} p50 {p50:.2}, p95 {p95:.2}, p99 {p99:.2} ms")?;
            }
        }
        if as_json {
            let line = json!({
                "frames": frames, "refused": refused, "provider": provider, "stages_ms": stages,
            });
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}
