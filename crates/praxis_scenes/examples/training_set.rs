//! Renders labelled pictures for training and measuring the tabletop network.
//!
//! `cargo run --release -p praxis_scenes --example training_set -- WORLD MESHES SPLIT FIRST_SEED
//! COUNT OUT [noise|mixed]` with SPLIT one of `train`, `held_out`, `demo` writes, as the network
//! sees them at half the camera's resolution, `OUT.rgb` (bytes), `OUT.depth` (16 bits, tenths of a
//! millimetre, 0 where unknown) and `OUT.json` (a list of labels a picture). `noise` adds that of a
//! depth camera to all, `mixed` another strength to every picture.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use praxis_network::DepthView;
use praxis_render::Frame;
use praxis_scenes::{Label, Noise, Split, Tables, spoil};

const TENTHS_OF_MM_PER_M: f32 = 1e4;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [world, meshes, split, first_seed, count, out, rest @ ..] = &arguments[..] else {
        bail!(
            "usage: training_set WORLD MESHES train|held_out|demo FIRST_SEED COUNT OUT [noise|mixed]"
        );
    };
    let split = match split.as_str() {
        "train" => Split::Train,
        "held_out" => Split::HeldOut,
        "demo" => Split::Demo,
        other => bail!("split {other}: expected train, held_out or demo"),
    };
    let noise_of = match rest.first().map(String::as_str) {
        None => |_| None,
        Some("noise") => |_| Some(Noise::default()),
        Some("mixed") => mixed,
        Some(other) => bail!("{other}: expected noise or mixed"),
    };
    let first_seed: u64 = first_seed.parse().context("FIRST_SEED")?;
    let count: u64 = count.parse().context("COUNT")?;

    let mut tables = Tables::read(Path::new(world), Path::new(meshes))?;
    let mut colours = BufWriter::new(File::create(format!("{out}.rgb"))?);
    let mut depths = BufWriter::new(File::create(format!("{out}.depth"))?);
    let (mut labels, mut frame) = (Vec::new(), Frame::default());
    for seed in first_seed..first_seed + count {
        let table = tables.draw(split, seed, &mut frame)?;
        if let Some(noise) = noise_of(seed) {
            spoil(&mut frame, &noise, seed);
        }
        labels.push(table.labels.into_iter().map(halved).collect::<Vec<_>>());
        let half = (frame.width_px / 2, frame.height_px / 2);
        colours.write_all(&frame.coarser(2).colour)?;
        let depth = DepthView::new(frame.width_px, frame.height_px, &frame.depth_m)?;
        for metres in depth.nearest_surfaces(half.0, half.1) {
            let value = (metres * TENTHS_OF_MM_PER_M).round().min(f32::from(u16::MAX)) as u16;
            depths.write_all(&value.to_le_bytes())?;
        }
    }
    colours.flush()?;
    depths.flush()?;
    serde_json::to_writer(BufWriter::new(File::create(format!("{out}.json"))?), &labels)?;
    Ok(())
}

/// Pixels of the picture that the network sees.
fn halved(mut label: Label) -> Label {
    label.bounds_px = label.bounds_px.map(|at| 0.5 * at);
    label.centre_px = label.centre_px.map(|at| 0.5 * at);
    label
}

/// None for a third of the pictures, up to one and a half times a depth camera's for the others.
fn mixed(seed: u64) -> Option<Noise> {
    const STEPS: u64 = 16;
    if seed.is_multiple_of(3) {
        return None;
    }
    let strength = |draw: u64| 1.5 * ((draw % STEPS) as f32 + 0.5) / STEPS as f32;
    let usual = Noise::default();
    Some(Noise {
        depth_m: usual.depth_m * strength(seed / 3),
        lost_at_edges: (usual.lost_at_edges * strength(seed / 5)).min(0.9),
        lost: usual.lost * strength(seed / 7),
        grain: usual.grain * strength(seed / 11),
    })
}
