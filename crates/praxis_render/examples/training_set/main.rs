//! Renders labelled pictures for training the tabletop network.
//!
//! `cargo run --release -p praxis_render --example training_set -- WORLD MESHES train|held_out|demo
//! FIRST_SEED COUNT OUT` writes `OUT.rgb` (320×240 pictures, one after the other) and `OUT.json`
//! (one list of labels a picture).

mod label;
mod panda;
mod picture;
mod random;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use praxis_render::{Frame, Renderer};
use praxis_world::World;

use self::panda::PandaMeshes;
use self::random::Split;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [world, meshes, split, first_seed, count, out] = &arguments[..] else {
        bail!("usage: training_set WORLD MESHES train|held_out|demo FIRST_SEED COUNT OUT");
    };
    let world = World::read(world)?;
    let panda = PandaMeshes::read(&PathBuf::from(meshes))?;
    let split = match split.as_str() {
        "train" => Split::Train,
        "held_out" => Split::HeldOut,
        "demo" => Split::Demo,
        other => bail!("split {other}: expected train, held_out or demo"),
    };
    let first_seed: u64 = first_seed.parse().context("FIRST_SEED")?;
    let count: u64 = count.parse().context("COUNT")?;

    let mut pictures = BufWriter::new(File::create(format!("{out}.rgb"))?);
    let mut labels = Vec::new();
    let (mut renderer, mut frame) = (Renderer::default(), Frame::default());
    for seed in first_seed..first_seed + count {
        // The demo's layouts are those of its own seeds; the other splits never share one.
        let own_seed = match split {
            Split::Train => seed,
            Split::HeldOut => seed + (1 << 40),
            Split::Demo => seed,
        };
        let found = picture::picture(&world, &panda, split, own_seed, &mut renderer, &mut frame)?;
        labels.push(found);
        pictures.write_all(&frame.coarser(2).colour)?;
    }
    pictures.flush()?;
    serde_json::to_writer(BufWriter::new(File::create(format!("{out}.json"))?), &labels)?;
    Ok(())
}
