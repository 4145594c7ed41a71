"""Trains the tabletop network: python train.py OUT.npz MINUTES SET [SET …]

The learning rate falls with the time that is left, so that training ends when it should on a
machine of any speed. Weights (averaged over the last steps) are stored every half minute; if
OUT.npz is there already, training goes on from it.
"""

import os
import queue
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import data
import network

BATCH = 16
PEAK_RATE = 2e-3
AVERAGING = 0.997


def targets(rows, height, width):
    """Heatmap, maps of what is asked for, and how much each cell counts."""
    stride = network.STRIDE
    y = jnp.arange(height // stride)[:, None]
    x = jnp.arange(width // stride)[None, :]
    one = rows[..., None, None, :]  # [N, objects, 1, 1, columns]
    x0, y0 = one[..., data.X0] / stride, one[..., data.Y0] / stride
    x1, y1 = one[..., data.X1] / stride, one[..., data.Y1] / stride
    there = one[..., data.CLASS] >= 0
    counts = there & (one[..., data.COUNTS] > 0)
    cx, cy, w, h = 0.5 * (x0 + x1), 0.5 * (y0 + y1), x1 - x0, y1 - y0
    # Clouds around the cell that holds the centre.
    dx, dy = x - jnp.floor(cx), y - jnp.floor(cy)
    sx, sy = jnp.clip(w / 7, 0.45, 3.0), jnp.clip(h / 7, 0.45, 3.0)
    cloud = jnp.exp(-0.5 * ((dx / sx) ** 2 + (dy / sy) ** 2)) * counts
    classes = jax.nn.one_hot(rows[..., data.CLASS], len(network.CLASSES))
    heat = jnp.max(cloud[..., None, :, :] * classes[..., None, None], axis=1)
    inside = (x + 0.5 > x0) & (x + 0.5 < x1) & (y + 0.5 > y0) & (y + 0.5 < y1)
    ignored = jnp.any(inside & there & ~counts, axis=1)

    near = jnp.where(cloud > 0.25, cloud, 0.0)
    owner = jax.nn.one_hot(jnp.argmax(near, axis=1), near.shape[1], axis=1) * near
    pick = lambda value: jnp.sum(owner * jnp.broadcast_to(value, owner.shape), axis=1)
    weight = jnp.sum(owner, axis=1)
    share = 1.0 / jnp.maximum(weight, 1e-6)
    scale = stride / network.SIZE_SCALE
    offset = jnp.stack([pick(cx - x), pick(cy - y)], 1) * share[:, None]
    size = jnp.stack([pick(w * scale), pick(h * scale)], 1) * share[:, None]
    yaw = jnp.stack([pick(one[..., data.COS]), pick(one[..., data.SIN])], 1) * share[:, None]
    turns = pick(one[..., data.ORDER] > 0) * share
    return heat, ignored, offset, size, yaw, weight, turns


def loss(parameters, image, rows):
    heat, ignored, offset, size, yaw, weight, turns = targets(rows, *image.shape[2:])
    logits, offset_is, size_is, yaw_is = network.apply(parameters, image)
    # Focal loss of CornerNet (Law and Deng 2018), equation 1.
    p = jax.nn.sigmoid(logits)
    hit = heat > 0.999
    positive = -((1 - p) ** 2) * jax.nn.log_sigmoid(logits)
    negative = -((1 - heat) ** 4) * p**2 * jax.nn.log_sigmoid(-logits)
    focal = jnp.where(hit, positive, negative * ~ignored[:, None])
    focal = jnp.sum(focal) / jnp.maximum(jnp.sum(hit), 1.0)
    total = jnp.maximum(jnp.sum(weight), 1.0)
    # At an object's cells, which class it is: small things differ by few pixels.
    kind = jnp.argmax(heat, axis=1)
    spread = jax.nn.log_softmax(logits, axis=1)
    named = -jnp.take_along_axis(spread, kind[:, None], axis=1)
    mean = lambda value, w: jnp.sum(value * w[:, None]) / total
    return (
        focal
        + 2.0 * mean(named, weight)
        + mean(jnp.abs(offset_is - offset), weight)
        + mean(jnp.abs(size_is - size), weight)
        + 0.3 * mean((yaw_is - yaw) ** 2, weight * turns)
    )


def disturb(key, pictures):
    """Exposure, colour cast, contrast, blur and noise, then the network's normalisation."""
    keys = jax.random.split(key, 6)
    n = pictures.shape[0]
    x = pictures.astype(jnp.float32) / 255.0
    x = x * jnp.exp(jax.random.uniform(keys[0], (n, 1, 1, 1), minval=-0.4, maxval=0.3))
    x = x * jax.random.uniform(keys[1], (n, 1, 1, 3), minval=0.9, maxval=1.1)
    contrast = jax.random.uniform(keys[2], (n, 1, 1, 1), minval=0.75, maxval=1.2)
    x = (x - 0.5) * contrast + 0.5
    soft = x.at[:, 1:-1].set((x[:, :-2] + 2 * x[:, 1:-1] + x[:, 2:]) / 4)
    soft = soft.at[:, :, 1:-1].set((soft[:, :, :-2] + 2 * soft[:, :, 1:-1] + soft[:, :, 2:]) / 4)
    x = jnp.where(jax.random.uniform(keys[3], (n, 1, 1, 1)) < 0.25, soft, x)
    spread = 0.05 * jax.random.uniform(keys[4], (n, 1, 1, 1)) ** 2
    x = x + spread * jax.random.normal(keys[5], x.shape)
    x = jnp.round(jnp.clip(x, 0.0, 1.0) * 255.0) / 255.0
    return ((x - network.MEAN) / network.STD).transpose(0, 3, 1, 2)


def main(out, minutes, names):
    sets = [data.read(name) for name in names]
    rng = np.random.default_rng()
    if os.path.exists(out):
        parameters = network.load(out)
        print(f"goes on from {out}", flush=True)
    else:
        parameters = network.random_parameters(0)
    averaged = parameters
    chain = optax.chain(optax.clip_by_global_norm(5.0), optax.scale_by_adam(b2=0.99))
    state = chain.init(parameters)

    @jax.jit
    def step(parameters, averaged, state, key, pictures, rows, rate, averaging):
        value, slope = jax.value_and_grad(loss)(parameters, disturb(key, pictures), rows)
        updates, state = chain.update(slope, state)
        parameters = jax.tree.map(lambda p, u: p - rate * (u + 1e-4 * p), parameters, updates)
        averaged = jax.tree.map(
            lambda a, p: averaging * a + (1 - averaging) * p, averaged, parameters
        )
        return parameters, averaged, state, value

    ready = queue.Queue(4)

    def feed():
        for batch in data.batches(sets, BATCH, rng):
            ready.put(batch)

    threading.Thread(target=feed, daemon=True).start()
    start = told = time.monotonic()
    losses, steps = [], 0
    key = jax.random.key(int(rng.integers(1 << 30)))
    while (share := (time.monotonic() - start) / (60 * minutes)) < 1:
        pictures, rows = ready.get()
        rate = PEAK_RATE * min(1.0, (steps + 1) / 50) * (0.5 + 0.5 * np.cos(np.pi * share))
        averaging = min(AVERAGING, (steps + 1) / (steps + 20))
        parameters, averaged, state, value = step(
            parameters, averaged, state, jax.random.fold_in(key, steps), pictures, rows,
            np.float32(rate), np.float32(averaging),
        )
        losses.append(float(value))
        steps += 1
        if time.monotonic() - told > 30:
            told = time.monotonic()
            crops = steps * BATCH
            print(f"{share:4.0%} {steps} steps, {crops} crops, loss {np.mean(losses):.3f}", flush=True)
            losses = []
            network.save(out, averaged)
    network.save(out, averaged)
    print(f"{steps} steps, {steps * BATCH} crops in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
